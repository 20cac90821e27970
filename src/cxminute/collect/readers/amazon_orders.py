"""Amazon Orders API, version 0: pages of orders, single orders, and the answers that tell of a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from cxminute.collect.readers.amazon_money import Sums
from cxminute.collect.readers.cancellations import cancellation
from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Record, Unfit, said, without
from cxminute.collect.readers.fields import (
    amount,
    currency,
    each,
    flag,
    happened,
    left,
    moment,
    needed,
    objects,
    summed,
    text,
    times_of,
    total,
    unsigned,
)
from cxminute.collect.readers.undated import by_then

_FULFILMENT: Final = {"AFN": "marketplace", "MFN": "seller"}
_SUMMED: Final = ("ItemPrice", "ItemTax", "ShippingPrice", "ShippingTax", "PromotionDiscount", "ShippingDiscount")
_WRAP: Final = ("GiftWrapPrice", "GiftWrapTax")
_LINES: Final = ("AddressLine1", "AddressLine2", "AddressLine3")
_OF_ORDER: Final = (
    "AmazonOrderId", "PurchaseDate", "LastUpdateDate", "OrderStatus", "SalesChannel", "FulfillmentChannel",
    "OrderTotal", "ShipServiceLevel", "LatestShipDate", "EarliestDeliveryDate", "LatestDeliveryDate",
    "PromiseResponseDueDate", "IsBusinessOrder", "IsReplacementOrder",
)  # fmt: skip
_GONE: Final = ("Shipped", "InvoiceUnconfirmed")
"""Statuses in which all items have been shipped."""


def _order(piece: Piece, around: Around) -> Sequence[Record]:
    order = needed(piece, "AmazonOrderId")
    items, identifiers = objects(piece, "OrderItems"), {"order_id": order}
    status, channel = text(piece, "OrderStatus"), text(piece, "SalesChannel")
    fulfilment = _FULFILMENT.get(text(piece, "FulfillmentChannel"), "")
    changed = moment(piece, "LastUpdateDate", around)
    completed = said(
        **_sums(items).told(channel, amount(piece, "OrderTotal.Amount")),
        currency=currency(text(piece, "OrderTotal.CurrencyCode"), *_currencies(items)),
        quantity=_pieces(piece, items),
        status=status,
        channel=channel,
        fulfilment=fulfilment,
        service_level=text(piece, "ShipServiceLevel"),
        country=text(piece, "ShippingAddress.CountryCode"),
        region=text(piece, "ShippingAddress.StateOrRegion"),
        ship_by=moment(piece, "LatestShipDate", around),
        **_delivery(piece, items, around),
        reply_by=moment(piece, "PromiseResponseDueDate", around),
        business=flag(piece, "IsBusinessOrder"),
        replacement=flag(piece, "IsReplacementOrder"),
        products=[_product(item) for item in items],
        **_person(piece),
    )
    bought = Fact("Order Completed", happened(piece, "PurchaseDate", around), completed)
    records = [Record(f"order {order}", identifiers, (bought,), changed_at=changed, rest=_rest(piece, items))]
    if changed is not None and status == "Canceled":
        why = said(status=status, reason=_reason(items))
        records.append(cancellation(order, identifiers, None, changed, why))
    if changed is not None and status in _GONE and fulfilment == "seller":
        sent = said(status=status, fulfilment=fulfilment, quantity=amount(piece, "NumberOfItemsShipped"))
        records.append(by_then(f"shipping {order}", identifiers, "Order Shipped", changed, sent))
    return records


def _pieces(piece: Piece, items: Sequence[Piece]) -> float | None:
    """How many were ordered; a pending order counts none, which says nothing of how many they are."""
    if items:
        return summed(items, "QuantityOrdered")
    return total(amount(piece, "NumberOfItemsShipped"), amount(piece, "NumberOfItemsUnshipped")) or None


def _delivery(piece: Piece, items: Sequence[Piece], around: Around) -> dict[str, object]:
    """The order's delivery window, else the one that its items were scheduled for."""
    begin, end = moment(piece, "EarliestDeliveryDate", around), moment(piece, "LatestDeliveryDate", around)
    if begin is None and end is None:
        begin = min(times_of(items, "ScheduledDeliveryStartDate", around), default=None)
        end = max(times_of(items, "ScheduledDeliveryEndDate", around), default=None)
    return said(deliver_from=begin, deliver_by=end)


def _sums(items: Sequence[Piece]) -> Sums:
    return Sums(
        price=summed(items, "ItemPrice.Amount"),
        tax=summed(items, "ItemTax.Amount"),
        shipping=summed(items, "ShippingPrice.Amount"),
        wrap=summed(items, "BuyerInfo.GiftWrapPrice.Amount"),
        other_tax=total(summed(items, "ShippingTax.Amount"), summed(items, "BuyerInfo.GiftWrapTax.Amount")),
        discount=unsigned(items, "PromotionDiscount.Amount"),
        shipping_discount=unsigned(items, "ShippingDiscount.Amount"),
    )


def _currencies(items: Sequence[Piece]) -> list[str]:
    fields = (*_SUMMED, *(f"BuyerInfo.{field}" for field in _WRAP))
    return [text(item, f"{field}.CurrencyCode") for item in items for field in fields]


def _product(item: Piece) -> dict[str, object]:
    pieces, price = amount(item, "QuantityOrdered"), amount(item, "ItemPrice.Amount")
    return said(
        product_id=text(item, "ASIN"),
        sku=text(item, "SellerSKU"),
        name=text(item, "Title"),
        price=each(price, pieces),
        quantity=pieces,
    )


def _reason(items: Sequence[Piece]) -> str:
    """Why the buyer wanted the cancellation, where an item says that the buyer did."""
    asked = (item for item in items if flag(item, "BuyerRequestedCancel.IsBuyerRequestedCancel"))
    return next((text(item, "BuyerRequestedCancel.BuyerCancelReason") for item in asked), "")


def _person(piece: Piece) -> dict[str, object]:
    lines = [text(piece, f"ShippingAddress.{line}") for line in _LINES]
    return said(
        email=text(piece, "BuyerInfo.BuyerEmail"),
        buyer=text(piece, "BuyerInfo.BuyerName"),
        name=text(piece, "ShippingAddress.Name"),
        phone=text(piece, "ShippingAddress.Phone"),
        address=", ".join(line for line in lines if line),
        city=text(piece, "ShippingAddress.City"),
        postal_code=text(piece, "ShippingAddress.PostalCode"),
    )


def _rest(piece: Piece, items: Sequence[Piece]) -> dict[str, object]:
    over = without(piece, *_OF_ORDER, "OrderItems", "BuyerInfo", "ShippingAddress")
    address = ("CountryCode", "StateOrRegion", "Name", "Phone", *_LINES, "City", "PostalCode")
    parts = {
        "BuyerInfo": left(piece, "BuyerInfo", "BuyerEmail", "BuyerName"),
        "ShippingAddress": left(piece, "ShippingAddress", *address),
        "OrderItems": [without(item, "ASIN", "SellerSKU", "Title", "QuantityOrdered", "ItemPrice") for item in items],
    }
    return {**over, **without(parts)}


def _part(piece: Piece, _: Around) -> NoReturn:
    held = ", ".join(sorted(set(piece) - {"AmazonOrderId", "NextToken"})) or "nothing else"
    raise Unfit(
        "no_time",
        f"A part of an order ({held}) says of nothing when it happened. Collect the order (PurchaseDate) with it: "
        "OrderItems, BuyerInfo and ShippingAddress lie within the order.",
    )


_COMPLETED: Final = (
    "total", "revenue", "shipping", "tax", "discount", "currency", "quantity", "status", "channel", "fulfilment",
    "service_level", "country", "region", "ship_by", "deliver_from", "deliver_by", "reply_by", "business",
    "replacement",
)  # fmt: skip

FORMS: Final = (
    Form(
        "order of Orders API v0",
        _order,
        {
            "Order Completed": _COMPLETED,
            "Order Shipped": ("status", "fulfilment", "quantity"),
            "Order Cancelled": ("status", "reason"),
        },
        found=("payload.Orders[]", "payload", "Orders[]", "", "[]"),
        has=("AmazonOrderId", "PurchaseDate"),
        says="No delivery at all. No time of shipping or cancelling either: the events stand at the LastUpdateDate at "
        "which the order was first told so, `moment` says 'at the latest', and a ship promise may look late that was "
        "kept, never the other way round. What Amazon ships for you has no Order Shipped here: its shipments report "
        "has. Promises are stated for the orders that you ship yourself, and for few others.",
    ),
    Form(
        "part of an order of Orders API v0",
        _part,
        {},
        found=("payload", ""),
        has=("AmazonOrderId",),
        lacks=("PurchaseDate",),
        says="Items, buyer, address and regulated information have no time of their own: they are told with their "
        "order, merged into it.",
    ),
    Form(
        "buyer of an item of Orders API v0",
        _part,
        {},
        found=("payload",),
        has=("OrderItemId",),
        lacks=("AmazonOrderId",),
    ),
)
