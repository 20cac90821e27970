"""OCEL 2.0 read: events with all objects that they name, and what is said of objects when it began to hold."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import msgspec
import pytest

from cxminute.collect.logs.kinds import KINDS, kind_of, kinds_of, type_of
from cxminute.collect.logs.mapping import log_source
from cxminute.collect.logs.ocel import CHANGED, read
from cxminute.collect.logs.xes import DESCRIBED
from cxminute.collect.rows import Rows
from cxminute.collect.source import Source
from cxminute.model.errors import BadData
from cxminute.model.tables import EVENT
from tests.collect.logs.logged import OCEL

SOURCE = log_source(Source("log", "ocel", "UTC"))


def told(document: Any, size: int = 1_000) -> list[Rows]:
    """Chunks of rows of a document."""
    return list(read(io.BytesIO(json.dumps(document).encode()), SOURCE, name="a.json", size=size))


def rows_named(chunks: list[Rows], name: str) -> list[dict[str, Any]]:
    """Rows of one name, with what else they say."""
    return [
        {**row, **msgspec.json.decode(rest)["properties"]}
        for rows in chunks
        for row, rest in zip(rows.table.to_pylist(), [] if rows.rest is None else rows.rest.to_pylist(), strict=True)
        if row["event"] == name
    ]


def changed(**found: Any) -> dict[str, Any]:
    """The log with its first event changed."""
    document = copy.deepcopy(OCEL)
    document["events"][0].update(found)
    return document


def test_an_event_names_its_objects_one_kind_for_each_type() -> None:
    """An order is an order_id; of several items the first is the identifier, and all are listed beside it."""
    [row] = rows_named(told(OCEL), "Place Order")
    assert (row["identifiers.order_id"], row["identifiers.purchase_item"]) == ("o1", "i1")
    assert row["ocel"]["objects"] == {"purchase_item": ["i1", "i2"]}
    assert row["ocel"]["qualifiers"] == {"order": ["order"], "Purchase Item": ["first", "second"]}
    assert (row["channel"], row["lines"]) == ("web", 2)


def test_what_an_object_is_from_its_beginning_is_told_at_the_first_event() -> None:
    """No event lies in 1970: what holds from the beginning is told when the log begins, a change when it came."""
    found = [row for row in rows_named(told(OCEL), CHANGED) if row["identifiers.order_id"] == "o1"]
    assert [(str(row["at"]), row.get("state")) for row in found] == [
        ("2024-03-01 08:00:00+00:00", "open"),
        ("2024-03-02 09:00:00+00:00", "paid"),
    ]
    assert found[0]["ocel"]["time"] == "1970-01-01T00:00:00Z"
    assert found[0]["ocel"]["objects"] == {"purchase_item": ["i1", "i2"]}


def test_an_object_of_which_nothing_is_told_and_nothing_happened_is_kept() -> None:
    """It has a row of its own; one that an event names and of which nothing is said needs none."""
    chunks = told(OCEL)
    assert {row["identifiers.order_id"] or row["identifiers.purchase_item"] for row in rows_named(chunks, CHANGED)} == {
        "o1", "i1", "o2",
    }  # fmt: skip
    [log] = rows_named(chunks, DESCRIBED)
    assert [one["name"] for one in log["ocel"]["log"]["eventTypes"]] == ["Place Order", "Ship", "Never Happened"]


def test_numbers_that_were_written_as_text_are_numbers_by_their_declared_type() -> None:
    """A weight of "3" can be compared with 2; that it was text is noted beside it."""
    [row] = [row for row in rows_named(told(OCEL), CHANGED) if row["identifiers.purchase_item"] == "i1"]
    assert (row["weight"], row["ocel"]["as"]) == (3, {"weight": ""})


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_log_in_chunks_is_the_same_log(size: int) -> None:
    """Cut anywhere, the same rows come, and the counts add up to its events and objects."""
    whole, chunks = told(OCEL), told(OCEL, size)
    assert [row for rows in chunks for row in rows.table["record"].to_pylist()] == whole[0].table["record"].to_pylist()
    assert sum(rows.count for rows in chunks) == len(OCEL["events"]) + len(OCEL["objects"])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"id": None}, "no_key"),
        ({"type": None}, "no_name"),
        ({"time": None}, "no_time"),
        ({"time": "the day before"}, "bad_time"),
        ({"relationships": [{"objectId": "o9", "qualifier": ""}]}, "bad_shape"),
        ({"relationships": ["o1"]}, "bad_shape"),
        ({"attributes": [{"value": 3}]}, "bad_shape"),
        ({"attributes": 7}, "bad_shape"),
        ({"relationships": {"objectId": "o1"}}, "bad_shape"),
    ],
)
def test_a_broken_event_is_set_apart_and_the_rest_goes_in(fault: dict[str, Any], reason: str) -> None:
    """Each fault has its reason, and costs that event alone."""
    chunks = told(changed(**fault))
    assert [row["reason"] for rows in chunks for row in rows.rejects.to_pylist()] == [reason]
    assert len(rows_named(chunks, "Ship")) == 2


def test_a_broken_object_is_set_apart_and_events_go_in() -> None:
    """An object without a type is none; what names it is set apart with it, all else goes in."""
    document = copy.deepcopy(OCEL)
    del document["objects"][2]["type"]
    chunks = told(document)
    reasons = [(row["position"], row["reason"]) for rows in chunks for row in rows.rejects.to_pylist()]
    assert reasons == [(place, "bad_shape") for place in (0, 1, 3, 5)]
    assert len(rows_named(chunks, "Ship")) == 1


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"events": [], "objects": []}', json.dumps(OCEL)[:-40], '{"ocel:events": {}}', "[" * 5_000],
)
def test_what_is_no_whole_log_is_refused(text: str) -> None:
    """Half a document, another document, one without events: nothing of it goes in."""
    with pytest.raises(BadData):
        list(read(io.BytesIO(text.encode()), SOURCE, name="a.json", size=10))


def test_every_type_of_object_has_a_kind_of_its_own() -> None:
    """Names are made fit, whatever letters they have; two that would be one are told apart."""
    names = [
        "order",
        "Order",
        "order_id",
        "Purchase Item",
        "purchase-item",
        "订单",
        "id",
        "3D print",
        "person",
        "user_id",
    ]
    kinds = kinds_of(names)
    assert len(set(kinds.values())) == len(names)
    assert (kinds["order"], kinds["person"], kinds["id"]) == ("order_id", "user_id", "id_")
    assert all(type_of(kind_of(name)) == name for name in KINDS)
    assert "person" not in kinds.values()


def test_no_type_of_object_takes_a_column_of_the_log() -> None:
    """A type may be called as a column of an event, or as one that a reader of the log's files sees beside them."""
    names = [*EVENT.names, "profile", "rest", "filename", "file row number"]
    assert not {*names, "file_row_number"} & set(kinds_of(names).values())


def test_a_log_of_endless_types_is_refused() -> None:
    """Each type is a column of the log: some hundreds are the most."""
    document = {**OCEL, "objectTypes": [{"name": f"t{n}", "attributes": []} for n in range(300)]}
    with pytest.raises(BadData, match="types of objects"):
        told(document)
