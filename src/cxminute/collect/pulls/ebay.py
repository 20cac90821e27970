"""eBay: getOrders of the Sell Fulfillment API, by offset, from the last page to the first, fulfillments within orders.

Its documentation states no order of the results. So the first answer says the time and how many there are, and the
pages are those of a window that ends at that time: orders can only leave it, by being changed again, and then those
behind them move to earlier pages. Read from the last page on, none is missed; what left is the next run's.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import quote

import msgspec

from cxminute.collect.pulls.asking import (
    Answer,
    Api,
    Ask,
    Completing,
    Page,
    Pulling,
    Way,
    basic,
    completed,
    count_of,
    iso,
    listed,
    newest,
    stamped,
    text_of,
)  # fmt: skip
from cxminute.collect.readers.facts import Piece
from cxminute.model.errors import BadData
from cxminute.model.times import SECOND


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every order changed since then; place: where the window ends and the offset of the page, 'MS/OFFSET'."""
    url = f"{way.url}/sell/fulfillment/v1/order"
    limit = ("limit", str(way.size))
    if not place:
        answer = yield Ask("orders", url, (("filter", _changed(since)), limit, ("offset", "0")))
        found, total, until = listed(answer, "orders", "eBay"), count_of(answer, "total"), _clock(answer)
        if total <= way.size:
            yield (yield from _page(way, found, ""))
            return
        if until is None:
            raise BadData("eBay does not say when it answered.", allowed="a Date among the headers of an answer")
        place = f"{until}/{(total - 1) // way.size * way.size}"
    end, _, offset = place.partition("/")
    for start in range(int(offset), -1, -way.size):
        answer = yield Ask("orders", url, (("filter", _changed(since, iso(int(end)))), limit, ("offset", str(start))))
        found = listed(answer, "orders", "eBay")
        next_place = f"{end}/{start - way.size}" if start else ""
        page = yield from _page(way, found, next_place)
        yield replace(page, until=int(end))


def _page(way: Way, found: Sequence[Piece], place: str) -> Generator[Ask, Answer, Page]:
    """The page of these orders."""
    complete = yield from completed(found, partial(_with_fulfillments, way))
    body = msgspec.json.encode({"orders": complete})
    return Page(body, len(found), newest(found, "lastModifiedDate"), place)


def _with_fulfillments(way: Way, order: Piece) -> Completing:
    """The order with its fulfillments: when a parcel left stands there."""
    if not order.get("fulfillmentHrefs"):
        return order
    url = f"{way.url}/sell/fulfillment/v1/order/{quote(text_of(order, 'orderId'), safe='')}/shipping_fulfillment"
    answer = yield Ask("fulfillments", url, lenient=True)
    return order if answer.said is None else {**order, "fulfillments": listed(answer, "fulfillments", "eBay")}


def _changed(since: int, until: str = "") -> str:
    return f"lastmodifieddate:[{iso(since)}..{until}]"


def _clock(answer: Answer) -> int | None:
    """What the API's clock said, a second before: changes of that second may not be listed yet."""
    at = stamped(answer.headers, "date")
    return None if at is None else at - SECOND


def _grant(way: Way, secrets: Mapping[str, str]) -> Ask:
    form = {"grant_type": "refresh_token", "refresh_token": secrets["refresh_token"]}
    url = f"{way.url}/identity/v1/oauth2/token"
    client = basic(secrets["client_id"], secrets["client_secret"])
    return Ask("token", url, headers={"Authorization": client}, form=form)


def _signed(ask: Ask, _secrets: Mapping[str, str], token: str) -> Ask:
    return ask.bearing(Authorization=f"Bearer {token}")


API: Final = Api(
    title="eBay",
    page="https://developer.ebay.com/api-docs/sell/fulfillment/resources/order/methods/getOrders",
    url="https://api.ebay.com",
    streams={"orders": orders},
    secrets=("client_id", "client_secret", "refresh_token"),
    signed=_signed,
    grant=_grant,
    size=100,
    most=200,
    says="Requests for cancellation are told by single orders only, which are not asked for.",
)
