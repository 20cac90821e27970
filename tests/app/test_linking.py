"""`cxm link` and `cxm unlink`: what people say of two identifiers, what it changes, and that it can be taken back."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.people import consequences
from cxminute.app.people.identity import identity
from cxminute.app.project import Project
from cxminute.app.streams import open_subjects
from tests.app.linked_site import collect, cxm, derived, event, make_linked, random_events, told
from tests.app.small_site import SOURCE

SHOP = """name = "bazaar"
format = "http"
[identifiers]
order_id = "properties.order_id"
[contract]
origin = "marketplace-global"
purposes = ["service-optimisation"]
link = false
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that a visitor viewed a product of, before ada bought it with another cookie; bob used ada's tablet."""
    project = make_linked(tmp_path_factory.mktemp("made") / "site", "site")
    (project.root / "sources" / "bazaar.toml").write_text(SHOP, "utf-8")
    project = Project(project.root)
    collect(
        project,
        [
            event(1, 2, "Product Viewed", anonymousId="visitor"),
            event(2, 4, "Order Completed", userId="ada", anonymousId="tablet", email="Ada@example.org"),
            event(3, 5, "Product Viewed", userId="ada", anonymousId="tablet"),
            event(4, 6, "Product Viewed", userId="bob", anonymousId="tablet"),
            event(5, 7, "Order Completed", userId="bob", email="relay77@marketplace.amazon.co.uk"),
        ],
    )
    collect(project, [event(6, 8, "Order Completed", userId="buyer-9")], source="bazaar")
    project.close()
    return project.root


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Project:
    """The same, a test's own."""
    shutil.copytree(made, tmp_path / "site")
    return Project(tmp_path / "site")


def test_a_link_says_first_what_it_would_change(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With --dry-run nothing is said and nothing changes; what is told is just what linking then tells."""
    before = derived(site)
    words = ("link", "visitor", "ada", "--because", "the same card")
    would = told(site, capsys, *words, "--dry-run")
    assert derived(site) == before
    assert told(site, capsys, "person", "visitor", "--why")["why"]["bonds"] == []
    did = told(site, capsys, *words)
    assert (would.pop("done"), did.pop("done")) == (False, True)
    assert would == did
    assert derived(site) != before


def test_a_link_tells_who_is_who_now_and_which_passages_change(
    site: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """The visitor's view and ada's order become one passage that completed; the promise is kept; two people are one."""
    found = told(site, capsys, "link", "visitor", "ada")
    assert (found["said"], found["together"], found["stood"]) == (["linked"], True, "nothing")
    assert [len(found["people"][side]) for side in ("before", "after")] == [2, 1]
    buying, welcome = found["changed"]
    assert (buying["about"], buying["before"], buying["after"]) == (
        "journey buying", {"open": 2}, {"completed": 1, "open": 1}
    )  # fmt: skip
    assert [(row["what"], row["before"], row["after"]) for row in buying["rows"]] == [("changes", "open", "completed")]
    assert [(row["before"], row["after"]) for row in welcome["rows"]] == [("overdue", "kept")]


def test_unlink_after_link_brings_back_everything(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Map, passages, ledgers and streams are as before; both words stay in the history, and both merges."""
    before = derived(site)
    cxm(site, "link", "visitor", "ada", "--because", "the same card")
    cxm(site, "unlink", "ada", "visitor", "--because", "two cards")
    assert derived(site) == before
    why = told(site, capsys, "person", "visitor", "--why")["why"]
    assert [(one["said"], one["why"], one["stands"]) for one in why["bonds"]] == [
        ("linked", "the same card", False), ("nothing", "two cards", False),
    ]  # fmt: skip
    assert [one["kind"] for one in why["history"]] == ["merge", "unmerge"]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_linked_can_be_unlinked(tmp_path: Path, seed: int) -> None:
    """Over a generated project: links one after the other, taken back in reverse, leave all derived as it was."""
    project = make_linked(tmp_path / "site", "site")
    collect(project, random_events(seed))
    chance = random.Random(seed)  # noqa: S311 -- which two, the same for a seed
    before = derived(project)
    cookies = sorted({f"c{number}" for number in range(9)})
    pairs = [tuple(chance.sample([*cookies, "ada", "bob"], 2)) for _ in range(3)]
    pairs = list(dict.fromkeys(tuple(sorted(pair)) for pair in pairs))
    changed = False
    for pair in pairs:
        cxm(project, "link", *pair, "--because", "said so")
        changed = changed or identity(Project(project.root)).persons.tolist() != before["persons"]
    assert changed
    for pair in reversed(pairs):
        cxm(project, "unlink", *pair)
    assert derived(project) == before


def test_late_evidence_does_not_glue_again_what_was_held_apart(
    site: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Held apart, ada and her tablet stay two, though new events name both; link takes that back, and they are one."""
    cxm(site, "unlink", "ada", "tablet", "--because", "it is the library's")
    collect(site, [event(40 + n, 20, "Product Viewed", userId="ada", anonymousId="tablet") for n in range(3)])
    assert not _together(site, capsys, "ada", "tablet")
    why = told(site, capsys, "person", "ada", "--why")["why"]
    assert {one["why"] for one in why["refused"]} >= {"apart"}
    found = told(site, capsys, "link", "ada", "tablet")
    assert (found["said"], found["stood"], found["together"]) == (["nothing"], "apart", True)
    assert _together(site, capsys, "ada", "tablet")


def test_what_is_said_already_is_not_said_again(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A second link says nothing, and one unlink takes it back."""
    assert told(site, capsys, "link", "visitor", "ada")["said"] == ["linked"]
    assert told(site, capsys, "link", "ada", "visitor")["said"] == []
    assert told(site, capsys, "unlink", "ada", "visitor")["said"] == ["nothing"]
    assert not _together(site, capsys, "ada", "visitor")


def test_what_a_contract_forbids_is_not_linked(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A marketplace's buyer is linked to nobody, its relay address to nobody outside its source; nothing is said."""
    before = derived(site)
    cxm(site, "link", "buyer-9", "ada", "--because", "same name", code=1)
    assert "may not be linked to others. This breaks 'marketplace: no-linking" in capsys.readouterr().err
    relay = "relay77@marketplace.amazon.co.uk"
    assert told(site, capsys, "link", relay, "bob", "--kind-a", "email")["together"]
    collect(site, [event(50, 9, "Product Viewed", anonymousId="other")])
    for words, said in (
        (["ada", "ada"], "one and the same"),
        (["ada", "nobody-has-this"], "Nobody has that"),
        (["ada", "bob"], "identified themselves"),
        (["ada", "#x"], "no number of an identifier"),
        (["ada", "bob", "--kind-a", "emial"], "Did you mean 'email'?"),
    ):
        cxm(site, "link", *words, code=2)
        assert said in capsys.readouterr().err
    cxm(site, "unlink", "ada", "tablet", code=2)
    assert "takes a reason" in capsys.readouterr().err
    cxm(site, "unlink", relay, "bob")
    assert derived(site)["persons"][: len(before["persons"])] == before["persons"]


def test_two_who_are_identified_become_one_for_a_reason(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A bond by hand joins two user ids, since somebody says how they know; as of before, they were two."""
    found = told(site, capsys, "link", "ada", "bob", "--because", "one woman, two accounts")
    assert found["together"]
    assert _together(site, capsys, "ada", "bob")
    then = told(site, capsys, "person", "ada", "--why", "--as-of", "2026-03-01")
    assert then["identifiers"]["user_id"] == ["ada"]
    assert then["why"]["bonds"] == []


def test_nobody_is_shown_who_may_not_be(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Of people whom a link moves, what only other sources know, and who restricted the use, is counted, not shown."""
    desk = SOURCE.format(name="desk").replace("service-optimisation", "legal-compliance")
    (site.root / "sources" / "desk.toml").write_text(desk, "utf-8")
    site = Project(site.root)
    collect(site, [event(70, 8, "Product Viewed", userId="ada", anonymousId="desk-cookie")], source="desk")
    cxm(site, "consent", "set", "bob", "*", "restricted", "--because", "asked by mail")
    words = ("unlink", "ada", "tablet", "--because", "it is the library's", "--dry-run")
    found = told(site, capsys, *words)
    assert [sorted(one["id"] for one in side["identifiers"]) for side in found["people"]["after"]] == [
        ["a...@e...", "ada"], ["tablet"]
    ]  # fmt: skip
    assert [side["hidden"] for side in found["people"]["after"]] == [1, 2]
    cxm(site, *words)
    shown = capsys.readouterr().out
    assert "1 identifier that may not be shown" in shown
    assert "2 identifiers that may not be shown" in shown
    assert not {"bob", "desk-cookie"} & set(shown.replace(",", " ").split())


def test_one_index_is_opened_for_many_definitions(
    site: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after a link each kind of subject is opened once for a purpose, however many definitions count it."""
    told(site, capsys, "link", "visitor", "ada", "--dry-run")
    opened: list[str] = []

    def counted(project: Project, per: str, *rest: Any, **more: Any) -> Any:
        opened.append(per)
        return open_subjects(project, per, *rest, **more)

    monkeypatch.setattr(consequences, "open_subjects", counted)
    journey = (site.root / "journeys" / "buying.toml").read_text("utf-8")
    for name in ("again", "and-again"):
        (site.root / "journeys" / f"{name}.toml").write_text(journey.replace("buying", name), "utf-8")
    found = told(site, capsys, "link", "visitor", "ada", "--dry-run")
    assert len(found["changed"]) == 4
    assert opened == ["person", "person"]


def test_what_cannot_be_taken_back_is_listed(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Data that went out and briefs that were published while they were one person stand in the answer of unlink."""
    cxm(site, "link", "visitor", "ada")
    site.disclosures.note([0], "a partner", "service-optimisation", "an export of one person", 4_000_000_000_000)
    briefs = site.folder / "briefs"
    briefs.mkdir()
    (briefs / "2026-W07.html").write_text("a brief", "utf-8")
    found = told(site, capsys, "unlink", "visitor", "ada", "--dry-run")
    assert [one["recipient"] for one in found["sent"]] == ["a partner"]
    assert found["briefs"] == ["2026-W07.html"]
    cxm(site, "unlink", "visitor", "ada")
    assert "a partner received: an export of one person" in capsys.readouterr().out


def test_why_shows_each_link_with_its_evidence(
    site: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Which event of which source, when, and how many; what was refused and why; and the same as a picture."""
    alias = {"type": "alias", "messageId": "m60", "timestamp": "2026-02-20T10:00:00Z"}
    collect(site, [alias | {"userId": "ada", "previousId": "ada-before"}])
    why = told(site, capsys, "person", "ada", "--why", "--chart", str(tmp_path / "ada.svg"))["why"]
    of = {one["number"]: (one["kind"], one["id"]) for one in why["identifiers"]}
    links = {frozenset((of[one["a"]], of[one["b"]])): one for one in why["links"]}
    found = links[frozenset({("user_id", "ada"), ("anonymous_id", "tablet")})]
    assert (found["how"], found["source"], found["events"], found["event"]) == ("event", "site", 2, "m2")
    assert found["first_at"].startswith("2026-02-04T10:02")
    before = links[frozenset({("user_id", "ada"), ("user_id", "ada-before")})]
    assert (before["how"], before["event"]) == ("alias", "m60")
    refused = [({of[one["a"]][1], of[one["b"]][1]}, one["why"]) for one in why["refused"]]
    assert ({"tablet", "bob"}, "user_id") in refused
    drawn = (tmp_path / "ada.svg").read_text("utf-8")
    assert all(word in drawn for word in ("user_id ada", "anonymous_id tablet", "user_id bob", "stroke-dasharray"))
    assert "example.org" not in drawn + str(why)


def test_an_identifier_is_named_by_its_number(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """An address is shown shortened, and its number finds the same person as the address itself, however written."""
    shown: str = told(site, capsys, "person", "ada")["identifiers"]["email"][0]
    number = shown.split()[1]
    persons = {told(site, capsys, "person", word)["person"] for word in ("ada", number, " ADA@example.org", "tablet")}
    assert len(persons) == 1


def _together(site: Project, capsys: pytest.CaptureFixture[str], one: str, other: str) -> bool:
    found: list[Any] = [told(site, capsys, "person", word)["person"] for word in (one, other)]
    return bool(found[0] == found[1])
