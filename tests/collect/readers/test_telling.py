"""Laws of telling: what a reader makes of a document becomes events that correct, withdraw, and never go back."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping, Sequence

import pytest

from cxminute.collect.readers.documents import LARGEST
from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Reader, Record, said, without
from cxminute.collect.readers.fields import amount, happened, moment, needed, text
from cxminute.collect.readers.telling import implied, read, read_again, read_hooks
from cxminute.collect.receive import Received, receive
from cxminute.collect.rows import Rows
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.model.errors import BadData, UnknownName
from cxminute.store.conditions import evaluate


def _order(piece: Piece, around: Around) -> Sequence[Record]:
    order = needed(piece, "number")
    facts = [Fact("Order Completed", happened(piece, "ordered", around), said(total=amount(piece, "total")))]
    if (left := moment(piece, "left", around)) is not None:
        facts.append(Fact("Order Shipped", left, {"carrier": text(piece, "by")}))
    rest = without(piece, "number", "ordered", "total", "left", "by", "changed")
    changed = moment(piece, "changed", around)
    return [Record(f"order {order}", {"order_id": order}, facts, changed_at=changed, rest=rest)]


def _row(piece: Piece, around: Around) -> Sequence[Record]:
    rows = piece["rows"]
    assert isinstance(rows, list)
    first: Piece = rows[0]
    total = sum(amount(row, "price") or 0.0 for row in rows)
    fact = Fact("Order Completed", happened(first, "ordered", around), {"total": total, "quantity": float(len(rows))})
    return [Record(f"order {needed(first, 'number')}", {"order_id": needed(first, "number")}, [fact])]


_TELLS = {"Order Completed": ("total", "quantity"), "Order Shipped": ("carrier",)}
READER = Reader(
    "etsy",
    "A market",
    (
        Form("order", _order, _TELLS, found=("", "orders[]", "order"), has=("number", "ordered")),
        Form("report", _row, _TELLS, has=("number", "ordered", "price"), key=("number",), report=True),
    ),
    ("order_id",),
    "https://example.org",
)
SOURCE = implied(Source("market", "etsy", "Europe/Berlin"), READER)


def _read(document: object, newest: Mapping[str, int] | None = None, size: int = 100) -> list[Rows]:
    known = newest or {}

    def asked(keys: Collection[str]) -> Mapping[str, int]:
        return {key: known[key] for key in keys if key in known}

    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(read(io.BytesIO(body), READER, SOURCE, name="orders.json", size=size, newest=asked))


def _received(rows: Rows) -> Received:
    return receive(rows, SOURCE, secret=b"s", evaluate=evaluate, seen=Seen())


def _reasons(rows: Rows) -> list[tuple[int, str]]:
    rejects = _received(rows).rejects
    return list(zip(rejects["position"].to_pylist(), rejects["reason"].to_pylist(), strict=True))


ORDER = {"number": "7", "ordered": "2026-05-01T10:00:00Z", "total": "12.50", "left": "2026-05-02T08:00:00+02:00"}


def test_one_order_becomes_its_events() -> None:
    """An order that was made and sent is two events of that order, typed, at the times that it states."""
    (rows,) = _read(ORDER | {"by": "Post", "gift": True})
    events = _received(rows).events
    assert events["name"].to_pylist() == ["Order Completed", "Order Shipped"]
    assert [str(at) for at in events["at"].to_pylist()] == ["2026-05-01 10:00:00+00:00", "2026-05-02 06:00:00+00:00"]
    assert events["identifiers.order_id"].to_pylist() == ["7", "7"]
    assert events["properties.total"].to_pylist() == [12.5, None]
    assert events["properties.carrier"].to_pylist() == [None, "Post"]
    assert events["rest"].to_pylist() == ['{"properties":{"gift":true}}', None], "what the reader does not know is kept"


def test_a_field_that_is_called_like_a_property_is_kept_beside_it() -> None:
    """Where a reader tells a property under the name that another field has, both are kept."""
    fact = Fact("Order Completed", 0, {"buyer": "b1"})
    form = Form("order", lambda piece, _: [Record("order 1", {}, [fact], rest=dict(piece))], _TELLS, has=("buyer",))
    reader = Reader("etsy", "A market", (form,), ("order_id",), "https://example.org")
    (rows,) = list(read(io.BytesIO(b'{"buyer": {"company": "x"}}'), reader, SOURCE, name="o", size=1))
    assert rows.rest is not None
    assert json.loads(str(rows.rest[0])) == {"properties": {"buyer": "b1", "as_it_came": {"buyer": {"company": "x"}}}}


def test_a_time_without_a_zone_is_the_source_s() -> None:
    """A clock without an offset is read in the zone of the source; one with an offset by that."""
    (rows,) = _read(ORDER | {"ordered": "2026-05-01 10:00:00"})
    assert str(_received(rows).events["at"][0].as_py()) == "2026-05-01 08:00:00+00:00"


def test_ids_stay_and_are_told_apart() -> None:
    """The same fact has the same id in whatever document it stands, and no two facts of an order share one."""
    (alone,), (page,) = _read(ORDER), _read({"orders": [ORDER | {"number": "6"}, ORDER]})
    first, both = (_received(rows).events["id"].to_pylist() for rows in (alone, page))
    assert set(first) < set(both)
    assert len(set(both)) == 4
    assert all(name.startswith("order 7#") for name in first), "so that the log withdraws what its order tells no more"


def test_what_is_unfit_lies_whole_in_quarantine_and_can_be_read_again() -> None:
    """One bad order stops no other; it is kept as it came, and once mended it becomes what it should have been."""
    bad = ORDER | {"number": "8", "total": "-1"}
    (rows,) = _read({"orders": [ORDER, bad, {"something": "else"}]})
    assert rows.count == 3
    assert _received(rows).events.num_rows == 2
    assert _reasons(rows) == [(1, "negative_amount"), (2, "unknown_document")]
    rejects = rows.rejects
    assert json.loads(rejects["row"][0].as_py()) == bad
    rows_kept = [rejects["row"][0].as_py().replace('"-1"', '"1"'), rejects["row"][1].as_py()]
    mended = rejects.set_column(4, "row", [rows_kept])
    (again,) = list(read_again(mended, READER, SOURCE))
    assert _received(again).events["identifiers.order_id"].to_pylist() == ["8", "8"]
    assert _reasons(again) == [(2, "unknown_document")]


def test_an_older_telling_never_replaces_a_newer() -> None:
    """What a sender changed before what is known of the same order is left out, and counted; the same again is not."""
    told = ORDER | {"changed": "2026-05-03T00:00:00Z"}
    moment_of = 1777766400000
    (rows,) = _read(told, {"order 7": moment_of})
    assert (rows.stale, rows.table.num_rows, rows.changed) == (0, 2, {"order 7": moment_of})
    (rows,) = _read(told, {"order 7": moment_of + 1})
    assert (rows.stale, rows.table.num_rows, rows.count) == (1, 0, 1)
    (rows,) = _read({"orders": [told, ORDER | {"changed": "2026-05-02T00:00:00Z"}]})
    assert (rows.stale, rows.table.num_rows) == (1, 2), "within one document, too"


def test_a_report_s_rows_of_one_order_are_one_piece() -> None:
    """An order of several rows is one order, wherever in the report they stand, in either encoding."""
    report = "number\tordered\tprice\tname\n1\t2026-05-01T10:00:00Z\t2\tCafé\n2\t2026-05-01T10:00:00Z\t3\tx\n"
    report += "1\t2026-05-01T10:00:00Z\t4\ty\n\t2026-05-01T10:00:00Z\t4\ty\n1\t2026\n"
    for encoding in ("utf-8", "cp1252", "utf-8-sig", "utf-16"):
        (rows,) = _read(report.encode(encoding))
        found = _received(rows)
        orders, paid = (found.events[name].to_pylist() for name in ("identifiers.order_id", "properties.total"))
        totals = dict(zip(orders, paid, strict=True))
        assert totals == {"1": 6.0, "2": 3.0}
        assert rows.count == 5
        assert _reasons(rows) == [(3, "no_key"), (4, "ragged_row")]


def test_a_report_with_another_header_is_refused_by_the_column_it_lacks() -> None:
    """A renamed column is told with the nearest name and the way out, which then works."""
    report = b"number;ordered;Preis\n1;2026-05-01T10:00:00Z;2\n"
    with pytest.raises(UnknownName, match=r"'price'.*\[columns\]"):
        _read(report)
    called = implied(Source("market", "etsy", "UTC", called={"price": "Preis"}), READER)
    (rows,) = list(read(io.BytesIO(report), READER, called, name="r.csv", size=10))
    assert _received(rows).events["properties.total"].to_pylist() == [2.0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b'{"orders": [{"number": "7", "ord', "not JSON"),
        (b'{"lists": []}', "none of the documents"),
        (b'{"a": 1, "b": 2, "c": 3, "order": {"number": "7", "ordered": "2026-05-01"}}', "none of the documents"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_document_of_which_nothing_can_be_read_is_refused(body: bytes, said: str) -> None:
    """Half a document, none, or somebody else's: an error that says so, and nothing is collected."""
    with pytest.raises(BadData, match=said):
        _read(body)


def test_odd_characters_are_one_piece_s_fault() -> None:
    """NUL, half a surrogate pair and objects too deep set apart the order that has them, not the page."""
    deep: object = 1
    for _ in range(40):
        deep = {"a": deep}
    odd = [ORDER | {"note": "\0"}, ORDER | {"note": "\ud800"}, ORDER | {"note": deep}, ORDER]
    (rows,) = _read({"orders": odd})
    assert _reasons(rows) == [(0, "nul_character"), (1, "lone_surrogate"), (2, "too_deep")]
    assert _received(rows).events.num_rows == 2


def test_lines_of_objects_are_pieces_each() -> None:
    """One object a line is a document too; a broken line is set apart alone."""
    lines = "\n".join([json.dumps(ORDER), '{"number": 1, ', json.dumps(ORDER | {"number": "9"})])
    (rows,) = _read(lines.encode())
    assert _reasons(rows) == [(1, "bad_json")]
    assert _received(rows).events.num_rows == 4


def test_a_mark_before_the_document_is_no_part_of_it() -> None:
    """A byte order mark, as editors write it, costs no order: not alone, not in a list, not the first of the lines."""
    two = [ORDER, ORDER | {"number": "9"}]
    for document in (json.dumps(ORDER), json.dumps({"orders": two}), "\n".join(map(json.dumps, two))):
        (rows,) = _read(document.encode("utf-8-sig"))
        assert _reasons(rows) == []
        assert _received(rows).events.num_rows in (2, 4)


@pytest.mark.parametrize("written", ["NaN", "Infinity", "1e999"])
def test_an_amount_that_is_no_number_is_not_left_out(written: str) -> None:
    """Of a page, too, an order with such an amount is set apart; it does not become an order without one."""
    page = json.dumps({"orders": [ORDER, ORDER | {"number": "8", "total": "?"}]}).replace('"?"', written)
    (rows,) = _read(page.encode())
    assert _reasons(rows) == [(1, "bad_json")]
    assert _received(rows).events.num_rows == 2


def test_chunks_cover_the_document_once() -> None:
    """However a document is cut, each piece is covered once and the events are the same."""
    page = {"orders": [ORDER | {"number": str(number)} for number in range(10)] + [{"x": 1}]}
    for size in (1, 3, 100):
        chunks = _read(page, size=size)
        assert sum(rows.count for rows in chunks) == 11
        assert [rows.first for rows in chunks] == [sum(r.count for r in chunks[:n]) for n in range(len(chunks))]
        ids = [name for rows in chunks for name in _received(rows).events["id"].to_pylist()]
        assert len(set(ids)) == 20


def test_an_empty_page_is_a_document_without_events() -> None:
    """No orders is an answer, not an error."""
    (rows,) = _read({"orders": []})
    assert (rows.count, rows.table.num_rows) == (0, 0)
    assert _received(rows).events.num_rows == 0


def test_webhooks_are_read_in_their_order() -> None:
    """Of several webhooks each is a row; one that cannot be read is set apart, and stops none."""
    hooks = [("orders/create", json.dumps(ORDER).encode()), ("x", b"{"), ("orders/paid", b'{"id": 1}')]
    rows = read_hooks(hooks, READER, SOURCE, lambda _: {})
    assert rows.count == 3
    assert _received(rows).events.num_rows == 2
    assert _reasons(rows) == [(1, "unknown_document"), (2, "unknown_document")]


def test_documents_are_bounded() -> None:
    """A document is read whole, so there is an end to how large it may be."""
    assert LARGEST <= 1 << 30
