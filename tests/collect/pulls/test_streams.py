"""What each API is asked, driven without a network: orders change between any two questions, and none is missed."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.pulls import cursor as cursors
from cxminute.collect.pulls.asking import Answer, Api, Ask, Page, Way
from cxminute.collect.pulls.catalogue import APIS, api_of
from cxminute.collect.pulls.cursor import Cursor
from cxminute.model.errors import BadData
from cxminute.model.times import HOUR
from tests.app.market_models import MARKETS
from tests.app.markets import Asked, Market

API = {"amazon-v0": ("amazon", "orders-v0")}
NAMES = {"shop": ("77",), "seller": ("514048142",), "marketplaces": ("A1PA6795UKMFR9",)}
RECORDS = {
    "shopify": ("orders", "id", "total_price"),
    "woocommerce": ("", "id", "total"),
    "ebay": ("orders", "orderId", "pricingSummary.total.value"),
    "mirakl": ("orders", "order_id", "total_price"),
    "mercadolibre": ("results", "id", "total_amount"),
    "etsy": ("results", "receipt_id", "grandtotal.amount"),
    "amazon": ("orders", "orderId", "proceeds.grandTotal.amount"),
    "amazon-v0": ("payload.Orders", "AmazonOrderId", "OrderTotal.Amount"),
    "zendesk": ("tickets", "id", "priority"),
}
"""Where a page has its records, their id, and what changes with every change."""


def at(piece: Any, path: str) -> Any:
    """What lies at a dotted path."""
    for name in path.split(".") if path else ():
        piece = piece[name]
    return piece


class Driver:
    """Asks a market what an API's own file says, and remembers what it told of each order last."""

    def __init__(self, name: str, market: Market, size: int) -> None:
        form, api = API.get(name) or (name, next(iter(APIS[name])))
        self.name, self.market, self.api = name, market, api_of(form, api)
        names: Mapping[str, tuple[str, ...]] = {**self.api.usual, **NAMES, "token_url": ("https://api/auth/o2/token",)}
        self.way = Way(
            "https://api", size, {key: names[key] for key in names if key in (*self.api.needs, *self.api.may)}
        )
        self.token, self.cursor = "", Cursor()
        self.seen: dict[str, float] = {}
        if name == "mirakl":
            self.way = Way("https://api", size)

    def ask(self, ask: Ask) -> Answer:
        """One answer, with a new access token where the market wants one."""
        for _ in range(4):
            said = self.sent(self.api.signed(ask, self.market.secrets, self.token))
            if said.headers["status"] not in ("401", "403"):
                return said
            assert self.api.grant is not None
            self.token = at(self.sent(self.api.grant(self.way, self.market.secrets)).said, "access_token")
        raise AssertionError("no token holds")

    def sent(self, ask: Ask) -> Answer:
        """One question."""
        headers = {name.lower(): value for name, value in ask.headers.items()}
        said = self.market.answer(Asked(urlsplit(ask.url).path, dict(ask.query), headers, ask.form))
        assert said.status in (200, 401, 403, *((404,) if ask.lenient else ())), said
        found = {name.lower(): value for name, value in said.headers.items()}
        found |= {"date": formatdate(self.market.clock / 1_000, usegmt=True), "status": str(said.status)}
        body = json.dumps(said.body).encode()
        return Answer(found, body, json.loads(body) if said.status == 200 else None)

    def run(self, chance: random.Random, cut: float) -> None:
        """One pull, which may be cut off before any answer or page."""
        resumed = self.cursor.run is not None
        self.once(chance, cut)
        if resumed and self.cursor.run is None:
            self.once(chance, cut)

    def once(self, chance: random.Random, cut: float) -> None:
        """One run, or what is left of it."""
        cursor = cursors.begun(self.cursor, 0, 0, self.market.clock + HOUR, size=self.way.size)
        assert cursor.run is not None
        flow = self.api.streams[self.market.stream](self.way, cursor.run.since, cursor.run.place)
        with suppress(StopIteration):
            step = next(flow)
            while chance.random() >= cut:
                if isinstance(step, Page):
                    self.learn(step)
                    cursor = self.cursor = cursors.onward(cursor, step)
                    step = flow.send(Answer({}, b"", None))
                else:
                    answer = self.ask(step)
                    cursor = cursors.dated(cursor, self.date())
                    step = flow.send(answer)

    def date(self) -> int:
        """The market's clock as its answers say it: in whole seconds."""
        return self.market.clock // 1_000 * 1_000

    def learn(self, page: Page) -> None:
        """What a page says of its records; the newest telling of each counts, as in the log."""
        where, name, total = RECORDS[self.name]
        pieces = at(json.loads(page.body), where)
        assert len(pieces) == page.records
        for piece in pieces:
            told = float(at(piece, total))
            key = str(at(piece, name))
            self.seen[key] = max(told, self.seen.get(key, told))


@pytest.mark.parametrize("name", MARKETS)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), orders=st.integers(0, 14), size=st.integers(1, 5), busy=st.floats(0, 0.5))
def test_no_order_is_missed(name: str, seed: int, orders: int, size: int, busy: float) -> None:
    """However orders change meanwhile, and pages their size between two pulls, wherever those are cut off, all come."""
    chance = random.Random(seed)  # noqa: S311 -- what happens when, not a secret
    market = MARKETS[name](max(1, orders), seed)
    driver = Driver(name, market, size)
    market.busy = busy
    for _ in range(5):
        driver.way = replace(driver.way, size=chance.choice([size, size, chance.randint(1, 5)]))
        driver.run(chance, 0.1)
    market.busy = 0.0
    market.clock += HOUR
    driver.run(chance, 0.0)
    factor = 100 if name == "etsy" else 1
    assert driver.seen == {key: round(total * factor, 2) for key, total in market.truth().items()}


def test_every_api_has_a_market() -> None:
    """There is none that no test asks."""
    asked = {API.get(name) or (name, next(iter(APIS[name]))) for name in MARKETS}
    assert asked == {(form, name) for form, names in APIS.items() for name in names}
    assert set(RECORDS) == set(MARKETS)
    assert all(isinstance(api_of(form, name), Api) for form, name in asked)


def test_several_pages_of_an_api_without_a_clock_are_refused_and_none_is_left_out() -> None:
    """Further pages of eBay's need the moment of the first: an answer that does not say it is told, not cut short."""
    flow = api_of("ebay", next(iter(APIS["ebay"]))).streams["orders"](Way("https://api", 2), 0, "")
    assert isinstance(next(flow), Ask)
    said = {"orders": [{"orderId": "1"}, {"orderId": "2"}], "total": 3}
    with pytest.raises(BadData, match="when it answered"):
        flow.send(Answer({}, b"", said))
