"""Etsy: receipts and reviews of the Open API, version 3 (https://developers.etsy.com/documentation/reference)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cxminute.collect.readers.cancellations import cancellation
from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Reader, Record, Unfit, known_as, said, without
from cxminute.collect.readers.fields import (
    amount,
    currency,
    exceeds,
    inner,
    needed,
    number,
    objects,
    summed,
    text,
    total,
)
from cxminute.model.times import SECOND

_LAST: Final = 253_370_764_800
"""The year 9999 in epoch seconds: what lies beyond is no time."""
_STARS: Final = 5.0
_PERSONALIZATION: Final = "54"
"""The property of a line that holds what the buyer wrote."""
_MONEY: Final = (
    "grandtotal", "subtotal", "total_shipping_cost", "total_tax_cost", "total_vat_cost", "discount_amt",
)  # fmt: skip
_CHANNELS: Final = {"0": "Etsy.com", "5": "Etsy.com", "1": "Pattern"}

_TOLD: Final = (
    "receipt_id", "buyer_user_id", "receipt_type", "status", "created_timestamp", "create_timestamp",
    "updated_timestamp", "update_timestamp", "grandtotal", "subtotal", "total_shipping_cost", "total_tax_cost",
    "total_vat_cost", "discount_amt", "transactions", "shipments", "refunds", "country_iso", "state", "name", "city",
    "zip", "first_line", "second_line", "formatted_address", "buyer_email", "payment_email", "message_from_buyer",
    "gift_message", "gift_sender",
)  # fmt: skip
_LINE: Final = (
    "transaction_id",
    "listing_id",
    "sku",
    "title",
    "price",
    "quantity",
    "product_id",
    "receipt_id",
    "buyer_user_id",
    "variations",
)


def _receipt(piece: Piece, around: Around) -> Sequence[Record]:  # noqa: ARG001 -- epochs need no zone
    order, code = needed(piece, "receipt_id"), _currency(piece)
    changed = _seconds(piece, "updated_timestamp", "update_timestamp")
    grand, refunds = _money(piece, "grandtotal"), objects(piece, "refunds")
    money_back = total(*(_money(refund, "amount") for refund in refunds))
    if exceeds(money_back, grand):
        raise Unfit("returned_more", "The refunds come to more than 'grandtotal'.")
    created = _happened(piece, "created_timestamp", "create_timestamp")
    facts = [Fact("Order Completed", created, said(total=grand, currency=code, **_ordered(piece)))]
    facts += _shipped(piece)
    facts += [_refund(refund, place, code) for place, refund in enumerate(refunds)]
    who = known_as(order_id=order, user_id=text(piece, "buyer_user_id"))
    records = [Record(f"order {order}", who, facts, changed, without(piece, *_TOLD))]
    if (status := text(piece, "status")).casefold() in ("canceled", "cancelled"):
        records.append(cancellation(order, who, None, changed, said(status=status)))
    return records


def _currency(piece: Piece) -> str:
    codes = [text(piece, f"{name}.currency_code") for name in _MONEY]
    codes += [text(line, "price.currency_code") for line in objects(piece, "transactions")]
    codes += [text(refund, "amount.currency_code") for refund in objects(piece, "refunds")]
    return currency(*codes)


def _ordered(piece: Piece) -> dict[str, object]:
    """What the receipt says of the order, but for its total and currency."""
    lines = objects(piece, "transactions")
    due = [at for line in lines if (at := _seconds(line, "expected_ship_date")) is not None]
    tax, vat = _money(piece, "total_tax_cost"), _money(piece, "total_vat_cost")
    return said(
        revenue=_money(piece, "subtotal"),
        shipping=_money(piece, "total_shipping_cost"),
        tax=total(tax, vat),
        discount=_money(piece, "discount_amt"),
        quantity=summed(lines, "quantity"),
        status=text(piece, "status"),
        channel=_CHANNELS.get(text(piece, "receipt_type")),
        country=text(piece, "country_iso"),
        region=text(piece, "state"),
        ship_by=max(due, default=None),
        products=[_product(line) for line in lines],
        name=text(piece, "name"),
        email=text(piece, "buyer_email"),
        address=said(**{key: inner(piece, key) for key in ("first_line", "second_line", "formatted_address")}),
        city=text(piece, "city"),
        postal_code=text(piece, "zip"),
        comment=text(piece, "message_from_buyer"),
        buyer=said(**{key: inner(piece, key) for key in ("payment_email", "gift_message", "gift_sender")}),
    )


def _product(line: Piece) -> dict[str, object]:
    told = said(
        product_id=text(line, "listing_id"),
        sku=text(line, "sku"),
        name=text(line, "title"),
        price=_money(line, "price"),
        quantity=amount(line, "quantity"),
        variant_id=text(line, "product_id"),
        line_id=text(line, "transaction_id"),
    )
    choices = objects(line, "variations")
    written = [one for one in choices if _is_written(one)]
    chosen = [one for one in choices if not _is_written(one)]
    return {**without(line, *_LINE), **said(variations=chosen, note=written), **told}


def _is_written(choice: Piece) -> bool:
    """Whether a variation is what the buyer wrote, names on gifts and the like, and not one of the shop's choices."""
    return text(choice, "property_id") == _PERSONALIZATION or not text(choice, "value_id")


def _shipped(piece: Piece) -> list[Fact]:
    """A fact for each shipment; for each moment of the lines' own where shipments are not listed."""
    found: list[Fact] = []
    for shipment in objects(piece, "shipments"):
        at = _seconds(shipment, "shipment_notification_timestamp")
        if at is None:
            continue
        own, tracking = text(shipment, "receipt_shipping_id"), text(shipment, "tracking_code")
        package = known_as(package_id=tracking or own)
        carrier = said(carrier=text(shipment, "carrier_name"))
        found.append(Fact("Order Shipped", at, carrier, part=own or f"{tracking} {at}", identifiers=package))
    if found:
        return found
    sent: dict[int, float | None] = {}
    for line in objects(piece, "transactions"):
        at = _seconds(line, "shipped_timestamp")
        if at is not None:
            sent[at] = total(sent.get(at), amount(line, "quantity"))
    return [Fact("Order Shipped", at, said(quantity=pieces), part=str(at)) for at, pieces in sent.items()]


def _refund(refund: Piece, place: int, code: str) -> Fact:
    at = _happened(refund, "created_timestamp")
    properties = said(
        refunded=_money(refund, "amount"),
        currency=code,
        reason=text(refund, "reason"),
        status=text(refund, "status"),
        comment=text(refund, "note_from_issuer"),
    )
    return Fact("Order Refunded", at, properties, part=f"{at} {place}")


def _review(piece: Piece, around: Around) -> Sequence[Record]:  # noqa: ARG001 -- epochs need no zone
    line, stars = needed(piece, "transaction_id"), number(piece, "rating")
    if stars is None or not 1 <= stars <= _STARS:
        raise Unfit("bad_score", "'rating' is none of 1 to 5.")
    properties = said(
        rating=stars,
        scale=_STARS,
        language=text(piece, "language"),
        product_id=text(piece, "listing_id"),
        comment=text(piece, "review"),
    )
    created = _happened(piece, "created_timestamp", "create_timestamp")
    changed = _seconds(piece, "updated_timestamp", "update_timestamp")
    who = known_as(user_id=text(piece, "buyer_user_id"))
    told = (
        "transaction_id", "rating", "language", "listing_id", "review", "buyer_user_id",
        "created_timestamp", "create_timestamp", "updated_timestamp", "update_timestamp",
    )  # fmt: skip
    rest = {**without(piece, *told), "line_id": line}
    return [Record(f"review {line}", who, [Fact("Product Reviewed", created, properties)], changed, rest)]


def _money(piece: Piece, path: str) -> float | None:
    """An amount {amount, divisor, currency_code} in whole units of its currency."""
    found = amount(piece, f"{path}.amount")
    if found is None:
        return None
    parts = number(piece, f"{path}.divisor")
    if parts is None or parts < 1:
        raise Unfit("bad_number", f"'{path}.divisor' is not a number of one or more.")
    return found / parts


def _seconds(piece: Piece, *paths: str) -> int | None:
    """The first time that is there, of epoch seconds, as UTC ms."""
    for path in paths:
        found = number(piece, path)
        if found is None:
            continue
        if not 0 < found < _LAST:
            raise Unfit("bad_time", f"'{path}' is not a time in epoch seconds.")
        return round(found * SECOND)
    return None


def _happened(piece: Piece, *paths: str) -> int:
    found = _seconds(piece, *paths)
    if found is None:
        raise Unfit("no_time", f"'{paths[0]}' is empty.")
    return found


READER = Reader(
    "etsy",
    "Etsy",
    (
        Form(
            "receipt",
            _receipt,
            {
                "Order Completed": (
                    "total", "revenue", "shipping", "tax", "discount", "currency", "quantity", "status", "channel",
                    "country", "region", "ship_by",
                ),
                "Order Shipped": ("carrier", "quantity"),
                "Order Refunded": ("refunded", "currency", "reason", "status"),
                "Order Cancelled": ("status",),
            },
            found=("", "results[]", "[]"),
            has=("receipt_id",),
            lacks=("transaction_id",),
            says="A receipt promises when the order is sent, the latest of its lines' dates, and neither promises nor "
            "tells a delivery. When it was canceled it does not say: at the latest, at the update that first shows it. "
            "VAT that lies in the prices is not taken off the revenue. Etsy withholds e-mail addresses from most apps.",
        ),
        Form(
            "review",
            _review,
            {"Product Reviewed": ("rating", "scale", "language", "product_id")},
            found=("", "results[]", "[]"),
            has=("rating", "transaction_id"),
            lacks=("receipt_id",),
            says="A review names the line that was bought, not the order.",
        ),
    ),
    ("user_id", "order_id", "package_id"),
    "https://developers.etsy.com/documentation/reference",
)  # fmt: skip
"""Receipts with their shipments and refunds, and reviews."""
