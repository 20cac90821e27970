"""Real files through the mappings of the templates: every row is accounted for, and the known figures come out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cxminute.collect.receive import Received
from cxminute.collect.rows import of_tables
from cxminute.collect.seen import Seen
from cxminute.store.formats import parquet
from tests.collect.sources import received, source_of

TEMPLATES = Path(__file__).parents[2] / "src" / "cxminute" / "app" / "templates"


def received_file(path: Path, template: str) -> tuple[pa.Table, pa.Table]:
    """Events and rejects of a whole file under the source of a template."""
    source = source_of((TEMPLATES / template / "sources" / f"{template}.toml").read_text(encoding="utf-8"))
    seen = Seen()
    chunks = of_tables(parquet.read(path, size=100_000), source, file=path.name)
    parts: list[Received] = [received(rows, source, seen) for rows in chunks]
    return pa.concat_tables(part.events for part in parts), pa.concat_tables(part.rejects for part in parts)


def names(events: pa.Table) -> dict[str, int]:
    """How often each event came."""
    return {
        str(row["values"]): row["counts"] for row in pc.value_counts(pc.cast(events["name"], pa.string())).to_pylist()
    }


@pytest.mark.outside("shared")
def test_boston_requests_are_opened_and_closed(shared: Path) -> None:
    """Of 121,145 requests 197 close before they open and are set apart; the others open once, in Boston's own time."""
    events, rejects = received_file(shared / "boston311_2015.parquet", "boston-311")
    assert Counter(rejects["reason"].to_pylist()) == {"ends_before_it_begins": 197}
    assert names(events)["Request Opened"] == 120_948
    opened = events.filter(pc.equal(events["name"], "Request Opened"))
    assert opened["properties.due"].null_count == 26_851
    [first] = opened.filter(pc.equal(opened["identifiers.request_id"], "101001240734"))["at"].to_pylist()
    assert first.isoformat() == "2015-01-01T05:20:09+00:00"


@pytest.mark.outside("shared")
def test_every_line_of_the_shop_counts(shared: Path) -> None:
    """541,909 lines, some alike to the letter, are as many events; returns and guests apart; an order is told once."""
    events, rejects = received_file(shared / "online_retail.parquet", "online-retail")
    assert rejects.num_rows == 0
    counts = names(events)
    orders = counts.pop("Order Placed")
    assert sum(counts.values()) == 541_909
    assert pc.count_distinct(events["id"]).as_py() == events.num_rows
    assert counts["Product Purchased (no customer)"] + counts["Product Returned (no customer)"] == 135_080
    bought = events.filter(pc.equal(events["name"], "Product Purchased"))
    assert bought["identifiers.user_id"].null_count == 0
    assert pc.count_distinct(bought["identifiers.order_id"]).as_py() == orders
    assert pc.min(bought["properties.quantity"]).as_py() > 0
    assert "17850" in bought["identifiers.user_id"].slice(0, 10).to_pylist()
