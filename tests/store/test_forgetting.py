"""Segments without some people's rows, the state without what it says of them, and stops half-way, on each database."""

from __future__ import annotations

from errno import ENOSPC
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from cxminute.model.errors import BrokenStore
from cxminute.model.tables import MOMENT
from cxminute.model.times import DAY
from cxminute.privacy.standing import Words
from cxminute.store import forgetting, rewriting
from cxminute.store import segments as files
from cxminute.store.forgetting import Removal
from cxminute.store.log import Chunk, EventLog, FileId
from cxminute.store.schema import (
    BONDS,
    COLLECTS,
    ERASURES,
    IDENTIFIERS,
    MERGES,
    NAMES,
    PERSONAL,
    SEGMENTS,
    SUPERSEDED,
    VERSIONS,
    metadata,
)
from cxminute.store.state import insert_rows, open_state, state_url, writing
from cxminute.store.suppressions import Suppressions, suppress
from cxminute.store.vault import ERASED, Digest, Vault, called_events, opened_personal
from tests.store.vaults import log_in

Told = tuple[str | None, str | None, str, int]
"""An event: whose, of which order, its name, its day."""
ANN, BO = 0, 1
STORY: list[Told] = [
    ("ann", "o1", "Ordered", 0), ("bo", "o2", "Ordered", 1), ("ann", None, "Only Ann", 2), (None, "o1", "Shipped", 3),
    (None, "o2", "Shipped", 4), ("ann", "shared", "Ordered", 5), ("bo", "shared", "Ordered", 6),
]  # fmt: skip


@pytest.fixture
def log(tmp_path: Path, state: Engine) -> EventLog:
    """A log of its own."""
    return log_in(tmp_path, state)


def collect(
    log: EventLog, told: list[Told], *, keys: list[str] | None = None, salt: int = 0, source: str = "s",
    stores: list[str | None] | None = None,
) -> int:  # fmt: skip
    """One collect of these events, each with something personal and something left over; returns its number."""
    vault = Vault(log.state, log.keyring, b"secret")
    people = vault.intern("user_id", pa.chunked_array([[who for who, *_ in told]], pa.string()))
    orders = vault.intern("order_id", pa.chunked_array([[order for _, order, *_ in told]], pa.string()))
    places = vault.intern("store_id", pa.chunked_array([stores or [None] * len(told)], pa.string()))
    ids = keys or [f"{salt}-{place}#0" for place in range(len(told))]
    rest = [f'{{"properties": {{"said": "{who} {place}", "list": [1, {{"x": {place}}}]}}}}'
            for place, (who, *_) in enumerate(told)]  # fmt: skip
    events = pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "source": pa.array([source] * len(told), pa.string()).dictionary_encode(),
            "position": pa.array(range(len(told)), pa.int64()),
            "kind": pa.array(["track"] * len(told), pa.string()).dictionary_encode(),
            "name": pa.array([name for *_, name, _ in told], pa.string()).dictionary_encode(),
            "at": pa.array([day * DAY for *_, day in told], MOMENT),
            "digest": pa.array([salt * 1_000 + place for place in range(len(told))], pa.uint64()),
            "user_id": people,
            "order_id": orders,
            "store_id": places,
            "profile": people,
            "properties.total": pa.array([float(place) for place in range(len(told))]),
            "rest": pa.array(rest, pa.string()),
        }
    )
    personal = pa.table({"id": events["id"], "profile": people, "properties.name": pa.array(ids, pa.string())})
    begun = log.begin(source, FileId(f"f{salt}", f"{source}{salt}"), salt)
    none = pa.table({name: [] for name in ("source", "position", "reason", "detail", "row")})
    log.append(begun, 0, Chunk(events, personal, none, len(told)), ["properties.total"])
    log.finish(begun, salt)
    return begun.id


def rows(log: EventLog) -> list[tuple[Any, ...]]:
    """Every row of every segment that stands, in its order, with what is left over; and whether it was replaced."""
    found = []
    with duckdb.connect() as duck:
        for piece in log.pieces(()):
            read = duck.execute(
                'SELECT id, profile, order_id, name, epoch_ms("at"), "properties.total:number", rest::JSON::VARCHAR '
                "FROM read_parquet(?)", [str(piece.path)]
            ).fetchall()  # fmt: skip
            gone = set(piece.dropped.tolist())
            found += [(*row, place in gone) for place, row in enumerate(read)]
    return found


def forget(log: EventLog, *profiles: int, by_law: dict[str, list[str]] | None = None) -> rewriting.Mine:
    """Forgets them, as the command does with log and state."""
    mine = rewriting.find(log, profiles, by_law or {})
    written = rewriting.rewrite(log, mine.rows)
    made = forgetting.remove(log, Removal(profiles), mine, written, at=9, people=1, refused={})
    forgetting.sweep(log)
    forgetting.prove(log.state, made, "p.json")
    return mine


def test_only_segments_with_their_events_are_written_anew(log: EventLog) -> None:
    """Every other row stays as it was, in its order, with all that is left over; every other file to the byte."""
    collect(log, STORY)
    collect(log, [("bo", "o9", "Ordered", 7)], salt=1)
    before, hashes = rows(log), set(log.hashes())
    mine = forget(log, ANN)
    assert mine.events == 4, "three of hers, and the parcel of her order, which names nobody"
    assert rows(log) == [row for row in before if row[1] != ANN and row[2] != 0]
    assert len(hashes & set(log.hashes())) == 1
    assert {path.name for path in log.root.rglob("*.parquet")} == {piece.path.name for piece in log.pieces(())}
    log.verify()


def test_what_only_they_told_goes_with_them(log: EventLog) -> None:
    """Their orders and the names that only their events have; an order that somebody else names, too, stays."""
    collect(log, STORY)
    mine = forget(log, ANN)
    assert dict(mine.things) == {"order_id": frozenset([0])}
    assert mine.names == {("s", "Only Ann")}
    vault = Vault(log.state, log.keyring, b"secret")
    assert vault.called("order_id", [0, 1, 2]) == {0: f"{ERASED}0", 1: "o2", 2: "shared"}
    assert vault.called("user_id", [ANN, BO]) == {ANN: f"{ERASED}0", BO: "bo"}
    with log.state.connect() as connection:
        assert any(name.startswith(ERASED) for name in connection.execute(select(NAMES.c.name)).scalars())
        assert connection.execute(select(PERSONAL.c.event).order_by(PERSONAL.c.id)).scalars().all() == called_events(
            log.keyring, "s", ["0-1#0", "0-4#0", "0-6#0"]
        )
    assert "Only Ann" not in (log.root / "names.json").read_text("utf-8")
    collect(log, [("bo", "o3", "Another", 8)], salt=2)
    assert len(set(log.codes().values())) == len(log.codes()), "codes go on after those that are taken"


def test_a_thing_that_events_of_nobody_name_is_not_only_theirs(log: EventLog) -> None:
    """The store that only one customer was seen in goes on being told of: it keeps its name; another goes."""
    told: list[Told] = [("ann", "o1", "Ordered", 0), ("ann", None, "Seen", 1), (None, None, "Stocktaking", 2)]
    collect(log, told, stores=["town", "home", "town"])
    assert dict(forget(log, ANN).things) == {"order_id": frozenset([0]), "store_id": frozenset([1])}
    assert Vault(log.state, log.keyring, b"secret").called("store_id", [0, 1]) == {0: "town", 1: f"{ERASED}1"}


def test_an_invoice_of_nobody_keeps_what_it_names(log: EventLog) -> None:
    """The law keeps it with its order and store, whoever ordered; the order's parcels, which it does not, go."""
    told: list[Told] = [("ann", "o1", "Ordered", 0), (None, "o1", "Invoiced", 1), (None, "o1", "Shipped", 2)]
    collect(log, told, stores=["town", "town", "depot"])
    mine = forget(log, ANN, by_law={"s": ["Invoiced"]})
    assert dict(mine.things) == {"store_id": frozenset([1])}
    assert [row[3] for row in rows(log)] == ["Invoiced"]
    vault = Vault(log.state, log.keyring, b"secret")
    assert (vault.called("order_id", [0]), vault.called("store_id", [0])) == ({0: "o1"}, {0: "town"})


@pytest.mark.parametrize("meanwhile", ["removed", "removed and swept", "swept", "read"])
def test_who_reads_while_somebody_is_forgotten_reads_each_value_where_it_belongs(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """A side file of the rows of before is named for no segment that has others now, and none is named that is gone."""
    collect(log, STORY)
    really, turns = files.write_side, [meanwhile]

    def write_side(*told: Any) -> str | None:
        made = really(*told)
        if turns.pop() if turns else "":
            if meanwhile == "read":
                EventLog(log.root, log.state).pieces(["properties.said"])
            elif meanwhile != "swept":
                mine = rewriting.find(log, [ANN], {})
                written = rewriting.rewrite(log, mine.rows)
                forgetting.remove(log, Removal([ANN]), mine, written, at=9, people=1, refused={})
            if meanwhile.endswith("swept"):
                forgetting.sweep(log)
        return made

    monkeypatch.setattr(files, "write_side", write_side)
    [piece] = log.pieces(["properties.said"])
    [side] = piece.sides
    names = {BO: "bo", ANN: "ann", None: "None"}
    with duckdb.connect() as duck:
        said = duck.execute('SELECT "properties.said:text" FROM read_parquet(?)', [str(side)]).fetchall()
    assert [text for (text,) in said] == [f"{names[row[1]]} {row[0][2]}" for row in rows(log)]
    assert len(said) == (3 if meanwhile.startswith("removed") else 7)
    assert list(log.root.rglob("*.side")) == [side]


def test_what_lies_open_and_is_called_by_them_goes(log: EventLog) -> None:
    """Records of old and names of files, by who is named in them; words of ours stay, whatever users are called."""
    number = collect(log, STORY)
    names = ["order ann@x.de", "package 7 of order ann@x.de", "order 4711", "order 5d41402abc4b2a76b9719d911017c592"]
    words = Words(["ann@x.de", "order"])
    with writing(log.state).begin() as connection:
        insert_rows(connection, VERSIONS, ("source", "record", "changed_at", "collect"),
                    [("s", name, 1, number) for name in names])  # fmt: skip
        [called] = log.names.files(["ann@x.de.csv"])
        connection.execute(update(COLLECTS).values(file=called))
    removal = Removal([ANN], (), forgetting.records(log.state, words.are), forgetting.files(log, words.without))
    assert removal.files == {number: "(forgotten).csv"}
    mine = rewriting.find(log, [ANN], {})
    forgetting.remove(log, removal, mine, rewriting.rewrite(log, mine.rows), at=9, people=1, refused={})
    with log.state.connect() as connection:
        assert set(connection.execute(select(VERSIONS.c.record)).scalars()) == set(names[2:])
    assert [told.file for told in log.collects()] == ["(forgotten).csv"]
    forgetting.sweep(log)
    assert "Ordered" in log.names.said().values()
    [before, after] = Digest(log.keyring.secret(), b"file").of("", ["ann@x.de.csv", "(forgotten).csv"])
    assert log.names.opened([before, after]) == {after: "(forgotten).csv"}
    assert len(log.keyring.destroyed("file names")) == 2, "the name that it was collected under, and this one"


@pytest.mark.parametrize("name", ["bonds", "merges", "proposals", "consents", "disclosures"])
def test_whatever_tells_of_somebody_is_found_by_an_index(name: str) -> None:
    """However much is known of people, a forgetting holds up nobody by looking through all of it."""
    table = metadata.tables[name]
    leading = {next(iter(index.columns)).name for index in table.indexes}
    assert {column.name for column in table.columns} & {"a", "b", "person", "other", "profile"} <= leading


def test_a_full_disk_is_told_as_one(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written anew is no defect of what is there; nothing was changed."""
    collect(log, STORY)
    before = rows(log)

    def full(*_: object) -> str:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(rewriting, "settle", full)
    with pytest.raises(BrokenStore, match="written anew"):
        forget(log, ANN)
    assert rows(log) == before


def test_corrections_and_collects_that_were_taken_back_are_searched(log: EventLog) -> None:
    """A row that was replaced, and one that was undone, lie in files too; marks of others move with their rows."""
    keys = [f"k{place}#0" for place in range(len(STORY))]
    collect(log, STORY, keys=keys)
    collect(log, [(who, order, name, day + 1) for who, order, name, day in STORY], keys=keys, salt=1)
    log.undo(collect(log, STORY, salt=2), 5)
    before = rows(log)
    mine = forget(log, ANN)
    assert mine.events == 12
    assert rows(log) == [row for row in before if row[1] != ANN and row[2] != 0]
    with log.state.connect() as connection:
        marked = connection.execute(select(SUPERSEDED.c.row)).scalars().all()
        assert len(marked) == sum(row[-1] for row in rows(log)) == 3
        assert connection.execute(select(SEGMENTS.c.rows)).scalars().all() == [3, 3, 3]


def test_a_segment_of_nobody_else_goes_whole(log: EventLog) -> None:
    """No empty file is left, and the log reads as one without it."""
    collect(log, [("ann", "o1", "Ordered", 0)])
    collect(log, [("bo", "o2", "Ordered", 1)], salt=1)
    forget(log, ANN)
    assert [row[1] for row in rows(log)] == [BO]
    assert len(list(log.root.rglob("*.parquet"))) == 1


def test_what_a_law_orders_to_keep_stays_readable_and_nameless(log: EventLog) -> None:
    """An invoice keeps its values under keys of their own; whose it was cannot be told by the key of the person."""
    collect(log, STORY)
    mine = forget(log, ANN, by_law={"s": ["Ordered"]})
    assert mine.kept == {("s", "0-0#0"), ("s", "0-5#0")}
    assert dict(mine.things) == {}, "what an invoice names stays with it"
    with log.state.connect() as connection:
        [called] = called_events(log.keyring, "s", ["0-0#0"])
        [held] = connection.execute(select(PERSONAL).where(PERSONAL.c.event == called)).all()
        said = connection.execute(select(IDENTIFIERS.c.value).where(IDENTIFIERS.c.number == ANN)).scalars().all()
    assert held.profile is None
    assert forgetting.spoken(log, [ANN], ["properties.name"]) == set()
    assert f"{ERASED}0" in said
    assert {row[0] for row in rows(log)} == {"0-0#0", "0-1#0", "0-3#0", "0-4#0", "0-5#0", "0-6#0"}
    assert opened_personal(log.keyring, [(held.id, None, held.sealed)]) == [{"properties.name": "0-0#0"}]
    assert forgetting.past_law(log, "s", ["Ordered"], 0) == ()
    assert forgetting.past_law(log, "s", ["Ordered"], DAY) == (held.id,)
    assert len(forgetting.past_law(log, "s", ["Ordered"], 9 * DAY)) == 2, (
        "the parcel of nobody's order is another thing"
    )


def test_what_ties_people_goes_from_both_sides(log: EventLog) -> None:
    """A bond and a merge name two: both rows go, the other person is untouched."""
    collect(log, STORY)
    with writing(log.state).begin() as connection:
        insert_rows(connection, BONDS, ("a", "b", "said", "how", "why", "known_at"),
                    [(0, 1, "linked", "hand", "", 1), (1, 5, "linked", "hand", "", 1)])  # fmt: skip
        insert_rows(connection, MERGES, ("kind", "person", "other", "how", "source", "at", "known_at"),
                    [("merge", 1, 0, "alias", "s", 1, 1), ("merge", 1, 5, "alias", "s", 1, 1)])  # fmt: skip
    found = forgetting.count(log, Removal((ANN,)), rewriting.find(log, [ANN], {}))
    assert (found["bonds"], found["merges"], found["events"]) == (1, 1, 4)
    forget(log, ANN)
    with log.state.connect() as connection:
        assert connection.execute(select(BONDS.c.a, BONDS.c.b)).all() == [(1, 5)]
        assert connection.execute(select(MERGES.c.other)).scalars().all() == [5]
        [said] = connection.execute(select(ERASURES)).all()
    assert (said.people, said.events, said.first_at, said.last_at, said.proof) == (1, 4, 0, 5 * DAY, "p.json")
    assert forgetting.erasures(log.state, 6 * DAY) == (0, 0)
    assert forgetting.erasures(log.state, 5 * DAY, 6 * DAY) == (1, 4)


@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=25), st.sets(st.integers(0, 4)))
def test_any_log_without_any_people(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, int]], gone: set[int]
) -> None:
    """What is left is the log without their rows, whatever it held: no row more, none less, in the same order."""
    folder = tmp_path_factory.mktemp("any")
    log = log_in(folder, open_state(state_url(folder)))
    names = [f"p{who}" for who, _ in told]
    collect(log, [(name, None, "Seen", day) for name, (_, day) in zip(names, told, strict=True)])
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    who = [numbers[f"p{one}"] for one in gone if f"p{one}" in numbers]
    before = rows(log)
    forget(log, *who)
    assert rows(log) == [row for row in before if row[1] not in who]
    log.state.dispose()


def test_suppressions_are_read_anew_only_where_they_changed(state: Engine) -> None:
    """Met is counted, lifted is open again, and a word that was clear is asked for again after a change."""
    held, asked = Suppressions(state), []

    def digests(kind: str, words: Any) -> list[str]:
        asked.extend(words)
        return [f"{kind} {word}" for word in words]

    with writing(state).begin() as connection:
        suppress(connection, {"user_id ann": "user_id"}, 7)
    assert held.now().kinds == {"user_id"}
    assert held.hits("user_id", ["ann", "bo"], digests) == {"ann": "user_id ann"}
    assert held.hits("user_id", ["ann", "bo"], digests) == {"ann": "user_id ann"}
    assert asked == ["ann", "bo", "ann"], "who is clear is asked for once"
    held.met({"user_id ann": 3})
    with writing(state).begin() as connection:
        suppress(connection, {"user_id ann": "user_id", "user_id bo": "user_id"}, 9)
    assert held.now().digests == {"user_id ann", "user_id bo"}
    assert held.hits("user_id", ["bo"], digests) == {"bo": "user_id bo"}
    assert held.lift(["user_id ann", "nobody"]) == 1
    assert held.now().digests == {"user_id bo"}


def test_rows_come_from_files_of_any_number(log: EventLog) -> None:
    """However many segments there are, each is looked through, and each of theirs is found."""
    for salt in range(5):
        collect(log, [("bo", None, "Seen", salt), ("ann", None, "Seen", salt)], salt=salt)
    mine = rewriting.find(log, [1], {})
    assert (len(mine.rows), mine.events) == (5, 5)
    assert all(np.array_equal(rows, [1]) for rows in mine.rows.values())
