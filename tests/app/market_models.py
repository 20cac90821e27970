"""The APIs as their official documentation has them, over the orders of a market of this machine."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from cxminute.model.times import SECOND, to_ms
from tests.app.markets import MINUTES_BEFORE, Asked, Market, Order, Said, iso, window


def ms(written: str) -> int:
    """A time in a question, UTC ms; one without an offset is UTC."""
    found = datetime.fromisoformat(written if written.endswith("Z") or "+" in written else f"{written}Z")
    return to_ms(found)


def basic(asked: Asked) -> str:
    """What stands behind Basic."""
    kind, _, pair = asked.headers.get("authorization", "").partition(" ")
    return b64decode(pair).decode() if kind == "Basic" else ""


class Shopify(Market):
    """Pages by page_info: what stands on them, not where they stand."""

    form: ClassVar[str] = "shopify"
    secrets: ClassVar[Mapping[str, str]] = {"token": "shpat-secret"}

    def knows(self, asked: Asked) -> bool:
        """By its own header."""
        return asked.headers.get("x-shopify-access-token") == self.secrets["token"]

    def told(self, asked: Asked) -> Said:
        """orders.json."""
        assert asked.path == "/admin/api/2026-10/orders.json"
        size, page = int(asked.query["limit"]), asked.query.get("page_info")
        if page:
            assert set(asked.query) == {"limit", "page_info"}, "page_info stands with limit alone"
            since, last = json.loads(b64decode(page))
        else:
            assert asked.query["status"] == "any"
            since, last = ms(asked.query["updated_at_min"]), 10**9
        found = sorted(self.since(since), key=lambda order: -order.number)
        found = [order for order in found if order.number < last]
        headers = {"X-Shopify-Shop-Api-Call-Limit": "39/40" if self.chance.random() < 0.2 else "1/40"}
        if len(found) > size:
            token = b64encode(json.dumps([since, found[size - 1].number]).encode()).decode()
            url = f"https://elsewhere.example{asked.path}?limit={size}&page_info={token}"
            headers["Link"] = f'<{url}>; rel="next"'
        return Said({"orders": [self.order(order) for order in found[:size]]}, headers=headers)

    def order(self, order: Order) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "id": order.number, "name": f"#{order.number}", "created_at": iso(order.made), "currency": "EUR",
            "processed_at": iso(order.made), "updated_at": iso(order.changed), "financial_status": "paid",
            "total_price": f"{order.total:.2f}", "email": f"buyer{order.number}@example.org",
            "customer": {"id": 7_000 + order.number % 5}, "line_items": [], "refunds": [], "fulfillments": [],
        }  # fmt: skip


class WooCommerce(Market):
    """Numbered pages."""

    form: ClassVar[str] = "woocommerce"
    secrets: ClassVar[Mapping[str, str]] = {"key": "ck-secret", "secret": "cs-secret"}

    def knows(self, asked: Asked) -> bool:
        """Basic."""
        return basic(asked) == "ck-secret:cs-secret"

    def told(self, asked: Asked) -> Said:
        """wc/v3/orders."""
        if asked.path.endswith("/refunds"):
            number = int(asked.path.split("/")[-2])
            return Said([self.refund(self.orders[number])])
        assert asked.path == "/wp-json/wc/v3/orders"
        query = asked.query
        assert (query["dates_are_gmt"], query["orderby"], query["order"]) == ("true", "id", "asc")
        after = ms(query["modified_after"])
        found = [order for order in self.since(after) if order.changed > after]
        size = int(query["per_page"])
        pages = -(-len(found) // size)
        page = window(found, (int(query["page"]) - 1) * size, size)
        return Said([self.order(o) for o in page], headers={"X-WP-TotalPages": str(pages)})

    def order(self, order: Order) -> dict[str, Any]:
        """As the API gives it."""
        given_back = [{"id": 9_000 + order.number, "reason": "", "total": "-1.00"}] if order.number % 3 == 0 else []
        return {
            "id": order.number, "status": "processing", "currency": "EUR", "total": f"{order.total:.2f}",
            "date_created": iso(order.made)[:-1], "date_created_gmt": iso(order.made)[:-1],
            "date_modified": iso(order.changed)[:-1], "date_modified_gmt": iso(order.changed)[:-1],
            "customer_id": 5, "billing": {"email": "buyer@example.org"}, "line_items": [], "refunds": given_back,
        }  # fmt: skip

    def refund(self, order: Order) -> dict[str, Any]:
        """As it stands by itself."""
        return {
            "id": 9_000 + order.number, "parent_id": order.number, "amount": "1.00", "reason": "", "line_items": [],
            "date_created": iso(order.made)[:-1], "date_created_gmt": iso(order.made)[:-1],
        }  # fmt: skip


class Granting(Market):
    """An API that wants access tokens, which hold for a few questions."""

    secrets: ClassVar[Mapping[str, str]] = {
        "client_id": "client-secret-1", "client_secret": "client-secret-2", "refresh_token": "refresh-secret",
    }  # fmt: skip
    left = 0

    def holds(self, token: str) -> bool:
        """Whether an access token still holds."""
        self.left -= 1
        return token == f"access-{self.tokens}" and self.left >= 0

    def granted(self) -> Said:
        """A token for some questions."""
        self.left = self.chance.randint(4, 30)
        return super().granted()


class Ebay(Granting):
    """Offsets over orders by their last change, the worst order there is."""

    form: ClassVar[str] = "ebay"

    def knows(self, asked: Asked) -> bool:
        """Basic for a token, else the token."""
        if asked.path == "/identity/v1/oauth2/token":
            return basic(asked) == "client-secret-1:client-secret-2"
        return self.holds(asked.headers.get("authorization", "").removeprefix("Bearer "))

    def told(self, asked: Asked) -> Said:
        """Token, order, shipping_fulfillment."""
        if asked.path == "/identity/v1/oauth2/token":
            right = {"grant_type": "refresh_token", "refresh_token": "refresh-secret"}
            return self.granted() if asked.form == right else Said({"error": "invalid_grant"}, 400)
        if asked.path.endswith("/shipping_fulfillment"):
            order = self.orders[int(asked.path.split("/")[-2].rpartition("-")[2])]
            parcel = {"fulfillmentId": f"F{order.number}", "shippedDate": iso(order.made + SECOND), "lineItems": []}
            return Said({"fulfillments": [parcel], "total": 1})
        assert asked.path == "/sell/fulfillment/v1/order"
        said = asked.query["filter"]
        assert said.startswith("lastmodifieddate:["), said
        start, _, end = said.removeprefix("lastmodifieddate:[").removesuffix("]").partition("..")
        found = self.since(ms(start), until=ms(end) if end else None)
        found = sorted(found, key=lambda order: (order.changed, order.number))
        offset, size = int(asked.query["offset"]), int(asked.query["limit"])
        assert offset % size == 0
        page = window(found, offset, size)
        more = {"next": "https://elsewhere.example/order"} if offset + size < len(found) else {}
        body = {"total": len(found), "limit": size, "offset": offset, "orders": [self.order(o) for o in page], **more}
        return Said(body)

    def id_of(self, order: Order) -> str:
        """Three parts."""
        return f"11-04521-{order.number}"

    def order(self, order: Order) -> dict[str, Any]:
        """As the API gives it."""
        total = {"value": f"{order.total:.2f}", "currency": "EUR"}
        sent = order.number % 2 == 0
        return {
            "orderId": self.id_of(order), "creationDate": iso(order.made), "lastModifiedDate": iso(order.changed),
            "orderFulfillmentStatus": "FULFILLED" if sent else "NOT_STARTED", "buyer": {"username": "harbour"},
            "pricingSummary": {"total": total, "priceSubtotal": total}, "paymentSummary": {"refunds": []},
            "cancelStatus": {"cancelState": "NONE_REQUESTED"}, "fulfillmentStartInstructions": [], "lineItems": [],
            "fulfillmentHrefs": ["https://api.ebay.com/anything"] if sent else [],
        }  # fmt: skip


class Mirakl(Market):
    """Offsets over orders as they were made."""

    form: ClassVar[str] = "mirakl"
    secrets: ClassVar[Mapping[str, str]] = {"token": "mirakl-secret"}

    def knows(self, asked: Asked) -> bool:
        """The bare key."""
        return asked.headers.get("authorization") == "mirakl-secret"

    def told(self, asked: Asked) -> Said:
        """OR11."""
        assert asked.path == "/api/orders"
        query = asked.query
        assert (query["sort"], query["order"]) == ("dateCreated", "asc")
        found = self.since(ms(query["start_update_date"]))
        page = window(found, int(query["offset"]), int(query["max"]))
        return Said({"orders": [self.order(o) for o in page], "total_count": len(found)})

    def order(self, order: Order) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "order_id": f"{order.number}", "created_date": iso(order.made), "last_updated_date": iso(order.changed),
            "order_state": "SHIPPING", "currency_iso_code": "EUR", "price": order.total, "shipping_price": 0.0,
            "total_price": order.total, "customer": {"customer_id": "C-1", "firstname": "Zoe"}, "order_lines": [],
        }  # fmt: skip


class MercadoLibre(Market):
    """Offsets over orders as they were made; shipments apart."""

    form: ClassVar[str] = "mercadolibre"
    secrets: ClassVar[Mapping[str, str]] = {"token": "APP-secret"}
    extra: ClassVar[str] = 'seller = "514048142"\n'

    def knows(self, asked: Asked) -> bool:
        """Bearer."""
        return asked.headers.get("authorization") == "Bearer APP-secret"

    def told(self, asked: Asked) -> Said:
        """Search, shipments, history, sla."""
        if asked.path.startswith("/shipments/"):
            assert asked.headers["x-format-new"] == "true"
            return self.shipment(asked.path.removeprefix("/shipments/").split("/"))
        assert (asked.path, asked.query["seller"], asked.query["sort"]) == ("/orders/search", "514048142", "date_asc")
        made = asked.query.get("order.date_created.from", "1970-01-01T00:00:00Z")
        found = [o for o in self.since(ms(asked.query["order.date_last_updated.from"])) if o.made >= ms(made)]
        if int(asked.query["offset"]) > self.deepest:
            return Said({"error": "offset"}, 400)
        offset, size = int(asked.query["offset"]), int(asked.query["limit"])
        paging = {"total": len(found), "offset": offset, "limit": size}
        return Said({"paging": paging, "results": [self.order(o) for o in window(found, offset, size)]})

    def shipment(self, parts: list[str]) -> Said:
        """One, or a part of it; every fifth may not be seen."""
        order = self.orders[int(parts[0]) - 40_000]
        if order.number % 5 == 0:
            return Said({"message": "not found"}, 404)
        if parts[1:] == ["history"]:
            return Said([{"status": "shipped", "date": iso(order.made + 5 * SECOND)}])
        if parts[1:] == ["sla"]:
            return Said({"status": "on_time", "expected_date": iso(order.made + 900 * SECOND)})
        body = {"id": int(parts[0]), "status": "shipped", "logistic": {"mode": "me2"}, "lead_time": {}}
        return Said({**body, "date_created": iso(order.made), "last_updated": iso(order.changed)})

    def order(self, order: Order) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "id": order.number, "status": "paid", "date_created": iso(order.made), "currency_id": "ARS",
            "date_last_updated": iso(order.changed), "total_amount": order.total, "paid_amount": order.total,
            "buyer": {"id": 441782523}, "order_items": [], "payments": [], "shipping": {"id": 40_000 + order.number},
        }  # fmt: skip


class Etsy(Market):
    """Offsets over receipts as they were made."""

    form: ClassVar[str] = "etsy"
    secrets: ClassVar[Mapping[str, str]] = {"key": "keystring:secret", "token": "12345.secret"}
    extra: ClassVar[str] = 'shop = "77"\n'

    def knows(self, asked: Asked) -> bool:
        """Key and token."""
        right = {"x-api-key": "keystring:secret", "authorization": "Bearer 12345.secret"}
        return all(asked.headers.get(name) == value for name, value in right.items())

    def told(self, asked: Asked) -> Said:
        """Receipts."""
        assert asked.path == "/v3/application/shops/77/receipts"
        assert (asked.query["sort_on"], asked.query["sort_order"]) == ("created", "asc")
        made = int(asked.query.get("min_created", 0)) * SECOND
        found = [o for o in self.since(int(asked.query["min_last_modified"]) * SECOND) if o.made >= made]
        if int(asked.query["offset"]) > self.deepest:
            return Said({"error": "offset"}, 400)
        page = window(found, int(asked.query["offset"]), int(asked.query["limit"]))
        return Said({"count": len(found), "results": [self.receipt(o) for o in page]})

    def receipt(self, order: Order) -> dict[str, Any]:
        """As the API gives it."""
        money = {"amount": round(order.total * 100), "divisor": 100, "currency_code": "EUR"}
        return {
            "receipt_id": order.number, "buyer_user_id": 9, "status": "Paid", "grandtotal": money, "transactions": [],
            "created_timestamp": order.made // SECOND, "updated_timestamp": order.changed // SECOND, "shipments": [],
            "name": "A Buyer", "is_shipped": False, "refunds": [],
        }  # fmt: skip


class Amazon(Granting):
    """searchOrders of 2026-01-01: tokens over a span that ends two minutes before the first question."""

    form: ClassVar[str] = "amazon"
    extra: ClassVar[str] = 'marketplaces = ["A1PA6795UKMFR9"]\ntoken_url = "URL/auth/o2/token"\n'
    refusal: ClassVar[int] = 403

    def knows(self, asked: Asked) -> bool:
        """The client for a token, else the token."""
        if asked.path == "/auth/o2/token":
            return asked.form == {"grant_type": "refresh_token", **self.secrets}
        return self.holds(asked.headers.get("x-amz-access-token", ""))

    def id_of(self, order: Order) -> str:
        """3-7-7."""
        return f"902-0000000-{order.number:07d}"

    def page(self, since: str, token: str, size: int) -> tuple[list[Order], str, int]:
        """Orders, the next token, and up to when they reach; a token is of what stands on the page."""
        start, until, last, number = json.loads(b64decode(token)) if token else [0, 0, 0, 0]
        if not token:
            start, until = ms(since), self.clock - MINUTES_BEFORE
        found = sorted(self.since(start, until=until), key=lambda order: (order.changed, order.number))
        found = [order for order in found if (order.changed, order.number) > (last, number)]
        following = ""
        if len(found) > size:
            place = [start, until, found[size - 1].changed, found[size - 1].number]
            following = b64encode(json.dumps(place).encode()).decode()
        return found[:size], following, until

    def told(self, asked: Asked) -> Said:
        """Token, searchOrders."""
        if asked.path == "/auth/o2/token":
            return self.granted()
        assert asked.path == "/orders/2026-01-01/orders"
        query = asked.query
        assert "BUYER" not in query["includedData"]
        found, token, until = self.page(
            query["lastUpdatedAfter"], query.get("paginationToken", ""), int(query["maxResultsPerPage"])
        )
        body: dict[str, Any] = {"orders": [self.order(o) for o in found], "lastUpdatedBefore": iso(until)}
        if token:
            body["pagination"] = {"nextToken": token}
        return Said(body, headers={"x-amzn-RateLimit-Limit": "0.0056"})

    def order(self, order: Order) -> dict[str, Any]:
        """As the model has it."""
        return {
            "orderId": self.id_of(order), "createdTime": iso(order.made), "lastUpdatedTime": iso(order.changed),
            "salesChannel": {"channelName": "AMAZON", "marketplaceName": "Amazon.de"},
            "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
            "proceeds": {"grandTotal": {"amount": f"{order.total:.2f}", "currencyCode": "EUR"}}, "orderItems": [],
        }  # fmt: skip


class AmazonV0(Amazon):
    """getOrders and getOrderItems."""

    extra: ClassVar[str] = f'api = "orders-v0"\n{Amazon.extra}'

    def told(self, asked: Asked) -> Said:
        """Token, orders, items by two pages."""
        if asked.path == "/auth/o2/token":
            return self.granted()
        if asked.path.endswith("/orderItems"):
            number = asked.path.split("/")[-2]
            order = self.orders[int(number.rpartition("-")[2])]
            second = asked.query.get("NextToken") == "more"
            price = {"Amount": f"{order.total / 2:.2f}", "CurrencyCode": "EUR"}
            item = {"ASIN": "B0", "OrderItemId": "2" if second else "1", "QuantityOrdered": 1, "ItemPrice": price}
            payload = {"OrderItems": [item], "AmazonOrderId": number}
            return Said({"payload": payload if second else {**payload, "NextToken": "more"}})
        assert asked.path == "/orders/v0/orders"
        query = asked.query
        assert query["MarketplaceIds"] == "A1PA6795UKMFR9"
        size = int(query["MaxResultsPerPage"])
        found, token, until = self.page(query["LastUpdatedAfter"], query.get("NextToken", ""), size)
        payload = {"Orders": [self.order(o) for o in found], "LastUpdatedBefore": iso(until)}
        return Said({"payload": {**payload, **({"NextToken": token} if token else {})}})

    def order(self, order: Order) -> dict[str, Any]:
        """As the model has it."""
        return {
            "AmazonOrderId": self.id_of(order), "PurchaseDate": iso(order.made), "LastUpdateDate": iso(order.changed),
            "OrderStatus": "Unshipped", "FulfillmentChannel": "MFN", "SalesChannel": "Amazon.de",
            "OrderTotal": {"CurrencyCode": "EUR", "Amount": f"{order.total:.2f}"},
        }  # fmt: skip


class Zendesk(Market):
    """The incremental export of tickets; a ticket's priority says how often it was changed."""

    form: ClassVar[str] = "zendesk"
    secrets: ClassVar[Mapping[str, str]] = {"email": "agent@example.org", "token": "zen-secret"}
    stream: ClassVar[str] = "tickets"

    def knows(self, asked: Asked) -> bool:
        """Basic with a token."""
        return basic(asked) == "agent@example.org/token:zen-secret"

    def told(self, asked: Asked) -> Said:
        """cursor.json."""
        assert asked.path == "/api/v2/incremental/tickets/cursor.json"
        query = asked.query
        cursor = query.get("cursor")
        last, number = json.loads(b64decode(cursor)) if cursor else [int(query["start_time"]) * SECOND, 0]
        found = sorted(self.orders.values(), key=lambda order: (order.changed, order.number))
        found = [order for order in found if (order.changed, order.number) > (last, number)]
        page = found[: int(query["per_page"])]
        place = [page[-1].changed, page[-1].number] if page else [last, number]
        return Said(
            {
                "tickets": [self.ticket(order) for order in page],
                "metric_sets": [{"ticket_id": order.number, "reopens": 0} for order in page],
                "after_cursor": b64encode(json.dumps(place).encode()).decode(),
                "end_of_stream": len(page) == len(found),
            }
        )

    def ticket(self, order: Order) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "id": order.number, "created_at": iso(order.made), "updated_at": iso(order.changed), "status": "open",
            "requester_id": 5, "subject": "Where is it?", "priority": str(order.total), "via": {"channel": "email"},
        }  # fmt: skip


MARKETS: dict[str, type[Market]] = {
    "shopify": Shopify, "woocommerce": WooCommerce, "ebay": Ebay, "mirakl": Mirakl, "mercadolibre": MercadoLibre,
    "etsy": Etsy, "amazon": Amazon, "amazon-v0": AmazonV0, "zendesk": Zendesk,
}  # fmt: skip
"""Every API that there is a pull for."""
