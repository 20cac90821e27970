"""The figures of a brief counted from the files in plain Python, event by event: the slow reference of the truth."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cxminute.model.times import from_ms, week_of

ZONE = ZoneInfo("Europe/Amsterdam")
Counts = dict[tuple[str, str], tuple[Counter[str], Counter[str]]]
"""(about, measure) -> hits and n of each ISO week."""


def site_events(path: Path, naming: str = "") -> list[dict[str, object]]:
    """The own site's events as they were written: all, or those whose line holds a text."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [json.loads(line) for line in lines if naming in line]


def csv_rows(path: Path, delimiter: str) -> list[dict[str, str]]:
    """The rows of an export."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def when(text: str) -> datetime:
    """A time of a file, by its offset or the shop's wall clock."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def week(moment: datetime) -> str:
    """The ISO week of a moment in the shop's zone."""
    return week_of(moment.astimezone(ZONE).date())


def figures(paths: dict[str, Path], until: int) -> Counts:
    """All figures whose expectation the truth states, by week."""
    closes = from_ms(until)
    moments: dict[str, list[datetime]] = {}
    due, cancelled, delivered = {}, set(), {}
    for event in [*site_events(paths["site"], '"Checkout '), *site_events(paths["site"], '"Order ')]:
        name, at, properties = str(event["event"]), when(str(event["timestamp"])), event["properties"]
        assert isinstance(properties, dict)
        moments.setdefault(name, []).append(at)
        if name == "Order Completed":
            due[properties["order_id"]] = when(properties["deliver_by"])
        elif name == "Order Cancelled":
            cancelled.add(properties["order_id"])
        elif name == "Order Delivered":
            delivered[properties["order_id"]] = at
    started, ordered = moments["Checkout Started"], moments["Order Completed"]
    market = csv_rows(paths["bazaar"], ",")
    bazaar = [row for row in market if not row["cancelled_at"]]
    made = _by_week([*ordered, *(when(row["ordered_at"]) for row in market)])
    desk = csv_rows(paths["desk"], ";")
    opened = [when(row["opened_at"]) for row in desk]
    return {
        ("journey checkout", "volume"): (_by_week(started), _by_week(started)),
        ("journey checkout", "completed"): (_by_week(ordered), _by_week(started)),
        ("promise delivery", "volume"): (made, made),
        ("promise delivery", "late"): _late(
            [
                *((by, delivered.get(order)) for order, by in due.items() if order not in cancelled),
                *((when(row["latest_delivery"]), _maybe(row["delivered_at"])) for row in bazaar),
            ],
            closes,
        ),
        ("promise first-reply", "volume"): (_by_week(opened), _by_week(opened)),
        ("promise first-reply", "late"): _late(
            ((when(row["first_reply_due"]), _maybe(row["first_reply_at"])) for row in desk), closes
        ),
    }


def _maybe(text: str) -> datetime | None:
    return when(text) if text else None


def _by_week(moments: Iterable[datetime]) -> Counter[str]:
    return Counter(week(moment) for moment in moments)


def _late(promises: Iterable[tuple[datetime, datetime | None]], closes: datetime) -> tuple[Counter[str], Counter[str]]:
    """Broken and judged promises by week due; what is still in time has not been judged."""
    hits, n = Counter[str](), Counter[str]()
    for due, outcome in promises:
        if outcome is None and due >= closes:
            continue
        n[week(due)] += 1
        hits[week(due)] += outcome is None or outcome > due
    return hits, n
