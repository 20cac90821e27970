"""Laws of the Etsy reader."""

from __future__ import annotations

import pytest

from cxminute.collect.readers.etsy import READER
from tests.collect.readers.goldens import iso
from tests.collect.readers.market_samples import (
    Document,
    changed,
    fact,
    happenings,
    received,
    refused,
    sample,
    told,
)


@pytest.fixture
def receipt() -> Document:
    """A receipt of two lines, sent, and refunded in part."""
    found: Document = sample("etsy", "receipts_page")["results"][0]
    return found


def test_money_is_read_by_its_divisor() -> None:
    """5260 hundredths of a pound are 52.60; 2500 yen, which have no hundredths, are 2500."""
    orders = [record for record in told(sample("etsy", "receipts_page"), READER) if record.key.startswith("order ")]
    pounds, yen = (record.facts[0].properties for record in orders)
    assert (pounds["total"], pounds["currency"], pounds["revenue"], pounds["discount"]) == (52.6, "GBP", 45.0, 5.0)
    assert (yen["total"], yen["currency"]) == (2500.0, "JPY")


def test_the_last_line_makes_the_promise(receipt: Document) -> None:
    """Of lines that are to be sent apart, the order's promise is the last; a delivery is promised nowhere."""
    said = fact(told(receipt, READER), "Order Completed").properties
    assert iso(int(str(said["ship_by"]))) == "2026-03-06T10:00:00.000Z"
    assert "deliver_by" not in said


def test_no_promise_is_made_up() -> None:
    """A line without an expected date promises nothing."""
    assert "ship_by" not in told(sample("etsy", "receipts_page"), READER)[1].facts[0].properties


def test_sent_and_given_back(receipt: Document) -> None:
    """Each shipment and each refund of a receipt is an event at its own time."""
    assert happenings(told(receipt, READER)) == [
        ("Order Completed", "2026-03-02T10:00:00.000Z"),
        ("Order Shipped", "2026-03-04T10:00:00.000Z"),
        ("Order Refunded", "2026-03-06T10:00:00.000Z"),
    ]


def test_lines_say_when_they_left_where_no_shipment_is_listed(receipt: Document) -> None:
    """Marked as sent without a shipment: the lines' own times are told."""
    sent = changed(changed(receipt, "shipments", []), "transactions.0.shipped_timestamp", 1_772_620_000)
    shipped = fact(told(sent, READER), "Order Shipped")
    assert (iso(shipped.at), shipped.properties) == ("2026-03-04T10:26:40.000Z", {"quantity": 2.0})


def test_a_receipt_sent_and_then_canceled_is_both(receipt: Document) -> None:
    """Canceled after it was shipped: both stand; the cancellation at the latest at the update that first shows it."""
    records = told(changed(receipt, "status", "Canceled"), READER)
    assert iso(fact(records, "Order Shipped").at) == "2026-03-04T10:00:00.000Z"
    assert iso(fact(records, "Order Cancelled").at) == "2026-03-06T10:00:00.000Z"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("total_shipping_cost.currency_code", "EUR", "two_currencies"),
        ("refunds.0.amount.currency_code", "USD", "two_currencies"),
        ("refunds.0.amount.amount", 5261, "returned_more"),
        ("grandtotal.amount", -5260, "negative_amount"),
        ("transactions.0.quantity", -2, "negative_amount"),
        ("grandtotal.divisor", 0, "bad_number"),
        ("created_timestamp", "2026-03-02", "bad_number"),
        ("created_timestamp", 1_772_445_600_000, "bad_time"),
        ("receipt_id", None, "no_key"),
        ("transactions", "none", "bad_shape"),
    ],
)
def test_what_cannot_be_right_is_set_apart(receipt: Document, path: str, value: object, reason: str) -> None:
    """Two currencies, more given back than was paid, negative prices, no time: the receipt goes to quarantine whole."""
    assert refused(changed(receipt, path, value), READER) == reason


def test_a_receipt_without_a_time_is_set_apart(receipt: Document) -> None:
    """Neither of the two names of its time is there: it cannot have happened at no time."""
    silent = changed(changed(receipt, "created_timestamp", None), "create_timestamp", None)
    assert refused(silent, READER) == "no_time"


def test_stars_beyond_five_are_set_apart() -> None:
    """A review has one to five stars."""
    review = sample("etsy", "reviews_page")["results"][0]
    assert fact(told(review, READER), "Product Reviewed").properties["rating"] == 4.0
    assert refused(changed(review, "rating", 6), READER) == "bad_score"


def test_an_older_telling_never_replaces_a_newer(receipt: Document) -> None:
    """A page that was fetched before the last update of a receipt tells nothing of it."""
    last = 1_772_791_200_000
    assert received(receipt, READER, {"order 3000000001": last}).events.num_rows == 3
    assert received(receipt, READER, {"order 3000000001": last + 1}).events.num_rows == 0


def test_what_is_not_known_is_kept(receipt: Document) -> None:
    """A field that nobody has heard of goes along with the order."""
    (record,) = told(changed(receipt, "something_new", "x"), READER)
    assert record.rest["something_new"] == "x"


def test_what_a_buyer_wrote_on_a_gift_is_a_note(receipt: Document) -> None:
    """The shop's choices stand with the product; what the buyer had written on it stands where contracts hide it."""
    blue = {"property_id": 200, "value_id": 2, "formatted_name": "Colour", "formatted_value": "Blue"}
    words = {"property_id": 54, "value_id": None, "formatted_name": "Personalization", "formatted_value": "For Ann"}
    line = told(changed(receipt, "transactions.0.variations", [blue, words]), READER)
    products = fact(line, "Order Completed").properties["products"]
    assert isinstance(products, list)
    first = products[0]
    assert (first["variations"], first["note"]) == ([blue], [words])


def test_a_line_by_itself_is_no_receipt() -> None:
    """Transactions are listed apart, too: they are set apart, since the receipt says what they would."""
    line = {"count": 1, "results": [{"transaction_id": 41, "receipt_id": 3000000001, "quantity": 2}]}
    assert received(line, READER).rejects["reason"].to_pylist() == ["unknown_document"]
