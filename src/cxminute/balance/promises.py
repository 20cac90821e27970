"""A promise as it is defined: who owes what to whom, made by which event, due when, kept by which event.

```toml
name      = "delivery"
per       = "order_id"               # "person", or a kind of identifier whose values are the subjects
by        = "us"                     # us, partner or customer; default us
to        = "customer"               # whom it was made to; default customer
made      = '"Order Completed"'      # a step: an event's name, with a condition if need be
due       = "properties.deliver_by"  # a path of the making event, or "2 days after made"
kept      = '"Order Delivered"'
void      = '"Order Cancelled"'      # optional: leaves the count
amended   = '"Delivery Rescheduled"' # optional: a new due time, under the same path; `properties.by` says who moved it
tolerance = "15 minutes"             # optional: how long after due still counts as kept, to the millisecond, inclusive
target    = 0.95                     # optional: share kept, over 28 days; without it there is no error budget
kpi       = "repeat-purchase"        # optional: the KPI that keeping it should move
purpose   = "service-optimisation"   # what the events are used for; the sources' contracts must allow it
```

Not yet in this version, and refused rather than passed over: `calendar` and working days (due times are compared as
instants), and `quantity` (a promise is kept whole).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition
from cxminute.model.steps import Step, paths_of
from cxminute.model.times import duration

PARTIES: Final = ("us", "partner", "customer")
MOVER: Final = "properties.by"
"""The path of an amending event that says who moved the due time."""

DEFAULT_PURPOSE: Final = "service-optimisation"
DUE_FORMS: Final = 'a path such as properties.due, or a duration such as "2 days after made"'

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SPACE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"(?:(?:properties|traits|context)(?:\.[A-Za-z0-9_$-]+)+|[A-Za-z_$][A-Za-z0-9_$-]*)")
_AFTER = re.compile(r"(.+?)\s+after\s+(\S+)")
_PERSONS_KINDS = ("user_id", "anonymous_id")
_NOT_YET = {
    "quantity": "leave it out: a promise is kept whole, by the first event that keeps it",
    "calendar": "leave it out, and let the due path carry whole instants: working hours and bare dates need a calendar",
}


@dataclass(frozen=True, slots=True)
class Promise:
    """A definition, read and found in order.

    due:       path of the due time on the making event, or milliseconds after it
    tolerance: milliseconds after the due time that still keep it, inclusive
    target:    share to be kept over 28 days, in 0..1; None where no target was set
    """

    name: str
    per: str
    made: Step
    due: str | int
    kept: Step
    by: str = "us"
    to: str = "customer"
    void: Step | None = None
    amended: Step | None = None
    tolerance: int = 0
    target: float | None = None
    kpi: str | None = None
    purpose: str = DEFAULT_PURPOSE

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step that the promise names: made, kept, and void and amended where there are such."""
        return tuple(step for step in (self.made, self.kept, self.void, self.amended) if step is not None)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the promise reads: the due time, who moved it, and what the steps' conditions name."""
        read: list[str] = [self.due] if isinstance(self.due, str) else []
        read += [MOVER] if self.amended else []
        read += [path for step in self.steps for path in paths_of(step.where)]
        return tuple(dict.fromkeys(read))


def parse_promise(
    document: Document, *, parse_step: Callable[[str], Step], purpose: str = DEFAULT_PURPOSE
) -> Promise | None:
    """The promise that a file defines, or None where it has faults; all of them stand in `document.faults`.

    parse_step: reads one step of the journey language; raises BadDefinition
    purpose:    of a promise that names none: the project's
    """
    before = len(document.faults)

    def parse(text: str) -> Step:
        found = parse_step(text)
        if found.kind == "ending":
            raise BadDefinition(f"'journey {found.name}' is no event of a promise.", allowed="events, and any")
        return found

    made = document.parsed("made", parse)
    kept = document.parsed("kept", parse)
    due = document.parsed("due", parse_due)
    promise = Promise(
        name=document.parsed("name", _name) or "",
        per=document.parsed("per", _space) or "",
        made=made or Step(""),
        due=0 if due is None else due,
        kept=kept or Step(""),
        by=document.text("by", "us", allowed=PARTIES),
        to=document.text("to", "customer", allowed=PARTIES),
        void=document.parsed("void", parse, ""),
        amended=document.parsed("amended", parse, ""),
        tolerance=document.parsed("tolerance", duration, "0 minutes") or 0,
        target=_target(document),
        kpi=document.parsed("kpi", _name, ""),
        purpose=document.parsed("purpose", _name, purpose) or purpose,
    )
    _agreement(document, promise)
    for key, instead in _NOT_YET.items():
        if document.raw(key) is not None:
            document.fault(f"'{key}' is not supported by this version yet.", key=key, allowed=instead)
    document.done()
    return promise if len(document.faults) == before else None


def parse_due(text: str) -> str | int:
    """A path (a bare NAME means properties.NAME), or the milliseconds of '2 days after made'.

    raises: BadDefinition for working days, for other anchors than made, and for a duration that lacks its anchor
    """
    said = text.strip()
    if re.search(r"\bworking\b", said):
        raise BadDefinition("Working time is not supported by this version yet.", allowed=DUE_FORMS)
    if after := _AFTER.fullmatch(said):
        if after[2] != "made":
            mended = f"{after[1]} after made"
            raise BadDefinition(f"'{said}' does not start from made.", allowed=DUE_FORMS, nearest=mended)
        return duration(after[1])
    if _PATH.fullmatch(said):
        return said if "." in said else f"properties.{said}"
    near = f"{said} after made" if re.match(r"\d", said) else None
    raise BadDefinition(f"'{said}' is not a due time.", allowed=DUE_FORMS, nearest=near)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise BadDefinition(f"'{text}' is not a name.", allowed="letters, digits, hyphens and underscores")
    return text


def _space(text: str) -> str:
    if text in _PERSONS_KINDS:
        raise BadDefinition(
            f"'{text}' is one of a person's identifiers, not a kind of subject.",
            nearest="person",
            allowed="person, or a kind of identifier such as order_id",
        )
    if not _SPACE.fullmatch(text):
        raise BadDefinition(f"'{text}' is not a subject.", allowed="person, or a kind of identifier such as order_id")
    return text


def _target(document: Document) -> float | None:
    if document.raw("target") is None:
        return None
    return document.number("target", high=1.0)


def _agreement(document: Document, promise: Promise) -> None:
    """Notes what is right in each key by itself, but not together."""
    if promise.by == promise.to:
        document.fault(f"A promise by '{promise.by}' to themselves is none.", key="to", allowed="another party than by")
    if promise.amended and isinstance(promise.due, int) and "due" in document:
        document.fault(
            "'amended' needs a path to take the new due time from, and this promise counts from made.",
            key="amended",
            allowed="due = a path that the making and the amending events both carry, or no amended",
        )
