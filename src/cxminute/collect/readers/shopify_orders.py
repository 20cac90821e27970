"""Shopify's orders and checkouts, with all that an order carries within it: parcels, refunds, its cancellation.

Amounts are those in the currency of the shop (`shop_money`); what the customer saw in another currency goes along as
`presentment_total`. What opens pages of the shop to whoever has it (tokens, status addresses) and all of the card but
the way of payment is left out, as are the numbers of the shop's own staff.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from cxminute.collect.readers.facts import Around, Fact, Piece, Record, Unfit, known_as, said, without
from cxminute.collect.readers.fields import (
    amount,
    currency,
    happened,
    inner,
    left,
    listed,
    moment,
    needed,
    objects,
    summed,
    text,
    total,
)
from cxminute.collect.readers.shopify_parcels import named, parcel
from cxminute.collect.readers.shopify_refunds import refund

ORDERED: Final = (
    "total", "revenue", "shipping", "tax", "discount", "currency", "quantity", "status", "channel", "service_level",
    "country", "region", "language", "business",
)  # fmt: skip
STARTED: Final = ("total", "revenue", "shipping", "tax", "discount", "currency", "quantity", "channel", "country",
                  "region", "language")  # fmt: skip

_SUMS: Final = (
    "total_price", "subtotal_price", "total_tax", "total_discounts", "total_line_items_price", "total_shipping_price",
)  # fmt: skip
_TOLD: Final = (
    "id", "name", "created_at", "processed_at", "updated_at", "cancelled_at", "cancel_reason", "currency", "email",
    "contact_email", "phone", "note", "note_attributes", "customer", "customer_locale", "line_items", "shipping_lines",
    "fulfillments", "refunds", "financial_status", "source_name", "company", *_SUMS, *(f"{name}_set" for name in _SUMS),
)  # fmt: skip
_LEFT_OUT: Final = (
    "token", "cart_token", "checkout_token", "order_status_url", "abandoned_checkout_url", "payment_details",
    "client_details", "browser_ip", "user_id", "admin_graphql_api_id", "credit_card",
)  # fmt: skip
_OF_CUSTOMERS: Final = (
    "id", "email", "phone", "first_name", "last_name", "note", "default_address", "addresses", "multipass_identifier",
    "last_order_id", "last_order_name", "admin_graphql_api_id", "created_at", "updated_at", "currency",
)  # fmt: skip


def order(piece: Piece, around: Around) -> Sequence[Record]:
    """An order, its parcels and its refunds, each a record of its own."""
    number, user = needed(piece, "id"), text(piece, "customer.id")
    code = _currency_of(piece)
    lines, refunds = objects(piece, "line_items"), objects(piece, "refunds")
    _returned_at_most(lines, refunds)
    changed = moment(piece, "updated_at", around)
    ordered = _bought(piece, code) | said(
        status=text(piece, "financial_status"),
        service_level=listed(_ways(piece), "title"),
        business=True if piece.get("company") else None,
        order_name=text(piece, "name"),
        presentment_total=_presented(piece, code),
    )
    at = happened(piece, "processed_at" if text(piece, "processed_at") else "created_at", around)
    facts = [Fact("Order Completed", at, ordered)]
    if (cancelled := moment(piece, "cancelled_at", around)) is not None:
        facts.append(Fact("Order Cancelled", cancelled, said(reason=text(piece, "cancel_reason"))))
    identifiers = known_as(order_id=number, user_id=user)
    told = Record(f"order {number}", identifiers, facts, changed_at=changed, rest=_rest(piece))
    parcels = [parcel(part, around, identifiers, changed) for part in objects(piece, "fulfillments")]
    return [told, *parcels, *(refund(part, around, identifiers, changed, code) for part in refunds)]


def checkout(piece: Piece, around: Around) -> Sequence[Record]:
    """A checkout that was begun; whether an order came of it, the order says (`checkout_id`)."""
    number = needed(piece, "id")
    started = _bought(piece, _currency_of(piece)) | {"checkout_id": number}
    fact = Fact("Checkout Started", happened(piece, "created_at", around), started)
    who, changed = known_as(user_id=text(piece, "customer.id")), moment(piece, "updated_at", around)
    return [Record(f"checkout {number}", who, [fact], changed_at=changed, rest=_rest(piece))]


def _products(lines: Sequence[Piece]) -> list[dict[str, object]]:
    """The lines of an order as its event carries them."""
    return [
        named(line)
        | said(
            variant=text(line, "variant_title"),
            price=amount(line, "price"),
            discount=amount(line, "total_discount") or None,
        )
        for line in lines
    ]


def _bought(piece: Piece, code: str) -> dict[str, object]:
    """What an order and a checkout say alike."""
    lines = objects(piece, "line_items")
    to = "shipping_address" if inner(piece, "shipping_address") else "billing_address"
    street = [text(piece, f"{to}.{part}") for part in ("address1", "address2")]
    called = [text(piece, f"customer.{part}") for part in ("first_name", "last_name")]
    return said(
        total=amount(piece, "total_price"),
        revenue=_goods(piece, lines),
        shipping=_shipping(piece),
        tax=amount(piece, "total_tax"),
        discount=amount(piece, "total_discounts"),
        currency=code,
        quantity=summed(lines, "quantity"),
        channel=text(piece, "source_name"),
        country=text(piece, "shipping_address.country_code"),
        region=text(piece, "shipping_address.province_code") or text(piece, "shipping_address.province"),
        language=text(piece, "customer_locale"),
        products=_products(lines),
        email=text(piece, "email") or text(piece, "contact_email") or text(piece, "customer.email"),
        phone=text(piece, "phone") or text(piece, f"{to}.phone") or text(piece, "customer.phone"),
        name=text(piece, f"{to}.name") or " ".join(filter(None, called)),
        address=", ".join(filter(None, street)),
        city=text(piece, f"{to}.city"),
        postal_code=text(piece, f"{to}.zip"),
        comment=text(piece, "note"),
    )


def _rest(piece: Piece) -> dict[str, object]:
    """What no fact says; under names by which it is known as personal where it is."""
    written = [line.get("properties") for line in objects(piece, "line_items")]
    return without(piece, *_TOLD, *_LEFT_OUT) | said(
        customer=left(piece, "customer", *_OF_CUSTOMERS),
        notes=[note for note in (piece.get("note_attributes"), *written) if note],
        ip=text(piece, "client_details.browser_ip") or text(piece, "browser_ip"),
        userAgent=text(piece, "client_details.user_agent"),
    )


def _currency_of(piece: Piece) -> str:
    """The shop's currency: that of every amount which is told."""
    return currency(text(piece, "currency"), *(text(piece, f"{name}_set.shop_money.currency_code") for name in _SUMS))


def _presented(piece: Piece, code: str) -> dict[str, object] | None:
    """What the customer saw as the total, where it was in another currency."""
    seen = "total_price_set.presentment_money"
    if text(piece, f"{seen}.currency_code") in {"", code}:
        return None
    return said(amount=amount(piece, f"{seen}.amount"), currency=text(piece, f"{seen}.currency_code"))


def _ways(piece: Piece) -> list[Piece]:
    return objects(piece, "shipping_lines")


def _shipping(piece: Piece) -> float | None:
    found = amount(piece, "total_shipping_price_set.shop_money.amount")
    return total(*(amount(line, "price") for line in _ways(piece))) if found is None else found


def _goods(piece: Piece, lines: Sequence[Piece]) -> float | None:
    """What the goods bring: the subtotal, of which older orders state it before discounts, so that the total bounds it.

    Where prices have the tax in them, it goes off as the lines state it; where they do not, nothing is told.
    """
    subtotal, paid, tax = (amount(piece, name) for name in ("subtotal_price", "total_price", "total_tax"))
    if subtotal is None or not piece.get("taxes_included") or not tax:
        most = total(paid, -tax) if paid is not None and tax is not None else None
        return subtotal if subtotal is None or most is None or most < 0 else min(subtotal, most)
    if not any("tax_lines" in line for line in lines):
        return None
    taxes = [amount(part, "price") for line in lines for part in objects(line, "tax_lines")]
    return total(subtotal, -(total(*taxes) or 0.0))


def _returned_at_most(lines: Sequence[Piece], refunds: Sequence[Piece]) -> None:
    """Raises Unfit where all refunds of a line together have more pieces than were bought of it."""
    bought = {text(line, "id"): amount(line, "quantity") for line in lines}
    back: defaultdict[str, float] = defaultdict(float)
    for part in refunds:
        for line in objects(part, "refund_line_items"):
            back[text(line, "line_item_id")] += amount(line, "quantity") or 0.0
    for number, quantity in back.items():
        most = bought.get(number)
        if most is not None and quantity > most:
            detail = f"'refunds' take back {quantity:g} of line {number}, of which {most:g} were bought."
            raise Unfit("returned_more", detail)
