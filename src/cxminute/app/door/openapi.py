"""The door, described for machines: every route and every answer that can come, as OpenAPI 3.1."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from cxminute.app.door.answers import RETRIED, STATUSES
from cxminute.app.door.bodies import SECONDS
from cxminute.app.door.paths import EVENTS, KINDS, Route
from cxminute.collect.calls import limits

Schema = dict[str, Any]

_REF: Final = "#/components"
_MOMENT: Final = "2026-11-21T23:42:09.020Z"
_TYPES: Final = ("application/json", "text/plain")
_SAID: Final = {
    400: "The body cannot be read as events. Nothing of it was kept; sending it again changes nothing.",
    401: "No write key, an unknown one, or two that disagree.",
    404: "There is nothing at this path, or the key's source takes no webhooks.",
    405: "The path does not have this method.",
    408: f"The body did not come whole within {SECONDS:.0f} seconds.",
    413: f"More than {limits.LARGEST_BODY} bytes, inflated, or more than {limits.MOST_EVENTS} events.",
    415: "A body encoding other than gzip and deflate.",
    429: "More waits than is kept in memory. Try again.",
    503: "Nothing can be stored at the moment, or the server is stopping. Nothing was kept; try again.",
}
_NAMES: Final = {
    400: "bad_json",
    404: "not_found",
    408: "slow_body",
    413: "body_too_large",
    415: "unsupported_encoding",
}
_EXAMPLES: Final[dict[str, Schema]] = {
    "track": {
        "messageId": "4d421db5-d703-4e25-8e40-f8d25c8cf06e",
        "userId": "u1",
        "event": "Order Completed",
        "timestamp": _MOMENT,
        "properties": {"order_id": "o1", "revenue": 12.5},
    },
    "identify": {"messageId": "cbb80b62-cb21", "userId": "u1", "traits": {"plan": "pro"}, "timestamp": _MOMENT},
    "page": {"messageId": "5d421db5-d703", "anonymousId": "a1", "name": "Home", "properties": {"path": "/"}},
    "screen": {"messageId": "6d421db5-d703", "anonymousId": "a1", "name": "Main", "properties": {}},
    "group": {"messageId": "7d421db5-d703", "userId": "u1", "groupId": "g1", "traits": {"name": "Acme"}},
    "alias": {"messageId": "8d421db5-d703", "userId": "u1", "previousId": "a1"},
}
_KEY: Final = {
    "name": "writeKey",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[^/?#]+$"},
    "example": "cxm_...",
}
_CLOUD: Final = {
    "specversion": "1.0",
    "id": "9d421db5-d703",
    "source": "/shop/site",
    "type": "cxm.track.Order Completed",
    "subject": "u1",
    "time": _MOMENT,
    "data": {"order_id": "o1"},
}


@cache
def described() -> bytes:
    """The document, as JSON."""
    return json.dumps(document()).encode()


def document() -> Schema:
    """The document."""
    paths: Schema = {path: _events(path, route) for path, route in EVENTS.items()}
    paths["/v1/projects/{writeKey}/settings"] = _settings()
    paths["/v1/hooks/{writeKey}"] = _hooks()
    for path, page in _pages().items():
        paths[path] = page
        paths[f"{path}/"] = _renamed(page)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CX Minute: the door",
            "version": version("cxminute"),
            "summary": "Events in. 200 means on disk.",
            "description": "Bodies are judged by their bytes, not by their content type: JSON, plain or as gzip. "
            "Success is 200 and nothing else; every error has a code and a message.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas(), "responses": _responses(), "securitySchemes": _schemes()},
    }


def _events(path: str, route: Route) -> Schema:
    operation: Schema = {
        "operationId": _name("post", path),
        "tags": ["events"],
        "summary": _summary(route),
        "security": [{"basic": []}, {"bearer": []}, {}],
        "requestBody": {"required": True, "content": _content(route)},
        "responses": {
            "200": {"$ref": f"{_REF}/responses/Taken"},
            **{str(status): {"$ref": f"{_REF}/responses/E{status}"} for status in (400, 401, 408, 413, 415, 429, 503)},
        },
    }
    return {"post": operation, "options": _preflight(path)}


def _summary(route: Route) -> str:
    if route.protocol == "cloudevents":
        return "CloudEvents 1.0: one in structured or binary form, or a batch."
    if route.protocol == "posthog":
        return "Events as PostHog's clients send them, with api_key in the body."
    return f"One {route.kind} call." if route.kind else "Several calls at once."


def _content(route: Route) -> Schema:
    if route.protocol == "cloudevents":
        one = {"schema": {"$ref": f"{_REF}/schemas/CloudEvent"}, "example": _CLOUD}
        several: Schema = {
            "schema": {"type": "array", "maxItems": limits.MOST_EVENTS, "items": one["schema"]},
            "example": [_CLOUD],
        }
        return {"application/cloudevents+json": one, "application/cloudevents-batch+json": several}
    if route.protocol == "posthog":
        event = {"event": "Order Completed", "distinct_id": "a1", "uuid": "9d42-1db5", "timestamp": _MOMENT}
        told: Schema = {
            "schema": {"$ref": f"{_REF}/schemas/PostHog"},
            "example": {"api_key": "cxm_...", "batch": [{**event, "properties": {"order_id": "o1"}}]},
        }
    elif route.kind:
        told = {"schema": {"$ref": f"{_REF}/schemas/Item"}, "example": _EXAMPLES[route.kind]}
    else:
        batch = [{"type": kind, **_EXAMPLES[kind]} for kind in KINDS]
        told = {"schema": {"$ref": f"{_REF}/schemas/Batch"}, "example": {"batch": batch, "sentAt": _MOMENT}}
    return dict.fromkeys(_TYPES, told)


def _settings() -> Schema:
    get: Schema = {
        "operationId": "get_settings",
        "tags": ["browser"],
        "summary": "What the browser client analytics-next asks its cdnURL for: where to send.",
        "responses": {
            "200": {
                "description": "The settings.",
                "content": {"application/json": {"schema": {"$ref": f"{_REF}/schemas/Settings"}}},
            },
            "401": {"$ref": f"{_REF}/responses/E401"},
            "503": {"$ref": f"{_REF}/responses/E503"},
        },
    }
    return {**_read(get, "/v1/projects/{writeKey}/settings"), "parameters": [_KEY]}


def _hooks() -> Schema:
    path = "/v1/hooks/{writeKey}"
    refusals = {str(status): {"$ref": f"{_REF}/responses/E{status}"} for status in (400, 401, 404, 408, 413, 415, 429)}
    unready = {"503": {"$ref": f"{_REF}/responses/E503"}}
    post: Schema = {
        "operationId": _name("post", path),
        "tags": ["webhooks"],
        "summary": "A webhook of a shop or marketplace, with the signature that its sender gives it.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": {"200": {"$ref": f"{_REF}/responses/Taken"}, **refusals, **unready},
    }
    challenge: Schema = {
        "name": "challenge_code", "in": "query", "required": False, "schema": {"type": "string"},
    }  # fmt: skip
    answer: Schema = {"type": "object", "required": ["challengeResponse"]}
    get: Schema = {
        "operationId": _name("get", path),
        "tags": ["webhooks"],
        "summary": "A sender asks whether the endpoint is ours.",
        "parameters": [challenge],
        "responses": {
            "200": _json("The hash that it asks for.", answer),
            **{status: refusals[status] for status in ("401", "404", "429")},
            **unready,
        },
    }
    return {"post": post, "get": get, "options": _preflight(path), "parameters": [_KEY]}


def _pages() -> dict[str, Schema]:
    states: Schema = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
    ready: Schema = {
        "type": "object",
        "required": ["ready", "stopping", "projects"],
        "properties": {"ready": {"type": "boolean"}, "stopping": {"type": "boolean"}, "projects": states},
    }
    alive: Schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": "alive"}}}
    told = {
        "/health": ("Whether the server runs.", {"200": _json("It does.", alive)}),
        "/ready": (
            "Whether events can be taken now.",
            {"200": _json("They can, for every project.", ready), "503": _json("They cannot, and why not.", ready)},
        ),
        "/metrics": (
            "Figures for Prometheus.",
            {
                "200": {
                    "description": "Text exposition format.",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                }
            },
        ),
        "/openapi.json": ("This document.", {"200": _json("OpenAPI 3.1.", {"type": "object"})}),
    }
    return {
        path: _read(
            {"operationId": _name("get", path), "tags": ["operation"], "summary": summary, "responses": responses}, path
        )
        for path, (summary, responses) in told.items()
    }


def _read(get: Schema, path: str) -> Schema:
    """A page that is read: HEAD answers as GET does, without the body."""
    bare = {status: {"description": "As of GET."} for status in get["responses"]}
    head = {**get, "operationId": _name("head", path), "responses": bare}
    return {"get": get, "head": head, "options": _preflight(path)}


def _renamed(page: Schema) -> Schema:
    """The same page with a slash at the end."""
    return {method: {**told, "operationId": f"{told['operationId']}_slash"} for method, told in page.items()}


def _preflight(path: str) -> Schema:
    return {
        "operationId": _name("options", path),
        "tags": ["browser"],
        "summary": "CORS preflight: any origin may send.",
        "responses": {"200": {"description": "What is allowed.", "headers": {"Allow": {"schema": {"type": "string"}}}}},
    }


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _name(method: str, path: str) -> str:
    words = path.strip("/").replace("/", "_").replace(".", "_").replace("{writeKey}", "key")
    return f"{method}_{words}{'_slash' if path.endswith('/') else ''}"


def _responses() -> Schema:
    found: Schema = {"Taken": _json("The events are on disk.", {"$ref": f"{_REF}/schemas/Taken"})}
    found["Taken"]["content"]["application/json"]["example"] = {
        "success": True, "accepted": 2, "duplicate": 0, "rejected": 0,
    }  # fmt: skip
    for status, description in _SAID.items():
        told = _json(description, {"$ref": f"{_REF}/schemas/Error"})
        code = _NAMES.get(status) or next(code for code, its in STATUSES.items() if its == status)
        example = {"success": False, "code": code, "message": description}
        told["content"]["application/json"]["example"] = example
        if code in RETRIED:
            told["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
        if status == 429:
            told["headers"]["X-RateLimit-Reset"] = {"description": "Unix time.", "schema": {"type": "integer"}}
        found[f"E{status}"] = told
    return found


def _schemas() -> Schema:
    text: Schema = {"type": ["string", "null"]}
    count: Schema = {"type": "integer", "minimum": 0}
    counts = {"accepted": count, "duplicate": count, "rejected": count}
    anything: Schema = {"type": ["object", "null"]}
    item: Schema = {
        "description": "One event. What is wrong with it goes to quarantine, with a reason, and counts as rejected.",
        "type": "object",
        "properties": {
            "type": {"enum": list(KINDS), "description": "In a batch. A single call has it from its path."},
            "messageId": {
                "type": "string",
                "maxLength": limits.LONGEST_MESSAGE_ID,
                "description": "The same id means the same event, for 30 days. Without it a retry counts twice.",
            },
            "userId": text,
            "anonymousId": text,
            "groupId": text,
            "previousId": text,
            "event": {"type": "string", "maxLength": limits.LONGEST_NAME},
            "name": text,
            "properties": anything,
            "traits": anything,
            "context": anything,
            "timestamp": {"type": "string", "format": "date-time"},
            "originalTimestamp": {"type": "string", "format": "date-time"},
            "sentAt": {"type": "string", "format": "date-time"},
            "writeKey": {"type": "string"},
        },
    }
    batch: Schema = {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {"type": "array", "maxItems": limits.MOST_EVENTS, "items": {"$ref": f"{_REF}/schemas/Item"}},
            "context": anything,
            "integrations": anything,
            "sentAt": {"type": "string", "format": "date-time"},
            "writeKey": {"type": "string"},
        },
    }
    posthog: Schema = {
        "type": "object",
        "properties": {
            "api_key": {"type": "string"},
            "batch": {"type": "array", "maxItems": limits.MOST_EVENTS, "items": {"type": "object"}},
            "sent_at": {"type": "string", "format": "date-time"},
            "historical_migration": {"type": "boolean"},
        },
    }
    required = ["id", "source", "specversion", "type"]
    cloud: Schema = {
        "type": "object",
        "required": required,
        "properties": {
            **{name: {"type": "string", "minLength": 1} for name in required},
            "specversion": {"const": "1.0"},
            "subject": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "data": {},
        },
    }
    return {
        "Item": item,
        "Batch": batch,
        "PostHog": posthog,
        "CloudEvent": cloud,
        "Settings": {
            "type": "object",
            "required": ["integrations"],
            "properties": {"integrations": {"type": "object"}},
        },
        "Taken": {
            "type": "object",
            "required": ["success", *counts],
            "properties": {"success": {"const": True}, **counts},
        },
        "Error": {
            "type": "object",
            "required": ["success", "code", "message"],
            "properties": {
                "success": {"const": False},
                "code": {"type": "string", "examples": sorted(STATUSES)},
                "message": {"type": "string"},
            },
        },
    }


def _schemes() -> Schema:
    return {
        "basic": {"type": "http", "scheme": "basic", "description": "The write key as user, an empty password."},
        "bearer": {"type": "http", "scheme": "bearer", "description": "The write key as token."},
    }
