"""Mirakl: OR11, the orders of a shop on one marketplace, by offset.

They stand by the time at which they were made, which never changes: an order that is changed meanwhile stays where it
is, or shifts others to later pages, where they are only read twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cxminute.collect.pulls.asking import (
    Api,
    Ask,
    Page,
    Pulling,
    Way,
    count_of,
    listed,
    newest,
    next_offset,
    whole,
)  # fmt: skip
from cxminute.model.times import MINUTE


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every order changed since then; place: the offset of a page."""
    fixed = [("start_update_date", whole(since)), ("sort", "dateCreated"), ("order", "asc"), ("max", str(way.size))]
    if shop := way.name("shop"):
        fixed.append(("shop_id", shop))
    while True:
        offset = int(place or 0)
        answer = yield Ask("orders", f"{way.url}/api/orders", (*fixed, ("offset", str(offset))))
        found = listed(answer, "orders", "Mirakl")
        place = str(next_offset(offset, way.size, len(found), count_of(answer, "total_count")) or "")
        yield Page(answer.body, len(found), newest(found, "last_updated_date"), place)
        if not place:
            return


def _signed(ask: Ask, secrets: Mapping[str, str], _token: str) -> Ask:
    return ask.bearing(Authorization=secrets["token"])


API: Final = Api(
    title="Mirakl",
    page="https://developer.mirakl.com/content/product/mmp/rest/seller/openapi3/orders/or11",
    url="",
    streams={"orders": orders},
    secrets=("token",),
    signed=_signed,
    may={"shop": "the shop's number, where the account has several"},
    every=MINUTE,
    size=100,
    most=100,
    says="One page a minute at most is what Mirakl allows; a first pull of many orders takes its time.",
)
