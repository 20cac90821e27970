"""Amazon's reports, tab-separated with a header: orders, what is to be shipped, its own shipments, returns, feedback.

A row is an item; the rows of an order, a shipment or a return make one piece. Prices are of all pieces of an item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from cxminute.collect.readers.amazon_money import Sums
from cxminute.collect.readers.cancellations import cancellation
from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Record, Unfit, said
from cxminute.collect.readers.fields import (
    amount,
    currency,
    each,
    flag,
    happened,
    listed,
    moment,
    needed,
    number,
    objects,
    summed,
    text,
    times_of,
    total,
    unsigned,
)
from cxminute.collect.readers.undated import by_then

_BY: Final = {"amazon": "marketplace", "afn": "marketplace", "merchant": "seller", "mfn": "seller", "seller": "seller"}
_STARS: Final = 5.0
_SUMMED: Final = (
    "item-price", "item-tax", "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "item-promotion-discount", "ship-promotion-discount",
)  # fmt: skip
_OF_ORDER: Final = (
    "amazon-order-id", "purchase-date", "last-updated-date", "order-status", "sales-channel", "fulfillment-channel",
    "currency", "quantity", "ship-service-level", "is-business-order", "is-replacement-order",
)  # fmt: skip
_TO_SHIP: Final = (
    "order-id", "purchase-date", "promise-date", "quantity-purchased", "ship-service-level", "is-business-order",
)  # fmt: skip
_OF_SHIPMENT: Final = (
    "amazon-order-id", "shipment-id", "shipment-date", "carrier", "tracking-number", "currency", "sales-channel",
    "fulfillment-channel", "ship-service-level", "item-price", "quantity-shipped",
)  # fmt: skip
_OF_RETURN: Final = (
    "Order ID", "Return request date", "Return request status", "Return quantity", "Return Reason", "ASIN",
    "Merchant SKU", "Currency code", "Refunded Amount", "Return delivery date", "Return carrier", "Amazon RMA ID",
)  # fmt: skip
_PRODUCT: Final = ("sku", "asin", "product-name", "item-status")
_PLACE: Final = ("ship-city", "ship-state", "ship-postal-code", "ship-country")
_WORDS: Final = ("delivery-instructions", "delivery-Instructions")
_BUYER: Final = ("buyer-email", "buyer-name", "recipient-name", "ship-phone-number", "buyer-phone-number", *_WORDS)
_LINES: Final = ("ship-address-1", "ship-address-2", "ship-address-3")


# -- orders ------------------------------------------------------------------------------------------------------------


def _all_orders(piece: Piece, around: Around) -> Sequence[Record]:
    rows = _rows(piece)
    first, order = rows[0], needed(rows[0], "amazon-order-id")
    status, channel = text(first, "order-status"), text(first, "sales-channel")
    fulfilment = _BY.get(text(first, "fulfillment-channel").casefold(), "")
    changed = max(times_of(rows, "last-updated-date", around), default=None)
    completed = said(
        **_sums(rows).told(channel),
        currency=currency(*(text(row, "currency") for row in rows)),
        quantity=summed(rows, "quantity"),
        status=status,
        channel=channel,
        fulfilment=fulfilment,
        service_level=text(first, "ship-service-level"),
        business=flag(first, "is-business-order"),
        replacement=flag(first, "is-replacement-order"),
        **_place(first),
        products=[_product(row, "quantity") for row in rows],
    )
    rest = _rest(rows, *_OF_ORDER, *_SUMMED, *_PLACE, *_PRODUCT)
    identifiers = {"order_id": order}
    bought = Fact("Order Completed", happened(first, "purchase-date", around), completed)
    records = [Record(f"order {order}", identifiers, (bought,), changed_at=changed, rest=rest)]
    if changed is not None and status.casefold().startswith("cancel"):
        told = said(status=status)
        records.append(cancellation(order, identifiers, None, changed, told))
    if changed is not None and status.casefold().startswith("shipped") and fulfilment == "seller":
        told = said(status=status, fulfilment=fulfilment)
        records.append(by_then(f"shipping {order}", identifiers, "Order Shipped", changed, told))
    return records


def _actionable(piece: Piece, around: Around) -> Sequence[Record]:
    """What is to be shipped: the order as far as this report has it, and the promise as a record of its own.

    The order counts as changed when it was made, so that any fuller telling of it stands, whichever came first.
    """
    rows = _rows(piece)
    first, order = rows[0], needed(rows[0], "order-id")
    bought = happened(first, "purchase-date", around)
    ship_by = min(times_of(rows, "promise-date", around), default=None)
    completed = said(
        ship_by=ship_by,
        quantity=summed(rows, "quantity-purchased"),
        fulfilment="seller",
        service_level=text(first, "ship-service-level"),
        business=flag(first, "is-business-order"),
        **_place(first),
        **_person(first),
        products=[_product(row, "quantity-purchased") for row in rows],
    )
    rest = _rest(rows, *_TO_SHIP, *_PLACE, *_BUYER, *_LINES, *_PRODUCT)
    identifiers = {"order_id": order}
    facts = (Fact("Order Completed", bought, completed),)
    records = [Record(f"order {order}", identifiers, facts, changed_at=bought, rest=rest)]
    if ship_by is not None:
        paid = moment(first, "payments-date", around)
        told = Fact("Order Updated", bought if paid is None else paid, {"status": "to be shipped", "ship_by": ship_by})
        reported = moment(first, "reporting-date", around)
        records.append(Record(f"promise {order}", identifiers, (told,), changed_at=reported))
    return records


def _shipment(piece: Piece, around: Around) -> Sequence[Record]:
    rows = _rows(piece)
    first = rows[0]
    order, shipment = needed(first, "amazon-order-id"), needed(first, "shipment-id")
    left = happened(first, "shipment-date", around)
    told = said(
        carrier=listed(rows, "carrier"),
        tracking_number=listed(rows, "tracking-number"),
        quantity=summed(rows, "quantity-shipped"),
        currency=currency(*(text(row, "currency") for row in rows)),
        channel=text(first, "sales-channel"),
        fulfilment="marketplace",
        service_level=text(first, "ship-service-level"),
        **_place(first),
        **_person(first),
        products=[_product(row, "quantity-shipped") for row in rows],
    )
    rest = _rest(rows, *_OF_SHIPMENT, *_PLACE, *_BUYER, *_LINES, *_PRODUCT)
    identifiers = {"order_id": order, "package_id": shipment}
    return [Record(f"package {shipment}", identifiers, (Fact("Order Shipped", left, told),), rest=rest)]


# -- returns and feedback ----------------------------------------------------------------------------------------------


def _returned(piece: Piece, around: Around) -> Sequence[Record]:
    rows = _rows(piece)
    first, order = rows[0], needed(rows[0], "Order ID")
    opened = happened(first, "Return request date", around)
    _not_more_than_bought(rows)
    products = [_returned_product(row) for row in rows]
    told = said(
        quantity=summed(rows, "Return quantity"),
        reason=listed(rows, "Return Reason"),
        status=text(first, "Return request status"),
        product_id=listed(rows, "ASIN"),
        sku=listed(rows, "Merchant SKU"),
        currency=currency(*(text(row, "Currency code") for row in rows)),
        refunded=summed(rows, "Refunded Amount"),
        products=products if len(rows) > 1 else None,
    )
    rma = text(first, "Amazon RMA ID") or text(first, "Merchant RMA ID")
    name = rma or f"{order}/{text(first, 'Merchant SKU') or text(first, 'ASIN')}/{text(first, 'Return request date')}"
    facts = [Fact("Return Opened", opened, told)]
    if (back := moment(first, "Return delivery date", around)) is not None:
        carried = {key: told[key] for key in ("quantity", "reason", "product_id", "sku") if key in told}
        facts.append(Fact("Return Received", back, said(**carried, carrier=listed(rows, "Return carrier"))))
    rest = _rest(rows, *_OF_RETURN)
    return [Record(f"return {name}", {"order_id": order, "return_id": name}, facts, rest=rest)]


def _not_more_than_bought(rows: Sequence[Piece]) -> None:
    """Judges one return alone: who takes a return back and asks again has two of them for one piece."""
    bought: dict[str, float] = {}
    back: dict[str, float] = {}
    for row in rows:
        item = text(row, "Merchant SKU") or text(row, "ASIN")
        back[item] = back.get(item, 0.0) + (amount(row, "Return quantity") or 0.0)
        if (pieces := amount(row, "Order quantity")) is not None:
            bought[item] = max(bought.get(item, 0.0), pieces)
    if any(back[item] > pieces for item, pieces in bought.items()):
        raise Unfit("returned_more", "'Return quantity' is more than 'Order quantity'.")


def _returned_product(row: Piece) -> dict[str, object]:
    return said(
        product_id=text(row, "ASIN"),
        sku=text(row, "Merchant SKU"),
        name=text(row, "Item Name"),
        quantity=amount(row, "Return quantity"),
        reason=text(row, "Return Reason"),
    )


def _feedback(piece: Piece, around: Around) -> Sequence[Record]:
    rows = [{name.strip().casefold().replace(" ", "_"): cell for name, cell in row.items()} for row in _rows(piece)]
    order = needed(rows[0], "order_id")
    facts = []
    for row in rows:
        rating = number(row, "rating")
        if rating is None or not 1 <= rating <= _STARS:
            raise Unfit("bad_score", f"'rating' is not from 1 to {_STARS:.0f}.")
        told = said(rating=rating, scale=_STARS, comment=text(row, "comments"), email=text(row, "rater_email"))
        told |= said(response=text(row, "response"))
        part = text(row, "date") if len(rows) > 1 else ""
        facts.append(Fact("Seller Reviewed", happened(row, "date", around), told, part))
    rest = _rest(rows, "order_id", "date", "rating", "comments", "rater_email", "response")
    return [Record(f"feedback {order}", {"order_id": order}, facts, rest=rest)]


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(piece: Piece) -> list[Piece]:
    rows = objects(piece, "rows")
    if not rows:
        raise Unfit("bad_shape", "'rows' is empty.")
    return rows


def _rest(rows: Sequence[Piece], *known: str) -> dict[str, object]:
    """The columns that nothing else says: one cell where all rows agree, else the cells of all rows, in their order."""
    found: dict[str, object] = {}
    for column in dict.fromkeys(column for row in rows for column in row if column not in known):
        cells = [cast("str | None", row.get(column)) or "" for row in rows]
        if any(cells):
            found[column] = cells[0] if len(set(cells)) == 1 else cells
    return found


def _sums(rows: Sequence[Piece]) -> Sums:
    return Sums(
        price=summed(rows, "item-price"),
        tax=summed(rows, "item-tax"),
        shipping=summed(rows, "shipping-price"),
        wrap=summed(rows, "gift-wrap-price"),
        other_tax=total(summed(rows, "shipping-tax"), summed(rows, "gift-wrap-tax")),
        discount=unsigned(rows, "item-promotion-discount"),
        shipping_discount=unsigned(rows, "ship-promotion-discount"),
    )


def _product(row: Piece, counted: str) -> Mapping[str, object]:
    pieces, price = amount(row, counted), amount(row, "item-price")
    return said(
        product_id=text(row, "asin"),
        sku=text(row, "sku"),
        name=text(row, "product-name"),
        price=each(price, pieces),
        quantity=pieces,
        status=text(row, "item-status"),
    )


def _place(row: Piece) -> dict[str, object]:
    return said(
        country=text(row, "ship-country"),
        region=text(row, "ship-state"),
        city=text(row, "ship-city"),
        postal_code=text(row, "ship-postal-code"),
    )


def _person(row: Piece) -> dict[str, object]:
    return said(
        email=text(row, "buyer-email"),
        buyer=text(row, "buyer-name"),
        name=text(row, "recipient-name"),
        phone=text(row, "ship-phone-number") or text(row, "buyer-phone-number"),
        address=", ".join(line for name in _LINES if (line := text(row, name))),
        comment=next((words for name in _WORDS if (words := text(row, name))), ""),
    )


_ORDER: Final = ("quantity", "fulfilment", "service_level", "country", "region", "business")
_MONEY: Final = ("total", "revenue", "shipping", "tax", "discount", "currency")
_RETURN: Final = ("quantity", "reason", "product_id", "sku")
_REVIEW: Final = {"Seller Reviewed": ("rating", "scale")}

FORMS: Final = (
    Form(
        "report of all orders",
        _all_orders,
        {
            "Order Completed": (*_ORDER, *_MONEY, "status", "channel", "replacement"),
            "Order Shipped": ("status", "fulfilment"),
            "Order Cancelled": ("status",),
        },
        has=(
            "amazon-order-id",
            "purchase-date",
            "last-updated-date",
            "order-status",
            "quantity",
            "currency",
            "item-price",
        ),
        lacks=("shipment-id",),
        key=("amazon-order-id",),
        report=True,
        says="No promise, no delivery and no buyer. No time of shipping or cancelling either: those events stand at "
        "the last-updated-date at which the order was first told so, and `moment` says 'at the latest'. What Amazon "
        "ships for you has no Order Shipped here: its shipments report has.",
    ),
    Form(
        "report of orders to ship",
        _actionable,
        {"Order Completed": (*_ORDER, "ship_by"), "Order Updated": ("status", "ship_by")},
        has=("order-id", "purchase-date", "promise-date", "quantity-purchased"),
        key=("order-id",),
        report=True,
        says="Orders that you have still to ship, and so the promise-date is read as ship_by, the day by which you are "
        "to. No delivery promise and no prices: where another document tells the order, that telling stands, and the "
        "promise is in Order Updated.",
    ),
    Form(
        "report of shipments from Amazon's warehouses",
        _shipment,
        {"Order Shipped": ("carrier", "currency", "channel", *_ORDER[:-1])},
        has=("amazon-order-id", "shipment-id", "shipment-date", "quantity-shipped"),
        key=("amazon-order-id", "shipment-id"),
        report=True,
        says="No delivery, and no promise: estimated-arrival-date is an estimate and is kept as it stands. The order "
        "itself is told by the orders.",
    ),
    Form(
        "report of returns",
        _returned,
        {
            "Return Opened": (*_RETURN, "status", "currency", "refunded"),
            "Return Received": (*_RETURN, "carrier"),
        },
        has=("Order ID", "Return request date", "Return quantity"),
        key=("Order ID", "Amazon RMA ID"),
        report=True,
        says="Not when money went back: the amount is on Return Opened, as `refunded`. Returns to Amazon's own "
        "warehouses are in another report.",
    ),
    Form(
        "report of feedback",
        _feedback,
        _REVIEW,
        has=("date", "rating", "order_id"),
        key=("order_id",),
        report=True,
        says="The day alone, not the hour. The header and the order of day and month are those of the marketplace: say "
        "them in [columns] and times.",
    ),
    Form(
        "report of feedback in English",
        _feedback,
        _REVIEW,
        has=("Date", "Rating", "Order ID"),
        lacks=("Return request date",),
        key=("Order ID",),
        report=True,
    ),
)
