"""A tracking plan enforced on what comes through the door: renamed, flagged, set apart, and taken up again."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from tests.app.small_site import NOON, balance, call, ids, item, make_site

PLAN = """source = "site"
unknown = "flag"
faults = "{faults}"
[events.Bought]
aliases = ["Order Completed"]
required = ["order_id", "total"]
[events.Bought.properties]
order_id = "text"
total = "number"
colour = {{ type = "text", one_of = [{colours}] }}
email = "text"
"""


def planned(tmp_path: Path, *, faults: str = "quarantine", colours: str = '"red"') -> Project:
    """A site with a plan."""
    project = make_site(tmp_path / "site")
    (project.root / "plans").mkdir()
    (project.root / "plans" / "site.toml").write_text(PLAN.format(faults=faults, colours=colours), "utf-8")
    return Project(project.root)


def drained(project: Project) -> None:
    """All that waits goes into the log."""
    drain = Drain(project)
    while drain.once(NOON).events:
        pass


def names(project: Project) -> Counter[str]:
    """How many events of each name the log holds."""
    read = [pq.read_table(piece.path, columns=["name"])["name"].to_pylist() for piece in project.log.pieces(())]
    return Counter(name for some in read for name in some)


ITEMS = [
    item(1),
    item(2, event="Bought"),
    item(3, properties={"order_id": "o3", "total": 3, "colour": "blue"}),
    item(4, properties={"order_id": "o4", "total": 3, "size": 3}),
    item(5, event="Seen"),
]
"""Under the former name, under the new one, with a fault, with an unknown property, of an unknown name."""


def test_each_item_goes_where_the_plan_says(tmp_path: Path) -> None:
    """Received is stored and set apart; what was set apart waits whole, and is taken up once the plan is mended."""
    project = planned(tmp_path)
    project.inbox.put([call(ITEMS)])
    drained(project)
    assert balance(project) == (5, 4, 0, 1)
    assert names(project) == {"Bought": 3, "Seen": 1}
    [held] = project.log.rejects("site").to_pylist()
    assert (held["reason"], held["detail"]) == ("not_in_plan", "'colour' is none of the planned values.")
    assert '"blue"' in held["row"]
    (project.root / "plans" / "site.toml").write_text(
        PLAN.format(faults="quarantine", colours='"red", "blue"'), "utf-8"
    )
    assert run(["quarantine", "replay", "--source", "site", "--project", str(project.root)]) == 0
    again = Project(project.root)
    assert again.log.rejects("site").num_rows == 0
    assert names(again) == {"Bought": 4, "Seen": 1}
    assert balance(again) == (5, 5, 0, 0)
    assert len(ids(again)) == len(set(ids(again))) == 5


def test_flags_and_former_names_stand_in_the_log(tmp_path: Path) -> None:
    """What is flagged is stored with its fault beside it, and a renamed event with the name that it came under."""
    project = planned(tmp_path, faults="flag")
    (project.root / "journeys").mkdir()
    paths = "context.plan.fault is present and context.plan.renamed_from is missing"
    journey = f'name = "j"\nwindow = "1 day"\npattern = "Bought where ({paths})"\n'
    (project.root / "journeys" / "j.toml").write_text(journey, "utf-8")
    project = Project(project.root)
    project.inbox.put([call(ITEMS)])
    drained(project)
    [piece] = project.log.pieces(project.definitions.paths)
    rows = {row["id"]: row for row in pq.read_table(piece.path).to_pylist()}
    told = [rows[f"m{n}"]["context.plan.fault:text"] for n in range(1, 6)]
    assert told[:2] == [None, None]
    assert told[2] == "'colour' is none of the planned values"
    assert told[3] == "property 'size' is not planned"
    assert str(told[4]).startswith("event 'Seen' is not planned")
    former = [rows[f"m{n}"]["context.plan.renamed_from:text"] for n in range(1, 6)]
    assert former == ["Order Completed", None, "Order Completed", "Order Completed", None]


def test_what_came_through_the_door_fits_what_is_inferred_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan inferred from a log, and kept, flags nothing of the same events when they come again."""
    project = make_site(tmp_path / "a")
    some = [*ITEMS, item(6, type="page", name="Home"), item(7, type="identify", traits={"email": "a@example.com"})]
    project.inbox.put([call(some)])
    drained(project)
    capsys.readouterr()
    assert run(["events", "--infer", "--project", str(project.root)]) == 0
    text = capsys.readouterr().out
    assert "example.com" not in text
    assert {"Identify", "Order Completed", "Seen"} <= set(tomllib.loads(text)["events"])
    again = make_site(tmp_path / "b")
    (again.root / "plans").mkdir()
    strict = text.replace('unknown = "flag"', 'unknown = "quarantine"').replace(
        'faults  = "flag"', 'faults = "quarantine"'
    )
    (again.root / "plans" / "site.toml").write_text(strict, "utf-8")
    again = Project(again.root)
    again.inbox.put([call(some)])
    drained(again)
    assert again.log.rejects("site")["detail"].to_pylist() == []
    assert names(again) == names(project)
