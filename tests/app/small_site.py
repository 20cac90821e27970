"""A small site whose events come through the door: its project, and calls as the inbox keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cxminute.app.project import Project
from cxminute.model.calls import Call
from cxminute.model.times import DAY, HOUR

NOON = 20_500 * DAY + 12 * HOUR
SOURCE = """name = "{name}"
format = "http"
[identifiers]
order_id = "properties.order_id"
[properties]
total = {{ from = "properties.total", type = "number" }}
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def make_site(root: Path, *sources: str, state: str = "") -> Project:
    """A project with sources of the door, 'site' where none is named; `state` says where its database is."""
    (root / "sources").mkdir(parents=True)
    stored = f'state = "{state}"\n' if state else ""
    (root / "cxm.toml").write_text(f'name = "site"\n{stored}', "utf-8")
    for name in sources or ("site",):
        (root / "sources" / f"{name}.toml").write_text(SOURCE.format(name=name), "utf-8")
    return Project(root)


def item(number: int, **facts: Any) -> dict[str, Any]:
    """One event as a client sends it."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"m{number}",
        "userId": f"u{number % 7}",
        "timestamp": f"2026-02-{1 + number % 9:02d}T10:{number % 60:02d}:00.000Z",
        "properties": {"order_id": f"o{number}", "total": number, "colour": "red", "email": f"u{number}@example.com"},
        **facts,
    }


def call(items: Sequence[Any], *, source: str = "site", at: int = NOON) -> Call:
    """One call with these items."""
    return Call(source, at, "segment", "", len(items), json.dumps({"batch": list(items)}).encode())


def ids(project: Project, source: str | None = None) -> list[str]:
    """The ids of all events in the log, in alphabetical order; each as often as it is there."""
    pieces = [piece for piece in project.log.pieces(()) if source in (None, piece.source)]
    return sorted(name for piece in pieces for name in pq.read_table(piece.path, columns=["id"])["id"].to_pylist())


def balance(project: Project) -> tuple[int, int, int, int]:
    """Received, stored, duplicate, quarantined, over all minutes; each of which must add up."""
    minutes = project.arrivals.balance()
    assert all(of.received == of.stored + of.duplicate + of.quarantined for of in minutes)
    return (
        sum(of.received for of in minutes),
        sum(of.stored for of in minutes),
        sum(of.duplicate for of in minutes),
        sum(of.quarantined for of in minutes),
    )
