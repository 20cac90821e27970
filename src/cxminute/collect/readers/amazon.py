"""Amazon: a seller account's reports, and the answers of the Orders API, versions 0 and 2026-01-01.

No document names a buyer in a way that lasts: the relay address is none, so there are orders, parcels and returns here,
and no customers.
"""

from __future__ import annotations

from typing import Final, NoReturn

from cxminute.collect.readers import amazon_orders, amazon_orders_2026, amazon_reports
from cxminute.collect.readers.facts import Around, Form, Piece, Reader, Unfit
from cxminute.collect.readers.fields import objects, text


def _error(piece: Piece, _: Around) -> NoReturn:
    codes = dict.fromkeys(text(error, "code") for error in objects(piece, "errors"))
    said = ", ".join(code for code in codes if code.replace(" ", "").isalnum()) or "without a code"
    raise Unfit(
        "unknown_document", f"Amazon's API refused the request ({said}): there is no order in it. Ask it again."
    )


_ERROR: Final = Form(
    "error answer of the API",
    _error,
    {},
    has=("errors",),
    lacks=("payload", "orders", "order"),
    says="What the API answers where it refuses is no order; it lies in quarantine until it is asked again.",
)

READER: Final = Reader(
    "amazon",
    "Amazon",
    (*amazon_orders_2026.FORMS, *amazon_orders.FORMS, _ERROR, *amazon_reports.FORMS),
    ("order_id", "package_id", "return_id"),
    "https://developer-docs.amazon.com/sp-api",
)
