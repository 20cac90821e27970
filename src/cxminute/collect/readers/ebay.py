"""eBay: orders of the Sell Fulfillment API, 1.20 (https://developer.ebay.com/api-docs/sell/fulfillment/overview.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    each,
    exceeds,
    happened,
    inner,
    left,
    moment,
    needed,
    number,
    object_at,
    objects,
    summed,
    text,
    times_of,
    total,
)

_WHO: Final = {"EBAY": "marketplace", "SELLER": "seller"}
_MONEY: Final = (
    "pricingSummary.total", "pricingSummary.priceSubtotal", "pricingSummary.adjustment", "pricingSummary.priceDiscount",
    "pricingSummary.priceDiscountSubtotal", "pricingSummary.deliveryCost", "pricingSummary.deliveryDiscount",
    "pricingSummary.tax", "totalMarketplaceFee",
)  # fmt: skip
_TOLD: Final = (
    "orderId", "creationDate", "lastModifiedDate", "orderFulfillmentStatus", "cancelStatus", "pricingSummary", "buyer",
    "fulfillmentStartInstructions", "lineItems", "totalMarketplaceFee", "buyerCheckoutNotes", "fulfillments",
)  # fmt: skip
_LINE: Final = ("legacyItemId", "sku", "title", "quantity", "lineItemId", "refunds", "giftDetails")


def _order(piece: Piece, around: Around) -> Sequence[Record]:
    order, code = needed(piece, "orderId"), _currency(piece)
    refunds = _refunds(piece, code, around)
    _check_refunds(piece, refunds)
    created, changed = happened(piece, "creationDate", around), moment(piece, "lastModifiedDate", around)
    ordered = said(currency=code, **_prices(piece), **_about(piece), **_promised(piece, around), **_where(piece))
    facts = [Fact("Order Completed", created, ordered), *refunds]
    who = known_as(order_id=order, user_id=text(piece, "buyer.username"))
    packages = [_package(parcel, order, who, changed, around) for parcel in objects(piece, "fulfillments")]
    rest = {**without(piece, *_TOLD), **_rest(piece)}
    gone = _cancelled(piece, order, who, changed, around)
    return no_more((Record(f"order {order}", who, facts, changed, rest), *packages, *gone))


def _fulfillment(piece: Piece, around: Around) -> Sequence[Record]:
    order = text(piece, "orderId")
    if not order:
        raise Unfit(
            "no_key",
            "A fulfillment does not say of which order it is. Collect it within its order, as 'fulfillments', or with "
            "the order's 'orderId' in it.",
        )
    record = _package(piece, order, {"order_id": order}, None, around)
    if not record.facts:
        raise Unfit("no_time", "'shippedDate' is empty.")
    return [record]


def _package(piece: Piece, order: str, who: Mapping[str, str], changed: int | None, around: Around) -> Record:
    """A parcel. Its id is eBay's within the order; without a tracking number it need not be its own even there."""
    named, at = needed(piece, "fulfillmentId"), moment(piece, "shippedDate", around)
    tracking = text(piece, "shipmentTrackingNumber")
    named = named if tracking else f"{named} {text(piece, 'shippedDate')}".strip()
    pieces = summed(objects(piece, "lineItems"), "quantity")
    properties = said(carrier=text(piece, "shippingCarrierCode"), quantity=pieces, products=inner(piece, "lineItems"))
    facts = [] if at is None else [Fact("Order Shipped", at, properties)]
    told = ("fulfillmentId", "shippedDate", "shipmentTrackingNumber", "shippingCarrierCode", "lineItems", "orderId")
    named_by = {**who, **known_as(package_id=tracking)}
    return Record(f"package {named} of order {order}", named_by, facts, changed, without(piece, *told))


def _prices(piece: Piece) -> dict[str, object]:
    """Discounts stand in the document as negative numbers."""
    off = _number(piece, "priceDiscount")
    off = _number(piece, "priceDiscountSubtotal") if off is None else off
    sent, sent_off = amount(piece, "pricingSummary.deliveryCost.value"), _number(piece, "deliveryDiscount")
    goods = amount(piece, "pricingSummary.priceSubtotal.value")
    discounts = total(*(None if found is None else abs(found) for found in (off, sent_off)))
    return said(
        total=amount(piece, "pricingSummary.total.value"),
        revenue=None if goods is None else total(goods, _number(piece, "adjustment"), _below(off)),
        shipping=None if sent is None else total(sent, _below(sent_off)),
        tax=amount(piece, "pricingSummary.tax.value"),
        discount=discounts,
        fee=amount(piece, "totalMarketplaceFee.value"),
    )


def _about(piece: Piece) -> dict[str, object]:
    lines = objects(piece, "lineItems")
    gifts = [gift for line in lines if (gift := inner(line, "giftDetails"))]
    return said(
        quantity=summed(lines, "quantity"),
        status=text(piece, "orderFulfillmentStatus"),
        channel=_first(lines, "purchaseMarketplaceId"),
        service_level=_first(objects(piece, "fulfillmentStartInstructions"), "shippingStep.shippingServiceCode"),
        fulfilment=_WHO.get(text(piece, "program.fulfillmentProgram.fulfilledBy")),
        products=[_product(line) for line in lines],
        comment=text(piece, "buyerCheckoutNotes"),
        buyer=said(gifts=gifts, **left(piece, "buyer", "username")),
    )


def _promised(piece: Piece, around: Around) -> dict[str, object]:
    """Of lines that were promised apart, the order's promise is the last: then all of it is to have come."""
    steps = objects(piece, "fulfillmentStartInstructions")
    lines = [left(line, "lineItemFulfillmentInstructions") for line in objects(piece, "lineItems")]
    earliest, latest = "minEstimatedDeliveryDate", "maxEstimatedDeliveryDate"
    return said(
        ship_by=max(times_of(lines, "shipByDate", around), default=None),
        deliver_from=min(times_of(lines, earliest, around) or times_of(steps, earliest, around), default=None),
        deliver_by=max(times_of(lines, latest, around) or times_of(steps, latest, around), default=None),
    )


def _where(piece: Piece) -> dict[str, object]:
    """Where it goes and to whom. What eBay forwards itself is addressed to its own hub: the customer's stands apart."""
    for step in objects(piece, "fulfillmentStartInstructions"):
        hub = object_at(step, "shippingStep.shipTo.contactAddress")
        where = object_at(step, "finalDestinationAddress") or hub
        named = ("countryCode", "stateOrProvince", "city", "postalCode")
        return said(
            country=text(where, "countryCode"),
            region=text(where, "stateOrProvince"),
            city=text(where, "city"),
            postal_code=text(where, "postalCode"),
            address=without(where, *named),
            name=text(step, "shippingStep.shipTo.fullName"),
            email=text(step, "shippingStep.shipTo.email"),
            phone=text(step, "shippingStep.shipTo.primaryPhone.phoneNumber"),
        )
    return {}


def _cancelled(
    piece: Piece, order: str, who: Mapping[str, str], changed: int | None, around: Around
) -> Sequence[Record]:
    if (state := text(piece, "cancelStatus.cancelState")) != "CANCELED":
        return ()
    requests = objects(piece, "cancelStatus.cancelRequests")
    at = moment(piece, "cancelStatus.cancelledDate", around)
    if at is None:
        at = max(times_of(requests, "cancelCompletedDate", around), default=None)
    why = said(reason=_first(requests, "cancelReason"), status=state)
    return (cancellation(order, who, at, changed, why),)


def _refunds(piece: Piece, code: str, around: Around) -> list[Fact]:
    """Refunds that were issued: of the order, or, where it lists none, those of its lines, by their id."""
    listed = objects(piece, "paymentSummary.refunds")
    if not listed:
        listed = [refund for line in objects(piece, "lineItems") for refund in objects(line, "refunds")]
    found: dict[str, tuple[int, float | None, str]] = {}
    for place, refund in enumerate(listed):
        at, status = moment(refund, "refundDate", around), text(refund, "refundStatus")
        if at is None or status == "FAILED":
            continue
        named = text(refund, "refundId") or text(refund, "refundReferenceId") or f"{at} {place}"
        before = found.get(named, (at, None, status))
        found[named] = (min(at, before[0]), total(before[1], amount(refund, "amount.value")), status or before[2])
    return [
        Fact("Order Refunded", at, said(refunded=value, currency=code, status=status), part=named)
        for named, (at, value, status) in found.items()
    ]


def _check_refunds(piece: Piece, refunds: Sequence[Fact]) -> None:
    """Tax that eBay collects itself may stand beside the total, and goes back with it."""
    taxes = [
        amount(tax, "amount.value")
        for line in objects(piece, "lineItems")
        for tax in objects(line, "ebayCollectAndRemitTaxes")
    ]
    whole = amount(piece, "pricingSummary.total.value")
    most = None if whole is None else total(whole, *taxes)
    back = total(*(number(fact.properties, "refunded") for fact in refunds))
    if exceeds(back, most):
        raise Unfit("returned_more", "The refunds come to more than 'pricingSummary.total'.")


def _currency(piece: Piece) -> str:
    codes = [text(piece, f"{path}.currency") for path in _MONEY]
    codes += [text(refund, "amount.currency") for refund in objects(piece, "paymentSummary.refunds")]
    for line in objects(piece, "lineItems"):
        codes += [text(line, "lineItemCost.currency"), text(line, "total.currency")]
        codes += [text(refund, "amount.currency") for refund in objects(line, "refunds")]
    return currency(*codes)


def _product(line: Piece) -> dict[str, object]:
    pieces, cost = amount(line, "quantity"), amount(line, "lineItemCost.value")
    told = said(
        product_id=text(line, "legacyItemId"),
        sku=text(line, "sku"),
        name=text(line, "title"),
        price=each(cost, pieces),
        quantity=pieces,
        line_id=text(line, "lineItemId"),
    )
    return {**without(line, *_LINE), **told}


def _rest(piece: Piece) -> dict[str, object]:
    """What is left of the containers that the facts say in part."""
    steps = [
        {
            **without(step, "shippingStep", "finalDestinationAddress"),
            **said(shippingStep=left(step, "shippingStep", "shipTo", "shippingServiceCode")),
        }
        for step in objects(piece, "fulfillmentStartInstructions")
    ]
    return said(
        fulfillmentStartInstructions=[step for step in steps if step],
        pricingSummary=said(fee=inner(piece, "pricingSummary.fee")),
        cancelStatus=left(piece, "cancelStatus", "cancelledDate"),
    )


def _first(pieces: Sequence[Piece], path: str) -> str:
    """The text at a path in the first of the pieces that has one."""
    return next((found for piece in pieces if (found := text(piece, path))), "")


def _number(piece: Piece, name: str) -> float | None:
    return number(piece, f"pricingSummary.{name}.value")


def _below(found: float | None) -> float | None:
    return None if found is None else -abs(found)


READER = Reader(
    "ebay",
    "eBay",
    (
        Form(
            "order",
            _order,
            {
                "Order Completed": (
                    "total", "revenue", "shipping", "tax", "discount", "fee", "currency", "quantity", "status",
                    "channel", "fulfilment", "service_level", "country", "region", "ship_by", "deliver_from",
                    "deliver_by",
                ),
                "Order Shipped": ("carrier", "quantity"),
                "Order Refunded": ("refunded", "currency", "status"),
                "Order Cancelled": ("reason", "status"),
            },
            found=("", "orders[]", "[]"),
            has=("orderId",),
            lacks=("fulfillmentId",),
            says="eBay promises and tells no delivery: whether a promise was kept has to come from a carrier. "
            "Of lines promised apart the latest time is the order's. An order says that it was sent, not when: that "
            "stands in its fulfillments. Tax that eBay collects itself stands with the products, not in the tax.",
        ),
        Form(
            "shipping fulfillment",
            _fulfillment,
            {"Order Shipped": ("carrier", "quantity")},
            found=("", "fulfillments[]", "[]"),
            has=("fulfillmentId",),
            says="A fulfillment says when a parcel left, not of which order: it is collected within the order.",
        ),
    ),
    ("user_id", "order_id", "package_id"),
    "https://developer.ebay.com/api-docs/sell/fulfillment/overview.html",
)  # fmt: skip
"""Orders, with their shipping fulfillments where these were put within."""
