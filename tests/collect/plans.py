"""A site with a tracking plan in a few lines, for the tests of plans."""

from __future__ import annotations

import msgspec

from cxminute.collect.plan import FAULT, Plan, parse_plan
from cxminute.collect.planned import Judged, judge
from cxminute.model.definitions import Document
from tests.collect.sources import json_rows, received, source_of

SITE = """
name   = "site"
format = "ndjson"
key    = ["messageId"]
[identifiers]
user_id  = "userId"
order_id = "properties.order_id"
[properties]
{properties}
[[events]]
name = {{ from = "event" }}
at   = "timestamp"
[contract]
origin   = "first-party"
purposes = ["service-optimisation"]
"""
PLAN = """
source  = "site"
unknown = "{unknown}"
faults  = "{faults}"

[events."Order Completed"]
required = ["order_id", "total"]
aliases  = ["order_completed", "Purchase"]

[events."Order Completed".properties]
order_id = "text"
total    = "number"
gift     = "flag"
due      = "time"
note     = "text"
tier     = {{ type = "text", one_of = ["free", "pro"] }}
address  = "object"
items    = "list"
extra    = "any"
"cart.size" = "number"

[events.Opened]
"""


def plan_of(text: str = PLAN, *, unknown: str = "accept", faults: str = "flag") -> Plan:
    """The plan that a text states; its faults fail the test."""
    doc = Document("plans/site.toml", text.format(unknown=unknown, faults=faults) if text is PLAN else text)
    plan = parse_plan(doc, ["site"])
    assert plan is not None, "\n".join(map(str, doc.faults))
    return plan


def sent(number: int, name: str, properties: dict[str, object]) -> dict[str, object]:
    """One event as a client sends it."""
    return {
        "messageId": f"m{number}",
        "userId": "u",
        "event": name,
        "timestamp": "2026-01-01T00:00:00Z",
        "properties": properties,
    }


def judged(events: list[dict[str, object]], plan: Plan, named: str = "") -> Judged:
    """What a plan makes of events of the site; `named` are the lines of its [properties]."""
    source = source_of(SITE.format(properties=named))
    [rows] = json_rows(b"\n".join(msgspec.json.encode(event) for event in events), source)
    return judge(received(rows, source).events, plan, source)


def faults(found: Judged) -> list[str | None]:
    """How each event that stays breaks its plan."""
    if FAULT not in found.events.column_names:
        return [None] * found.events.num_rows
    told: list[str | None] = found.events[FAULT].to_pylist()
    return told


def rest(found: Judged) -> list[dict[str, object]]:
    """The properties among the leftovers of each event that stays."""
    if "rest" not in found.events.column_names:
        return [{} for _ in range(found.events.num_rows)]
    return [
        (msgspec.json.decode(said) if said else {}).get("properties", {}) for said in found.events["rest"].to_pylist()
    ]
