"""Journeys that wait for one another: the ending of a passage is an event of its subject, and of the person behind it.

A parent of persons may wait for endings of any journey; every other parent for those of journeys with the same `per`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.journeys.analyses.counted import Count, Counted
from cxminute.journeys.analyses.funnel import count
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.find import as_words, passages_of, walk
from cxminute.journeys.nesting.endings import (
    AT,
    DEPTH,
    ENDED,
    ENDING,
    JOURNEY,
    OPENED,
    OWNER,
    SUBJECT,
    WithEndings,
    truth_of,
)
from cxminute.journeys.nesting.held import Held
from cxminute.journeys.nesting.waits import circle, unseen, visible
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.journeys.scan import CLOSED, EVENT
from cxminute.journeys.scan import ENDING as FOUND_ENDING
from cxminute.journeys.scan import OPENED as FOUND_OPENED
from cxminute.journeys.scan import SUBJECT as FOUND_SUBJECT
from cxminute.model.errors import UnknownName
from cxminute.model.steps import Condition
from cxminute.model.tables import WORD
from cxminute.store.protocols import Streams

Ints = NDArray[np.int64]
BEHIND = "identifiers.person"
"""The path of the person behind an event."""


@dataclass(frozen=True, slots=True, eq=False)
class Nest:
    """A plan, and those of the journeys whose endings it waits for, all the way down."""

    plan: Plan
    children: tuple[Nest, ...] = ()

    @property
    def depth(self) -> int:
        """How many journeys stand below it, one under the other; 0 for one that waits for none."""
        return max((child.depth + 1 for child in self.children), default=0)

    @property
    def space(self) -> str:
        """The kind of subject that its streams are read by."""
        return self.plan.definition.space

    def all(self) -> Iterator[Nest]:
        """Itself, and every journey below it: a journey that several wait for comes as often."""
        yield self
        for child in self.children:
            yield from child.all()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition that is put to an ending, each once by its text."""
        steps = (step for nest in self.all() for step in nest.plan.steps if step.kind == "ending" and step.where)
        return tuple({truth_of(step.where): step.where for step in steps if step.where}.values())

    @property
    def abroad(self) -> tuple[Nest, ...]:
        """The journeys below it whose streams are of another kind of subject, each once."""
        home = (nest for nest in self.all() if nest.space == self.space)
        across = (child for nest in home for child in nest.children if child.space != self.space)
        return tuple({child.plan.name: child for child in across}.values())

    @property
    def opened_by_endings(self) -> bool:
        """Whether a passage of it, or of a journey below it, may be opened by the ending of another."""
        return any(
            step.kind == "ending"
            for nest in self.all()
            for place in nest.plan.draft.firsts
            for step in nest.plan.draft.positions[place].steps
        )


def nest(journey: JourneyDefinition, known: Mapping[str, JourneyDefinition]) -> Nest:
    """A journey with those that it waits for.

    known:  every journey by name
    raises: UnknownName for a journey that is not defined, BadDefinition for a circle (which it names) and for journeys
            that cannot be seen from one another's subjects
    """
    return _nest(journey, known, ())


def find_nested(
    nested: Nest,
    streams: Streams,
    *,
    opens_at: int,
    closes_at: int,
    dimensions: tuple[str, ...] = (),
    abroad: Mapping[str, pa.Table] | None = None,
) -> pa.Table:
    """Every passage through a journey, those of several keys and those that wait for endings included.

    opens_at, closes_at, dimensions: as of `find.find`; held keys stand among the dimensions by themselves
    abroad:  by the name of each of `nested.abroad`, its `endings_for` by person
    returns: model.tables.PASSAGE sorted by subject, held values and opening, and one column per dimension
    """
    paths = tuple(dict.fromkeys((*nested.plan.definition.held, *dimensions)))
    seen = streams_for(nested, streams, closes_at=closes_at, paths=paths, abroad=abroad)
    rows, touched = walk(nested.plan, seen, closes_at=closes_at)
    children = seen.children(len(rows), touched) if isinstance(seen, WithEndings) and len(touched) else None
    return passages_of(nested.plan, seen, rows, opens_at=opens_at, dimensions=paths, children=children)


def count_nested(
    nested: Nest,
    streams: Streams,
    *,
    closes_at: int,
    by: str | None = None,
    counting: Count = "passages",
    opened: tuple[int, int] | None = None,
    abroad: Mapping[str, pa.Table] | None = None,
) -> Counted:
    """The same passages counted, as of `funnel.count`: what funnel, endings and times are told from."""
    paths = () if by is None else (by,)
    seen = streams_for(nested, streams, closes_at=closes_at, paths=paths, abroad=abroad)
    return count(nested.plan, seen, closes_at=closes_at, by=by, counting=counting, opened=opened, lasting=True)


def streams_for(
    nested: Nest,
    streams: Streams,
    *,
    closes_at: int,
    paths: tuple[str, ...] = (),
    abroad: Mapping[str, pa.Table] | None = None,
) -> Streams:
    """The streams as the journey sees them: split by held keys, with the endings that it waits for.

    paths: that will be asked of the events that open its passages
    """
    asked = _Asked(nested.conditions, paths if nested.opened_by_endings else (), abroad or {})
    return _seen(nested, streams, closes_at, asked)[0]


def endings_for(
    root: Nest, child: Nest, streams: Streams, *, closes_at: int, dimensions: tuple[str, ...] = ()
) -> pa.Table:
    """The endings of a journey of another kind of subject, as streams of persons take them in.

    root:    the journey that is asked for; child: one of its `abroad`
    streams: of the child's subjects
    returns: the table that `WithEndings` describes, `owner` the person behind the opening event; endings without one
             are left out
    """
    asked = _Asked(root.conditions, (*dimensions, BEHIND) if root.opened_by_endings else (), {})
    seen, _, rows = _walked(child, streams, closes_at, asked)
    found = _endings(child, seen, rows, _behind(seen, rows), asked)
    return found.select([name for name in found.column_names if name != BEHIND])


def by_person(tables: Sequence[pa.Table]) -> pa.Table:
    """The endings of several buckets as one table, sorted by person; of no bucket, no ending."""
    if not tables:
        return pa.table({OWNER: pa.array([], pa.int64())})
    whole = pa.concat_tables(tables).unify_dictionaries()
    return whole.take(pa.array(np.argsort(whole[OWNER].to_numpy(), kind="stable")))  # who ended first stays first


@dataclass(frozen=True, slots=True)
class _Asked:
    """What must be known of the events that opened child passages; and what one bucket has been asked already.

    walked: by name of a journey, the streams that it sees, the same without endings, and what `walk` found
    split:  by held paths, the streams split by them
    """

    conditions: tuple[Condition, ...]
    paths: tuple[str, ...]
    abroad: Mapping[str, pa.Table]
    walked: dict[str, tuple[Streams, Streams, Ints]] = field(default_factory=dict)
    split: dict[tuple[str, ...], Held] = field(default_factory=dict)


def _nest(journey: JourneyDefinition, known: Mapping[str, JourneyDefinition], above: tuple[str, ...]) -> Nest:
    plan = compile_plan(journey)
    way = (*above, journey.name)
    children = []
    for name in plan.waits_for:
        if name not in known and name not in way:
            raise UnknownName("journey", name, known)
        if name in way:
            raise circle((*way[way.index(name) :], name))
        child = known[name]
        if not visible(child, journey):
            raise unseen(child, journey)
        children.append(_nest(child, known, way))
    return Nest(plan, tuple(children))


def _seen(nested: Nest, streams: Streams, closes_at: int, asked: _Asked) -> tuple[Streams, Streams]:
    """The streams that a journey sees, and the same without endings."""
    held = nested.plan.definition.held
    if held and held not in asked.split:
        asked.split[held] = Held(streams, held)
    plain: Streams = asked.split[held] if held else streams
    wanted = {step.name for step in nested.plan.steps if step.kind == "ending"}
    parts = [_kept(part, wanted) for part in _below(nested, streams, plain, closes_at, asked)]
    parts = [part for part in parts if len(part)]
    return WithEndings(plain, pa.concat_tables(parts).unify_dictionaries()) if parts else plain, plain


def _below(nested: Nest, streams: Streams, plain: Streams, closes_at: int, asked: _Asked) -> Iterator[pa.Table]:
    """The endings of each journey that this one waits for; owners are places of `plain`."""
    for child in nested.children:
        if child.plan.name in asked.abroad:
            yield _of_these(asked.abroad[child.plan.name], streams)
            continue
        seen, inner, rows = _walked(child, streams, closes_at, asked)
        owners = rows[:, FOUND_SUBJECT]
        if isinstance(inner, Held) and not isinstance(plain, Held):
            owners = inner.owners[owners]
        yield _endings(child, seen, rows, pa.array(owners), asked)


def _walked(child: Nest, streams: Streams, closes_at: int, asked: _Asked) -> tuple[Streams, Streams, Ints]:
    """What a child journey sees, the same without endings, and its passages: looked for once, whoever waits for it."""
    name = child.plan.name
    if name not in asked.walked:
        seen, plain = _seen(child, streams, closes_at, asked)
        asked.walked[name] = seen, plain, walk(child.plan, seen, closes_at=closes_at)[0]
    return asked.walked[name]


def _endings(child: Nest, seen: Streams, rows: Ints, owners: pa.Array, asked: _Asked) -> pa.Table:
    """What ended, as `WithEndings` takes it."""
    gone = rows[:, FOUND_ENDING] < len(ENDED)
    kept = np.flatnonzero(gone & owners.is_valid().to_numpy(zero_copy_only=False))
    rows, taken = rows[kept], pa.array(kept)
    opening = rows[:, EVENT]
    columns = {
        OWNER: owners.take(taken),
        JOURNEY: pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(kept), np.int32)), pa.array([child.plan.name])),
        DEPTH: pa.array(np.full(len(kept), child.depth, np.int64)),
        AT: pa.array(rows[:, CLOSED]),
        ENDING: pa.array(rows[:, FOUND_ENDING]),
        SUBJECT: pa.array(np.asarray(seen.subjects, np.int64)[rows[:, FOUND_SUBJECT]]),
        OPENED: pa.array(rows[:, FOUND_OPENED]),
    }
    columns |= {truth_of(where): pa.array(seen.holds(where, opening)) for where in asked.conditions}
    columns |= {path: as_words(seen.column(path), pa.array(opening)).cast(WORD) for path in asked.paths}
    return pa.table(columns)


def _behind(seen: Streams, rows: Ints) -> pa.Array:
    """The person behind each passage's opening event; behind an ending, who was behind what it opened with."""
    persons = seen.column(BEHIND).take(pa.array(rows[:, EVENT]))
    if pa.types.is_dictionary(persons.type):  # with endings among the events, a column is text
        persons = persons.cast(pa.string())
    return persons.cast(pa.int64())


def _of_these(endings: pa.Table, streams: Streams) -> pa.Table:
    """Those endings whose person has a stream here, owners as places of the streams."""
    subjects = np.asarray(streams.subjects, np.int64)
    if not len(subjects):
        return endings.slice(0, 0)
    owners = np.asarray(endings[OWNER].to_numpy(), np.int64)
    low, high = np.searchsorted(owners, [subjects[0], subjects[-1] + 1])
    places = np.searchsorted(subjects, owners[low:high])
    here = subjects[places] == owners[low:high]
    part = endings.slice(int(low), int(high - low)).filter(pa.array(here))
    return part.set_column(part.column_names.index(OWNER), OWNER, pa.array(places[here]))


def _kept(endings: pa.Table, wanted: set[str]) -> pa.Table:
    """The endings that somebody waits for: no other is an event to him."""
    if not len(endings):
        return endings
    name = str(endings[JOURNEY][0])
    codes = [place for place, word in enumerate(ENDED) if f"{name}.{word}" in wanted]
    return endings.filter(pa.array(np.isin(endings[ENDING].to_numpy(), codes)))
