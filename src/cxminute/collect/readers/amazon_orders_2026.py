"""Amazon Orders API, version 2026-01-01: searchOrders and getOrder, with parcels of what the seller ships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cxminute.collect.readers.cancellations import cancellation
from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Record, Unfit, said, without
from cxminute.collect.readers.fields import (
    amount,
    currency,
    happened,
    inner,
    left,
    moment,
    needed,
    number,
    objects,
    summed,
    text,
    times_of,
    total,
)
from cxminute.collect.readers.undated import by_then

_FULFILMENT: Final = {"AMAZON": "marketplace", "MERCHANT": "seller"}
_ADDRESS: Final = "recipient.deliveryAddress"
_LINES: Final = ("addressLine1", "addressLine2", "addressLine3")
_STILL_HERE: Final = ("PENDING", "CANCELLED")
"""Statuses of a parcel that has not left, whatever time of shipping stands beside them."""


def _order(piece: Piece, around: Around) -> Sequence[Record]:
    order = needed(piece, "orderId")
    items, packages = objects(piece, "orderItems"), objects(piece, "packages")
    status = text(piece, "fulfillment.fulfillmentStatus")
    fulfilment = _FULFILMENT.get(text(piece, "fulfillment.fulfilledBy"), "")
    changed = moment(piece, "lastUpdatedTime", around)
    completed = said(
        **_money(piece, items),
        quantity=summed(items, "quantityOrdered"),
        status=status,
        channel=text(piece, "salesChannel.marketplaceName") or text(piece, "salesChannel.channelName"),
        fulfilment=fulfilment,
        service_level=text(piece, "fulfillment.fulfillmentServiceLevel"),
        country=text(piece, f"{_ADDRESS}.countryCode"),
        region=text(piece, f"{_ADDRESS}.stateOrRegion"),
        ship_by=moment(piece, "fulfillment.shipByWindow.latestDateTime", around),
        **_delivery(piece, items, around),
        business=_in(piece, "programs", "AMAZON_BUSINESS"),
        replacement=_replaces(piece),
        products=[_product(item) for item in items],
        **_person(piece),
    )
    bought = Fact("Order Completed", happened(piece, "createdTime", around), completed)
    identifiers = {"order_id": order}
    records = [Record(f"order {order}", identifiers, (bought,), changed_at=changed, rest=_rest(piece, items))]
    for package in packages:
        records += _package(package, order, changed, around)
    if changed is None:
        return records
    records += _cancelled(order, status, items, changed)
    if status == "SHIPPED" and fulfilment == "seller" and not packages:
        sent = said(status=status, fulfilment=fulfilment)
        records.append(by_then(f"shipping {order}", identifiers, "Order Shipped", changed, sent))
    return records


def _package(package: Piece, order: str, changed: int | None, around: Around) -> Iterator[Record]:
    name = f"{order}/{needed(package, 'packageReferenceId')}"
    identifiers = {"order_id": order, "package_id": name}
    status, left = text(package, "packageStatus.status"), moment(package, "shipTime", around)
    told = said(
        carrier=text(package, "carrier"),
        service_level=text(package, "shippingService"),
        tracking_number=text(package, "trackingNumber"),
        status=status,
        detailed_status=text(package, "packageStatus.detailedStatus"),
        quantity=summed(objects(package, "packageItems"), "quantity"),
        fulfilment="seller",
    )
    facts = []
    if left is not None and status not in _STILL_HERE:
        facts.append(Fact("Order Shipped", left, told))
    elif changed is not None and status == "CANCELLED":  # takes back that the parcel left, where that was told before
        facts.append(Fact("Order Updated", changed, told))
    known = ("packageReferenceId", "packageStatus", "carrier", "shipTime", "shippingService", "trackingNumber")
    if facts:
        yield Record(f"package {name}", identifiers, facts, changed_at=changed, rest=without(package, *known))
    if status == "DELIVERED" and changed is not None and (left is None or left <= changed):
        yield by_then(f"delivery {name}", identifiers, "Order Delivered", changed, told)


def _cancelled(order: str, status: str, items: Sequence[Piece], changed: int) -> Iterator[Record]:
    """The order's cancellation, or those of single items of an order that goes on."""
    done = [item for item in items if isinstance(inner(item, "cancellation.cancellationExecution"), Mapping)]
    if status == "CANCELLED":
        why = said(status=status, **_reason(next(iter(done or items), {})))
        yield cancellation(order, {"order_id": order}, None, changed, why)
        return
    for item in done:
        key = f"cancellation {order}/{needed(item, 'orderItemId')}"
        why = said(status="item cancelled", **_reason(item), products=[_product(item)])
        yield by_then(key, {"order_id": order}, "Order Updated", changed, why)


def _reason(item: Piece) -> dict[str, object]:
    executed, asked = "cancellation.cancellationExecution", "cancellation.cancellationRequest"
    reason = text(item, f"{executed}.cancelReason") or text(item, f"{asked}.cancelReason")
    return said(reason=reason, cancelled_by=text(item, f"{executed}.cancelledBy"))


def _money(piece: Piece, items: Sequence[Piece]) -> dict[str, object]:
    """The order's amounts. Breakdowns are added up by Amazon itself: tax and shipping lie outside of the goods."""
    parts = [part for item in items for part in objects(item, "proceeds.breakdowns")]
    parts = parts or objects(piece, "proceeds.breakdowns")
    off = _taken_off(parts)
    goods, shipping, taken = _sum(parts, "ITEM"), _sum(parts, "SHIPPING"), total(*off.values())
    whole = [text(piece, "proceeds.grandTotal.currencyCode")]
    for item in items:
        whole += [text(item, f"{path}.currencyCode") for path in ("proceeds.proceedsTotal", "product.price.unitPrice")]
    return said(
        total=amount(piece, "proceeds.grandTotal.amount"),
        revenue=None if goods is None else total(goods, -off.get("ITEM", 0.0), -off.get("", 0.0)),
        shipping=None if shipping is None else total(shipping, -off.get("SHIPPING", 0.0)),
        tax=_sum(parts, "TAX"),
        discount=taken,
        currency=currency(*whole, *(text(part, "subtotal.currencyCode") for part in parts)),
    )


def _sum(parts: Sequence[Piece], kind: str) -> float | None:
    return summed([part for part in parts if text(part, "type") == kind], "subtotal.amount")


def _taken_off(parts: Sequence[Piece]) -> dict[str, float]:
    """Discounts by what they are taken off, '' where nobody says; their sign is Amazon's to choose."""
    found: dict[str, float] = {}
    for part in parts:
        if text(part, "type") != "DISCOUNT":
            continue
        whole = abs(number(part, "subtotal.amount") or 0.0)
        for detail in objects(part, "detailedBreakdowns"):
            value = abs(number(detail, "value.amount") or 0.0)
            kind = text(detail, "subtype")
            found[kind] = found.get(kind, 0.0) + value
            whole -= value
        if round(whole, 4):
            found[""] = found.get("", 0.0) + whole
    return found


def _delivery(piece: Piece, items: Sequence[Piece], around: Around) -> dict[str, object]:
    """The order's delivery window, else the one that its items were scheduled for."""
    window, scheduled = "fulfillment.deliverByWindow", "fulfillment.shipping.scheduledDeliveryWindow"
    begin = moment(piece, f"{window}.earliestDateTime", around)
    end = moment(piece, f"{window}.latestDateTime", around)
    if begin is None and end is None:
        begin = min(times_of(items, f"{scheduled}.earliestDateTime", around), default=None)
        end = max(times_of(items, f"{scheduled}.latestDateTime", around), default=None)
    return said(deliver_from=begin, deliver_by=end)


def _in(piece: Piece, path: str, word: str) -> bool | None:
    """Whether a word is in the list at a path; None where there is no list."""
    found = inner(piece, path)
    if found is None:
        return None
    if not isinstance(found, list):
        raise Unfit("bad_shape", f"'{path}' is not a list.")
    return word in found


def _replaces(piece: Piece) -> bool | None:
    if inner(piece, "associatedOrders") is None:
        return None
    kinds = [text(other, "associationType") for other in objects(piece, "associatedOrders")]
    return "REPLACEMENT_ORIGINAL_ID" in kinds


def _product(item: Piece) -> dict[str, object]:
    return said(
        product_id=text(item, "product.asin"),
        sku=text(item, "product.sellerSku"),
        name=text(item, "product.title"),
        price=amount(item, "product.price.unitPrice.amount"),
        quantity=amount(item, "quantityOrdered"),
    )


def _person(piece: Piece) -> dict[str, object]:
    lines = [text(piece, f"{_ADDRESS}.{line}") for line in _LINES]
    return said(
        email=text(piece, "buyer.buyerEmail"),
        buyer=text(piece, "buyer.buyerName"),
        name=text(piece, f"{_ADDRESS}.name"),
        phone=text(piece, f"{_ADDRESS}.phone"),
        address=", ".join(line for line in lines if line),
        city=text(piece, f"{_ADDRESS}.city"),
        postal_code=text(piece, f"{_ADDRESS}.postalCode"),
    )


def _rest(piece: Piece, items: Sequence[Piece]) -> dict[str, object]:
    known = ("orderId", "createdTime", "lastUpdatedTime", "packages", "orderItems")
    address = ("countryCode", "stateOrRegion", "name", "phone", *_LINES, "city", "postalCode")
    windows = ("fulfillmentStatus", "fulfilledBy", "fulfillmentServiceLevel", "deliverByWindow")
    recipient = {**left(piece, "recipient", "deliveryAddress"), "deliveryAddress": left(piece, _ADDRESS, *address)}
    parts = {
        "salesChannel": left(piece, "salesChannel", "marketplaceName"),
        "buyer": left(piece, "buyer", "buyerEmail", "buyerName"),
        "proceeds": left(piece, "proceeds", "grandTotal"),
        "recipient": without(recipient),
        "fulfillment": left(piece, "fulfillment", *windows),
        "orderItems": [_left_of(item) for item in items],
    }
    return {**without(piece, *known, *parts), **without(parts)}


def _left_of(item: Piece) -> dict[str, object]:
    known = ("asin", "sellerSku", "title")
    product = {**left(item, "product", *known, "price"), "price": left(item, "product.price", "unitPrice")}
    return {**without(item, "quantityOrdered", "product"), **without({"product": without(product)})}


_COMPLETED: Final = (
    "total", "revenue", "shipping", "tax", "discount", "currency", "quantity", "status", "channel", "fulfilment",
    "service_level", "country", "region", "ship_by", "deliver_from", "deliver_by", "business", "replacement",
)  # fmt: skip
_PARCEL: Final = ("carrier", "service_level", "status", "quantity", "fulfilment")

FORMS: Final = (
    Form(
        "order of Orders API 2026-01-01",
        _order,
        {
            "Order Completed": _COMPLETED,
            "Order Shipped": _PARCEL,
            "Order Delivered": _PARCEL,
            "Order Cancelled": ("status", "reason"),
            "Order Updated": (*_PARCEL, "reason"),
        },
        found=("orders[]", "order", "", "[]"),
        has=("orderId", "createdTime"),
        says="Parcels are told of what you ship yourself alone; of what Amazon ships for you the shipments report "
        "tells them, and nobody their delivery. A parcel states when it was shipped, but only that it was delivered: "
        "that event stands at the lastUpdatedTime at which it was first told, and `moment` says 'at the latest'; so do "
        "cancellations. `total` is what Amazon calls the grand total, a tip in it. Returns and refunds are not in it.",
    ),
)
