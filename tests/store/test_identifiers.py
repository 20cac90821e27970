"""Of whom an event is in another space: the person behind an order."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from cxminute.app.cli import run
from cxminute.app.project import Project
from cxminute.store.index import in_memory
from tests.app.small_shop import HEADER, SOURCE

STOCK = """name = "stock"
format = "csv"
key = ["order", "shelf"]
[identifiers]
order_id = "order"
[[events]]
name = "Picked"
at = "picked"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def test_an_order_knows_its_person_where_the_source_does(tmp_path: Path) -> None:
    """Streams of orders tell the number of the person behind each event; null where a source knows nobody."""
    for name, text in {
        "cxm.toml": 'name = "shop"\n', "sources/orders.toml": SOURCE, "sources/stock.toml": STOCK,
        "orders.csv": f"{HEADER}\n1,a,2026-01-05T10:00,,,x\n2,b,2026-01-05T11:00,,,x\n3,a,2026-01-05T12:00,,,x\n",
        "stock.csv": "order,shelf,picked\n1,7,2026-01-05T10:30\n3,7,2026-01-05T12:30\n",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    for file, source in (("orders.csv", "orders"), ("stock.csv", "stock")):
        assert run(["collect", str(tmp_path / file), "--source", source, "--project", str(tmp_path)]) == 0
    project = Project(tmp_path)
    orders = project.subjects("order_id", project.permit())
    streams = orders.read(range(10))
    assert streams.column("name").to_pylist() == ["Ordered", "Picked", "Ordered", "Ordered", "Picked"]
    assert streams.column("identifiers.person").to_pylist() == [0, None, 1, 0, None]
    assert streams.column("identifiers.order_id").to_pylist() == [0, 0, 1, 2, 2]
    assert streams.column("identifiers.ticket_id").to_pylist() == [None] * 5


def test_a_table_says_so_in_columns_of_its_own() -> None:
    """In memory a column `identifiers.KIND` holds the numbers; without one nobody is known."""
    events = pa.table({"subject": [4, 4], "at": [2, 1], "name": ["B", "A"], "identifiers.person": [7, None]})
    streams = in_memory(events, "order_id").read(range(10))
    assert streams.column("identifiers.person").to_pylist() == [None, 7]
    assert streams.column("identifiers.person").type == pa.int64()
    assert streams.column("identifiers.ticket_id").null_count == 2
