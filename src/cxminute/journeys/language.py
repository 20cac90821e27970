"""The journey language: what a pattern, a step and a condition may say, and how they are read.

A journey is a promise of shape, not a path: its steps say what counts as progress, in what time, and how it can end.

    viewed: "Product Viewed"
     -> carted: "Product Added" within 2 days
     -> "Order Completed" where (total > 0) within 7 days without "Product Removed"

This version reads and runs

    pattern    = single { "->" single }                 "->": then, sooner or later
    single     = [label ":"] step {timing}
    step       = event ["where" condition]
    event      = "quoted name" | bare_name              matched exactly, case included
    timing     = "within" duration | "after" duration | "without" guard      each at most once
    guard      = step | "(" step {"or" step} ")"
    duration   = number (seconds | minutes | hours | days | weeks)           singular allowed; fractions too
    condition  = comparison | "(" boolean expression of comparisons with and, or, not ")"
    comparison = path = != < <= > >= literal, path in (literal, ...), path is missing, path is present
    literal    = number, "text", true, false, ISO 8601 date or time (2015-01-01T10:00:00Z; UTC without an offset)
    path       = words joined by dots; a word with other signs in it stands in `backticks`

and, beside the pattern, `unless` (steps that break a passage), `window` (from opening to completion, always needed) and
`reentry` ("once", "after exit" or "always"). A bare path `total` means `properties.total`; `source` and `name` are
themselves. "not" binds tighter than "and", "and" tighter than "or". The words of the grammar are no bare names: quote
them. In a quoted text a backslash escapes a quote or itself, or makes n a new line and t a tab. The first step carries
no timing.

The whole language also has `or` between patterns, `=>`, groups ("A" and "B"), `?`, `{n}`, `any`, `journey x.y`,
brackets and `ignoring`. They are known here, so that they are refused by name: not supported yet by this version.

Meaning. A stream is ordered by time, then by source, position and id. All comparisons of time are inclusive.
- The state of a passage: when it opened; for every position whether it is reached, first and last; cut edges.
- An event that matches the first step opens a passage if none is open. "once": one per subject, ever. "always": each
  first step opens one of its own. The event that completed a passage opens none in its place, except under "always".
- Time: where the deadline lies before the event, the passage ended `expired`, at the deadline: the earlier of opening
  plus window, and the moment when the last live edge runs out. An edge is live while its origin is reached, it is not
  cut, and its `within`, from the last time its origin was reached, has not run out.
- Unless: an event that matches such a step ends the passage `broken`.
- Progress: an event reaches each position whose step it matches and into which a live edge leads whose `after` has
  passed since its origin was first reached; the first position always. All from the state before the event: no event
  serves one way twice. A position keeps its first time and takes the event's as its last.
- Guards: an edge whose guard matches is cut, unless the event reached its target; it is whole again when its origin is
  reached again.
- The last position reached: `completed`. No live edge left: `broken`. The log ends first: `open`.

Left out on purpose: absence as a step; calendar months (their length varies); "n or more" (a step reached n times is
reached); arithmetic, functions and comparisons between two events in conditions. A comparison between unlike types is
false.
"""

from __future__ import annotations

from cxminute.journeys.definition import (
    PURPOSE,
    REENTRIES,
    JourneyDefinition,
    Pattern,
    Reentry,
)
from cxminute.journeys.reading import LONGEST_MS, read_condition, read_pattern, read_step
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, BadPattern, nearest
from cxminute.model.steps import Condition, Step
from cxminute.model.times import duration


def parse_pattern(text: str) -> Pattern:
    """The pattern that the text says; BadPattern with line, column and what was expected where it says none."""
    return read_pattern(text)


def parse_step(text: str) -> Step:
    """One step: '"Order Completed" where (total > 0)'. Label and timing belong to patterns and are refused."""
    return read_step(text)


def parse_condition(text: str, bare: str = "properties") -> Condition:
    """A condition as it stands after `where`; parentheses may be left out around it.

    bare: what a path without dots belongs to; '' leaves it as it is (columns of a file)
    """
    return read_condition(text, bare)


def journey(
    pattern: str,
    *,
    window: str,
    per: str = "person",
    name: str = "journey",
    unless: tuple[str, ...] = (),
    reentry: Reentry = "after exit",
    purpose: str = PURPOSE,
    kpi: str | None = None,
) -> JourneyDefinition:
    """A definition from Python, with the words that a journey's file uses."""
    if reentry not in REENTRIES:
        near = nearest(reentry, REENTRIES)
        raise BadDefinition(f"'{reentry}' is not a reentry.", allowed=", ".join(REENTRIES), nearest=near)
    return JourneyDefinition(
        name=name,
        per=per,
        pattern=parse_pattern(pattern),
        window=_window(window),
        unless=tuple(parse_step(step) for step in unless),
        reentry=reentry,
        purpose=purpose,
        kpi=kpi,
    )


def parse_journey(doc: Document) -> JourneyDefinition | None:
    """The definition in a journeys/*.toml; None where it has faults, each of which `doc.faults` then holds."""
    before = len(doc.faults)
    name = doc.text("name")
    per = doc.text("per", "person")
    pattern = doc.parsed("pattern", parse_pattern)
    unless = [_unless(doc, said) for said in doc.texts("unless", ())]
    window = doc.parsed("window", _window)
    reentry = doc.text("reentry", "after exit", allowed=REENTRIES)
    purpose = doc.text("purpose", PURPOSE)
    kpi = doc.text("kpi", "")
    doc.text("on_change", "finish", allowed=("finish",))
    if doc.raw("ignoring") is not None:
        doc.fault("'ignoring' is not supported yet by this version.", key="ignoring")
    if pattern is None and len(doc.faults) == before:
        doc.fault("The pattern is empty.", key="pattern", allowed="one step or more")
    doc.done()
    if len(doc.faults) > before or pattern is None or window is None:
        return None
    return JourneyDefinition(
        name=name,
        per=per,
        pattern=pattern,
        window=window,
        unless=tuple(step for step in unless if step),
        reentry=next(known for known in REENTRIES if known == reentry),
        purpose=purpose,
        kpi=kpi or None,
    )


def _unless(doc: Document, said: str) -> Step | None:
    try:
        return parse_step(said)
    except BadPattern as fault:
        doc.note(fault, key="unless")
        return None


def _window(text: str) -> int:
    """The window in milliseconds; above nothing, and not beyond what a clock can count."""
    found = duration(text)
    if not 0 < found <= LONGEST_MS:
        raise BadDefinition(f"A window of '{text}' holds no journey.", allowed="more than nothing, in human times")
    return found
