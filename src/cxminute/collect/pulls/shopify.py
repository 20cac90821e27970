"""Shopify: orders of the Admin REST API, by pages that the Link header names.

A page is found by what stands on it, not by its number, so that orders that change meanwhile shift nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from cxminute.collect.pulls.asking import Answer, Api, Ask, Page, Pulling, Way, iso, listed, newest

_NEXT: Final = re.compile(r"<([^>]*)>\s*;[^,]*\brel=\"?next\"?")
_CALLS: Final = re.compile(r"(\d+)/(\d+)")
_LEAK: Final = 2.0
"""Calls a second that a shop's bucket lets through; more on larger plans, which then wait a little too long."""


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every order changed since then, whatever its status; place: the page_info of a page."""
    url = f"{way.url}/admin/api/{way.name('version')}/orders.json"
    while True:
        wanted = (("page_info", place),) if place else (("status", "any"), ("updated_at_min", iso(since)))
        answer = yield Ask("orders", url, (("limit", str(way.size)), *wanted))
        found = listed(answer, "orders", "Shopify")
        place = _next(answer)
        yield Page(answer.body, len(found), newest(found, "updated_at"), place)
        if not place:
            return


def _next(answer: Answer) -> str:
    """The page_info of the page that the Link header names as the next: of its address nothing else is used."""
    found = _NEXT.search(answer.headers.get("link", ""))
    return parse_qs(urlsplit(found[1]).query).get("page_info", [""])[0] if found else ""


def _signed(ask: Ask, secrets: Mapping[str, str], _token: str) -> Ask:
    return ask.bearing(X_Shopify_Access_Token=secrets["token"])


def _pause(_status: int, headers: Mapping[str, str]) -> float:
    """As long as it takes until a fifth of the shop's bucket is free."""
    found = _CALLS.fullmatch(headers.get("x-shopify-shop-api-call-limit", ""))
    return max(0.0, int(found[1]) - 0.8 * int(found[2])) / _LEAK if found else 0.0


API: Final = Api(
    title="Shopify",
    page="https://shopify.dev/docs/api/admin-rest/latest/resources/order",
    url="",
    streams={"orders": orders},
    secrets=("token",),
    signed=_signed,
    may={"version": "of the Admin API, such as 2026-10"},
    usual={"version": ("2026-10",)},
    size=100,
    most=250,
    pause=_pause,
    says="Orders older than 60 days come only to apps that may read all orders.",
)
