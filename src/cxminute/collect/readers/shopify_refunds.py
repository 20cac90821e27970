"""Shopify's refunds and returns, whether they stand within their order or alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cxminute.collect.readers.facts import Around, Fact, Piece, Record, Unfit, known_as, said, without
from cxminute.collect.readers.fields import (
    amount,
    currency,
    happened,
    instant,
    listed,
    moment,
    needed,
    object_at,
    objects,
    summed,
    text,
)
from cxminute.collect.readers.shopify_parcels import named

REFUNDED: Final = ("refunded", "currency", "quantity", "status")
OPENED: Final = ("quantity", "status", "reason")

_TOLD: Final = (
    "id", "order_id", "created_at", "processed_at", "note", "refund_line_items", "transactions", "return", "user_id",
    "admin_graphql_api_id",
)  # fmt: skip


def refund(
    piece: Piece, around: Around, of: Mapping[str, str] | None = None, changed: int | None = None, code: str = ""
) -> Record:
    """A refund: what went back is the sum of its payments that succeeded.

    Without one (goods taken off an order that was not paid, a payment under way or refused) no money is known to have
    gone back: an Order Updated says so.

    of:      the identifiers of the order that it stands in
    changed: when that order was changed, UTC ms
    code:    the currency of that order
    """
    number = needed(piece, "id")
    made = happened(piece, "processed_at" if text(piece, "processed_at") else "created_at", around)
    lines = objects(piece, "refund_line_items")
    for line in lines:
        _at_most_bought(line)
    payments = [part for part in objects(piece, "transactions") if text(part, "kind") == "refund"]
    done = [part for part in payments if text(part, "status") == "success"]
    shop = {text(line, "subtotal_set.shop_money.currency_code") for line in lines}
    properties = said(
        status=_status(payments, done, lines),
        refunded=summed(done, "amount"),
        currency=currency(code, *shop, *(text(part, "currency") for part in done)),
        quantity=summed(lines, "quantity"),
        products=[_taken_back(line) for line in lines],
        comment=text(piece, "note"),
        payment_methods=list(dict.fromkeys(filter(None, (text(part, "gateway") for part in done)))),
    )
    came = known_as(return_id=text(piece, "return.id"))
    return Record(
        f"refund {number}",
        {**(of or {"order_id": needed(piece, "order_id")}), **came},
        [Fact("Order Refunded" if done else "Order Updated", made, properties)],
        changed_at=max(made, changed or made) if of else made - 1,  # alone it knows less, and gives way
        rest=without(piece, *_TOLD),
    )


def alone(piece: Piece, around: Around) -> Sequence[Record]:
    """A refund that stands by itself."""
    return [refund(piece, around)]


def opened(piece: Piece, around: Around) -> Sequence[Record]:
    """A return that was asked for or agreed upon. Messages of returns mostly carry no time: those cannot be told of."""
    number, lines = needed(piece, "id"), objects(piece, "return_line_items")
    when = text(piece, "created_at") or text(piece, "createdAt")
    if not when:
        raise Unfit("no_time", "'created_at' is missing: the message of a return says no time of its own.")
    fact = Fact(
        "Return Opened",
        instant(when, "created_at", around),
        said(
            status=text(piece, "status"),
            quantity=summed(lines, "quantity"),
            reason=listed(lines, "return_reason"),
            comment="\n".join(filter(None, (text(line, "customer_note") for line in lines))),
        ),
    )
    order = text(piece, "order_id") or needed(piece, "order.id")
    told = ("id", "order_id", "order", "return_line_items", "created_at", "createdAt", "status", "admin_graphql_api_id")
    identifiers = {"order_id": order, "return_id": number}
    rest = without(piece, *told, "updated_at", "name")
    return [Record(f"return {number}", identifiers, [fact], changed_at=moment(piece, "updated_at", around), rest=rest)]


def _status(payments: Sequence[Piece], done: Sequence[Piece], lines: Sequence[Piece]) -> str:
    """How the payments stand; without any, what became of the goods."""
    if done:
        return ""
    words = [text(part, "status") for part in payments] or [text(line, "restock_type") for line in lines]
    return ", ".join(dict.fromkeys(filter(None, words))) or "refund"


def _at_most_bought(line: Piece) -> None:
    bought, back = amount(line, "line_item.quantity"), amount(line, "quantity")
    if bought is not None and back is not None and back > bought:
        number = text(line, "line_item_id")
        raise Unfit(
            "returned_more", f"The refund takes back {back:g} of line {number}, of which {bought:g} were bought."
        )


def _taken_back(line: Piece) -> dict[str, object]:
    return named(object_at(line, "line_item")) | said(
        line_item_id=text(line, "line_item_id"),
        quantity=amount(line, "quantity"),
        amount=amount(line, "subtotal"),
        restocked=text(line, "restock_type"),
    )
