"""Laws of Amazon's reports: rows become orders, promises, parcels, returns and reviews; half a report is half told."""

from __future__ import annotations

import pytest

from cxminute.collect.readers.documents import Found
from cxminute.collect.readers.facts import Around, Record
from cxminute.model.errors import BadData, UnknownName
from tests.collect.readers.amazon_documents import ORDER, Log, found, reasons, records, report
from tests.collect.readers.goldens import events_of, iso
from tests.collect.readers.market_samples import fact

ROW = {
    "amazon-order-id": "902-0000001-0000001",
    "merchant-order-id": "",
    "purchase-date": "2026-03-02T09:00:00+00:00",
    "last-updated-date": "2026-03-02T09:05:00+00:00",
    "order-status": "Unshipped",
    "fulfillment-channel": "Merchant",
    "sales-channel": "Amazon.de",
    "product-name": "A cup",
    "sku": "CUP",
    "asin": "B000000001",
    "item-status": "Unshipped",
    "quantity": "2",
    "currency": "EUR",
    "item-price": "20.00",
    "item-tax": "3.19",
    "shipping-price": "",
    "item-promotion-discount": "1.00",
    "ship-city": "Ulm",
    "ship-country": "DE",
    "promotion-ids": "",
}
POT = ROW | {
    "product-name": "A pot",
    "sku": "POT",
    "asin": "B000000002",
    "quantity": "1",
    "item-price": "11.90",
    "item-tax": "",
    "shipping-price": "4.00",
    "item-promotion-discount": "",
    "promotion-ids": "SPRING",
}
TO_SHIP = {
    "order-id": "902-0000001-0000001",
    "order-item-id": "1",
    "purchase-date": "2026-03-02T09:00:00+00:00",
    "payments-date": "2026-03-02T09:05:00+00:00",
    "reporting-date": "2026-03-03T06:00:00+00:00",
    "promise-date": "2026-03-04T22:59:59+00:00",
    "days-past-promise": "-1",
    "buyer-email": "relay@example.org",
    "sku": "CUP",
    "quantity-purchased": "2",
    "quantity-to-ship": "2",
    "ship-country": "DE",
}
SENT = {
    "amazon-order-id": "902-0000001-0000001",
    "shipment-id": "DX1",
    "shipment-item-id": "DX1a",
    "purchase-date": "2026-03-02T09:00:00+00:00",
    "shipment-date": "2026-03-03T21:00:00+00:00",
    "sku": "CUP",
    "quantity-shipped": "2",
    "currency": "EUR",
    "item-price": "20.00",
    "carrier": "AMZN_DE",
    "tracking-number": "DE1",
    "estimated-arrival-date": "2026-03-05T19:00:00+00:00",
    "recipient-name": "N. N.",
    "ship-address-1": "Road 1",
    "ship-country": "DE",
}
BACK = {
    "Order ID": "902-0000001-0000001",
    "Order date": "2026-03-02T09:00:00Z",
    "Return request date": "2026-03-10T08:00:00Z",
    "Return request status": "Approved",
    "Amazon RMA ID": "DRma1",
    "Currency code": "EUR",
    "ASIN": "B000000001",
    "Merchant SKU": "CUP",
    "Return quantity": "1",
    "Return Reason": "CR-DEFECTIVE",
    "Return delivery date": "",
    "Order quantity": "2",
    "Refunded Amount": "10.00",
}


def _whole_pieces(document: bytes) -> list[Record]:
    """The records of those pieces that could be read."""
    pieces = [piece for piece in found(document) if isinstance(piece, Found)]
    return [record for piece in pieces for record in piece.form.told(piece.piece, Around("market", "UTC"))]


def test_the_rows_of_an_order_are_one_order() -> None:
    """The items of an order are one order with its sums, and every column that nobody knows stays with it."""
    (record,) = records(report(ROW | {"new-column": "x"}, POT | {"new-column": "y"}))
    (bought,) = record.facts
    said = bought.properties
    assert (record.key, bought.event, iso(bought.at)) == (
        "order 902-0000001-0000001",
        "Order Completed",
        "2026-03-02T09:00:00.000Z",
    )
    assert (said["quantity"], said["total"], said["revenue"]) == (3.0, 34.9, 27.71)
    assert (said["shipping"], said["tax"], said["discount"], said["currency"]) == (4.0, 3.19, 1.0, "EUR")
    assert (said["city"], said["country"]) == ("Ulm", "DE")
    assert record.rest == {"promotion-ids": ["", "SPRING"], "new-column": ["x", "y"]}


def test_a_report_and_the_api_tell_the_same_order() -> None:
    """The order of a report is the order of the API: the same record, event and time; the report has no promise."""
    (of_report,), (of_api,) = records(report(ROW, POT)), records(ORDER)
    assert (of_report.key, of_report.changed_at) == (of_api.key, of_api.changed_at)
    assert of_report.facts[0].at == of_api.facts[0].at
    assert of_report.facts[0].properties["total"] == of_api.facts[0].properties["total"]
    assert "ship_by" not in of_report.facts[0].properties


def test_orders_side_by_side_stay_apart() -> None:
    """Rows of one order that stand apart in the report are one order still, and another's are another."""
    told = records(report(ROW, ROW | {"amazon-order-id": "902-2"}, POT))
    assert [(record.key, record.facts[0].properties["quantity"]) for record in told] == [
        ("order 902-0000001-0000001", 3.0),
        ("order 902-2", 2.0),
    ]


def test_a_report_again_is_a_correction() -> None:
    """A report that is exported again tells what changed, and an older export takes nothing of it back."""
    shipped = {"order-status": "Shipped", "last-updated-date": "2026-03-04T12:00:00+00:00"}
    first, later = report(ROW, POT), report(ROW | shipped, POT | shipped)
    told = [("Order Completed", "2026-03-02T09:00:00.000Z"), ("Order Shipped", "2026-03-04T12:00:00.000Z")]
    assert Log().take(first).take(later).events == told
    assert Log().take(later).take(first).take(later).events == told


def test_a_cancelled_order_of_a_report_says_so() -> None:
    """A cancelled order is cancelled at the latest when it was last changed, with empty prices and no sums."""
    gone = ROW | {"order-status": "Cancelled", "item-price": "", "item-tax": "", "item-promotion-discount": ""}
    told = records(report(gone))
    assert [event for _, event, _ in events_of(told)] == ["Order Completed", "Order Cancelled"]
    assert not {"total", "revenue"} & set(told[0].facts[0].properties)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_encoding_of_a_report_reads_the_same(encoding: str) -> None:
    """A report is read in UTF-8, with or without its mark, and in the older encoding of Western Europe."""
    (record,) = records(report(ROW | {"product-name": "Müllers Öltasse €5"}, encoding=encoding))
    assert record.facts[0].properties["products"] == [
        {
            "product_id": "B000000001",
            "sku": "CUP",
            "name": "Müllers Öltasse €5",
            "price": 10.0,
            "quantity": 2.0,
            "status": "Unshipped",
        }
    ]


def test_half_a_report_is_half_told() -> None:
    """A report that was cut off tells the rows that are whole; the last goes to quarantine as it is."""
    whole = report(ROW, ROW | {"amazon-order-id": "902-2"})
    cut = whole[: whole.index(b"902-2") + 20]
    pieces = found(cut)
    assert [piece.piece["rows"][0]["amazon-order-id"] for piece in pieces if isinstance(piece, Found)] == [  # type: ignore[index]  # rows of a report
        "902-0000001-0000001"
    ]
    assert [reason for reason, _ in reasons(cut)] == ["ragged_row"]


def test_the_whole_report_mends_the_half() -> None:
    """An order whose last item was cut off is told with what was there, and in full once the whole report comes."""
    whole = report(ROW, POT)
    cut = whole[: whole.rindex(b"B000000002")]
    half, full = _whole_pieces(cut), records(whole)
    assert half[0].facts[0].properties["quantity"] == 2.0
    assert full[0].facts[0].properties["quantity"] == 3.0
    assert (half[0].key, half[0].changed_at) == (full[0].key, full[0].changed_at)


def test_a_changed_header_is_named_with_the_way_out() -> None:
    """A report without a column that every such report has is refused, naming the column and what to write."""
    with pytest.raises(UnknownName) as fault:
        found(report({("order-state" if name == "order-status" else name): cell for name, cell in ROW.items()}))
    assert "'order-status'" in str(fault.value)
    assert '[columns] "order-status" = "..."' in str(fault.value)


def test_a_column_in_another_language_is_named_in_the_source() -> None:
    """A column that is called otherwise in these files is read once the source says how."""
    german = report({("Bestellstatus" if name == "order-status" else name): cell for name, cell in ROW.items()})
    (record,) = records(german, called={"order-status": "Bestellstatus"})
    assert record.facts[0].properties["status"] == "Unshipped"


def test_another_file_is_no_report_of_amazon() -> None:
    """What is no document of Amazon is refused whole, and nothing of it is taken."""
    with pytest.raises(UnknownName):
        found(b"a,b\n1,2\n")
    with pytest.raises(BadData):
        found({"anything": 1})


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((ROW, POT | {"currency": "GBP"}), "two_currencies"),
        ((ROW | {"item-price": "-20.00"},), "negative_amount"),
        ((ROW | {"quantity": "-1"},), "negative_amount"),
        ((ROW | {"item-price": "20,00"},), "bad_number"),
        ((ROW | {"amazon-order-id": ""},), "no_key"),
        ((ROW | {"purchase-date": "03/02/2026"},), "bad_time"),
        ((SENT | {"shipment-date": ""},), "no_time"),
        ((SENT | {"currency": "GBP"}, SENT), "two_currencies"),
        ((BACK | {"Return quantity": "3"},), "returned_more"),
        ((BACK | {"Return quantity": "-1"},), "negative_amount"),
    ],
)
def test_what_cannot_be_is_set_apart(rows: tuple[dict[str, str], ...], reason: str) -> None:
    """Two currencies, prices below zero, more back than was bought: to quarantine, and neither averaged nor dropped."""
    assert [said for said, _ in reasons(report(*rows))] == [reason]


def test_clocks_of_a_report_may_lack_their_zone() -> None:
    """A report's time without an offset is of the source's zone; its own format is read where the source names it."""
    bare = report(ROW | {"purchase-date": "02.03.2026 10:00", "last-updated-date": ""})
    (record,) = records(bare, zone="Europe/Berlin", times=("%d.%m.%Y %H:%M",))
    assert iso(record.facts[0].at) == "2026-03-02T09:00:00.000Z"
    assert record.changed_at is None


def test_orders_to_ship_carry_the_promise() -> None:
    """An order to be shipped is promised by its promise-date: to be shipped by then."""
    told = records(report(TO_SHIP))
    bought = fact(told, "Order Completed")
    assert iso(int(str(bought.properties["ship_by"]))) == "2026-03-04T22:59:59.000Z"
    assert (bought.properties["quantity"], bought.properties["email"]) == (2.0, "relay@example.org")
    assert "deliver_by" not in bought.properties
    assert events_of(told)[1] == ("promise 902-0000001-0000001", "Order Updated", "2026-03-02T09:05:00.000Z")


def test_orders_to_ship_never_replace_a_fuller_telling() -> None:
    """The prices of the all-orders report stay, whichever of the two came first, and the promise stays beside them."""
    told = [("Order Completed", "2026-03-02T09:00:00.000Z"), ("Order Updated", "2026-03-02T09:05:00.000Z")]
    assert Log().take(report(ROW)).take(report(TO_SHIP)).events == told
    assert Log().take(report(TO_SHIP)).take(report(ROW)).events == told
    order, promise = records(report(TO_SHIP))
    assert (order.changed_at or 0) < (records(report(ROW))[0].changed_at or 0) < (promise.changed_at or 0)


def test_what_the_buyer_asked_of_the_carrier_is_a_comment() -> None:
    """Words on how to deliver are a person's: they stand where contracts hide them, and nowhere else."""
    (order, *_) = records(report(TO_SHIP | {"delivery-Instructions": "Leave it with Ann"}))
    assert order.facts[0].properties["comment"] == "Leave it with Ann"
    assert "delivery-Instructions" not in order.rest


def test_a_shipment_is_one_parcel() -> None:
    """The rows of a shipment from Amazon's warehouses are one parcel that left; its estimate is no promise."""
    (record,) = records(report(SENT, SENT | {"sku": "POT", "shipment-item-id": "DX1b", "quantity-shipped": "1"}))
    (left,) = record.facts
    assert (record.key, left.event, iso(left.at)) == ("package DX1", "Order Shipped", "2026-03-03T21:00:00.000Z")
    assert (left.properties["quantity"], left.properties["fulfilment"]) == (3.0, "marketplace")
    assert (left.properties["tracking_number"], left.properties["address"]) == ("DE1", "Road 1")
    assert record.identifiers == {"order_id": "902-0000001-0000001", "package_id": "DX1"}
    assert record.rest["estimated-arrival-date"] == "2026-03-05T19:00:00+00:00"
    assert not {"deliver_by", "total"} & set(left.properties)


def test_a_return_is_opened_and_received() -> None:
    """A return was opened when it was asked for, and received when it was delivered back, for its order."""
    (record,) = records(report(BACK | {"Return delivery date": "2026-03-14T10:00:00Z"}))
    assert events_of([record]) == [
        ("return DRma1", "Return Opened", "2026-03-10T08:00:00.000Z"),
        ("return DRma1", "Return Received", "2026-03-14T10:00:00.000Z"),
    ]
    said = record.facts[0].properties
    assert (said["quantity"], said["reason"], said["refunded"]) == (1.0, "CR-DEFECTIVE", 10.0)
    assert record.identifiers == {"order_id": "902-0000001-0000001", "return_id": "DRma1"}


def test_returns_without_a_number_are_told_apart() -> None:
    """Returns that Amazon gave no number are told apart by order, product and day."""
    told = records(report(BACK | {"Amazon RMA ID": ""}, BACK | {"Amazon RMA ID": "", "Merchant SKU": "POT"}))
    assert len({record.key for record in told}) == 2


@pytest.mark.parametrize(
    "names",
    [("date", "rating", "comments", "response", "order_id", "rater_email"),
     ("Date", "Rating", "Comments", "Response", "Order ID", "Rater Email")],
)  # fmt: skip
def test_feedback_is_a_judgement_of_the_seller(names: tuple[str, ...]) -> None:
    """Stars and words about us are told for the order on its day, the words kept apart as a person's."""
    cells = ("2026-03-12", "4", "All well", "", "902-0000001-0000001", "relay@example.org")
    (record,) = records(report(dict(zip(names, cells, strict=True))), zone="Europe/Berlin")
    (said,) = record.facts
    assert (said.event, iso(said.at)) == ("Seller Reviewed", "2026-03-11T23:00:00.000Z")
    assert said.properties == {"rating": 4.0, "scale": 5.0, "comment": "All well", "email": "relay@example.org"}
    assert record.identifiers == {"order_id": "902-0000001-0000001"}


@pytest.mark.parametrize("stars", ["0", "6", "", "4.5.1"])
def test_feedback_off_its_scale_is_set_apart(stars: str) -> None:
    """Stars that nobody could give go to quarantine."""
    ((reason, _),) = reasons(report({"date": "2026-03-12", "rating": stars, "order_id": "902-1"}))
    assert reason == ("bad_number" if "." in stars else "bad_score")
