"""Where events are sent to: paths, and how their bodies are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KINDS: Final = ("identify", "track", "page", "screen", "group", "alias")
"""Types of a call of the Segment specification; the first letter of each is a path, too."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path that events are sent to.

    name:     in the metrics
    protocol: how its bodies are read: segment, posthog or cloudevents
    kind:     type of a single call; empty for what is, or may be, a batch
    """

    name: str
    protocol: str
    kind: str = ""


def _routes() -> dict[str, Route]:
    named = {f"/v1/{kind}": Route(kind, "segment", kind) for kind in KINDS}
    named |= {f"/v1/{kind[0]}": Route(kind, "segment", kind) for kind in KINDS}
    named |= dict.fromkeys(("/v1/batch", "/v1/b", "/v1/import"), Route("batch", "segment"))
    named |= dict.fromkeys(("/batch", "/capture", "/e", "/i/v0/e"), Route("posthog", "posthog"))
    named["/v1/events"] = Route("events", "cloudevents")
    return {spelt: route for path, route in named.items() for spelt in (path, f"{path}/")}


EVENTS: Final = _routes()
"""With and without a slash at the end: a redirect would lose the body of many a client."""
