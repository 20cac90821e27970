"""Somebody looks around for days, then says who they are: all of it was theirs, in every answer that counts people."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cxminute.app.analysis import View
from cxminute.app.cli import run
from cxminute.app.engines import joined
from cxminute.app.people.identity import Recognising, identity
from cxminute.app.project import Project
from cxminute.journeys.analyses import flows as flowing
from cxminute.journeys.find import find
from cxminute.journeys.plan import compile_plan
from cxminute.store.engines.local import LocalEngine
from cxminute.store.identity import Kept
from cxminute.store.index import in_memory

SITE = """name = "site"
format = "ndjson"
key = ["id"]
[identifiers]
user_id = "user"
anonymous_id = "cookie"
order_id = "order"
[[events]]
name = { from = "event" }
at = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
JOURNEY = """name = "buying"
per = "person"
pattern = '"Viewed" -> "Bought"'
window = "20 days"
"""
PROMISE = """name = "parcel"
per = "person"
made = '"Bought"'
due = "5 days after made"
kept = '"Delivered"'
"""
MET = """name = "met"
per = "person"
pattern = '"Viewed" -> journey sold.completed'
window = "20 days"
"""
SOLD = """name = "sold"
per = "order_id"
pattern = '"Bought" -> "Delivered"'
window = "10 days"
"""
Told = dict[str, Any]


def shop(root: Path, *files: list[Told]) -> Project:
    """A shop whose site's events come in files, one after the other."""
    for name, text in {
        "cxm.toml": 'name = "shop"\n', "sources/site.toml": SITE, "journeys/buying.toml": JOURNEY,
        "journeys/met.toml": MET, "journeys/sold.toml": SOLD, "promises/parcel.toml": PROMISE,
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    for place, rows in enumerate(files):
        file = root / f"{place}.ndjson"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        assert run(["collect", str(file), "--source", "site", "--project", str(root)]) == 0
    return Project(root)


def row(number: int, event: str, day: int, **whose: str) -> Told:
    """One event of a file."""
    return {"id": f"e{number}", "event": event, "at": f"2026-03-{day:02d}T12:{number % 60:02d}:00Z", **whose}


VISITS = [
    row(1, "Viewed", 1, cookie="pocket"), row(2, "Viewed", 2, cookie="laptop"),
    row(3, "Bought", 5, user="ada", order="o1"), row(4, "Viewed", 3, cookie="other"),
]  # fmt: skip
LOGINS = [
    row(5, "Logged In", 6, user="ada", cookie="pocket"), row(6, "Delivered", 7, user="ada", order="o1"),
    row(7, "Logged In", 9, user="ada", cookie="laptop"),
]  # fmt: skip


def told(project: Project, capsys: pytest.CaptureFixture[str], *words: str) -> Told:
    """The answer of a command, as a document."""
    capsys.readouterr()
    assert run([*words, "--json", "--project", str(project.root)]) == 0
    found: Told = json.loads(capsys.readouterr().out)
    return found


def passages(project: Project, name: str = "buying", as_of: int | None = None) -> pa.Table:
    """All passages of a journey, as of a moment."""
    view = View(project, None, as_of, None, None, LocalEngine(1))
    _, found, _ = view.passages(project.journey(name))
    return found.sort_by("opened_at")


def test_visits_before_the_login_are_of_the_person_after_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody who looked had bought, until they logged in: from then on the journey begins with the first look."""
    project = shop(tmp_path, VISITS)
    assert passages(project)["ending"].to_pylist() == ["open", "open", "open"]
    project = shop(tmp_path, VISITS, LOGINS)
    found = passages(project)
    assert sorted(found["ending"].to_pylist()) == ["completed", "open"]
    assert found.filter(pc.equal(found["ending"], "completed"))["opened_at"][0].as_py().day == 1
    assert [row["returned"] for row in told(project, capsys, "retention")["retention"][:1]] != []
    kept = told(project, capsys, "promises", "parcel")["promises"][0]
    assert json.dumps(kept).count("kept") > 0


def test_the_person_behind_an_order_is_the_person(tmp_path: Path) -> None:
    """A journey of persons that waits for one of orders meets it through whoever the visitor turned out to be."""
    assert "completed" not in passages(shop(tmp_path, VISITS), "met")["ending"].to_pylist()
    found = passages(shop(tmp_path, VISITS, LOGINS), "met")
    assert found["ending"].to_pylist().count("completed") == 1
    orders = Project(tmp_path).subjects("order_id", Project(tmp_path).permit())
    person = identity(Project(tmp_path)).person(2)
    assert orders.read(range(10)).column("identifiers.person").to_pylist() == [person, person]


def test_as_of_a_moment_the_visitor_was_still_nobody(tmp_path: Path) -> None:
    """Read as known on 7 March, the laptop had not logged in: its visit is of a person of its own, for ever after."""
    project = shop(tmp_path, VISITS, LOGINS)
    seventh = passages(project, as_of=_at(project, "2026-03-07T20:00"))
    assert sorted(seventh["ending"].to_pylist()) == ["completed", "open", "open"]
    fifth = passages(project, as_of=_at(project, "2026-03-05T20:00"))
    assert fifth["ending"].to_pylist() == ["open", "open", "open"]
    assert sorted(passages(project)["ending"].to_pylist()) == ["completed", "open"]


def _at(project: Project, text: str) -> int:
    from cxminute.model.times import instant  # noqa: PLC0415 -- for this alone

    return instant(text, project.settings.zone)


@pytest.mark.parametrize("seed", range(3))
def test_answers_per_person_are_those_of_a_log_that_names_the_person(tmp_path: Path, seed: int) -> None:
    """Law: analysis with the map of who is who == analysis of a log in which every event carries its person."""
    chance = random.Random(seed)  # noqa: S311 -- made-up events
    rows = []
    for number in range(160):
        cookie = f"c{chance.randrange(14)}"
        user = {"user": f"u{chance.randrange(6)}"} if chance.random() < 0.15 else {}
        event = chance.choice(["Viewed", "Viewed", "Bought", "Delivered"])
        rows.append({**row(number, event, 1 + chance.randrange(25)), "cookie": cookie, **user})
    project = shop(tmp_path, rows[:70], rows[70:])
    found = identity(project)
    numbers = {kind: {name: project.vault.number(kind, name) for name in {each[key] for each in rows if key in each}}
               for kind, key in (("user_id", "user"), ("anonymous_id", "cookie"))}  # fmt: skip
    profiles = [
        numbers["user_id"][each["user"]] if "user" in each else numbers["anonymous_id"][each["cookie"]] for each in rows
    ]
    named = pa.table(
        {
            "subject": [found.person(number or 0) for number in profiles],
            "at": pa.array([each["at"].removesuffix("Z") for each in rows]).cast(pa.timestamp("ms")),
            "name": [each["event"] for each in rows],
            "position": [*range(70), *range(90)],
            "id": [each["id"] for each in rows],
        }
    )
    assert found.merged
    plan = compile_plan(project.journey("buying"))
    own, mapped = in_memory(named, "person"), project.subjects("person", project.permit())
    assert (mapped.opens_at, mapped.closes_at) == (own.opens_at, own.closes_at)
    engine, asked = LocalEngine(2), flowing.Asked()

    def task(streams: Any) -> pa.Table:
        return find(plan, streams, opens_at=own.opens_at, closes_at=own.closes_at)

    first, second = (engine.run(some, task, lambda parts: joined(task, parts)) for some in (own, mapped))
    assert (
        first.sort_by([("subject", "ascending"), ("opened_at", "ascending")]).to_pylist()
        == second.sort_by([("subject", "ascending"), ("opened_at", "ascending")]).to_pylist()
    )
    flows = [
        repr(flowing.table(engine.run(some, lambda streams: flowing.flow(asked, streams), flowing.merged)).to_pylist())
        for some in (own, mapped)
    ]
    assert flows[0] == flows[1]


def test_a_log_in_which_nobody_was_merged_is_read_as_it_lies(tmp_path: Path) -> None:
    """Without a link no map is asked: the index is opened as ever."""
    project = shop(tmp_path, [each for each in VISITS if "cookie" in each])
    assert identity(project).people() is None


def test_a_command_looks_once_who_is_who(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files it takes: what they tell of people is on record when it ends, and was stitched once."""
    visits = [row(number, "Viewed", 2, cookie=f"c{number}") for number in range(3)]
    root, looks = shop(tmp_path, visits).root, list[Recognising]()
    files = [tmp_path / f"later-{number}.ndjson" for number in range(3)]
    for number, file in enumerate(files):
        told = row(10 + number, "Bought", 3 + number, user="ada", cookie=f"c{number}")
        file.write_text(json.dumps(told) + "\n", "utf-8")
    really = Recognising.now

    def counted(recognising: Recognising) -> Kept:
        looks.append(recognising)
        return really(recognising)

    monkeypatch.setattr(Recognising, "now", counted)
    assert run(["collect", *map(str, files), "--source", "site", "--project", str(root)]) == 0
    assert len(looks) == 1
    merges = Project(root).merges.all()
    assert [(one.kind, one.person, one.other) for one in merges] == [("merge", 0, 1), ("merge", 0, 2)]
