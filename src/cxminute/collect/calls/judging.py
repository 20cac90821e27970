"""The judgement of one item that a decoder took: in the form of its protocol first, then by what every event needs."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from cxminute.collect.calls import cloudevents, posthog
from cxminute.collect.calls.essentials import Essentials, Object, Unfit, essentials

SEGMENT, POSTHOG, CLOUDEVENTS = PROTOCOLS = ("segment", "posthog", "cloudevents")
"""How a body can be read."""


def judged(item: object, protocol: str, kind: str, zone: ZoneInfo) -> tuple[Object, Essentials]:
    """An item in the form of the Segment specification, and what makes it an event. Raises Unfit."""
    if not isinstance(item, dict):
        raise Unfit("not_an_object")
    if protocol == POSTHOG:
        made = posthog.translated(item)
        return made, essentials(made, "", zone, anybody=posthog.is_nobodys(made))
    if protocol == CLOUDEVENTS:
        made = cloudevents.translated(item)
        return made, essentials(made, "", zone)
    return item, essentials(item, kind, zone)


def reason_of(item: object, protocol: str, kind: str, zone: ZoneInfo) -> tuple[str, str]:
    """Why an item cannot become an event ('' where it can), and its message id."""
    try:
        return "", judged(item, protocol, kind, zone)[1].message
    except Unfit as fault:
        return fault.reason, ""
