"""What was set apart, mended and taken up again: from the door and from files; what still fails is kept as it came."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from tests.app.small_shop import SOURCE
from tests.app.small_site import NOON, balance, call, ids, item, make_site


@pytest.fixture
def site(tmp_path: Path) -> Project:
    """A site of which four items were set apart: two say their user elsewhere, one says nobody, one has no name."""
    project = make_site(tmp_path / "site")
    nobody = {"userId": None, "anonymousId": None}
    items = [
        item(1),
        item(2, **nobody, properties={"customer": "u2", "total": 2}),
        item(3, **nobody, properties={"customer": "u3", "total": 3}),
        item(4, **nobody),
        item(5, event=None),
    ]
    project.inbox.put([call(items)])
    Drain(project).once(NOON)
    assert balance(project) == (5, 1, 0, 4)
    return project


def cxm(project: Project, *words: str) -> int:
    """One command over the project."""
    return run([*words, "--project", str(project.root)])


def reasons(project: Project) -> list[str]:
    """Why rows lie in quarantine, in alphabetical order."""
    return sorted(project.log.rejects()["reason"].to_pylist())


def test_a_field_is_taken_from_elsewhere_and_the_event_comes_in(
    site: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Users that lie in a property make two events of four rows; the balance moves them from quarantined to stored."""
    assert cxm(site, "quarantine", "mend", "--source", "site", "userId=properties.customer", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "rows": 4, "events": 2, "rejected": 2, "reasons": {"no_user_anon_id": 1, "no_name": 1}
    }  # fmt: skip
    assert ids(site) == ["m1"], "a dry run writes nothing"
    assert cxm(site, "quarantine", "mend", "--source", "site", "userId=properties.customer") == 0
    assert "4 rows taken up again: 2 events added, 2 rows still in quarantine." in capsys.readouterr().out
    assert ids(site) == ["m1", "m2", "m3"]
    assert site.vault.number("user_id", "u3") is not None
    assert balance(site) == (5, 3, 0, 2)


@pytest.mark.parametrize("how", [["--dry-run"], []])
def test_a_mistyped_path_is_told_and_changes_nothing(
    site: Project, capsys: pytest.CaptureFixture[str], how: list[str]
) -> None:
    """A place that no row has is refused, with the nearest that one has; nothing is taken up, no collect is made."""
    before = reasons(site), len(site.log.collects())
    assert cxm(site, "quarantine", "mend", "--source", "site", "userId=properties.costumer", *how) == 2
    assert "did you mean 'properties.customer'?" in capsys.readouterr().err
    assert (reasons(site), len(site.log.collects())) == before


def test_what_still_fails_is_kept_as_it_came(site: Project) -> None:
    """A row that fails again keeps its first text, and says the reason that holds now."""
    [before] = [row["row"] for row in site.log.rejects().to_pylist() if row["reason"] == "no_name"]
    words = ("--reason", "no_name", "userId=''", "event='Order Completed'")
    assert cxm(site, "quarantine", "mend", "--source", "site", *words) == 0
    assert reasons(site) == ["no_user_anon_id"] * 4
    assert before in site.log.rejects()["row"].to_pylist()


def test_one_row_can_be_mended_by_its_number(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`show --number` shows it, `mend --number` mends it with a text, and the others stay."""
    number = next(row["number"] for row in site.log.rejects().to_pylist() if row["reason"] == "no_name")
    assert cxm(site, "quarantine", "show", "--number", str(number), "--json") == 0
    [shown] = json.loads(capsys.readouterr().out)["rejects"]
    assert shown["number"] == number
    words = ("quarantine", "mend", "event='Order Completed'", "--source", "site", "--number", str(number), "--json")
    assert cxm(site, *words) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 1
    assert ids(site) == ["m1", "m5"]
    assert reasons(site) == ["no_user_anon_id"] * 3
    assert cxm(site, *words) == 2, "it is there no more"


def test_what_came_in_meanwhile_is_a_duplicate(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """An item that its client sent again, right this time, is not stored a second time when the first is mended."""
    site.inbox.put([call([item(2)])])
    Drain(site).once(NOON)
    assert cxm(site, "quarantine", "mend", "userId=properties.customer", "--source", "site", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["repeated"], told["rejected"]) == (1, 1, 2)
    assert ids(site) == ["m1", "m2", "m3"]
    assert balance(site) == (6, 3, 1, 2)


def test_a_replay_under_a_mended_mapping_takes_the_doors_events_in(site: Project) -> None:
    """Where the code or the definitions were at fault, a replay alone is enough; a second one finds nothing changed."""
    assert cxm(site, "quarantine", "replay", "--source", "site") == 0
    assert balance(site) == (5, 1, 0, 4)
    assert len(reasons(site)) == 4


def test_rows_of_a_source_that_was_gone_come_in_when_it_is_back(tmp_path: Path) -> None:
    """Calls of a source without a definition wait in quarantine; once it is defined again a replay takes them in."""
    project = make_site(tmp_path / "site", "site", "shop")
    project.inbox.put([call([item(1), item(2)], source="shop")])
    file = project.root / "sources" / "shop.toml"
    text = file.read_text("utf-8")
    file.unlink()
    Drain(Project(project.root)).once(NOON)
    assert reasons(project) == ["unknown_source"] * 2
    file.write_text(text, "utf-8")
    assert cxm(project, "quarantine", "replay", "--source", "shop") == 0
    assert (ids(project, "shop"), reasons(project)) == (["m1", "m2"], [])


def test_rows_of_a_file_are_mended_by_their_columns(tmp_path: Path) -> None:
    """Orders whose time lies in another column come in once it is named; an empty cell mends nothing."""
    root = tmp_path / "shop"
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (root / "sources" / "orders.toml").write_text(SOURCE, "utf-8")
    file = tmp_path / "orders.csv"
    file.write_text(
        "order,customer,ordered,due,delivered,carrier,placed\n"
        "o1,c1,2026-01-01T10:00:00Z,,,x,\no2,c2,yesterday,,,x,2026-01-02T10:00:00Z\n",
        "utf-8",
    )
    project = Project(root)
    assert cxm(project, "collect", str(file)) == 0
    assert (len(ids(project)), reasons(project)) == (1, ["bad_time"])
    assert cxm(project, "quarantine", "mend", "ordered=due", "--source", "orders") == 2
    assert reasons(project) == ["bad_time"]
    assert cxm(project, "quarantine", "mend", "ordered=placed", "--source", "orders", "--reason", "bad_tim") == 2
    assert cxm(project, "quarantine", "mend", "ordered=placed", "--source", "orders", "--reason", "bad_time") == 0
    assert (len(ids(project)), reasons(project)) == (2, [])


def test_rows_are_shown_where_a_contract_allows_it(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """To look at raw rows is a use of personal data: for a purpose that no contract allows, nothing is shown."""
    for words in ([], ["--source", "site"]):
        assert cxm(site, "quarantine", "show", *words, "--purpose", "marketing", "--json") == 1
        told = capsys.readouterr()
        assert "does not allow 'marketing'" in told.err
        assert "u2" not in told.out
    assert cxm(site, "quarantine", "show", "--purpose", "service-optimisation", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["rejects"]) == 4


@pytest.mark.parametrize(
    "words",
    [["replay"], ["mend", "userId=properties.customer"], ["mend", "userId=properties.customer", "--dry-run"]],
)
def test_rows_are_taken_up_where_a_contract_allows_it(
    site: Project, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """To open rows is a use as well: for a purpose that the source's contract does not allow, nothing is taken up."""
    words = ["quarantine", *words, "--source", "site"]
    assert cxm(site, *words, "--purpose", "marketing") == 1
    assert "does not allow 'marketing'" in capsys.readouterr().err
    assert (len(reasons(site)), ids(site)) == (4, ["m1"])
    assert cxm(site, *words, "--purpose", "service-optimisation") == 0


def test_rows_of_a_source_that_no_file_defines_are_counted_and_not_shown(
    site: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing allows their use; they wait to be taken up once the source is defined again."""
    (site.root / "sources" / "shop.toml").write_text(
        (site.root / "sources" / "site.toml").read_text("utf-8").replace('"site"', '"shop"'), "utf-8"
    )
    site.inbox.put([call([item(9)], source="other")])
    Drain(site).once(NOON)
    assert cxm(site, "quarantine", "show", "--json") == 0
    told = capsys.readouterr()
    assert {row["source"] for row in json.loads(told.out)["rejects"]} == {"site"}
    assert "No file defines source 'other'" in told.err
