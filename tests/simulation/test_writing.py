"""The files of the simulated shop, and the template that reads them."""

from __future__ import annotations

import gzip
import tomllib
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest

from cxminute.app.project import read_definitions
from cxminute.simulation.shop import Simulated, simulate
from cxminute.simulation.tables import EVENTS
from cxminute.simulation.troubles import Campaign
from cxminute.simulation.writing import FILES, write
from tests.simulation.plain_shop import csv_rows, site_events, when

AUTUMN = date(2026, 10, 19)
TEMPLATE = Path(str(files("cxminute.app"))) / "templates" / "shop"


@pytest.fixture(scope="module")
def shop() -> Simulated:
    """A small shop over the week in which the clock goes back."""
    return simulate(4, weeks=2, starts=AUTUMN, scale=0.2)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, shop: Simulated) -> None:
    """Written twice, on whatever day, every file is the same to the byte."""
    again = simulate(4, weeks=2, starts=AUTUMN, scale=0.2)
    first, second = write(shop, tmp_path / "a"), write(again, tmp_path / "b")
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }


def test_every_row_is_in_its_file(tmp_path: Path, shop: Simulated) -> None:
    """What was simulated is what is read back: each event, order and ticket, empty cells as empty."""
    paths = write(shop, tmp_path)
    assert {path.name for path in paths.values()} == set(FILES.values())
    events = site_events(paths["site"])
    assert [event["messageId"] for event in events] == shop.tables["site"]["messageId"].to_pylist()
    assert [event.get("userId") for event in events] == shop.tables["site"]["userId"].to_pylist()
    bought = [event["properties"] for event in events if event["event"] == "Order Completed"]
    totals = [amount for amount in shop.tables["site"]["properties.deliver_by"].to_pylist() if amount is not None]
    assert [when(one["deliver_by"]) for one in bought if isinstance(one, dict)] == totals
    bazaar = csv_rows(paths["bazaar"], ",")
    assert [row["order_number"] for row in bazaar] == shop.tables["bazaar"]["order_number"].to_pylist()
    desk = csv_rows(paths["desk"], ";")
    replied = shop.tables["desk"]["first_reply_at"].to_pylist()
    assert [bool(row["first_reply_at"]) for row in desk] == [moment is not None for moment in replied]


def test_the_desk_tells_the_time_of_its_own_wall(tmp_path: Path, shop: Simulated) -> None:
    """Read back in the shop's zone, each ticket's opening is its instant to the minute, in summer and in winter."""
    desk = csv_rows(write(shop, tmp_path)["desk"], ";")
    instants = shop.tables["desk"]["opened_at"].cast(pa.int64()).to_pylist()
    read = [int(when(row["opened_at"]).timestamp() * 1_000) for row in desk]
    assert [moment // 60_000 for moment in instants] == [moment // 60_000 for moment in read]


def test_a_name_with_quotes_stays_one_name(tmp_path: Path) -> None:
    """A campaign named with quotes, a backslash and a line break comes back as it was."""
    name = 'say "hi" \\ to\nall'
    shop = simulate(1, weeks=1, starts=AUTUMN, scale=0.05, troubles=(Campaign(first_day=AUTUMN, name=name, extra=1.0),))
    events = site_events(write(shop, tmp_path)["site"])
    assert name in {properties.get("campaign") for one in events if isinstance(properties := one["properties"], dict)}


def test_an_empty_table_is_an_empty_file(tmp_path: Path, shop: Simulated) -> None:
    """A source of which nothing was seen writes a header or nothing, and no fault."""
    empty = replace(shop, tables={name: table.slice(0, 0) for name, table in shop.tables.items()})
    paths = write(empty, tmp_path)
    assert gzip.decompress(paths["site"].read_bytes()) == b""
    assert csv_rows(paths["desk"], ";") == []


@pytest.mark.parametrize("source", ["site", "bazaar", "desk"])
def test_the_template_reads_columns_that_are_there(source: str, shop: Simulated) -> None:
    """Every column that a source file of the template names is one that the shop exports."""
    mapping = tomllib.loads((TEMPLATE / "sources" / f"{source}.toml").read_text(encoding="utf-8"))
    named = {*mapping["key"], *mapping["identifiers"].values(), *(event["at"] for event in mapping["events"])}
    named |= {one["from"] if isinstance(one, dict) else one for one in mapping["properties"].values()}
    assert named <= set(shop.tables[source].column_names)
    assert {path.removeprefix("properties.") for path in mapping["contract"]["personal"]} <= set(mapping["properties"])


def test_the_template_names_every_event_of_the_site(shop: Simulated) -> None:
    """Each event that the site sends has its entry, and each definition speaks of events that some source has."""
    mapped = {}
    for source in shop.tables:
        mapping = tomllib.loads((TEMPLATE / "sources" / f"{source}.toml").read_text(encoding="utf-8"))
        mapped[source] = {event["name"] for event in mapping["events"]}
    assert mapped["site"] == set(EVENTS)
    known = set().union(*mapped.values())
    for path in (*TEMPLATE.glob("promises/*.toml"), *TEMPLATE.glob("journeys/*.toml")):
        definition = tomllib.loads(path.read_text(encoding="utf-8"))
        texts = [definition.get(key, "") for key in ("made", "kept", "void", "pattern")] + definition.get("unless", [])
        spoken = {piece for text in texts for piece in text.split('"')[1::2]}
        assert spoken, path
        assert spoken <= known, path


def test_the_template_is_well_defined() -> None:
    """Settings, sources with their contracts, journeys and promises of the demo have no fault."""
    found = read_definitions(TEMPLATE)
    assert found.faults == ()
    assert set(found.journeys) == {"checkout", "first-purchase"}
    assert set(found.promises) == {"delivery", "first-reply"}
    assert not found.contracts["bazaar"].link
    assert found.contracts["bazaar"].purposes == {"service-optimisation"}
