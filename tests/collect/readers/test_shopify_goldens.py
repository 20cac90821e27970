"""Every example of Shopify's API, and what its reader makes of it, as a person read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxminute.collect.readers.shopify import READER
from tests.collect.readers.goldens import FOLDER, golden, told_of


@pytest.mark.outside("shared")
def test_each_shopify_example_tells_what_was_read(shared: Path) -> None:
    """Every example becomes the events that a person has read, or a known document that tells of none."""
    files = sorted((shared / "marketplaces" / "shopify").glob("*.json"))
    for file in files:
        golden(f"shopify/{file.stem}", told_of(json.loads(file.read_text(encoding="utf-8")), READER))
    assert {file.stem for file in (FOLDER / "shopify").glob("*.json")} == {file.stem for file in files}
    assert len(files) == 15


@pytest.mark.outside("shared")
def test_what_tells_of_no_customer_s_event_tells_of_none(shared: Path) -> None:
    """Settings, suspicions, calculations and bare customers are known for what they are, and make nothing up."""
    silent = {
        "customer": "customer",
        "customers_search": "customer",
        "customer_saved_search_customers": "customer",
        "customer_invite": "invitation",
        "customer_saved_search": "saved search",
        "fulfillment_service": "fulfilment service",
        "order_risk": "risk",
        "order_risks": "risk",
        "refund_calculate": "suggested refund",
    }
    for name, form in silent.items():
        file = shared / "marketplaces" / "shopify" / f"{name}.json"
        pieces = told_of(json.loads(file.read_text(encoding="utf-8")), READER)
        assert isinstance(pieces, list)
        assert pieces
        assert all(piece == {"form": form, "records": []} for piece in pieces)
        assert next(known.says for known in READER.forms if known.name == form), "and its page says why"
