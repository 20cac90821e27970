"""Shopify: orders, parcels, refunds and checkouts as the Admin REST API gives them and its webhooks send them."""

from __future__ import annotations

from collections.abc import Sequence

from cxminute.collect.readers import shopify_orders, shopify_parcels, shopify_refunds
from cxminute.collect.readers.facts import Around, Form, Piece, Reader, Record, Unfit, silent
from cxminute.collect.readers.shopify_orders import ORDERED, STARTED
from cxminute.collect.readers.shopify_parcels import ARRIVED, SENT, UNDERWAY
from cxminute.collect.readers.shopify_refunds import OPENED, REFUNDED


def _asking(_piece: Piece, _around: Around) -> Sequence[Record]:
    """What a shop asks for in a person's name: none that came as it should comes here."""
    raise Unfit("bad_shape", "It is a request in a person's name, and came by another way, or says not whose.")


READER = Reader(
    "shopify",
    "Shopify",
    (
        Form(
            "order",
            shopify_orders.order,
            {
                "Order Completed": ORDERED,
                "Order Cancelled": ("reason",),
                "Order Shipped": SENT,
                "Order Updated": (*SENT, *REFUNDED),
                "Order Refunded": REFUNDED,
            },
            found=("", "orders[]", "order", "[]"),
            has=("id", "financial_status"),
            says="It states no promise and no delivery: a fulfilment event does, where the carrier tells the shop. "
            "That a parcel left is told at the time at which its fulfilment was made.",
        ),
        Form(
            "fulfilment event",
            shopify_parcels.underway,
            {"Order Delivered": ARRIVED, "Order Updated": UNDERWAY},
            found=("", "fulfillment_events[]", "fulfillment_event", "[]"),
            has=("id", "fulfillment_id", "happened_at"),
            says="It does not say whose the order is: only the order does.",
        ),
        Form(
            "refund",
            shopify_refunds.alone,
            {"Order Refunded": REFUNDED, "Order Updated": REFUNDED},
            found=("", "refunds[]", "refund", "[]"),
            has=("id", "order_id", "refund_line_items", "transactions"),
            says="It does not say whose the order is: only the order does.",
        ),
        Form(
            "fulfilment",
            shopify_parcels.alone,
            {"Order Shipped": SENT, "Order Updated": SENT},
            found=("", "fulfillments[]", "fulfillment", "[]"),
            has=("id", "order_id", "status", "tracking_company"),
            says="It does not say whose the order is: only the order does.",
        ),
        Form(
            "return",
            shopify_refunds.opened,
            {"Return Opened": OPENED},
            found=("", "returns[]", "return", "[]"),
            has=("id", "return_line_items"),
            says="Where it states no time, as in webhooks, it is set apart: its refund tells of it later.",
        ),
        Form(
            "checkout",
            shopify_orders.checkout,
            {"Checkout Started": STARTED},
            found=("", "checkouts[]", "checkout", "[]"),
            has=("id", "abandoned_checkout_url"),
            says="That it was abandoned is no event: no Order Completed has its checkout_id.",
        ),
        Form(
            "customer",
            silent,
            {},
            found=("", "customers[]", "customer", "[]"),
            has=("id", "verified_email"),
            says="It tells of a state and of nothing that happened: orders carry their customer with them.",
        ),
        Form(
            "suggested refund",
            silent,
            {},
            found=("", "refund"),
            has=("refund_line_items", "transactions"),
            lacks=("id",),
            says="It is a calculation: no money went back.",
        ),
        Form(
            "risk",
            silent,
            {},
            found=("", "risks[]", "risk", "[]"),
            has=("recommendation", "score"),
            says="It is what the shop thinks of an order, and when is not said.",
        ),
        Form(
            "invitation",
            silent,
            {},
            found=("", "customer_invite"),
            has=("to", "custom_message"),
            says="It says neither when it was sent nor to which customer by number.",
        ),
        Form(
            "saved search",
            silent,
            {},
            found=("", "customer_saved_searches[]", "customer_saved_search"),
            has=("id", "query"),
            says="It is a setting of the shop.",
        ),
        Form(
            "fulfilment service",
            silent,
            {},
            found=("", "fulfillment_services[]", "fulfillment_service"),
            has=("id", "inventory_management", "tracking_support"),
            says="It is a setting of the shop.",
        ),
        Form(
            "privacy request",
            _asking,
            {},
            has=("shop_id", "shop_domain"),
            says="It asks for something and tells of no event: sent as a webhook, it stands in `cxm requests`.",
        ),
    ),
    ("user_id", "order_id", "package_id", "return_id"),
    "https://shopify.dev/docs/api/admin-rest",
)
