"""Small groups in every answer that counts: not shown, not to be found by subtraction, and said to be hidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.cli import run
from cxminute.app.project import Project
from cxminute.app.small.cells import Cells, told

SMALLEST = 5
SOURCE = """name = "shop"
format = "csv"
key = ["id"]
[identifiers]
user_id = "user"
[properties]
channel = "channel"
[[events]]
name = {{ from = "event" }}
at = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
smallest_group = {smallest}
"""
JOURNEY = 'name = "buys"\nper = "person"\npattern = \'"Viewed" -> "Added" -> "Bought"\'\nwindow = "5 days"\n'
PROMISE = (
    'name = "reply"\nper = "person"\nmade = \'"Added"\'\ndue = "1 day after made"\nkept = \'"Bought"\'\ntarget = 0.9\n'
)
CHANNELS = {"web": 300, "app": 120, "phone": 60, "post": 3, "fax": 1}
COUNTS = (
    "reached", "completed", "broken", "expired", "open", "opened", "passages", "made", "kept", "late", "overdue",
    "pending", "void", "none", "count", "subjects", "size", "returned", "on_or_after", "active", "new", "returning",
    "resurrected", "dormant", "events", "unexplained", "due", "spent", "people", "identified", "several",
)  # fmt: skip
READINGS = (
    ["journeys"],
    ["journeys", "buys", "--by", "channel"],
    ["journeys", "buys", "--by", "channel", "--count", "subjects"],
    ["journeys", "buys", "--times", "--by", "channel"],
    ["journeys", "buys", "--off-path", "--by", "channel"],
    ["journeys", "buys", "--curve", "--by", "channel"],
    ["promises", "reply", "--by", "channel"],
    ["flows"],
    ["flows", "--anchor", "Added", "--direction", "both", "--depth", "2"],
    ["retention", "--period", "day", "--by", "channel"],
    ["lifecycle", "--period", "day"],
    ["stickiness"],
    ["events"],
    ["events", "--unexplained"],
    ["people"],
    ["consent"],
)


def rows() -> Iterator[str]:
    """Shoppers of each channel, of whom some go on and most come back within days; a rare event of two of them."""
    yield "id,event,at,user,channel"
    number = 0
    for channel, many in CHANNELS.items():
        for one in range(many):
            user = f"{channel}{one}"
            day = 1 + one % 9
            went = ["Viewed", *(["Added"] if one % 4 else []), *(["Bought"] if one % 4 and one % 7 else [])]
            for hour, name in enumerate([*went, *(["Returned"] if user in ("web1", "web2") else [])]):
                number += 1
                yield f"e{number},{name},2026-02-{day + hour:02d}T1{hour}:00:00Z,{user},{channel}"


def shop(root: Path, smallest: int) -> Path:
    """A shop whose contract has a smallest group."""
    source = SOURCE.format(smallest=smallest)
    for folder, text in (("sources", source), ("journeys", JOURNEY), ("promises", PROMISE)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "one.toml").write_text(text, "utf-8")
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (root / "shop.csv").write_text("\n".join(rows()) + "\n", "utf-8")
    assert run(["collect", str(root / "shop.csv"), "--source", "shop", "--project", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that shows no group of fewer than five."""
    return shop(tmp_path_factory.mktemp("careful"), SMALLEST)


def answer(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """The answer as a document."""
    capsys.readouterr()
    assert run([*words, "--json", "--project", str(root)]) == 0
    return json.loads(capsys.readouterr().out)


def counted(document: object) -> Iterator[dict[str, Any]]:
    """Every row of a document."""
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from counted(value)
    elif isinstance(document, list):
        for value in document:
            yield from counted(value)


@pytest.mark.parametrize("words", READINGS, ids=" ".join)
def test_no_answer_shows_a_group_that_is_too_small(
    careful: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Whatever is asked, no count between none and five stands in the document, and what is hidden is marked."""
    found = list(counted(answer(careful, capsys, *words)))
    shown = [(key, row[key]) for row in found for key in COUNTS if isinstance(row.get(key), int)]
    assert shown
    assert not [(key, count) for key, count in shown if 0 < count < SMALLEST]
    for row in found:
        for share, of in (("share", "reached"), ("share_kept", "made"), ("median_ms", "passages")):
            assert not (of in row and row[of] is None and row.get(share) is not None), row


def test_what_is_hidden_is_not_to_be_had_by_subtraction(careful: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of each step the groups that are not shown are together as many as they would be if each were large enough."""
    [found] = answer(careful, capsys, "journeys", "buys", "--by", "channel")["journeys"]
    assert {row["value"] for row in found["groups"] if "hidden" in row} >= {"post", "fax"}
    for whole in found["funnel"]:
        mine = [row for row in found["groups"] if row["step"] == whole["step"]]
        for key in ("reached", "completed", "expired"):
            gone = [row for row in mine if row[key] is None]
            left = None if whole[key] is None else whole[key] - sum(row[key] or 0 for row in mine)
            assert left is None or left >= SMALLEST * len(gone), (whole["step"], key)


def test_hidden_groups_come_last_and_a_line_says_how_many(careful: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their place by size would tell of it; the table has a dash, and beside it stands why."""
    [found] = answer(careful, capsys, "journeys", "buys", "--by", "channel")["journeys"]
    values = list(dict.fromkeys(row["value"] for row in found["groups"]))
    hidden = {row["value"] for row in found["groups"] if "hidden" in row}
    assert values[-len(hidden) :] == sorted(hidden)
    capsys.readouterr()
    assert run(["journeys", "buys", "--by", "channel", "--project", str(careful)]) == 0
    assert "fewer than 5, which a contract does not allow" in capsys.readouterr().err
    assert run(["events", "--project", str(careful)]) == 0
    assert "1 group is not shown" in capsys.readouterr().err


def test_without_a_smallest_group_nothing_changes(
    careful: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default shows every count, and no word of hiding; the groups' counts add up to the whole's."""
    open_shop = shop(tmp_path / "open", 1)
    for words in (["journeys", "buys", "--by", "channel"], ["flows"], ["events"]):
        found = list(counted(answer(open_shop, capsys, *words)))
        assert not [row for row in found if "hidden" in row], words
    [found] = answer(open_shop, capsys, "journeys", "buys", "--by", "channel")["journeys"]
    assert sum(row["reached"] for row in found["groups"] if row["step"] == 1) == sum(CHANNELS.values())
    assert careful != open_shop


def test_the_picture_has_no_hidden_group(careful: Path, tmp_path: Path) -> None:
    """What is not in the table is not drawn."""
    drawn = tmp_path / "curve.svg"
    words = ["journeys", "buys", "--curve", "--by", "channel", "--chart", str(drawn), "--project", str(careful)]
    assert run(words) == 0
    said = drawn.read_text("utf-8")
    assert "web" in said
    assert not [name for name in ("fax", "post") if name in said]


def test_the_brief_leaves_out_what_tells_of_few(careful: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No standing, week or piece of news in it is of fewer than the contract allows; a note says how many are not."""
    found = answer(careful, capsys, "minute", "--week", "2026-W07")
    assert all(row["value"] is None or row["n"] >= SMALLEST for row in found["series"])
    assert "fewer than 5" in json.dumps(found["notes"]) or not found["notes"]
    assert Project(careful).definitions.contracts["shop"].smallest_group == SMALLEST


def test_a_count_that_is_shown_twice_is_hidden_twice() -> None:
    """One count in two rows is one: what is not shown here is not shown there."""
    here, there = {"n": 3, "share": 0.3}, {"n": 3}
    cells = Cells(SMALLEST)
    cells.count(there, "n", same=cells.count(here, "n"))
    assert cells.hide({"share": ("n",)}) == 2
    assert (here, there) == ({"n": None, "share": None, "hidden": True}, {"n": None, "hidden": True})
    assert told(0, SMALLEST) == ""
