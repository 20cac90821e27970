"""Etsy: receipts of a shop, Open API version 3, by offset.

They stand by the time at which they were made, which never changes: a receipt that is changed meanwhile stays where it
is, or shifts others to later pages, where they are only read twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cxminute.collect.pulls.asking import Api, Ask, Page, Pulling, Way, count_of, listed, newest, next_spot, spot, when
from cxminute.model.times import SECOND


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every receipt changed since then; place: from when on receipts were made, and the offset of a page."""
    url = f"{way.url}/v3/application/shops/{way.name('shop')}/receipts"
    fixed = (
        ("min_last_modified", str(since // SECOND)),
        ("sort_on", "created"),
        ("sort_order", "asc"),
        ("limit", str(way.size)),
    )
    while True:
        made, offset = spot(place)
        later = [("min_created", str(made // SECOND))] if made else []
        answer = yield Ask("orders", url, (*fixed, *later, ("offset", str(offset))))
        found = listed(answer, "results", "Etsy")
        times = [when(receipt, "created_timestamp", "create_timestamp") for receipt in found]
        place = next_spot(place, way.size, times, count_of(answer, "count"))
        yield Page(answer.body, len(found), newest(found, "updated_timestamp", "update_timestamp"), place)
        if not place:
            return


def _signed(ask: Ask, secrets: Mapping[str, str], _token: str) -> Ask:
    return ask.bearing(x_api_key=secrets["key"], Authorization=f"Bearer {secrets['token']}")


API: Final = Api(
    title="Etsy",
    page="https://developers.etsy.com/documentation/reference",
    url="https://api.etsy.com",
    streams={"orders": orders},
    secrets=("key", "token"),
    signed=_signed,
    needs={"shop": "the shop's number"},
    size=100,
    most=100,
    says="The token holds for an hour, and what renews it is good for one use: whoever keeps both puts a fresh token "
    "into the environment.",
)
