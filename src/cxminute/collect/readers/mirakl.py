"""Mirakl: orders of the seller API, OR11 and OR15 (https://developer.mirakl.com/content/product/mmp/rest/seller).

Every marketplace that runs on Mirakl gives the same documents; a source is one shop at one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cxminute.collect.readers.cancellations import cancellation
from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Reader, Record, Unfit, known_as, said, without
from cxminute.collect.readers.fields import (
    amount,
    currency,
    exceeds,
    happened,
    inner,
    left,
    moment,
    needed,
    object_at,
    objects,
    summed,
    text,
    times_of,
    total,
)

_BEYOND: Final = ("CANCELED", "REFUSED")
"""States of an order that will not be fulfilled."""
_TOLD: Final = (
    "order_id", "created_date", "last_updated_date", "acceptance_decision_date", "order_state",
    "order_state_reason_code", "currency_iso_code", "total_price", "price", "shipping_price", "total_commission",
    "customer", "customer_notification_email", "shipping_deadline", "delivery_date", "shipping_company",
    "shipping_type_code", "channel", "order_lines", "order_additional_fields",
)  # fmt: skip
_LINE: Final = (
    "order_line_id", "product_sku", "offer_sku", "product_title", "price_unit", "price", "quantity", "shipped_date",
    "received_date", "refunds", "cancelations", "order_line_additional_fields",
)  # fmt: skip
_SHIP_TO: Final = ("city", "zip_code", "state", "country_iso_code", "phone", "firstname", "lastname")


def _order(piece: Piece, around: Around) -> Sequence[Record]:
    order, code = needed(piece, "order_id"), _currency(piece)
    created, changed = happened(piece, "created_date", around), moment(piece, "last_updated_date", around)
    lines = objects(piece, "order_lines")
    ordered = said(currency=code, **_prices(piece, lines), **_about(piece, lines, around), **_customer(piece))
    facts = [
        Fact("Order Completed", created, ordered),
        *_moved("Order Shipped", "shipped_date", piece, lines, around),
        *_moved("Order Delivered", "received_date", piece, lines, around),
        *_refunds(piece, lines, code, around),
        *_decided(piece, lines, around),
    ]
    who = known_as(order_id=order, user_id=text(piece, "customer.customer_id"))
    rest = without(piece, *_TOLD) | said(notes=inner(piece, "order_additional_fields"))  # whatever an operator asks
    records = [Record(f"order {order}", who, facts, changed, rest)]
    if (state := text(piece, "order_state")) in _BEYOND:
        why = said(status=state, reason=text(piece, "order_state_reason_code"))
        records.append(cancellation(order, who, _ended(piece, lines, around), changed, why))
    return records


def _prices(piece: Piece, lines: Sequence[Piece]) -> dict[str, object]:
    """Prices hold the taxes or not, as the order's tax mode says; an order without taxes need not say."""
    on_goods = _taxes(lines, "taxes")
    taxes = total(on_goods, _taxes(lines, "shipping_taxes"))
    whole, goods = amount(piece, "total_price"), amount(piece, "price")
    mode = text(piece, "order_tax_mode") if taxes else "TAX_EXCLUDED"
    if mode == "TAX_INCLUDED":
        goods = None if goods is None else total(goods, -(on_goods or 0.0))
    elif mode == "TAX_EXCLUDED":
        whole = None if whole is None else total(whole, taxes)
    else:
        goods = None
    return said(
        total=whole,
        revenue=goods,
        shipping=amount(piece, "shipping_price"),
        tax=taxes,
        discount=amount(piece, "promotions.total_deduced_amount"),
        fee=amount(piece, "total_commission"),
    )


def _taxes(lines: Sequence[Piece], name: str) -> float | None:
    return summed([tax for line in lines for tax in objects(line, name)], "amount")


def _about(piece: Piece, lines: Sequence[Piece], around: Around) -> dict[str, object]:
    return said(
        quantity=_quantity(lines),
        status=text(piece, "order_state"),
        reason=text(piece, "order_state_reason_code"),
        channel=text(piece, "channel.label") or text(piece, "channel.code"),
        service_level=text(piece, "shipping_type_code"),
        ship_by=moment(piece, "shipping_deadline", around),
        deliver_from=moment(piece, "delivery_date.earliest", around),
        deliver_by=moment(piece, "delivery_date.latest", around),
        products=[_product(line) for line in lines],
    )


def _customer(piece: Piece) -> dict[str, object]:
    given = [text(piece, f"customer.{part}") for part in ("firstname", "lastname")]
    where = object_at(piece, "customer.shipping_address")
    told = ("customer_id", "firstname", "lastname", "locale", "shipping_address")
    return said(
        country=text(where, "country_iso_code"),
        region=text(where, "state"),
        language=text(piece, "customer.locale"),
        business=True if inner(piece, "customer.organization") else None,
        name=" ".join(filter(None, given)),
        email=text(piece, "customer_notification_email"),
        phone=text(where, "phone"),
        city=text(where, "city"),
        postal_code=text(where, "zip_code"),
        address=without(where, *_SHIP_TO),
        buyer=left(piece, "customer", *told),
    )


def _moved(event: str, field: str, piece: Piece, lines: Sequence[Piece], around: Around) -> Iterator[Fact]:
    """A fact for all lines that were sent, or received, at the same moment: OR11 has no parcels."""
    at_once: dict[int, list[Piece]] = {}
    for line in lines:
        at = moment(line, field, around)
        if at is not None:
            at_once.setdefault(at, []).append(line)
    for at, some in at_once.items():
        properties = said(carrier=text(piece, "shipping_company"), quantity=_quantity(some))
        yield Fact(event, at, {**properties, "lines": [text(line, "order_line_id") for line in some]}, part=str(at))


def _refunds(piece: Piece, lines: Sequence[Piece], code: str, around: Around) -> Iterator[Fact]:
    with_taxes = text(piece, "order_tax_mode") == "TAX_EXCLUDED"
    for line in lines:
        refunds = objects(line, "refunds")
        if exceeds(summed(refunds, "amount"), amount(line, "price")):
            raise Unfit("returned_more", "The refunds of a line come to more than its 'price'.")
        for refund in refunds:
            taxes = [_taxes([refund], "taxes"), _taxes([refund], "shipping_taxes")] if with_taxes else []
            properties = said(
                refunded=total(amount(refund, "amount"), amount(refund, "shipping_amount"), *taxes),
                currency=code,
                quantity=amount(refund, "quantity"),
                reason=text(refund, "reason_code"),
                status=text(refund, "state") or text(refund, "refund_state"),
            )
            at = happened(refund, "created_date", around)
            yield Fact("Order Refunded", at, properties, part=needed(refund, "id"))


def _decided(piece: Piece, lines: Sequence[Piece], around: Around) -> Iterator[Fact]:
    """Of an order that goes on: that the shop took it, and that lines, or pieces of them, were cancelled."""
    if text(piece, "order_state") in _BEYOND:
        return
    decided = moment(piece, "acceptance_decision_date", around)
    if decided is not None:
        yield Fact("Order Updated", decided, {"status": "ACCEPTED"}, part="acceptance")
    for line in lines:
        for one in objects(line, "cancelations"):
            properties = said(
                status="CANCELED",
                reason=text(one, "reason_code"),
                quantity=amount(one, "quantity"),
                lines=[text(line, "order_line_id")],
            )
            yield Fact("Order Updated", happened(one, "created_date", around), properties, part=needed(one, "id"))


def _ended(piece: Piece, lines: Sequence[Piece], around: Around) -> int | None:
    """When the order ended: by the shop's decision, or with the last cancelation of a line; None where neither says."""
    decided = moment(piece, "acceptance_decision_date", around)
    if text(piece, "order_state") == "REFUSED" and decided is not None:
        return decided
    gone = [one for line in lines for one in objects(line, "cancelations")]
    return max(times_of(gone, "created_date", around), default=None)


def _product(line: Piece) -> dict[str, object]:
    told = said(
        product_id=text(line, "product_sku"),
        sku=text(line, "offer_sku"),
        name=text(line, "product_title"),
        price=amount(line, "price_unit"),
        line_price=amount(line, "price"),
        quantity=amount(line, "quantity"),
        line_id=text(line, "order_line_id"),
        notes=inner(line, "order_line_additional_fields"),
    )
    return {**without(line, *_LINE), **told}


def _quantity(lines: Sequence[Piece]) -> float | None:
    return summed(lines, "quantity")


def _currency(piece: Piece) -> str:
    """An order has one currency; some marketplaces repeat it on lines and refunds."""
    codes = [text(piece, "currency_iso_code")]
    for line in objects(piece, "order_lines"):
        codes.append(text(line, "currency_iso_code"))
        codes += [text(refund, "currency_iso_code") for refund in objects(line, "refunds")]
    return currency(*codes)


READER = Reader(
    "mirakl",
    "Mirakl",
    (
        Form(
            "order",
            _order,
            {
                "Order Completed": (
                    "total", "revenue", "shipping", "tax", "discount", "fee", "currency", "quantity", "status",
                    "reason", "channel", "service_level", "country", "region", "language", "business", "ship_by",
                    "deliver_from", "deliver_by",
                ),
                "Order Updated": ("status", "reason", "quantity"),
                "Order Shipped": ("carrier", "quantity"),
                "Order Delivered": ("carrier", "quantity"),
                "Order Refunded": ("refunded", "currency", "quantity", "reason", "status"),
                "Order Cancelled": ("status", "reason"),
            },
            found=("", "orders[]", "[]"),
            has=("order_id", "order_lines"),
            says="Lines that were sent, or received, at the same moment are one parcel: an order has no parcels of its "
            "own. Received is what the marketplace holds for it: the customer's word or its own rule, not a carrier's "
            "scan. A refund stands at the time when it was granted. An order says that it has an incident, not since "
            "when: no ticket is told. Where taxes are listed without a tax mode, revenue is not told.",
        ),
    ),
    ("user_id", "order_id"),
    "https://developer.mirakl.com/content/product/mmp/rest/seller/openapi3/orders/or11",
)  # fmt: skip
"""Orders with their lines, refunds and cancelations."""
