"""Amazon: orders of the Selling Partner API, version 2026-01-01; and what both versions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cxminute.collect.pulls.asking import Api, Ask, Page, Pulling, Way, listed, newest, text_of, when, whole

NORTH_AMERICA: Final = "https://sellingpartnerapi-na.amazon.com"
SECRETS: Final = ("client_id", "client_secret", "refresh_token")
MARKETS: Final = "numbers of the marketplaces, such as A1PA6795UKMFR9"
TOKENS: Final = "https://api.amazon.com/auth/o2/token"


def orders(way: Way, since: int, place: str) -> Pulling:
    """Every order changed since then; place: a pagination token, which holds for a day."""
    fixed = [("lastUpdatedAfter", whole(since)), ("maxResultsPerPage", str(way.size))]
    if markets := way.name("marketplaces"):
        fixed.append(("marketplaceIds", markets))
    fixed.append(("includedData", way.name("included")))
    while True:
        token = [("paginationToken", place)] if place else []
        answer = yield Ask("orders", f"{way.url}/orders/2026-01-01/orders", (*fixed, *token))
        found = listed(answer, "orders", "Amazon")
        place = text_of(answer.said, "pagination.nextToken")
        until = when(answer.said, "lastUpdatedBefore")
        yield Page(answer.body, len(found), newest(found, "lastUpdatedTime"), place, until)
        if not place:
            return


def grant(way: Way, secrets: Mapping[str, str]) -> Ask:
    """The exchange of the refresh token (Login with Amazon)."""
    form = {"grant_type": "refresh_token", **{name: secrets[name] for name in SECRETS}}
    return Ask("token", way.name("token_url"), form=form)


def signed(ask: Ask, _secrets: Mapping[str, str], token: str) -> Ask:
    """With the access token as both versions want it."""
    return ask.bearing(x_amz_access_token=token)


def pause(status: int, headers: Mapping[str, str]) -> float:
    """What is asked too often has used up its burst: from then on there is one call in 1/rate seconds."""
    if status != 429:
        return 0.0
    try:
        rate = float(headers.get("x-amzn-ratelimit-limit", ""))
    except ValueError:
        return 0.0
    return 1 / rate if rate > 0 else 0.0


API: Final = Api(
    title="Amazon, orders 2026-01-01",
    page="https://developer-docs.amazon.com/sp-api/docs/orders-api",
    url=NORTH_AMERICA,
    streams={"orders": orders},
    secrets=SECRETS,
    signed=signed,
    grant=grant,
    needs={"marketplaces": MARKETS},
    may={"included": "data sets beside the order itself", "token_url": "where refresh tokens are exchanged"},
    usual={
        "included": ("PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES"),
        "token_url": (TOKENS,),
    },
    size=100,
    most=100,
    pause=pause,
    says="Europe is https://sellingpartnerapi-eu.amazon.com, the Far East https://sellingpartnerapi-fe.amazon.com. "
    "BUYER and RECIPIENT are not asked for: add them to `included` if the application may see persons' data.",
)
