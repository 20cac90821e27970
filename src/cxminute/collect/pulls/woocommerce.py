"""WooCommerce: orders of the REST API, version 3, by numbered pages, each with its refunds within.

Pages are counted over orders by their id, which never changes: one that is changed meanwhile stays where it is, and one
that is changed for the first time shifts others to later pages, where they are only read twice.
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
    basic,
    completed,
    listed,
    newest,
    text_of,
    whole,
)  # fmt: skip
from cxminute.collect.readers.facts import Piece
from cxminute.model.times import SECOND


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every order changed since then, whatever its status; place: the number of a page, from 1."""
    fixed = (
        ("modified_after", whole(since - SECOND).removesuffix("Z")),  # after, not at or after
        ("dates_are_gmt", "true"),
        ("status", "any"),
        ("orderby", "id"),
        ("order", "asc"),
        ("per_page", str(way.size)),
    )
    while True:
        page = int(place or 1)
        answer = yield Ask("orders", f"{way.url}/wp-json/wc/v3/orders", (*fixed, ("page", str(page))))
        found = listed(answer, "", "WooCommerce")
        told = answer.headers.get("x-wp-totalpages", "")
        more = page < int(told) if told.isdecimal() else len(found) >= way.size
        place = str(page + 1) if more else ""
        complete = yield from completed(found, partial(_with_refunds, way))
        yield Page(msgspec.json.encode(complete), len(found), newest(found, "date_modified_gmt"), place)
        if not place:
            return


def _with_refunds(way: Way, order: Piece) -> Completing:
    """The order with its refunds as they stand by themselves: within it they do not say when they were made."""
    number = text_of(order, "id")
    if not number or not order.get("refunds"):
        return order
    url = f"{way.url}/wp-json/wc/v3/orders/{quote(number, safe='')}/refunds"
    answer = yield Ask("refunds", url, (("per_page", "100"),), lenient=True)
    return order if answer.said is None else {**order, "refunds": listed(answer, "", "WooCommerce")}


def _signed(ask: Ask, secrets: Mapping[str, str], _token: str) -> Ask:
    return ask.bearing(Authorization=basic(secrets["key"], secrets["secret"]))


API: Final = Api(
    title="WooCommerce",
    page="https://woocommerce.github.io/woocommerce-rest-api-docs/",
    url="",
    streams={"orders": orders},
    secrets=("key", "secret"),
    signed=_signed,
    size=100,
    most=100,
    says="Orders that were moved to the bin are not listed.",
)
