"""Shopify's fulfilments, which are parcels, and what happened to them on their way (fulfilment events).

A fulfilment with status `success` is a parcel that was sent, at the time at which it was made: Shopify knows no other.
One that waits for whoever sends it (`pending`, `open`), that failed or that was cancelled tells of no shipment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cxminute.collect.readers.facts import Around, Fact, Piece, Record, said, without
from cxminute.collect.readers.fields import amount, happened, moment, needed, objects, summed, text

SENT: Final = ("carrier", "status", "quantity")
UNDERWAY: Final = ("status", "deliver_by", "country", "region")
ARRIVED: Final = ("status", "country", "region")

_ARRIVED: Final = frozenset(("delivered", "picked_up"))
_OVER: Final = frozenset(("cancelled", "error", "failure"))
_TOLD: Final = (
    "id", "order_id", "name", "created_at", "updated_at", "status", "tracking_company", "line_items", "destination",
    "receipt", "admin_graphql_api_id",
)  # fmt: skip
_OF_EVENTS: Final = (
    "id", "order_id", "fulfillment_id", "happened_at", "created_at", "updated_at", "status", "country", "province",
    "admin_graphql_api_id",
)  # fmt: skip
_PLACE: Final = ("address1", "city", "zip", "latitude", "longitude")


def parcel(piece: Piece, around: Around, of: Mapping[str, str] | None = None, changed: int | None = None) -> Record:
    """A fulfilment, whether it stands within its order or alone.

    of:      the identifiers of the order that it stands in
    changed: when that order was changed, UTC ms: it tells newer than a fulfilment of before
    """
    number, status = needed(piece, "id"), text(piece, "status")
    lines = objects(piece, "line_items")
    properties = said(
        status=status,
        carrier=text(piece, "tracking_company"),
        quantity=summed(lines, "quantity"),
        parcel_name=text(piece, "name"),
        products=[named(line) for line in lines],
    )
    made = happened(piece, "created_at", around)
    own = moment(piece, "updated_at", around)
    told_at = made if own is None else own
    if status == "success":
        fact = Fact("Order Shipped", made, properties)
    else:
        ended = told_at if status in _OVER else made
        fact = Fact("Order Updated", ended, properties)
    return Record(
        f"package {number}",
        {**(of or {"order_id": needed(piece, "order_id")}), "package_id": number},
        [fact],
        changed_at=max(told_at, changed or told_at) if of else told_at - 1,  # alone it knows less, and gives way
        rest=without(piece, *_TOLD) | said(delivery_address=piece.get("destination")),
    )


def alone(piece: Piece, around: Around) -> Sequence[Record]:
    """A fulfilment that stands by itself."""
    return [parcel(piece, around)]


def underway(piece: Piece, around: Around) -> Sequence[Record]:
    """One event of a fulfilment: the parcel arrived, or something else became known of it.

    The first time at which a parcel was said to arrive is its promise, and a record of its own: what is said later
    moves it no more.
    """
    status, at = text(piece, "status"), happened(piece, "happened_at", around)
    identifiers = {"order_id": text(piece, "order_id"), "package_id": needed(piece, "fulfillment_id")}
    place = {name: piece[name] for name in _PLACE if piece.get(name) not in (None, "")}
    known = said(status=status, country=text(piece, "country"), region=text(piece, "province"))
    arrived = status in _ARRIVED
    told = Record(
        f"package event {needed(piece, 'id')}",
        identifiers,
        [Fact("Order Delivered" if arrived else "Order Updated", at, known)],
        changed_at=moment(piece, "updated_at", around),
        rest=without(piece, *_OF_EVENTS, *_PLACE) | said(place_address=place),
    )
    due = None if arrived else moment(piece, "estimated_delivery_at", around)
    if due is None:
        return [told]
    promise = Fact("Order Updated", at, {"deliver_by": due}, part="promise")
    return [told, Record(f"promise of package {identifiers['package_id']}", identifiers, [promise], changed_at=-at)]


def named(line: Piece) -> dict[str, object]:
    """The product of a line, and how much of it."""
    return said(
        product_id=text(line, "product_id"),
        variant_id=text(line, "variant_id"),
        sku=text(line, "sku"),
        name=text(line, "title") or text(line, "name"),
        quantity=amount(line, "quantity"),
    )
