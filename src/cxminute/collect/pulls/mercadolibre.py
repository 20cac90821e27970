"""Mercado Libre: orders by search, each with its shipment within, where promise and delivery stand.

They stand by the time at which they were made, which never changes: an order that is changed meanwhile stays where it
is, or shifts others to later pages, where they are only read twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import quote

import msgspec

from cxminute.collect.pulls.asking import (
    Api,
    Ask,
    Completing,
    Page,
    Pulling,
    Way,
    completed,
    count_of,
    iso,
    listed,
    newest,
    next_spot,
    spot,
    text_of,
    when,
)  # fmt: skip
from cxminute.collect.readers.facts import Piece


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every order changed since then; place: from when on orders were made, and the offset of a page."""
    fixed = (
        ("seller", way.name("seller")),
        ("order.date_last_updated.from", iso(since)),
        ("sort", "date_asc"),
        ("limit", str(way.size)),
    )
    while True:
        made, offset = spot(place)
        later = [("order.date_created.from", iso(made))] if made else []
        query = (*fixed, *later, ("offset", str(offset)))
        answer = yield Ask("orders", f"{way.url}/orders/search", query)
        found = listed(answer, "results", "Mercado Libre")
        complete = yield from completed(found, partial(_with_shipment, way))
        times = [when(order, "date_created") for order in found]
        place = next_spot(place, way.size, times, count_of(answer, "paging.total"))
        body = msgspec.json.encode({"results": complete})
        yield Page(body, len(found), newest(found, "date_last_updated", "last_updated"), place)
        if not place:
            return


def _with_shipment(way: Way, order: Piece) -> Completing:
    """The order, its shipment under `shipping`; as it was where it has none, or none that may be seen."""
    number = text_of(order, "shipping.id")
    if not number:
        return order
    url, newer = f"{way.url}/shipments/{quote(number, safe='')}", {"x-format-new": "true"}
    answer = yield Ask("shipments", url, headers=newer, lenient=True)
    if not isinstance(answer.said, Mapping):
        return order
    shipment = dict(answer.said)
    for part in ("history", "sla"):  # when it came where, and by when it is to be sent: the shipment itself is silent
        answer = yield Ask(part, f"{url}/{part}", headers=newer, lenient=True)
        if answer.said is not None:
            shipment[part] = answer.said
    return {**order, "shipping": shipment}


def _signed(ask: Ask, secrets: Mapping[str, str], _token: str) -> Ask:
    return ask.bearing(Authorization=f"Bearer {secrets['token']}")


API: Final = Api(
    title="Mercado Libre",
    page="https://developers.mercadolibre.com.ar/en_us/manage-sales",
    url="https://api.mercadolibre.com",
    streams={"orders": orders},
    secrets=("token",),
    signed=_signed,
    needs={"seller": "the seller's number"},
    size=50,
    most=50,
    says="The token holds for six hours, and what renews it is good for one use: whoever keeps both puts a fresh token "
    "into the environment.",
)
