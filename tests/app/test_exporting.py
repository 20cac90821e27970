"""`cxm events --export`: what came from a process log goes out as it came, and our own events as others read them."""

from __future__ import annotations

import gzip
import json
import warnings
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pysqlite3 import dbapi2 as sqlite

from benchmarks.logs import write as write_log
from cxminute.app.cli import run
from cxminute.app.project import Project
from cxminute.store.formats import ocel
from cxminute.store.profiles import Span
from cxminute.store.whole import whole
from tests.app.small_shop import HEADER, PROMISE
from tests.app.small_shop import SOURCE as SHOP
from tests.collect.logs.logged import OCEL, SOURCE, XES, project, said_of_ocel, said_of_xes

ROWS = (
    "o1,ada,2026-02-02T10:00:00Z,2026-02-05T10:00:00Z,2026-02-04T10:00:00Z,swift",
    "o2,bob,2026-02-03T10:00:00Z,2026-02-06T10:00:00Z,,swift",
    "o3,ada,2026-02-09T10:00:00Z,,2026-02-10T10:00:00Z,slow",
)


def cxm(root: Path, *words: object) -> int:
    """A command over the project."""
    return run([*map(str, words), "--project", str(root)])


def collected(root: Path, form: str, content: str) -> Path:
    """A project with a log in it."""
    folder = project(root, form)
    file = folder / ("in.xes" if form == "xes" else "in.json")
    file.write_text(content, "utf-8")
    assert cxm(folder, "collect", file) == 0
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three orders of two customers, with a promise."""
    root = project(tmp_path / "shop")
    (root / "promises").mkdir()
    (root / "sources" / "orders.toml").write_text(SHOP, "utf-8")
    (root / "promises" / "delivery.toml").write_text(PROMISE, "utf-8")
    (root / "orders.csv").write_text("\n".join([HEADER, *ROWS]), "utf-8")
    assert cxm(root, "collect", root / "orders.csv") == 0
    return root


def told_by(root: Path, *words: object) -> dict[str, Any]:
    """OCEL of a project."""
    assert cxm(root, "events", "--export", root / "out.json", *words) == 0
    found: dict[str, Any] = json.loads((root / "out.json").read_bytes())
    return found


@pytest.mark.parametrize("name", ["out.xes", "out.xes.gz"])
def test_an_xes_log_comes_out_as_it_went_in(tmp_path: Path, name: str) -> None:
    """Events, cases, times, attributes of every type, what the log says of itself, the order within a case."""
    root = collected(tmp_path / "p", "xes", XES)
    assert cxm(root, "events", "--export", root / name, "--per", "case_id") == 0
    written = (root / name).read_bytes()
    assert said_of_xes(gzip.decompress(written) if name.endswith("gz") else written) == said_of_xes(XES)


def test_a_log_that_went_out_comes_in_as_the_same_events(tmp_path: Path) -> None:
    """Taken through twice, it is the same file to the byte."""
    root = collected(tmp_path / "p", "xes", XES)
    assert cxm(root, "events", "--export", root / "once.xes") == 0
    again = collected(tmp_path / "q", "xes", (root / "once.xes").read_text("utf-8"))
    assert cxm(again, "events", "--export", again / "twice.xes") == 0
    assert (again / "twice.xes").read_bytes() == (root / "once.xes").read_bytes()


def test_an_ocel_log_comes_out_as_it_went_in(tmp_path: Path) -> None:
    """Events, objects, qualifiers, values over time, relations among objects, types of which there is nothing."""
    root = collected(tmp_path / "p", "ocel", json.dumps(OCEL))
    assert said_of_ocel(told_by(root)) == said_of_ocel(OCEL)


def test_an_ocel_log_goes_through_a_database_and_comes_out_as_it_went_in(tmp_path: Path) -> None:
    """SQLite out, SQLite in, JSON out: the same log, but that a database keeps a number that was text as a number."""
    root = collected(tmp_path / "p", "ocel", json.dumps(OCEL))
    assert cxm(root, "events", "--export", root / "out.sqlite") == 0
    said = said_of_ocel(OCEL)
    said["objects"]["i1"] = ("Purchase Item", [("weight", "3", "1970-01-01T00:00:00+00:00")], [])
    assert said_of_ocel(ocel.read(root / "out.sqlite")) == said
    again = project(tmp_path / "q", "ocel")
    assert cxm(again, "collect", root / "out.sqlite") == 0
    assert said_of_ocel(told_by(again)) == said


def drawn(seed: int) -> dict[str, Any]:
    """A log of 60 objects of four types and 120 events, with whatever attributes and relations chance gives them."""
    draw = Random(seed)  # noqa: S311 -- a drawn log is no secret
    values: dict[str, list[Any]] = {
        "integer": [0, -7, 9007199254740993],
        "float": [0.1, -5.0, 1e300, 3],
        "string": ["", " x ", "ü\n", "12"],
        "boolean": [True, False],
        "time": ["2024-01-01T00:00:00+02:00"],
    }

    def attributes(kind: str, *times: str) -> list[dict[str, Any]]:
        chosen = draw.sample(sorted(values), draw.randint(0, 4))
        pairs = [(name, {"time": time}) for name in chosen for time in times] or [(name, {}) for name in chosen]
        return [{"name": f"{kind} {name}", "value": draw.choice(values[name]), **time} for name, time in pairs]

    types = ["order", "Ticket", "ticket", "Ünit 3"]
    objects: list[dict[str, Any]] = [{"id": f"{draw.choice('ab')}{n}", "type": draw.choice(types)} for n in range(60)]

    def related() -> list[dict[str, str]]:
        chosen = draw.sample(objects, draw.randint(0, 5))
        return [{"objectId": one["id"], "qualifier": draw.choice(["", "of", "in"])} for one in chosen]

    moments = [f"20{draw.randint(10, 24)}-0{draw.randint(1, 9)}-11T0{n % 10}:00:00Z" for n in range(120)]
    for one in objects:
        times = draw.sample(["1970-01-01T00:00:00Z", "2012-05-05T00:00:00.5Z", "2023-05-05T00:00:00Z"], 2)
        one["attributes"], one["relationships"] = attributes("o", *times), related()
    events = [
        {"id": f"e{n}", "type": draw.choice(["A", "B b", "Object Changed"]), "time": at,
         "attributes": attributes("e"), "relationships": related()}
        for n, at in enumerate(moments)
    ]  # fmt: skip
    declared = {kind: [{"name": f"{kind} {name}", "type": name} for name in values] for kind in "oe"}
    return {
        "objectTypes": [{"name": name, "attributes": declared["o"]} for name in types],
        "eventTypes": [{"name": name, "attributes": declared["e"]} for name in ("A", "B b", "Object Changed")],
        "objects": objects,
        "events": events,
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_ocel_log_comes_out_as_it_went_in(tmp_path: Path, seed: int) -> None:
    """Types that differ in case alone, events called as ours are, texts with blanks at their ends: all the same."""
    document = drawn(seed)
    root = collected(tmp_path / "p", "ocel", json.dumps(document))
    assert said_of_ocel(told_by(root)) == said_of_ocel(document)


def test_a_longer_xes_log_comes_out_as_it_went_in(tmp_path: Path) -> None:
    """Two thousand events in a hundred traces, in several segments."""
    root = project(tmp_path / "p", "xes")
    (root / "cxm.toml").write_text('name = "logs"\n[log]\nsegment_rows = 1000\n', "utf-8")
    write_log(root / "in.xes", 2_000)
    assert cxm(root, "collect", root / "in.xes") == 0
    assert len(Project(root).log.hashes()) == 2
    assert cxm(root, "events", "--export", root / "out.xes") == 0
    assert said_of_xes((root / "out.xes").read_bytes()) == said_of_xes((root / "in.xes").read_bytes())


def test_persons_of_an_ocel_log_are_numbers(tmp_path: Path) -> None:
    """Whom an event names first is its person, by number; who else lies in the vault, and no file has their ids."""
    document = json.loads(json.dumps(OCEL))
    document["objects"] += [
        {"id": "ada@example", "type": "person", "attributes": [{"name": "email", "value": "ada@example"}]},
        {"id": "bob@example", "type": "person"},
    ]
    document["events"][0]["relationships"] += [
        {"objectId": "ada@example", "qualifier": "buyer"},
        {"objectId": "bob@example", "qualifier": "payer"},
    ]
    document["objects"][0]["relationships"].append({"objectId": "bob@example", "qualifier": "of"})
    root = collected(tmp_path / "p", "ocel", json.dumps(document))
    found = told_by(root)
    assert "@example" not in json.dumps(found)
    assert {"objectId": "person 0", "qualifier": "buyer"} in found["events"][0]["relationships"]
    inside = [repr(event) for event in whole(Project(root).log.pieces(()), Span())]
    assert len(inside) > len(document["events"])
    assert "@example" not in "".join(inside)


def test_the_tables_of_a_database_are_those_of_the_standard(tmp_path: Path) -> None:
    """One table for each type, found by its map; an object's beginning has no changed field, a change names it."""
    root = collected(tmp_path / "p", "ocel", json.dumps(OCEL))
    assert cxm(root, "events", "--export", root / "out.sqlite") == 0
    connection = sqlite.connect(str(root / "out.sqlite"))
    kinds = dict(connection.execute("SELECT ocel_type, ocel_type_map FROM object_map_type").fetchall())
    rows = connection.execute(
        f'SELECT ocel_id, ocel_changed_field, state FROM "object_{kinds["order"]}" ORDER BY ocel_id, ocel_time'  # noqa: S608 -- our own
    ).fetchall()
    connection.close()
    assert rows == [("o1", None, "open"), ("o1", "state", "paid"), ("o2", None, None)]
    assert kinds["Purchase Item"] == "PurchaseItem"


def test_pm4py_reads_what_we_write_and_we_read_what_it_writes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The frames that it makes of our XES, JSON and SQLite are those it makes of the logs that went in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pm4py: Any = import_module("pm4py")
        cases = collected(tmp_path / "cases", "xes", XES)
        things = collected(tmp_path / "things", "ocel", json.dumps(OCEL))
        assert cxm(cases, "events", "--export", cases / "out.xes", "--per", "case_id") == 0
        for name in ("out.json", "out.sqlite"):
            assert cxm(things, "events", "--export", things / name) == 0
        frames = [pm4py.read_xes(str(cases / name)) for name in ("in.xes", "out.xes")]
        assert frame_of(frames[0]) == frame_of(frames[1])
        logs = [pm4py.read_ocel2_json(str(things / name)) for name in ("in.json", "out.json")]
        logs.append(pm4py.read_ocel2_sqlite(str(things / "out.sqlite")))
        assert parts(logs[0]) == parts(logs[1])
        for part in ("relations", "o2o"):
            assert parts(logs[0])[part] == parts(logs[2])[part]
        named = frames[0].dropna(subset=["case:concept:name"])  # it writes no case without a name
        pm4py.write_xes(named, str(tmp_path / "theirs.xes"))
        pm4py.write_ocel2_json(logs[0], str(tmp_path / "theirs.json"))
        pm4py.write_ocel2_sqlite(logs[0], str(tmp_path / "theirs.sqlite"))
        back = project(tmp_path / "back", "xes", "ocel")
        assert cxm(back, "collect", tmp_path / "theirs.xes", "--source", "xes") == 0
        assert cxm(back, "events", "--export", back / "back.xes", "--per", "case_id") == 0
        theirs = [pm4py.read_xes(str(path)) for path in (tmp_path / "theirs.xes", back / "back.xes")]
        assert frame_of(theirs[0]) == frame_of(theirs[1])
        for name in ("theirs.json", "theirs.sqlite"):
            root = project(tmp_path / name.replace(".", "-"), "ocel")
            assert cxm(root, "collect", tmp_path / name) == 0
            assert cxm(root, "events", "--export", root / "out.json") == 0
            found = parts(pm4py.read_ocel2_json(str(root / "out.json")))
            reader = pm4py.read_ocel2_json if name.endswith("json") else pm4py.read_ocel2_sqlite
            before = parts(reader(str(tmp_path / name)))  # what it writes is less than what it read
            for part in ("relations", "o2o", "objects"):
                assert found[part] == before[part]
            assert found["events"].keys() == before["events"].keys()
    capfd.readouterr()


def frame_of(frame: Any) -> list[str]:
    """Rows of a frame, without the order of its columns and without what is empty."""
    return [
        repr(sorted((key, str(value)) for key, value in row.items() if str(value) not in {"nan", "NaT", "None"}))
        for row in frame.to_dict("records")
    ]


def parts(log: Any) -> dict[str, dict[str, str]]:
    """What pm4py knows of an object-centric log, by id."""
    return {
        "events": {row["ocel:eid"]: said for row, said in _rows(log.events)},
        "objects": {row["ocel:oid"]: said for row, said in _rows(log.objects)},
        "relations": {f"{row['ocel:eid']} {row['ocel:oid']}": said for row, said in _rows(log.relations)},
        "o2o": {said: said for _, said in _rows(log.o2o)},
        "changes": {said: said for _, said in _rows(log.object_changes)},
    }


def _rows(frame: Any) -> list[tuple[dict[str, Any], str]]:
    return list(zip(frame.to_dict("records"), frame_of(frame), strict=True))


def test_our_own_events_go_out_as_cases_of_a_kind_of_subject(shop: Path) -> None:
    """An order is a case with its events in order; properties are attributes with their types."""
    assert cxm(shop, "events", "--export", shop / "out.xes", "--per", "order_id") == 0
    found = said_of_xes((shop / "out.xes").read_bytes())
    assert len(found["traces"]) == 3
    first = next(events for about, events in found["traces"] if "o1" in about[0])
    said = {dict(attributes)["key"]: (tag, dict(attributes)["value"]) for tag, attributes, _ in first[0][2]}
    assert said == {
        "concept:name": ("string", "Ordered"),
        "time:timestamp": ("date", "2026-02-02T10:00:00+00:00"),
        "due": ("date", "2026-02-05T10:00:00+00:00"),
        "carrier": ("string", "swift"),
        "source": ("string", "orders"),
    }


def test_a_person_goes_out_by_number(shop: Path) -> None:
    """Neither a case nor an object bears a customer's id; what somebody did stays together all the same."""
    assert cxm(shop, "events", "--export", shop / "out.xes", "--per", "person") == 0
    document = told_by(shop)
    written = (shop / "out.xes").read_text("utf-8") + (shop / "out.json").read_text("utf-8")
    assert "ada" not in written
    assert "bob" not in written
    assert len(said_of_xes((shop / "out.xes").read_bytes())["traces"]) == 2
    persons = [one["id"] for one in document["objects"] if one["type"] == "person"]
    assert sorted(persons) == ["person 0", "person 1"]


def test_a_person_of_several_identifiers_goes_out_as_one(shop: Path) -> None:
    """Whom people say to be one is one case and one object; held apart again, they are two."""
    assert cxm(shop, "link", "ada", "bob", "--because", "one woman, two accounts") == 0
    assert cxm(shop, "events", "--export", shop / "out.xes", "--per", "person") == 0
    assert [len(events) for _, events in said_of_xes((shop / "out.xes").read_bytes())["traces"]] == [5]
    persons = [one["id"] for one in told_by(shop)["objects"] if one["type"] == "person"]
    assert persons == ["person 0"]
    assert cxm(shop, "unlink", "ada", "bob", "--because", "a mistake") == 0
    assert len([one for one in told_by(shop)["objects"] if one["type"] == "person"]) == 2


def test_orders_persons_and_promises_are_objects(shop: Path) -> None:
    """Every promise of the ledger is an object with its state, tied to its order and to the events that decide it."""
    document = told_by(shop)
    kinds = [one["type"] for one in document["objects"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {"order": 3, "person": 2, "promise": 2}
    kept = next(one for one in document["objects"] if one["id"].startswith("delivery o1"))
    assert {found["name"]: found["value"] for found in kept["attributes"]}["state"] == "kept"
    assert kept["relationships"] == [{"objectId": "o1", "qualifier": "made about"}]
    named = [
        (event["type"], found["qualifier"])
        for event in document["events"]
        for found in event["relationships"]
        if found["objectId"] == kept["id"]
    ]
    assert named == [("Ordered", "made"), ("Delivered", "outcome")]


def test_only_a_span_and_only_what_was_known_then_goes_out(shop: Path) -> None:
    """--since and --until count by when events happened, and leave objects of which nothing did."""
    found = told_by(shop, "--since", "2026-02-05", "--until", "2026-02-10")
    assert [event["type"] for event in found["events"]] == ["Ordered"]
    assert [one["id"] for one in found["objects"] if one["type"] == "order"] == ["o3"]
    found = told_by(shop, "--as-of", "2026-02-03T10:00:00Z")
    assert [event["type"] for event in found["events"]] == ["Ordered", "Ordered"]


def test_what_a_permit_does_not_cover_does_not_go_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source whose contract does not allow the purpose is refused, or left out and said so."""
    root = collected(tmp_path / "p", "xes", XES)
    capsys.readouterr()
    assert cxm(root, "events", "--export", root / "out.xes", "--purpose", "marketing") != 0
    assert not (root / "out.xes").exists()


def test_personal_attributes_stay(tmp_path: Path) -> None:
    """An attribute that is personal by its name, plain or within another, is in the vault and in no file."""
    inner = '<string key="desk" value="north"><string key="email" value="a@example.com"/></string>'
    text = XES.replace('<string key="org:resource" value="112"/>', f'<string key="phone" value="+49 1"/>{inner}')
    root = collected(tmp_path / "p", "xes", text)
    assert cxm(root, "events", "--export", root / "out.xes") == 0
    written = (root / "out.xes").read_text("utf-8")
    assert "example.com" not in written
    assert "+49" not in written
    assert "north" in written


def test_a_log_exported_anew_corrects_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same file again adds nothing; a changed attribute of a trace is a correction, not another event."""
    root = collected(tmp_path / "p", "xes", XES)
    (root / "later.xes").write_text(XES.replace('key="AMOUNT" value="5000.0"', 'key="AMOUNT" value="6000.0"'), "utf-8")
    capsys.readouterr()
    assert cxm(root, "collect", root / "in.xes") == 0
    assert cxm(root, "collect", root / "later.xes", "--json") == 0
    told = Project(root).log.collects()
    assert [(one.counts.added, one.counts.corrected, one.counts.repeated) for one in told] == [(7, 0, 0), (0, 3, 4)]
    assert cxm(root, "events", "--export", root / "out.xes") == 0
    assert '"6000.0"' in (root / "out.xes").read_text("utf-8")
    assert cxm(root, "collects", "undo", "2") == 0
    assert cxm(root, "events", "--export", root / "out.xes") == 0
    assert said_of_xes((root / "out.xes").read_bytes()) == said_of_xes(XES)


def test_kinds_of_subject_that_a_log_brought_can_be_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A type of object is a kind of subject like any other: journeys and flows per item, the nearest name if wrong."""
    root = collected(tmp_path / "p", "ocel", json.dumps(OCEL))
    (root / "journeys").mkdir()
    journey = 'name = "sent"\nper = "order_id"\nwindow = "9 days"\n'
    pattern = 'pattern = \'"Place Order" where (properties.lines > 1) -> "Object Changed" where (state = "paid")\'\n'
    (root / "journeys" / "sent.toml").write_text(journey + pattern, "utf-8")
    assert cxm(root, "check") == 0
    capsys.readouterr()
    assert cxm(root, "journeys", "--json") == 0
    [found] = json.loads(capsys.readouterr().out)["journeys"]
    assert (found["endings"]["opened"], found["endings"]["completed"]) == (1, 1)
    assert cxm(root, "flows", "--per", "purchase_item", "--json") == 0
    assert "Ship" in capsys.readouterr().out
    assert cxm(root, "events", "--export", root / "out.xes", "--per", "purchase_itm") == 2
    assert "Did you mean 'purchase_item'?" in capsys.readouterr().err


def test_events_of_no_such_subject_are_left_out_and_counted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What has no case of the kind asked for is in no trace, and the answer says how many those are."""
    (shop / "more.csv").write_text(f"{HEADER}\no4,,2026-03-01T10:00:00Z,,,swift\n", "utf-8")
    assert cxm(shop, "collect", shop / "more.csv") == 0
    capsys.readouterr()
    assert cxm(shop, "events", "--export", shop / "out.xes", "--per", "person", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": "out.xes", "events": 5, "cases": 2, "per": "person", "left_out": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--export", "out.csv"), "ends in no kind of log"),
        (("--export", "out.json", "--per", "order_id"), "all kinds of objects"),
        (("--export", "none/out.xes"), "cannot be written"),
        (("--export", "out.xes", "--infer"), "different questions"),
        (("--per", "order_id"), "--unexplained"),
    ],
)
def test_what_cannot_be_written_is_said(
    shop: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    """A wrong ending, a kind where there are all, a folder that is not there: said, and no file is left."""
    before = sorted(shop.iterdir())
    placed = [str(shop / word) if word.startswith(("out.", "none/")) else word for word in words]
    assert cxm(shop, "events", *placed) == 2
    assert said in capsys.readouterr().err
    assert sorted(shop.iterdir()) == before


def test_ids_that_two_types_share_are_told_apart(tmp_path: Path) -> None:
    """An order 7 and a ticket 7 are two objects, and every relation names the right one."""
    root = project(tmp_path / "p")
    source = SHOP.replace('order_id = "order"', 'order_id = "order"\nticket_id = "carrier"')
    (root / "sources" / "orders.toml").write_text(source, "utf-8")
    (root / "orders.csv").write_text(f"{HEADER}\n7,ada,2026-02-02T10:00:00Z,,,7\n", "utf-8")
    assert cxm(root, "collect", root / "orders.csv") == 0
    document = told_by(root)
    assert sorted(one["id"] for one in document["objects"]) == ["order 7", "person 0", "ticket 7"]
    [event] = document["events"]
    assert sorted(found["objectId"] for found in event["relationships"]) == ["order 7", "person 0", "ticket 7"]


def test_attributes_that_a_database_takes_for_one_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """'Price' and 'price' are two attributes in JSON and one column in SQLite: said, and no file is left."""
    document = json.loads(json.dumps(OCEL))
    document["events"][0]["attributes"].append({"name": "Channel", "value": "shop"})
    root = collected(tmp_path / "p", "ocel", json.dumps(document))
    assert cxm(root, "events", "--export", root / "out.sqlite") == 3
    assert "'channel' and 'Channel' of 'Place Order' apart" in capsys.readouterr().err
    assert not list(root.glob("*out.sqlite*"))
    assert said_of_ocel(told_by(root))["events"] == said_of_ocel(document)["events"]


def test_a_database_that_is_no_ocel_or_damaged_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another database names the table that it lacks; half a one is refused; nothing of either goes in."""
    root = project(tmp_path / "p", "ocel")
    connection = sqlite.connect(str(root / "other.sqlite"))
    connection.execute("CREATE TABLE event (ocel_id TEXT, ocel_type TEXT)")
    connection.close()
    assert cxm(root, "collect", root / "other.sqlite") == 3
    assert "no table 'object'" in capsys.readouterr().err
    (root / "half.sqlite").write_bytes((root / "other.sqlite").read_bytes()[:5_000])
    assert cxm(root, "collect", root / "half.sqlite") == 3
    assert Project(root).log.collects() == []


def test_properties_of_ours_that_are_called_as_notes_of_logs_are_properties(tmp_path: Path) -> None:
    """What a source of ours calls 'case', 'xes' or 'ocel' goes out by its name, whatever it holds."""
    root = project(tmp_path / "p")
    mapping = 'key = ["id"]\n[identifiers]\norder_id = "id"\n[[events]]\nname = "Ordered"\nat = "at"\n[contract]'
    source = SOURCE.format(name="calls", form="ndjson").replace("[contract]", mapping)
    (root / "sources" / "calls.toml").write_text(source, "utf-8")
    said = {"case": "north", "xes": {"case": 3, "name": "Other"}, "ocel": {"objects": 7, "name": "Other"}}
    row = {"id": "o1", "at": "2026-01-01T00:00:00Z", "properties": said}
    (root / "calls.ndjson").write_text(json.dumps(row), "utf-8")
    assert cxm(root, "collect", root / "calls.ndjson") == 0
    assert cxm(root, "events", "--export", root / "out.xes", "--per", "order_id") == 0
    [(about, [event])] = said_of_xes((root / "out.xes").read_bytes())["traces"]
    assert len(about) == 1
    found = {dict(attributes)["key"]: dict(attributes)["value"] for _, attributes, _ in event[2]}
    assert {name: found[name] for name in ("concept:name", "case", "xes.case", "ocel.objects")} == {
        "concept:name": "Ordered", "case": "north", "xes.case": "3", "ocel.objects": "7",
    }  # fmt: skip
    [event] = told_by(root)["events"]
    values = {one["name"]: one["value"] for one in event["attributes"]}
    assert (event["type"], values["case"], values["ocel.objects"]) == ("Ordered", "north", 7)


def test_what_a_log_broke_is_mended_and_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An event without a time lies in quarantine whole; given one there, it joins its case."""
    timeless = '<date key="time:timestamp" value="2011-10-03T10:00:00.000Z"/>'
    root = collected(tmp_path / "p", "xes", XES.replace(timeless, ""))
    assert cxm(root, "quarantine", "mend", "at='2011-10-03T10:00:00.000Z'", "--source", "xes") == 0
    capsys.readouterr()
    assert cxm(root, "quarantine", "--json") == 0
    assert json.loads(capsys.readouterr().out)["quarantine"] == []
    assert cxm(root, "events", "--export", root / "out.xes") == 0
    assert said_of_xes((root / "out.xes").read_bytes()) == said_of_xes(XES)


def test_what_nobody_may_link_stays_apart(shop: Path) -> None:
    """An order o1 of a marketplace is not the shop's o1: two cases, two objects, told apart by the source's name."""
    bazaar = SHOP.replace('"orders"', '"bazaar"').replace('"first-party"', '"marketplace-global"')
    (shop / "sources" / "bazaar.toml").write_text(bazaar, "utf-8")
    (shop / "bazaar.csv").write_text("\n".join([HEADER, ROWS[0]]), "utf-8")
    assert cxm(shop, "collect", shop / "bazaar.csv", "--source", "bazaar") == 0
    orders = sorted(one["id"] for one in told_by(shop)["objects"] if one["type"] == "order")
    assert orders == ["o1", "o1 (bazaar)", "o2", "o3"]
    assert cxm(shop, "events", "--export", shop / "out.xes", "--per", "order_id") == 0
    assert len(said_of_xes((shop / "out.xes").read_bytes())["traces"]) == 4


@pytest.mark.parametrize("form", ["xes", "json"])
def test_who_restricted_the_use_of_their_data_does_not_go_out(shop: Path, form: str) -> None:
    """Neither as cases nor as objects: an event of somebody whose data is only kept stays in the log."""
    assert cxm(shop, "consent", "set", "bob", "*", "restricted", "--because", "asked by letter") == 0
    assert cxm(shop, "events", "--export", shop / f"out.{form}", *(["--per", "order_id"] if form == "xes" else [])) == 0
    written = (shop / f"out.{form}").read_text("utf-8")
    assert ('"o1"' in written, '"o2"' in written) == (True, False)
