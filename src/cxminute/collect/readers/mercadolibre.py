"""Mercado Libre: orders and shipments (https://developers.mercadolibre.com.ar/en_us/manage-sales).

An order names its shipment and says nothing of it. Put within the order as its `shipping`, with the answers of
/shipments/ID/history as `history` and of /shipments/ID/sla as `sla` in it, a shipment gives the order its promise; and
the order is as new as the newer of both, so that the bare order, told again, does not take it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cxminute.collect.readers.cancellations import cancellation
from cxminute.collect.readers.facts import (
    Around,
    Fact,
    Form,
    Piece,
    Reader,
    Record,
    Unfit,
    known_as,
    no_more,
    said,
    without,
)
from cxminute.collect.readers.fields import (
    amount,
    currency,
    exceeds,
    happened,
    inner,
    instant,
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
from cxminute.model.times import DAY

_MIDNIGHT: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T00:00(:00(\.0+)?)?([+-]\d{2}:?\d{2})?)?")
"""A day, as the documents write one: the midnight at its start, in the zone of the country."""
_TOLD: Final = (
    "id", "date_created", "last_updated", "date_last_updated", "status", "status_detail", "cancel_detail",
    "total_amount", "paid_amount", "currency_id", "coupon", "order_items", "buyer", "shipping", "payments",
)  # fmt: skip
_LINE: Final = ("item", "quantity", "unit_price", "sale_fee", "currency_id")
_SHIPMENT: Final = (
    "id", "order_id", "status", "substatus", "date_created", "last_updated", "status_history", "history", "sla",
    "destination", "receiver_address", "receiver_id", "tracking_method", "logistic_type",
)  # fmt: skip
_TURNED_DOWN: Final = ("rejected", "cancelled")
_PAYMENT: Final = ("transaction_amount_refunded", "currency_id")


def _order(piece: Piece, around: Around) -> Sequence[Record]:
    order = needed(piece, "id")
    lines, payments = objects(piece, "order_items"), objects(piece, "payments")
    code = currency(*(text(part, "currency_id") for part in (piece, *lines, *payments)))
    created = happened(piece, "date_created", around)
    own = moment(piece, "last_updated", around) or moment(piece, "date_last_updated", around)
    who = known_as(order_id=order, user_id=text(piece, "buyer.id"))
    parcel = object_at(piece, "shipping")
    ordered = said(
        currency=code,
        **_prices(piece, lines, payments),
        **_about(piece, lines),
        **_sent_how(parcel),
        **_promised(parcel, around),
    )
    facts = [Fact("Order Completed", created, ordered), *_refunds(payments, code, around)]
    changed = max((at for at in (own, moment(parcel, "last_updated", around)) if at is not None), default=None)
    rest = {**without(piece, *_TOLD), **said(payments=[without(payment, *_PAYMENT) for payment in payments])}
    package = _package(parcel, order, who, around) if text(parcel, "status") else None
    if package is None:
        rest = {**rest, **said(shipping=without(parcel))}
    elif not package.facts:  # nothing has happened to it: what is known of it stays here
        rest = {**rest, **said(shipping=package.rest)}
    records = [Record(f"order {order}", who, facts, changed, rest), *([package] if package is not None else [])]
    if (status := text(piece, "status")) == "cancelled":
        why = said(status=status, reason=text(piece, "cancel_detail.code"))
        records.append(cancellation(order, who, moment(piece, "cancel_detail.date", around), own, why))
    return no_more(records)


def _shipment(piece: Piece, around: Around) -> Sequence[Record]:
    order = text(piece, "order_id")
    if not order:
        raise Unfit(
            "no_key",
            "A shipment in the newer format does not say of which order it is. Collect it within its order, as "
            "'shipping', or with the order's id in it, as 'order_id'.",
        )
    who = known_as(order_id=order, user_id=text(piece, "receiver_id"))
    parcel = _package(piece, order, who, around)
    records = no_more((parcel, _promise(piece, parcel, around)))
    if not records:
        raise Unfit("no_time", "No moment stands in it: neither 'status_history' nor 'history' nor a promise.")
    return records


def _promise(piece: Piece, parcel: Record, around: Around) -> Record:
    """What a shipment that stands alone promises: within its order, the order carries it."""
    promised = {} if _goes_back(piece) else _promised(piece, around)
    at = happened(piece, "date_created", around)
    facts = [Fact("Order Updated", at, promised, part="promise")] if promised else []
    return Record(f"promise of {parcel.key}", parcel.identifiers, facts, parcel.changed_at)


def _pack(piece: Piece, around: Around) -> Sequence[Record]:  # noqa: ARG001 -- as every form is asked
    orders = len(objects(piece, "orders"))
    raise Unfit("no_time", f"A pack says which {orders} orders were bought together, and no moment. Collect those.")


def _package(piece: Piece, order: str, who: Mapping[str, str], around: Around) -> Record:
    """A shipment as one order has it: a pack's orders share theirs, and each is told of it."""
    named, back = needed(piece, "id"), _goes_back(piece)
    changed = moment(piece, "last_updated", around)
    facts = list(_returned(piece, named, around) if back else _moved(piece, around))
    key = f"{'return' if back else 'package'} {named} of order {order}"
    known = {**who, **known_as(package_id=named)}
    where = inner(piece, "destination") or inner(piece, "receiver_address")
    other = {} if _steps(piece) else {"history": inner(piece, "history")}
    return Record(key, known, facts, changed, {**without(piece, *_SHIPMENT), **said(address=where, **other)})


def _goes_back(piece: Piece) -> bool:
    return "return" in (text(piece, "type"), text(piece, "logistic.direction"))


def _moved(piece: Piece, around: Around) -> Iterator[Fact]:
    """What happened to a parcel; its substatus, such as 'inferred' where nobody saw it come, is of the last step."""
    for status, event in (("shipped", "Order Shipped"), ("delivered", "Order Delivered")):
        at = _when(piece, status, around)
        if at is not None:
            how = text(piece, "substatus") if text(piece, "status") == status else ""
            yield Fact(event, at, said(carrier=text(piece, "tracking_method"), status=how))
    for status in ("not_delivered", "returned"):
        at = _when(piece, status, around)
        if at is not None:
            yield Fact("Order Updated", at, {"status": status}, part=status)


def _returned(piece: Piece, named: str, around: Around) -> Iterator[Fact]:
    """A shipment from the customer to us."""
    opened, came = moment(piece, "date_created", around), _when(piece, "delivered", around)
    for event, at in (("Return Opened", opened), ("Return Received", came)):
        if at is not None:
            yield Fact(event, at, said(status=text(piece, "status")), identifiers={"return_id": named})


def _when(piece: Piece, status: str, around: Around) -> int | None:
    """When a shipment first came to a status: by `status_history` of the older format, or by its `history`."""
    found = moment(piece, f"status_history.date_{status}", around)
    if found is not None:
        return found
    steps = [step for step in _steps(piece) if text(step, "status") == status]
    return min(times_of(steps, "date", around), default=None)


def _steps(piece: Piece) -> list[Piece]:
    """The history of a shipment, a list; what has another form is not read, and stays with what is not known."""
    found = inner(piece, "history")
    return objects(piece, "history") if isinstance(found, list) else []


def _promised(piece: Piece, around: Around) -> dict[str, object]:
    """The first promise: what is said when it is broken (`estimated_delivery_extended`) is another.

    The times lie in `lead_time`, in the older format in `shipping_option`.
    """
    place = "lead_time" if inner(piece, "lead_time") else "shipping_option"
    told = f"{place}.estimated_delivery_time"
    first, last = _end_of_day(piece, f"{told}.date", around), _end_of_day(piece, f"{told}.offset.date", around)
    handling = _end_of_day(piece, f"{place}.estimated_handling_limit.date", around)
    agreed = moment(piece, "sla.expected_date", around)
    return said(
        ship_by=handling if agreed is None else agreed,
        deliver_from=None if last is None else moment(piece, f"{told}.date", around),
        deliver_by=first if last is None else last,
    )


def _end_of_day(piece: Piece, path: str, around: Around) -> int | None:
    """The time at a path; of a day its last millisecond."""
    written = text(piece, path)
    if not written:
        return None
    found = instant(written, path, around)
    return found + DAY - 1 if _MIDNIGHT.fullmatch(written) else found


def _prices(piece: Piece, lines: Sequence[Piece], payments: Sequence[Piece]) -> dict[str, object]:
    """What was paid, shipping in it; while nothing is, what the goods cost. The fee is one of each piece."""
    paid, goods = amount(piece, "paid_amount"), amount(piece, "total_amount")
    fees = [
        fee * pieces
        for line in lines
        if (fee := amount(line, "sale_fee")) is not None and (pieces := amount(line, "quantity")) is not None
    ]
    return said(
        total=paid or goods,
        revenue=goods,
        shipping=summed(filter(_is_paid, payments), "shipping_cost"),
        tax=amount(piece, "taxes.amount"),
        discount=amount(piece, "coupon.amount"),
        fee=total(*fees),
    )


def _is_paid(payment: Piece) -> bool:
    """Whether it was not turned down: an order lists all attempts to pay it, each with the shipping."""
    return text(payment, "status") not in _TURNED_DOWN


def _about(piece: Piece, lines: Sequence[Piece]) -> dict[str, object]:
    given = [text(piece, f"buyer.{part}") for part in ("first_name", "last_name")]
    return said(
        quantity=summed(lines, "quantity"),
        status=text(piece, "status"),
        reason=text(piece, "status_detail.code"),
        channel=text(piece, "context.site"),
        products=[_product(line) for line in lines],
        name=" ".join(filter(None, given)),
        email=text(piece, "buyer.email"),
        buyer=left(piece, "buyer", "id", "first_name", "last_name", "email"),
    )


def _sent_how(parcel: Piece) -> dict[str, object]:
    """Who sends it, how fast, where to and to whom, in either format."""
    logistic = text(parcel, "logistic.type") or text(parcel, "logistic_type")
    where = object_at(parcel, "destination.shipping_address") or object_at(parcel, "receiver_address")
    how = text(parcel, "lead_time.shipping_method.name") or text(parcel, "shipping_option.name")
    whole = "marketplace" if logistic == "fulfillment" else "seller"
    return said(
        fulfilment=whole if logistic else "",
        service_level=how,
        country=text(where, "country.id"),
        region=text(where, "state.name"),
        city=text(where, "city.name"),
        postal_code=text(where, "zip_code"),
        phone=text(parcel, "destination.receiver_phone") or text(where, "receiver_phone"),
        address=without(where, "country", "state", "city", "zip_code", "receiver_phone"),
    )


def _refunds(payments: Sequence[Piece], code: str, around: Around) -> Iterator[Fact]:
    """One for each payment that went back, in part or whole, at the payment's last change: it has no other time."""
    for payment in payments:
        back, paid = amount(payment, "transaction_amount_refunded"), amount(payment, "total_paid_amount")
        if not back:
            continue
        if exceeds(back, paid):
            raise Unfit("returned_more", "'payments.transaction_amount_refunded' is more than was paid.")
        at = happened(payment, "date_last_modified", around)
        properties = said(refunded=back, currency=code, status=text(payment, "status"))
        yield Fact("Order Refunded", at, properties, part=needed(payment, "id"))


def _product(line: Piece) -> dict[str, object]:
    told = said(
        product_id=text(line, "item.id"),
        sku=text(line, "item.seller_sku") or text(line, "item.seller_custom_field"),
        name=text(line, "item.title"),
        category=text(line, "item.category_id"),
        price=amount(line, "unit_price"),
        quantity=amount(line, "quantity"),
    )
    own = ("id", "seller_sku", "seller_custom_field", "title", "category_id")
    return {**without(line, *_LINE), **left(line, "item", *own), **told}


_SENT: Final = ("carrier", "status")
_TELLS: Final = {
    "Order Shipped": _SENT,
    "Order Delivered": _SENT,
    "Order Updated": ("status",),
    "Return Opened": ("status",),
    "Return Received": ("status",),
}
_ALONE: Final = {**_TELLS, "Order Updated": ("status", "ship_by", "deliver_from", "deliver_by")}
_SAYS: Final = (
    "In the newer format a shipment does not name its order, and says that it was delivered, not when: that stands in "
    "its history. A day as a promise lasts to its end."
)

READER = Reader(
    "mercadolibre",
    "Mercado Libre",
    (
        Form(
            "order",
            _order,
            {
                "Order Completed": (
                    "total", "revenue", "shipping", "tax", "discount", "fee", "currency", "quantity", "status",
                    "reason", "channel", "fulfilment", "service_level", "country", "region", "ship_by", "deliver_from",
                    "deliver_by",
                ),
                "Order Refunded": ("refunded", "currency", "status"),
                "Order Cancelled": ("status", "reason"),
                **_TELLS,
            },
            found=("", "results[]", "[]"),
            has=("id", "order_items"),
            says="An order promises nothing without its shipment within. A refund stands at the last change of its "
            "payment.",
        ),
        Form("pack", _pack, {}, has=("id", "orders"), lacks=("order_items",), says="A pack tells of no moment."),
        Form("shipment", _shipment, _ALONE, found=("", "[]"), has=("id", "logistic"), says=_SAYS),
        Form("shipment, older format", _shipment, _ALONE, found=("", "[]"), has=("id", "status_history")),
    ),
    ("user_id", "order_id", "package_id", "return_id"),
    "https://developers.mercadolibre.com.ar/en_us/manage-sales",
)  # fmt: skip
"""Orders, with their shipments where these were put within, and shipments by themselves."""
