"""The law of bad input for shops: whatever a field holds, a document is told or set apart, and nothing crashes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO
from random import Random
from typing import Any, Final

import pytest

from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.telling import implied, read
from cxminute.collect.receive import receive
from cxminute.collect.rejects import REASONS
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.store.conditions import evaluate
from tests.collect.readers.shops import (
    shopify_event,
    shopify_order,
    shopify_parcel,
    shopify_refund,
    woo_order,
    woo_refund,
)

ODD: Final[tuple[Any, ...]] = (
    None, True, False, -1, 0, 1e300, 2**70, "", " ", "x", "-5", "1e9", "\ud800", "2026-13-45", [], [1], [[]], ["a"], {},
    {"a": 1}, [{}], [{"id": []}], "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
)  # fmt: skip
DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "shopify": [
        shopify_order(cancelled_at="2026-03-06T10:00:00Z"),
        shopify_parcel(destination={"city": "Bonn"}),
        shopify_refund(),
        shopify_event("in_transit", "2026-03-02T18:00:00Z", "2026-03-04T20:00:00Z"),
        {"id": 3, "order": {"id": 5001}, "created_at": "2026-03-09T10:00:00Z", "return_line_items": [{"quantity": 1}]},
    ],
    "woocommerce": [woo_order(refunds=[woo_refund()]), woo_order(status="cancelled"), woo_refund()],
}


def _places(found: Any) -> Iterator[tuple[Any, Any]]:
    """Every (object or list, key or number) within."""
    for key, value in list(found.items()) if isinstance(found, dict) else list(enumerate(found)):
        yield found, key
        if isinstance(value, dict | list):
            yield from _places(value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whatever_a_field_holds_its_document_is_told_or_set_apart(name: str) -> None:
    """Each field in turn is gone, or holds what nobody expects: every piece is told, or a reject with a reason."""
    reader, chance = reader_of(name), Random(7)  # noqa: S311 -- no secret
    source = implied(Source("shop", name, "Europe/Berlin"), reader)
    mangled = []
    for document in DOCUMENTS[name]:
        for number in range(len(list(_places(document)))):
            for odd in (..., *chance.sample(ODD, 8)):
                changed = deepcopy(document)
                holder, key = list(_places(changed))[number]
                if odd is ...:
                    del holder[key]
                else:
                    holder[key] = odd
                mangled.append(changed)
    seen: set[str] = set()
    placed: set[int] = set()
    covered = stale = events = 0
    for rows in read(BytesIO(json.dumps(mangled).encode()), reader, source, name="mangled", size=5):
        received = receive(rows, source, secret=b"s", evaluate=evaluate, seen=Seen())
        seen |= set(received.rejects["reason"].to_pylist())
        placed |= {*rows.positions.tolist(), *received.rejects["position"].to_pylist()}
        covered, stale, events = covered + rows.count, stale + rows.stale, events + received.events.num_rows
    assert covered == len(mangled)
    assert seen <= set(REASONS)
    assert {"no_key", "bad_shape", "bad_time", "negative_amount", "bad_number", "unknown_document"} <= seen
    assert len(mangled) - len(placed) <= stale, "each piece is told, set apart, or older than what is known"
    assert events > 100
