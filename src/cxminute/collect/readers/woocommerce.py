"""WooCommerce: orders and refunds of the REST API, version 3, as it gives them and as its webhooks send them.

Its clocks come in pairs, in the shop's zone and in UTC (`*_gmt`), both without an offset: the one in UTC is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from cxminute.collect.readers.facts import (
    Around,
    Fact,
    Form,
    Piece,
    Reader,
    Record,
    Unfit,
    known_as,
    said,
    silent,
    without,
)
from cxminute.collect.readers.fields import (
    amount,
    currency,
    left,
    listed,
    moment,
    needed,
    number,
    objects,
    summed,
    text,
    total,
    unsigned,
)

_ORDERED: Final = (
    "total", "revenue", "shipping", "tax", "discount", "currency", "quantity", "status", "channel", "service_level",
    "country", "region",
)  # fmt: skip
_REFUNDED: Final = ("refunded", "currency", "quantity")

_DRAFTS: Final = frozenset(("checkout-draft", "auto-draft"))
_CLOCKS: Final = ("date_created", "date_modified", "date_paid", "date_completed")
_TOLD: Final = (
    "id", "status", "currency", "total", "total_tax", "shipping_total", "discount_total", "customer_id", "created_via",
    "customer_ip_address", "customer_user_agent", "customer_note", "line_items", "shipping_lines", "meta_data",
    *_CLOCKS, *(f"{name}_gmt" for name in _CLOCKS),
)  # fmt: skip
_LEFT_OUT: Final = ("order_key", "cart_hash", "payment_url", "_links", "refunded_by")
_OF_REFUNDS: Final = ("id", "parent_id", "amount", "total", "reason", "line_items", "currency", "meta_data")


def _order(piece: Piece, around: Around) -> Sequence[Record]:
    """An order, and those of its refunds that say when."""
    if text(piece, "status") in _DRAFTS:
        return ()
    order, customer = needed(piece, "id"), text(piece, "customer_id")
    identifiers = known_as(order_id=order, user_id="" if customer == "0" else customer)
    refunds = objects(piece, "refunds")
    code = currency(text(piece, "currency"), *(text(part, "currency") for part in refunds))
    _returned_at_most(piece, refunds)
    changed, facts = _clock(piece, "date_modified", around), _steps(piece, around)
    made = Fact("Order Completed", _made(piece, around), _bought(piece, code))
    told = Record(f"order {order}", identifiers, [made, *facts], changed_at=changed, rest=_rest(piece))
    timed = [part for part in refunds if _clock(part, "date_created", around) is not None]
    return [told, *(_refund(part, around, identifiers, changed, code) for part in timed)]


def _steps(piece: Piece, around: Around) -> list[Fact]:
    """What else the order says of itself and when: that it was paid, that it is done, that it was called off."""
    times = {word: _clock(piece, f"date_{word}", around) for word in ("paid", "completed")}
    facts = [Fact("Order Updated", at, {"status": word}, part=word) for word, at in times.items() if at is not None]
    if text(piece, "status") == "cancelled":
        at = _clock(piece, "date_modified", around)
        if at is None:
            raise Unfit("no_time", "'date_modified_gmt' is empty: when the order was cancelled is not said elsewhere.")
        facts.append(Fact("Order Cancelled", at, {}))
    return facts


def _bought(piece: Piece, code: str) -> dict[str, object]:
    lines = objects(piece, "line_items")
    to = "shipping" if text(piece, "shipping.country") else "billing"
    return said(
        total=amount(piece, "total"),
        revenue=summed(lines, "total"),
        shipping=amount(piece, "shipping_total"),
        tax=amount(piece, "total_tax"),
        discount=amount(piece, "discount_total"),
        currency=code,
        quantity=summed(lines, "quantity"),
        status=text(piece, "status"),
        channel=text(piece, "created_via"),
        service_level=listed(objects(piece, "shipping_lines"), "method_title"),
        country=text(piece, f"{to}.country"),
        region=text(piece, f"{to}.state"),
        products=[
            _product(line) | said(price=amount(line, "price"), quantity=amount(line, "quantity")) for line in lines
        ],
        email=text(piece, "billing.email"),
        phone=text(piece, "billing.phone") or text(piece, "shipping.phone"),
        name=" ".join(filter(None, (text(piece, f"{to}.{part}") for part in ("first_name", "last_name")))),
        address=", ".join(filter(None, (text(piece, f"{to}.{part}") for part in ("address_1", "address_2")))),
        city=text(piece, f"{to}.city"),
        postal_code=text(piece, f"{to}.postcode"),
        comment=text(piece, "customer_note"),
    )


def _rest(piece: Piece) -> dict[str, object]:
    """What no fact says; under names by which it is known as personal where it is, or may be (`meta_data`)."""
    addresses = ("billing", "shipping")
    kept = without(piece, *_TOLD, *_LEFT_OUT, *addresses, "refunds")
    refunds = [
        said(id=text(part, "id"), total=text(part, "total"), comment=text(part, "reason"))
        for part in objects(piece, "refunds")
    ]
    written = [line.get("meta_data") for line in objects(piece, "line_items")]
    return kept | said(
        refunds=refunds,
        notes=[note for note in (piece.get("meta_data"), *written) if note],
        ip=text(piece, "customer_ip_address"),
        userAgent=text(piece, "customer_user_agent"),
        **{f"{name}_address": left(piece, name) for name in addresses},
    )


def _refund(piece: Piece, around: Around, of: Mapping[str, str], changed: int | None = None, code: str = "") -> Record:
    """A refund. of, changed, code: of the order that it stands in."""
    refund, made = needed(piece, "id"), _made(piece, around)
    lines = objects(piece, "line_items")
    properties = said(
        refunded=_given_back(piece),
        currency=code,
        quantity=unsigned(lines, "quantity"),  # WooCommerce writes what went back as a negative number
        products=[_product(line) for line in lines],
        comment=text(piece, "reason"),
    )
    rest = without(piece, *_OF_REFUNDS, *_LEFT_OUT, *_CLOCKS, *(f"{name}_gmt" for name in _CLOCKS))
    fact = Fact("Order Refunded", made, properties)
    at = made - 1 if changed is None else max(made, changed)  # alone it knows less, and gives way to its order
    return Record(f"refund {refund}", of, [fact], changed_at=at, rest=rest | said(notes=piece.get("meta_data")))


def _alone(piece: Piece, around: Around) -> Sequence[Record]:
    """A refund by itself: its order is named by its number, or by the link that leads up to it."""
    order = text(piece, "parent_id")
    if order in {"", "0"}:
        above = [text(link, "href") for link in objects(piece, "_links.up")]
        order = next((end for link in above if (end := link.rstrip("/").rpartition("/orders/")[2]).isdecimal()), "")
    if not order:
        raise Unfit("no_key", "Neither 'parent_id' nor '_links.up' says of which order the refund is.")
    return [_refund(piece, around, {"order_id": order})]


def _given_back(piece: Piece) -> float | None:
    """A refund states `amount`; within its order it is the negative `total`."""
    if (found := amount(piece, "amount")) is not None:
        return found
    found = number(piece, "total")
    return None if found is None else abs(found)


def _returned_at_most(piece: Piece, refunds: Sequence[Piece]) -> None:
    paid, back = amount(piece, "total"), total(*(_given_back(part) for part in refunds))
    if paid is not None and back is not None and back > paid:
        raise Unfit("returned_more", f"'refunds' give back {back:g} of the {paid:g} of the order.")
    pieces = summed(objects(piece, "line_items"), "quantity")
    taken = unsigned([line for part in refunds for line in objects(part, "line_items")], "quantity") or 0.0
    if pieces is not None and taken > pieces:
        raise Unfit("returned_more", f"'refunds' take back {taken:g} pieces, of which {pieces:g} were bought.")


def _product(line: Piece) -> dict[str, object]:
    """What the line is of, in WooCommerce's own words where ours have none."""
    variation = text(line, "variation_id")
    return said(
        product_id=text(line, "product_id"),
        variant_id="" if variation == "0" else variation,
        sku=text(line, "sku"),
        name=text(line, "name"),
    )


def _clock(piece: Piece, name: str, around: Around) -> int | None:
    """The time by the clock in UTC, else by that of the shop, which is in the source's zone."""
    found = moment(piece, f"{name}_gmt", replace(around, zone="UTC"))
    return moment(piece, name, around) if found is None else found


def _made(piece: Piece, around: Around) -> int:
    found = _clock(piece, "date_created", around)
    if found is None:
        raise Unfit("no_time", "'date_created_gmt' is empty.")
    return found


READER = Reader(
    "woocommerce",
    "WooCommerce",
    (
        Form(
            "order",
            _order,
            {
                "Order Completed": _ORDERED,
                "Order Updated": ("status",),
                "Order Cancelled": (),
                "Order Refunded": _REFUNDED,
            },
            found=("", "[]"),
            has=("id", "status", "total", "date_created"),
            lacks=("amount",),
            says="It states no promise, no parcel and no delivery; that the shop is done with it is an Order Updated "
            "with status 'completed'. When it was cancelled is the time of its last change. Its refunds carry no time "
            "of their own there: collect them by themselves (orders/ID/refunds).",
        ),
        Form(
            "refund",
            _alone,
            {"Order Refunded": _REFUNDED},
            found=("", "[]"),
            has=("id", "amount", "date_created"),
            says="It says neither its currency nor whose the order is: only the order does.",
        ),
        Form(
            "customer",
            silent,
            {},
            found=("", "[]"),
            has=("id", "is_paying_customer"),
            says="It tells of a state and of nothing that happened: orders carry their customer with them.",
        ),
    ),
    ("user_id", "order_id"),
    "https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/",
)
