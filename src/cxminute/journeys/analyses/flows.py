"""What happens between and around events: successions with counts, subjects and times, from any anchor, to any depth.

Without an anchor every succession counts, the begin and end of each stream included. With one, positions are counted
from it: the succession at depth 1 leaves the anchor, that at depth -1 leads to it, that at depth 2 comes after the
next event, whatever that was. An end is an end so far: the log may close before the next event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.journeys.analyses.follows import letters_of
from cxminute.journeys.analyses.histogram import NO_TIME, PLACES, bins, middle
from cxminute.journeys.analyses.successions import around, sessions
from cxminute.journeys.classes import read_only
from cxminute.model.errors import WrongUse
from cxminute.model.steps import Step
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]

Direction = Literal["forwards", "backwards", "both"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("forwards", "backwards", "both")
Occurrence = Literal["every", "first", "last"]
OCCURRENCES: Final[tuple[Occurrence, ...]] = ("every", "first", "last")
DEEPEST: Final = 50
NEVER: Final = 2**62
"""Milliseconds that no gap is longer than."""
CHUNK: Final = 1 << 20
"""Anchors looked at together: what a succession takes to count is then bounded."""

FLOWS: Final = pa.schema(
    [
        ("depth", pa.int32()),
        ("from", pa.string()),
        ("to", pa.string()),
        ("count", pa.int64()),
        ("subjects", pa.int64()),
        ("share", pa.float64()),
        ("median_ms", pa.float64()),
        ("p90_ms", pa.float64()),
        ("loop", pa.bool_()),
        ("returns", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which flows.

    anchor:     the step that positions are counted from; None for every succession
    direction:  what follows the anchor, what leads to it, or both
    depth:      how many successions in either direction, 1 to 50
    occurrence: of the anchor in each stream: every one, the first or the last
    only:       names of events that are looked at; None for all. The anchor is always among them
    ignoring:   names of events that are looked through
    within:     milliseconds; a longer gap ends a flow, and what comes after it begins another; None for any gap
    """

    anchor: Step | None = None
    direction: Direction = "forwards"
    depth: int = 1
    occurrence: Occurrence = "every"
    only: frozenset[str] | None = None
    ignoring: frozenset[str] = frozenset()
    within: int | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be asked: WrongUse with what can."""
        for value, allowed in ((self.direction, DIRECTIONS), (self.occurrence, OCCURRENCES)):
            if value not in allowed:
                raise WrongUse(f"Flows know no '{value}'.", allowed=", ".join(allowed))
        if not 1 <= self.depth <= DEEPEST:
            raise WrongUse(f"Flows cannot be {self.depth} deep.", allowed=f"a depth from 1 to {DEEPEST}")
        if self.within is not None and self.within < 0:
            raise WrongUse("A gap cannot be shorter than nothing.", allowed="milliseconds, 0 or more")
        if self.anchor is None and (self.depth != 1 or self.direction != "forwards" or self.occurrence != "every"):
            raise WrongUse(
                "Depth, direction and occurrence are counted from an anchor, and none is named.",
                allowed="an anchor, such as 'Order Completed'; or none of the three",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Successions counted by how long they took; what adds.

    names:    of the events, ascending
    cells:    which succession, how long it took (`histogram`), and whether it went straight back; ascending
    counts:   how many in each cell, never 0
    edges:    each succession, ascending
    subjects: how many subjects took it at least once
    """

    names: tuple[str, ...]
    cells: Numbers
    counts: Numbers
    edges: Numbers
    subjects: Numbers

    def __add__(self, other: Flow) -> Flow:
        """The flows of other subjects beside these, in any order."""
        return merged((self, other))


def flow(asked: Asked, streams: Streams) -> Flow:
    """The flows of a bucket: each event of a permitted source and the next such event of its subject.

    Ties follow one another in the order of the stream. A succession 'returns' where it goes straight back: the event
    before its origin was its target, and is not its origin.
    """
    names, letters = letters_of(streams, asked.anchor)
    codes, offsets, times = read_only(streams.codes), read_only(streams.offsets), read_only(streams.times)
    seen = letters >= 0
    seen &= np.array([_looked_at(asked, name) for name in (*names, "")], np.bool_)[letters]
    chosen = seen[codes] if seen.size else np.empty(0, np.bool_)
    anchored = np.zeros(chosen.size, np.bool_) if asked.anchor is None else streams.matches(asked.anchor)
    kept = np.flatnonzero(chosen | anchored)
    gap = NEVER if asked.within is None else asked.within
    owners, begins, ends = sessions(offsets, read_only(kept), times, gap)
    seen_letters, seen_times = letters[codes[kept]], times[kept]
    anchors = (
        np.arange(kept.size) if asked.anchor is None else _occurring(asked, np.flatnonzero(anchored[kept]), owners)
    )
    nothing = len(names)
    found = [
        _counted(names, layer, owners[some], around(seen_letters, seen_times, begins, ends, some, place, nothing))
        for some in _chunks(anchors, owners)
        for layer, place, some in _layers(asked, some, begins)
    ]  # fmt: skip -- one line a layer
    return merged([Flow(names, *[np.empty(0, np.int64)] * 4), *found])


def merged(parts: Sequence[Flow]) -> Flow:
    """All parts as one; what buckets of any size and in any order give."""
    names = tuple(sorted({name for part in parts for name in part.names}))
    cells, edges = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for part in parts:
        cells.append(_renamed(part.cells, PLACES * 2, part.names, names))
        edges.append(_renamed(part.edges, 1, part.names, names))
    nothing = np.empty(0, np.int64)
    return Flow(
        names,
        *_added(np.concatenate(cells), np.concatenate([nothing, *(part.counts for part in parts)])),
        *_added(np.concatenate(edges), np.concatenate([nothing, *(part.subjects for part in parts)])),
    )


def table(found: Flow) -> pa.Table:
    """One row a succession at a depth, by depth and then the most frequent first.

    returns: depth, 0 without an anchor; from, null where a stream (or a flow, after too long a gap) begins; to, null
             where it ends so far; count; subjects that took it; share of all that left `from` at this
             depth, or before the anchor of all that reached `to`: of what stands nearer to the anchor;
             median_ms and p90_ms from one event to the other, nearest rank, at most 0.8 % off, nan at begin and end;
             loop, whether both are the same; returns, how many went straight back to where they came from
    """
    wide = len(found.names) + 1
    edge = found.cells // (2 * PLACES)
    starts = np.searchsorted(edge, found.edges)
    totals = np.add.reduceat(found.counts, starts) if starts.size else np.empty(0, np.int64)
    backs = np.add.reduceat(found.counts * (found.cells & 1), starts) if starts.size else totals
    layers, pairs = np.divmod(found.edges, wide * wide)
    origins, targets = np.divmod(pairs, wide)
    depths = _depth(layers)
    near = np.where(depths < 0, targets, origins)
    nodes, place = np.unique(layers * wide + near, return_inverse=True)
    through = np.zeros(len(nodes), np.int64)
    np.add.at(through, place, totals)
    median, p90 = (_quantile(found, starts, totals, q) for q in (0.5, 0.9))
    by_name = np.append(np.argsort(np.argsort(np.array(found.names, object))), len(found.names)).astype(np.int64)
    order = np.lexsort((by_name[targets], by_name[origins], -totals, depths))
    words = pa.array([*found.names, None], pa.string())
    columns = [
        depths.astype(np.int32),
        words.take(pa.array(origins)),
        words.take(pa.array(targets)),
        totals,
        found.subjects,
        totals / through[place],
        median,
        p90,
        origins == targets,
        backs,
    ]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=FLOWS).take(pa.array(order))


def _looked_at(asked: Asked, name: str) -> bool:
    return (asked.only is None or name in asked.only) and name not in asked.ignoring


def _occurring(asked: Asked, anchors: Numbers, owners: Numbers) -> Numbers:
    """Of the anchors' places those that are asked for: every one, or of each subject the first or last."""
    if asked.occurrence == "every" or not anchors.size:
        return anchors
    changes = np.diff(owners[anchors]) != 0
    first = asked.occurrence == "first"
    found: Numbers = anchors[np.concatenate([[True], changes] if first else [changes, [True]])]
    return found


def _chunks(anchors: Numbers, owners: Numbers) -> Iterator[Numbers]:
    """The anchors in stretches of about CHUNK, no subject's split."""
    start = 0
    while start < anchors.size:
        stop = min(start + CHUNK, anchors.size)
        if stop < anchors.size:
            stop = int(np.searchsorted(owners[anchors], owners[anchors[stop - 1]], side="right"))
        yield anchors[start:stop]
        start = stop


def _layers(asked: Asked, anchors: Numbers, begins: Numbers) -> Iterator[tuple[int, int, Numbers]]:
    """Number of each layer, where its origin lies from the anchor, and the anchors that it is of."""
    if asked.anchor is None:
        yield 2 * DEEPEST, 0, anchors
        yield 2 * DEEPEST, -1, anchors[begins[anchors] == anchors]  # what begins a flow
        return
    if asked.direction != "forwards":
        yield from ((DEEPEST - away, -away, anchors) for away in range(asked.depth, 0, -1))
    if asked.direction != "backwards":
        yield from ((DEEPEST + away, away, anchors) for away in range(asked.depth))


def _depth(layers: Numbers) -> Numbers:
    """As tables tell it: -1 leads to the anchor, 1 leaves it, 0 is without one."""
    away = layers - DEEPEST
    found: Numbers = np.where(layers == 2 * DEEPEST, 0, np.where(away >= 0, away + 1, away))
    return found


def _counted(
    names: tuple[str, ...], layer: int, owners: Numbers, told: tuple[Numbers, Numbers, NDArray[np.bool_]]
) -> Flow:
    """One layer's successions, counted; told: pair (-1: none), milliseconds (-1: begin or end), whether it returns."""
    there = told[0] >= 0
    pairs, took, back = told[0][there], told[1][there], told[2][there]
    edges = layer * (len(names) + 1) ** 2
    first = int(owners[0]) if owners.size else 0
    span = int(owners[-1]) - first + 1 if owners.size else 1
    by_subject, _ = _tallied(pairs * span + (owners[there] - first))
    each, subjects = _tallied(by_subject // span)
    cells, counts = _tallied(((edges + pairs) * PLACES + bins(took)) * 2 + back)
    return Flow(names, cells, counts, edges + each, subjects)


def _renamed(keys: Numbers, size: int, names: tuple[str, ...], others: tuple[str, ...]) -> Numbers:
    """Keys by other names, these among them; size: how many keys stand for one succession."""
    if names == others:
        return keys
    edges, rest = np.divmod(keys, size)
    layers, pairs = np.divmod(edges, (len(names) + 1) ** 2)
    places = {name: place for place, name in enumerate(others)}
    nodes = np.array([*(places[name] for name in names), len(others)], np.int64)
    origins, targets = np.divmod(pairs, len(names) + 1)
    wide = len(others) + 1
    renamed: Numbers = ((layers * wide + nodes[origins]) * wide + nodes[targets]) * size + rest
    return renamed


def _tallied(keys: Numbers) -> tuple[Numbers, Numbers]:
    """Each key once, ascending, and how often it is there."""
    ordered = np.sort(keys)
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[starts], np.diff(np.append(starts, ordered.size))


def _added(keys: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
    """Each key once, ascending, with the sum of its counts."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[starts], np.add.reduceat(counts[order], starts) if starts.size else np.empty(0, np.int64)


def _quantile(found: Flow, starts: Numbers, totals: Numbers, q: float) -> NDArray[np.float64]:
    """For each succession the duration of nearest rank."""
    up_to = np.cumsum(found.counts)
    before = up_to[starts] - found.counts[starts] if starts.size else starts
    rank: Numbers = before + np.maximum(np.ceil(q * totals).astype(np.int64), 1)
    place = (found.cells[np.searchsorted(up_to, rank)] // 2) % PLACES if starts.size else starts
    found_ms: NDArray[np.float64] = np.where(place == NO_TIME, np.nan, middle(place))
    return found_ms
