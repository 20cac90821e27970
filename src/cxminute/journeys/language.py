"""The journey language: what a definition may say, and what it means.

A journey is a promise of shape, not a path: its steps say what counts as progress, in what time, and how it can end.
Customers skip, repeat, reverse and return; the language leaves the order free wherever it does not matter.

    viewed: "Product Viewed"
     -> carted: "Product Added" within 2 days
     -> "Coupon Applied"?
     -> bought: "Order Completed" where (total > 0) within 7 days without "Product Removed"

Grammar
    pattern    = chain { "or" chain }                   several ways; "->" and "=>" bind tighter
    chain      = part { arrow part }
    arrow      = "->"                                   then, sooner or later
               | "=>"                                   then, directly (between two single steps only)
    part       = single | group | "(" pattern ")"
    single     = [label ":"] step ["?" | "{" n "}"] {timing}         "?": optional; n from 2 to 20: that many times
    group      = [label ":"] "(" step "and" step {"and" step} ")" ["within" duration]    2 to 6 steps, in any order
    step       = event ["where" condition]
    event      = "quoted name" | bare_name | "any" | "journey" name "." ending
    timing     = "within" duration | "after" duration | "without" guard      each at most once
    guard      = step | "(" step {"or" step} ")"
    duration   = number (seconds | minutes | hours | days | weeks)           singular allowed; fractions too
    ending     = completed | broken | expired
    condition  = comparison | "(" boolean expression of comparisons with and, or, not ")"
    comparison = path = != < <= > >= literal, path in (literal, ...), path is missing, path is present
    literal    = number, "text", true, false, ISO 8601 date or time (2015-01-01T10:00:00Z; UTC without an offset)
    path       = words joined by dots; a word with other signs in it stands in `backticks`

Names are matched exactly, case included. A bare name has letters, digits and underscores, and does not begin with a
digit; a journey's name may hold hyphens too, and is quoted where it holds anything else. The words of the grammar are
no bare names and no labels: quote them. In a quoted text a backslash escapes a quote or itself, or makes n a new line
and t a tab. A bare path `total` means `properties.total`; `source` and `name` are themselves. "not" binds tighter than
"and", "and" tighter than "or". Durations are rounded to whole milliseconds. A label is given once in a pattern.

The pattern's first steps open a passage: they are not optional and carry no timing, except that a first group may say
`within`. Its last parts complete one: they are not optional either, since the earliest completion would never wait for
them. "First" and "last" are meant through brackets and "or". No chain has only optional steps. Timing is said of steps
and groups, not of brackets.

Beside the pattern a definition has
    window     from opening to completion; always, and more than nothing
    unless     steps that break a passage wherever it stands
    ignoring   steps that "=>" looks through
    reentry    "once", "after exit" (the default) or "always"
    per        whose events are one stream: "person" (the default), or a kind of identifier such as "order_id"; in a
               list, the keys after the first are properties whose value is held constant
    purpose    what its events are used for
    kpi        what completing it should move
    on_change  what becomes of open passages when the definition changes: "finish" under the old one (the default),
               "migrate": fold them again under the new one, or "stop"

Words. A passage is one subject's one trip through a journey. It opens once and ends at most once: `completed`, `broken`
(something left no way forward, or an `unless` step came), `expired` (time alone ended it), or it is `open`: the log
ends first, which is neither won nor lost.

Order. A stream is ordered by time, then by source, position and id; a bare table by time and then by row. It does not
depend on when things arrived. All comparisons of time are inclusive: an answer in the promised millisecond is kept.

Positions and edges. A single step is one position; `{n}` is n positions in a row with the same step and timing; a group
is one, reached when all its steps have been seen; "or" offers several ways; "?" adds an edge around. There is an edge
from a position to each that may come next. The arrow before a step and the timing written on it belong to every edge
into it, the one around an optional step included, and count from the position that the edge leaves. Between the
repetitions of `{n}` the edges are "->" with the same timing.

State of a passage: when it opened; for every position, whether it is reached, the first and the last time; for every
edge, whether it is cut; for a group, which of its steps have been seen and when the first was, since it was cleared.

Opening. If no passage is open (or always, under "always"), an event that matches a first step, or a step of a first
group, opens one. Opening counts as reaching, of a group as marking, and completes a pattern of one step. "once": one
passage per subject, ever. "after exit": one at a time. "always": each first step opens a passage of its own, beside
those that are open. The event that completed a passage opens none in its place, except under "always"; an event that
broke one, or that came after one expired, may.

Each later event of an open passage:
1. Time. Where the deadline lies before the event, the passage ended `expired`, at the deadline. The deadline is the
   earlier of opening plus window and the moment when the last live edge runs out. An edge is live while its origin is
   reached, it is not cut, and its `within`, from the last time its origin was reached, has not run out. A first group
   partly seen and not past its `within` is live too.
2. Unless. An event that matches such a step ends the passage `broken`.
3. Progress, all from the state before the event. A position is reached if the event matches its step and some live edge
   into it allows it: `within` from the last time, `after` from the first time that the origin was reached; for "=>", no
   event of the stream but those in `ignoring` lies between the event that last reached the origin and this one. First
   positions are reached whenever the event matches them: the customer started over; the `within` and cuts of the edges
   out of them count afresh, `after` does not, and the passage keeps its opening. A position keeps its first time and
   takes the event's as its last. One event may reach several positions, but serves no way twice.
   In a group the event marks the first step that it matches and that is still missing, provided that a live edge into
   the group allows it (a first group needs none); the last mark reaches the group. The `within` of a later group is
   checked for each mark against the last time its origin was reached; the marks of a first group must all lie within
   that duration of the first. A group is cleared when it is reached and when its time runs out: of a first group
   `within` after its first mark, of a later one when no edge into it is live any more. An origin that is reached again
   clears nothing.
4. Guards. Every edge whose guard matches is cut, unless the event reached its target just now. A cut edge is whole
   again when its origin is reached again, also by this event. A "=>" edge dies with the first event not in `ignoring`,
   also with the one that takes it, until its origin is reached again.
5. Completion. If a last position was reached, the passage ends `completed`: the earliest completion is the completion.
6. Broken. If no edge is live, the passage ends `broken`.

The log closes at a given moment, or at the last event that has happened in it: later events are not seen, a passage
whose deadline lies before that is `expired`, any other `open`.

`deepest` is the largest number of positions ever reached on any one way through the pattern, gaps or not; a group
counts as all its steps once reached, before that as the most that were marked at once. `left_truncated` marks passages
that opened within `window` of the start of the log: they may have begun before it.

Nesting. The ending of a passage is itself an event, at the time of the ending, of its subject and of the person behind
it: `journey delivery.broken` is a step like any other. A condition on it looks at the event that opened the passage. A
journey per person may wait for the endings of any journey, any other for those of journeys with the same `per`.
Endings are visible only where they are named: `any` and "=>" do not see them, so that adding a journey changes no
other. An ending follows its cause: at one millisecond the endings stand after all events of the subject, children
before those that wait for them, then by name of the journey, then by the child's subject and opening. A passage lists
the child passages whose endings reached or marked a position of it. A circle of journeys is refused, by name.

Left out on purpose: absence as a step (say it as `journey x.expired`); calendar months (their length varies); "n or
more" (a step reached n times is reached); arithmetic, functions and comparisons between two events in conditions;
timing on bracketed patterns. A comparison between unlike types is false.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from cxminute.journeys.definition import (
    ON_CHANGE,
    PURPOSE,
    REENTRIES,
    JourneyDefinition,
    OnChange,
    Pattern,
    Reentry,
)
from cxminute.journeys.syntax.reading import LONGEST_MS, read_condition, read_pattern, read_step
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, BadPattern, nearest
from cxminute.model.steps import Condition, Step
from cxminute.model.times import duration

T = TypeVar("T", bound=str)
PERSON: Final = "person"
"""Whose journey it is where a definition does not say."""
REENTRY: Final[Reentry] = "after exit"
CHANGED: Final[OnChange] = "finish"


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


def journey(  # noqa: PLR0913 -- one argument for each key of a journey's file
    pattern: str,
    *,
    window: str,
    per: str | Sequence[str] = PERSON,
    name: str = "journey",
    unless: str | Sequence[str] = (),
    ignoring: str | Sequence[str] = (),
    reentry: Reentry = REENTRY,
    purpose: str = PURPOSE,
    kpi: str | None = None,
) -> JourneyDefinition:
    """A definition from Python, with the words that a journey's file uses; what may be several may be one text.

    Raises BadDefinition, and BadPattern (a kind of it) where a pattern or a step cannot be read.
    """
    said = {"pattern": pattern, "window": window, "per": per, "unless": unless, "ignoring": ignoring}
    for key, texts in said.items():
        if not all(isinstance(text, str) for text in _several(texts)):
            raise BadDefinition(f"'{key}' holds something else than text.", allowed="text, as in a journey's file")
    if reentry not in REENTRIES:
        near = nearest(str(reentry), REENTRIES)
        raise BadDefinition(f"'{reentry}' is not a reentry.", allowed=", ".join(REENTRIES), nearest=near)
    return JourneyDefinition(
        name=name,
        per=_keys(_several(per)),
        pattern=parse_pattern(pattern),
        window=_window(window),
        unless=tuple(parse_step(step) for step in _several(unless)),
        reentry=reentry,
        purpose=purpose,
        kpi=kpi,
        ignoring=tuple(parse_step(step) for step in _several(ignoring)),
    )


def parse_journey(doc: Document, purpose: str = PURPOSE) -> JourneyDefinition | None:
    """The definition in a journeys/*.toml; None where it has faults, each of which `doc.faults` then holds.

    purpose: of a journey that names none: the project's
    """
    before = len(doc.faults)
    name = doc.text("name")
    per = _per(doc)
    pattern = doc.parsed("pattern", parse_pattern)
    unless = _steps(doc, "unless")
    ignoring = _steps(doc, "ignoring")
    window = doc.parsed("window", _window)
    reentry = doc.text("reentry", REENTRY, allowed=REENTRIES)
    purpose = doc.text("purpose", purpose)
    kpi = doc.text("kpi", "")
    on_change = doc.text("on_change", CHANGED, allowed=ON_CHANGE)
    doc.done()
    if len(doc.faults) > before or pattern is None or window is None:
        return None
    return JourneyDefinition(
        name=name,
        per=per,
        pattern=pattern,
        window=window,
        unless=unless,
        reentry=_one_of(REENTRIES, reentry),
        purpose=purpose,
        kpi=kpi or None,
        ignoring=ignoring,
        on_change=_one_of(ON_CHANGE, on_change),
    )


def _several(said: str | Sequence[str]) -> tuple[str, ...]:
    """One text as one; a text stands for itself, and so does what is neither text nor several."""
    return tuple(said) if isinstance(said, Sequence) and not isinstance(said, str) else (said,)


def _keys(per: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of a subject: one or more, each once."""
    if not per or not all(key.strip() for key in per):
        raise BadDefinition("'per' is empty.", allowed='"person", or another kind of subject')
    paths = [key.removeprefix("properties.") for key in per]
    for place, key in enumerate(paths):
        if key in paths[:place]:
            raise BadDefinition(f"'{per[place]}' is given twice in 'per'.")
    return per


def _per(doc: Document) -> tuple[str, ...]:
    before = len(doc.faults)
    keys = doc.texts("per", (PERSON,))
    try:
        return _keys(keys) if len(doc.faults) == before else ()
    except BadDefinition as fault:
        doc.note(fault, key="per")
        return ()


def _steps(doc: Document, key: str) -> tuple[Step, ...]:
    steps = []
    for said in doc.texts(key, ()):
        try:
            steps.append(parse_step(said))
        except BadPattern as fault:
            doc.note(fault, key=key)
    return tuple(steps)


def _one_of(known: tuple[T, ...], said: str) -> T:
    """The known word that a text is; `Document.text` has refused any other."""
    return next(word for word in known if word == said)


def _window(text: str) -> int:
    """The window in milliseconds; above nothing, and not beyond what a clock can count."""
    try:
        found = duration(text)
    except OverflowError:  # a number of more than 308 digits
        found = LONGEST_MS + 1
    if not 0 < found <= LONGEST_MS:
        raise BadDefinition(f"A window of '{text}' holds no journey.", allowed="more than nothing, in human times")
    return found
