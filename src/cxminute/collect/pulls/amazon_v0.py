"""Amazon: orders of the Selling Partner API, version 0, each with its items put into it as `OrderItems`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import quote

import msgspec

from cxminute.collect.pulls.amazon import API as NEWER
from cxminute.collect.pulls.asking import (
    Api,
    Ask,
    Completing,
    Page,
    Pulling,
    Way,
    completed,
    listed,
    newest,
    text_of,
    when,
    whole,
)  # fmt: skip
from cxminute.collect.readers.facts import Piece


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every order changed since then; place: a NextToken."""
    fixed = (
        ("MarketplaceIds", way.name("marketplaces")),
        ("LastUpdatedAfter", whole(since)),
        ("MaxResultsPerPage", str(way.size)),
    )
    while True:
        token = [("NextToken", place)] if place else []
        answer = yield Ask("orders", f"{way.url}/orders/v0/orders", (*fixed, *token))
        found = listed(answer, "payload.Orders", "Amazon")
        complete = yield from completed(found, partial(_with_items, way))
        place = text_of(answer.said, "payload.NextToken")
        until = when(answer.said, "payload.LastUpdatedBefore")
        body = msgspec.json.encode({"payload": {"Orders": complete}})
        yield Page(body, len(found), newest(found, "LastUpdateDate"), place, until)
        if not place:
            return


def _with_items(way: Way, order: Piece) -> Completing:
    """The order with all of its items, which the API gives by pages of their own."""
    number = text_of(order, "AmazonOrderId")
    if not number:
        return order  # the reader will say what is wrong with it
    items: list[Piece] = []
    token = ""
    while True:
        query = (("NextToken", token),) if token else ()
        answer = yield Ask(
            "items", f"{way.url}/orders/v0/orders/{quote(number, safe='')}/orderItems", query, lenient=True
        )
        if answer.said is None:
            return order
        items += listed(answer, "payload.OrderItems", "Amazon")
        token = text_of(answer.said, "payload.NextToken")
        if not token:
            return {**order, "OrderItems": items}


API: Final[Api] = replace(
    NEWER,
    title="Amazon, orders v0",
    page="https://developer-docs.amazon.com/sp-api/docs/orders-api-v0-reference",
    streams={"orders": orders},
    may={"token_url": NEWER.may["token_url"]},
    usual={"token_url": NEWER.usual["token_url"]},
    size=50,
    says="Items are asked for order by order, half an order a second once the burst is used up.",
)
