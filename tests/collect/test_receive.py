"""Rows become events: ids that stay, times that mean one instant, rows set apart with the right reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from cxminute.collect.receive import receive
from cxminute.collect.rows import of_table
from cxminute.collect.seen import Seen
from cxminute.model.errors import UnknownName
from cxminute.model.tables import EVENT, MOMENT, REJECT
from cxminute.store.conditions import evaluate
from tests.collect.sources import ORDERS, csv_rows, from_columns, reasons, received, source_of

TYPED = ORDERS.replace('"csv"', '"parquet"')
KEYLESS = TYPED.replace('key    = ["id"]', "")
LIFE = """
name = "requests"
format = "parquet"
key = ["id"]
[identifiers]
request_id = "id"
[properties]
channel = "channel"
due = { from = "due", type = "time" }
[[events]]
name = "Request Opened"
at = "opened"
[[events]]
name = "Request Closed"
at = "closed"
not_before = "opened"
properties = ["channel"]
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def rows(**columns: Sequence[object]) -> dict[str, list[object]]:
    """Columns of requests, with what is not said filled in."""
    size = len(next(iter(columns.values())))
    return {
        "channel": ["call"] * size,
        "due": [None] * size,
        "closed": [None] * size,
        **{name: list(cells) for name, cells in columns.items()},
    }


def test_one_row_may_be_several_events() -> None:
    """A request that was opened and closed is two events of one row, each with the properties that it carries."""
    found = from_columns(
        source_of(LIFE), **rows(id=["a", "b"], opened=["2015-01-01", "2015-01-02"], closed=["2015-01-03", None])
    )
    assert found.events["id"].to_pylist() == ["a#0", "a#1", "b#0"]
    assert found.events["name"].to_pylist() == ["Request Opened", "Request Closed", "Request Opened"]
    assert found.events["position"].to_pylist() == [0, 0, 1]
    assert found.events["properties.channel"].to_pylist() == ["call"] * 3
    assert found.counts == {"rows": 2, "events": 3, "rejects": 0, "repeated": 0, "nobody": 0}


def test_tables_are_as_the_model_declares_them() -> None:
    """Events and rejects have the declared columns and types; properties stand beside them."""
    found = from_columns(source_of(LIFE), **rows(id=["a", "b"], opened=["2015-01-01", "x"]))
    assert found.events.schema.names[: len(EVENT)] == EVENT.names
    assert [found.events.schema.field(name).type for name in EVENT.names] == EVENT.types
    assert found.events.schema.field("properties.due").type == MOMENT
    assert found.rejects.schema.equals(REJECT)


def test_a_row_that_ends_before_it_begins_is_set_apart_whole() -> None:
    """Closed before opened: neither event goes in; closed in the same moment is fine."""
    opened = ["2015-01-02", "2015-01-02"]
    found = from_columns(source_of(LIFE), **rows(id=["a", "b"], opened=opened, closed=["2015-01-01", "2015-01-02"]))
    assert reasons(found.rejects) == [(0, "ends_before_it_begins")]
    assert found.events["id"].to_pylist() == ["b#0", "b#1"]
    assert found.rejects["row"][0].as_py().startswith('{"channel":"call"')


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"id": "", "who": "a", "at": "2015-01-01", "total": "1"}, "no_key"),
        ({"id": "1", "who": "a", "at": "2015-02-30", "total": "1"}, "bad_time"),
        ({"id": "1", "who": "a", "at": "soon", "total": "1"}, "bad_time"),
        ({"id": "1", "who": "a", "at": "", "total": "1"}, "no_event"),
        ({"id": "1", "who": "a", "at": "2015-01-01", "total": "1,50"}, "bad_number"),
        ({"id": "1", "who": "a", "at": "2015-01-01", "total": "1e999"}, "number_too_large"),
        ({"id": "1", "who": "a", "at": "2015-01-01", "total": "9007199254740993"}, "number_too_large"),
    ],
)
def test_what_cannot_be_an_event_has_a_typed_reason(cells: dict[str, str], reason: str) -> None:
    """Each fault has its reason; its detail names the column and quotes no cell."""
    found = from_columns(source_of(), **{name: [cell] for name, cell in cells.items()})
    assert reasons(found.rejects) == [(0, reason)]
    assert found.events.num_rows == 0
    detail = found.rejects["detail"][0].as_py()
    assert any(name in detail for name in cells)
    assert not any(cell in detail for cell in cells.values() if len(cell) > 2)


def test_the_largest_whole_number_that_stays_itself_goes_in() -> None:
    """2^53 is still exact; one more would silently become another number, in text and in typed files."""
    edge = 1 << 53
    found = from_columns(
        source_of(TYPED),
        id=["a", "b", "c", "d"],
        who=["x"] * 4,
        at=["2015-01-01"] * 4,
        total=pa.array([edge, edge + 1, -edge, -edge - 1]),
    )
    assert found.events["properties.total"].to_pylist() == [float(edge), -float(edge)]
    assert reasons(found.rejects) == [(1, "number_too_large"), (3, "number_too_large")]


def test_identifiers_are_written_alike() -> None:
    """17850, 17850.0 and ' 17850 ' are one customer; empty ones are none."""
    source = source_of(TYPED)
    for who in (pa.array([17850, None]), pa.array([17850.0, float("nan")]), pa.array([" 17850 ", " "])):
        found = from_columns(source, id=["a", "b"], who=who, at=["2015-01-01"] * 2, total=[1, 1])
        assert found.events["identifiers.user_id"].to_pylist() == ["17850", None]


def test_nobody_is_no_person() -> None:
    """'guest', 'null' and their kin are not one very busy customer: they are absent, and counted."""
    who = ["guest", "NULL", "undefined", "NaN", "None", "Guestrow"]
    found = from_columns(source_of(), id=list("abcdef"), who=who, at=["2015-01-01"] * 6, total=["1"] * 6)
    assert found.events["identifiers.user_id"].to_pylist() == [None] * 5 + ["Guestrow"]
    assert found.counts["nobody"] == 5


def test_an_identifier_holds_no_separator() -> None:
    """What stands between a source and its own identifiers stands in no id of a file: such a row is set apart."""
    found = from_columns(
        source_of(LIFE), **rows(id=["a", "market\x1fa"], opened=["2015-01-01"] * 2, closed=["2015-01-02"] * 2)
    )
    assert found.rejects["reason"].to_pylist() == ["bad_id"]
    assert found.events["identifiers.request_id"].to_pylist() == ["a", "a"]


def test_joined_identifiers_cannot_be_mistaken_for_others() -> None:
    """(a|b, c) and (a, b|c) are two orders, and an order without a customer is none."""
    source = source_of(TYPED.replace('user_id = "who"', 'order_id = ["who", "day"]'))
    found = from_columns(
        source,
        id=list("abcd"),
        who=["a|b", "a", "a\\", None],
        day=["c", "b|c", "|c", "c"],
        at=["2015-01-01"] * 4,
        total=[1] * 4,
    )
    orders = found.events["identifiers.order_id"].to_pylist()
    assert len(set(orders)) == 4
    assert orders[3] is None


def test_a_row_without_a_key_is_told_by_its_cells_and_ordinal() -> None:
    """Two lines alike to the letter are two events; the same file again gives the same ids, in whatever chunks."""
    source = source_of(KEYLESS)
    table = pa.table({"who": ["a", "b", "a", "a"], "at": ["2015-01-01"] * 4, "total": [1.0, 2.0, 1.0, 1.0]})
    whole = received(of_table(table), source).events["id"].to_pylist()
    assert len(set(whole)) == 4
    assert [event.split(".")[1] for event in whole] == ["0#0", "0#0", "1#0", "2#0"]
    seen = Seen()
    parts = [received(of_table(table.slice(start, 1), start), source, seen) for start in range(4)]
    assert [event for part in parts for event in part.events["id"].to_pylist()] == whole


def test_ids_do_not_depend_on_the_type_or_order_of_columns() -> None:
    """The same row as texts, as numbers, and with its columns in another order has the same id and digest."""
    source = source_of(KEYLESS)
    one = from_columns(source, who=["17850"], at=["2015-01-01"], total=["1.5"])
    two = from_columns(source, total=[1.5], at=["2015-01-01"], who=[17850.0])
    assert one.events.select(["id", "digest"]).equals(two.events.select(["id", "digest"]))


def test_ids_and_digests_are_keyed() -> None:
    """Without the project's secret nobody can guess a row from its id, nor a cell from a digest."""
    source = source_of(KEYLESS)
    table = of_table(pa.table({"who": ["a"], "at": ["2015-01-01"], "total": [1.0]}))
    made = [receive(table, source, secret=secret, evaluate=evaluate, seen=Seen()).events for secret in (b"one", b"two")]
    assert made[0]["id"] != made[1]["id"]
    assert made[0]["digest"] != made[1]["digest"]


def test_a_personal_key_does_not_stand_in_the_clear() -> None:
    """A key column that the contract calls personal is hashed in the id; another key stays as it is."""
    source = source_of()
    table = of_table(pa.table({"id": ["ada@example.com"], "who": ["a"], "at": ["2015-01-01"], "total": ["1"]}))
    assert received(table, source).events["id"].to_pylist() == ["ada@example.com#0"]
    [hidden] = received(table, source, personal=frozenset({"id"})).events["id"].to_pylist()
    assert "ada" not in hidden
    assert len(hidden) == 32 + len("#0")


def test_a_row_again_is_repeated_and_a_changed_row_is_a_correction() -> None:
    """The same key with the same cells adds nothing and is counted; with other cells, both stand, in order."""
    source = source_of()
    data = b"id,who,at,total\n1,a,2015-01-01,5\n1,a,2015-01-01,5\n1,a,2015-01-01,6\n1,a,2015-01-01,5\n"
    for size in (1, 2, 10):
        seen = Seen()
        parts = [received(chunk, source, seen) for chunk in csv_rows(data, source, size)]
        totals = [total for part in parts for total in part.events["properties.total"].to_pylist()]
        assert totals == [5.0, 6.0, 5.0]
        assert sum(part.counts["repeated"] for part in parts) == 1


def test_an_empty_column_changes_no_digest() -> None:
    """Whether the other rows of a chunk have a value where this one has none is nothing that this event says."""
    source = source_of(TYPED.replace('{ from = "total", type = "number" }', '"total"'))
    alone = from_columns(source, id=["a"], who=["x"], at=["2015-01-01"], total=pa.nulls(1))
    among = from_columns(source, id=["a", "b"], who=["x", "x"], at=["2015-01-01"] * 2, total=[None, 1.0])
    assert alone.events["digest"][0] == among.events["digest"][0]
    assert "properties.total" not in alone.events.column_names


def test_conditions_choose_the_event_of_a_row() -> None:
    """A negative quantity is a return; a row for which no condition holds is set apart, not dropped in silence."""
    text = KEYLESS.replace(
        'at   = "at"', 'at = "at"\nwhen = "total > 0"\n[[events]]\nname = "Return"\nat = "at"\nwhen = "total < 0"'
    )
    for total in (pa.array([2.0, -1.0, 0.0]), pa.array(["2", "-1", "0"])):
        found = from_columns(source_of(text), who=list("abc"), at=["2015-01-01"] * 3, total=total)
        assert found.events["name"].to_pylist() == ["Order Completed", "Return"]
        assert reasons(found.rejects) == [(2, "no_event")]


def test_lines_of_one_order_make_one_order_event() -> None:
    """`once` tells of an order at its first line, whatever the chunks, and of lines without an order never."""
    text = KEYLESS.replace(
        "[[events]]", '[[events]]\nname = "Order Placed"\nat = "at"\nonce = "user_id"\nproperties = []\n[[events]]'
    )
    table = pa.table({"who": ["a", "a", None, "b", "a"], "at": ["2015-01-01"] * 5, "total": [1, 2, 3, 4, 5]})
    source = source_of(text)
    for size in (1, 2, 5):
        seen = Seen()
        parts = [received(of_table(table.slice(start, size), start), source, seen) for start in range(0, 5, size)]
        told = [event for part in parts for event in part.events.to_pylist() if event["name"] == "Order Placed"]
        assert [(event["position"], event["identifiers.user_id"]) for event in told] == [(0, "a"), (3, "b")]
        assert sum(part.counts["events"] for part in parts) == 7


def test_a_property_that_holds_nul_sets_its_row_apart() -> None:
    """NUL in a typed file is refused as in a text file."""
    found = from_columns(source_of(TYPED), id=["a", "b"], who=["x\0", "y"], at=["2015-01-01"] * 2, total=[1, 2])
    assert reasons(found.rejects) == [(0, "nul_character")]


@pytest.mark.parametrize(
    ("cell", "kind", "value", "reason"),
    [
        (1 << 63, pa.uint64(), None, "number_too_large"),
        (Decimal("12.50"), pa.decimal128(4, 2), 12.5, ""),
        (Decimal(10**19), pa.decimal128(20, 0), None, "number_too_large"),
        (float("inf"), pa.float64(), None, "bad_number"),
        (float("nan"), pa.float64(), None, ""),
        (1.5, pa.float32(), 1.5, ""),
        (True, pa.bool_(), True, ""),
        (date(2015, 1, 1), pa.date32(), datetime(2015, 1, 1, tzinfo=UTC), ""),
        (time(8, 30), pa.time64("us"), "08:30:00", ""),
        (timedelta(days=1), pa.duration("us"), "1 day, 0:00:00", ""),
        ([1, 2], pa.list_(pa.int64()), "[1,2]", ""),
        ("x", pa.large_string(), "x", ""),
        ("x", pa.string_view(), "x", ""),
        ("x", pa.dictionary(pa.int8(), pa.string()), "x", ""),
    ],
)
def test_columns_of_any_type_are_read_or_set_apart(cell: object, kind: pa.DataType, value: object, reason: str) -> None:
    """Whatever a typed file brings becomes a number, text, flag or time, or a reject; never an error, never a guess."""
    source = source_of(TYPED.replace('{ from = "total", type = "number" }', '"total"'))
    found = from_columns(source, id=["a"], who=["x"], at=["2015-01-01"], total=pa.array([cell], kind))
    assert reasons(found.rejects) == ([(0, reason)] if reason else [])
    assert [event.get("properties.total") for event in found.events.to_pylist()] == ([] if reason else [value])
    odd = from_columns(source, id=pa.array([cell], kind), who=pa.array([cell], kind), at=["2015-01-01"], total=[1])
    assert odd.counts["events"] + odd.counts["rejects"] == 1


def test_a_missing_column_is_told() -> None:
    """Rows without a mapped column are refused as a whole, with the nearest name."""
    with pytest.raises(UnknownName, match="Did you mean 'totals'"):
        from_columns(source_of(), id=["a"], who=["x"], at=["2015-01-01"], totals=["1"])


def test_a_chunk_without_rows_gives_tables_without_rows() -> None:
    """Nothing in, nothing out, with all columns in place."""
    empty = pa.table({name: pa.array([], pa.string()) for name in ("id", "who", "at", "total")})
    found = received(of_table(empty), source_of())
    assert (found.events.num_rows, found.rejects.num_rows) == (0, 0)
    assert set(EVENT.names) <= set(found.events.column_names)


def test_a_row_told_again_is_one_telling() -> None:
    """Of a row that changed in part, all events are told again: what it said no more of them would be withdrawn."""
    opened, closed = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
    due = [datetime(2026, 5, day, tzinfo=UTC) for day in (3, 4, 4)]
    rows = pa.table(
        {"id": ["7"] * 3, "channel": ["mail"] * 3, "due": due, "opened": [opened] * 3, "closed": [closed] * 3}
    )
    found = receive(of_table(rows), source_of(LIFE), secret=b"s", evaluate=evaluate, seen=Seen())
    assert found.events["id"].to_pylist() == ["7#0", "7#1", "7#0", "7#1"]
    assert found.counts["repeated"] == 2, "and of the third, which says just what the second did, none"
