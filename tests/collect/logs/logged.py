"""Process logs as tests write them, and what they say in a form that can be compared."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

SOURCE = """name = "{name}"
format = "{form}"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""

XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <global scope="trace"><string key="concept:name" value="name"/></global>
  <global scope="event">
    <string key="concept:name" value="name"/><date key="time:timestamp" value="1970-01-01T00:00:00.000+01:00"/>
  </global>
  <classifier name="Activity" keys="concept:name lifecycle:transition"/>
  <string key="concept:name" value="loans"/>
  <int key="rounds" value="3"/>
  <trace>
    <string key="concept:name" value="case 1"/>
    <float key="AMOUNT" value="5000.0"/>
    <date key="REG_DATE" value="2011-10-01T00:38:44.546+02:00"/>
    <event>
      <string key="concept:name" value="Submitted"/>
      <string key="org:resource" value="112"/>
      <string key="lifecycle:transition" value="COMPLETE"/>
      <date key="time:timestamp" value="2011-10-01T00:38:44.546+02:00"/>
      <float key="cost" value="5.0"/>
      <int key="large" value="9007199254740993"/>
      <boolean key="fast" value="true"/>
      <id key="identity:id" value="b0e2d9a4"/>
      <date key="due" value="2011-10-05T00:00:00+02:00"/>
    </event>
    <event>
      <string key="concept:name" value="Checked"/>
      <date key="time:timestamp" value="2011-10-01T00:38:44.546+02:00"/>
      <string key="desk" value="north"><int key="floor" value="2"/></string>
      <list key="seen"><values><int key="page" value="1"/><int key="page" value="2"/></values></list>
      <container key="box"><string key="size" value="small &amp; &quot;flat&quot;"/></container>
    </event>
    <event>
      <string key="concept:name" value="Accepted"/>
      <date key="time:timestamp" value="2011-10-01T00:38:44.546123+02:00"/>
      <string key="resource" value="of their own"/>
      <string key="case" value="of their own, too"/>
      <float key="ratio" value="NaN"/>
      <int key="longer" value="36893488147419103232"/>
      <string key="Cost" value="upper"/>
      <string key="cost" value="lower"/>
      <string key="" value="nameless"/>
      <string key="a.b" value="dotted"/>
    </event>
  </trace>
  <trace>
    <event>
      <string key="concept:name" value="Later"/>
      <date key="time:timestamp" value="2011-10-03T10:00:00.000Z"/>
    </event>
    <event>
      <string key="concept:name" value="Earlier"/>
      <date key="time:timestamp" value="2011-10-02T10:00:00.000Z"/>
    </event>
  </trace>
  <trace><string key="concept:name" value="nothing happened"/><int key="n" value="0"/></trace>
  <event>
    <string key="concept:name" value="Of no case"/>
    <date key="time:timestamp" value="2011-10-02T11:00:00.000Z"/>
  </event>
</log>
"""
"""All that XES has: every type of attribute, attributes within attributes, a trace without a name, one without events,
times out of order, an event without a case."""

OCEL: dict[str, Any] = {
    "objectTypes": [
        {"name": "order", "attributes": [{"name": "price", "type": "float"}, {"name": "state", "type": "string"}]},
        {"name": "Purchase Item", "attributes": [{"name": "weight", "type": "integer"}]},
        {"name": "never seen", "attributes": []},
    ],
    "eventTypes": [
        {
            "name": "Place Order",
            "attributes": [{"name": "channel", "type": "string"}, {"name": "lines", "type": "integer"}],
        },
        {"name": "Ship", "attributes": [{"name": "express", "type": "boolean"}, {"name": "due", "type": "time"}]},
        {"name": "Never Happened", "attributes": []},
    ],
    "objects": [
        {
            "id": "o1",
            "type": "order",
            "attributes": [
                {"name": "price", "value": 10.5, "time": "1970-01-01T00:00:00Z"},
                {"name": "state", "value": "open", "time": "1970-01-01T00:00:00Z"},
                {"name": "state", "value": "paid", "time": "2024-03-02T09:00:00Z"},
            ],
            "relationships": [
                {"objectId": "i1", "qualifier": "holds"},
                {"objectId": "i2", "qualifier": "holds, too"},
            ],
        },
        {
            "id": "i1",
            "type": "Purchase Item",
            "attributes": [{"name": "weight", "value": "3", "time": "1970-01-01T00:00:00Z"}],
        },
        {"id": "i2", "type": "Purchase Item"},
        {"id": "o2", "type": "order", "relationships": []},
    ],
    "events": [
        {
            "id": "e1",
            "type": "Place Order",
            "time": "2024-03-01T08:00:00Z",
            "attributes": [{"name": "channel", "value": "web"}, {"name": "lines", "value": 2}],
            "relationships": [
                {"objectId": "o1", "qualifier": "order"},
                {"objectId": "i1", "qualifier": "first"},
                {"objectId": "i2", "qualifier": "second"},
            ],
        },
        {
            "id": "e2",
            "type": "Ship",
            "time": "2024-03-03T08:00:00.123456Z",
            "attributes": [{"name": "express", "value": True}, {"name": "due", "value": "2024-03-05T00:00:00Z"}],
            "relationships": [{"objectId": "i2", "qualifier": ""}],
        },
        {"id": "e3", "type": "Ship", "time": "2024-03-03T08:00:00Z", "attributes": [], "relationships": []},
    ],
}
"""All that OCEL has: several objects of a type at an event, qualifiers; values over time; objects that name others; an
object and types of which nothing happened; a number written as text; a time finer than a millisecond."""


def project(root: Path, *forms: str) -> Path:
    """A project folder with a source of each form, called as it."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "logs"\ntimezone = "Europe/Berlin"\n', "utf-8")
    for form in forms:
        (root / "sources" / f"{form}.toml").write_text(SOURCE.format(name=form, form=form), "utf-8")
    return root


def said_of_xes(text: str | bytes) -> dict[str, Any]:
    """What an XES file says, without the order of attributes; times as instants."""
    root = ET.fromstring(text)  # noqa: S314 -- our own
    own = [(part.tag.rpartition("}")[2], part) for part in root]
    return {
        "log": dict(root.attrib),
        "parts": sorted(repr(_element(part)) for tag, part in own if tag not in {"trace", "event"}),
        "traces": sorted(
            (sorted(repr(_element(part)) for part in trace if not part.tag.endswith("event")),
             [_element(part) for part in trace if part.tag.endswith("event")])
            for tag, trace in own
            if tag == "trace"
        ),
        "free": [_element(part) for tag, part in own if tag == "event"],
    }  # fmt: skip


def _element(part: ET.Element) -> Any:
    tag = part.tag.rpartition("}")[2]
    said = dict(part.attrib)
    if tag == "date":
        said["value"] = datetime.fromisoformat(said["value"]).astimezone(UTC).isoformat()
    inner = [_element(found) for found in part]
    return tag, sorted(said.items()), inner if tag == "values" else sorted(inner, key=repr)


def said_of_ocel(document: dict[str, Any]) -> dict[str, Any]:
    """What an OCEL document says, without the order of anything; times as instants; absent lists are empty."""
    return {
        **{key: _types(document[key]) for key in ("objectTypes", "eventTypes")},
        "objects": {one["id"]: _thing(one, one["type"]) for one in document["objects"]},
        "events": {one["id"]: (_moment(one["time"]), _thing(one, one["type"])) for one in document["events"]},
    }


def _types(types: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    return {one["name"]: {found["name"]: found["type"] for found in one["attributes"]} for one in types}


def _thing(one: dict[str, Any], kind: str) -> Any:
    attributes = (
        (found["name"], repr(found["value"]), _moment(found["time"]) if "time" in found else "")
        for found in one.get("attributes") or ()
    )
    related = ((found["objectId"], found["qualifier"]) for found in one.get("relationships") or ())
    return kind, sorted(attributes), sorted(related)


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()
