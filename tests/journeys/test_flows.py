"""Flows: what follows what, around which anchor, how often, how long after."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import groupby, pairwise
from operator import add
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.journeys.analyses import follows, successions
from cxminute.journeys.analyses.flows import DIRECTIONS, OCCURRENCES, Asked, flow, merged, table
from cxminute.journeys.analyses.follows import follow
from cxminute.journeys.analyses.histogram import bins, middle
from cxminute.journeys.classes import read_only
from cxminute.model.errors import WrongUse
from cxminute.model.steps import Step
from tests.oracles.streams import Happened, ListStreams

VISIT = ListStreams(
    [Happened(1, at, name) for at, name in [(0, "A"), (10, "B"), (20, "A"), (30, "A"), (90, "C")]]
    + [Happened(2, at, name) for at, name in [(5, "B"), (5, "A"), (6, "C")]]
)


@st.composite
def logs(draw: st.DrawFn) -> list[Happened]:
    """A few subjects with few names, equal times, two sources."""
    rows = st.tuples(st.integers(0, 3), st.integers(0, 12), st.sampled_from("ABCD"), st.sampled_from(["shop", "web"]))
    return [Happened(subject, at, name, {}, source) for subject, at, name, source in draw(st.lists(rows, max_size=30))]


askeds = st.builds(
    Asked,
    anchor=st.sampled_from([Step("A"), Step("B"), Step("any", kind="any")]),
    direction=st.sampled_from(DIRECTIONS),
    depth=st.integers(1, 4),
    occurrence=st.sampled_from(OCCURRENCES),
    only=st.none() | st.frozensets(st.sampled_from("ABCD"), min_size=1),
    ignoring=st.just(frozenset()) | st.frozensets(st.sampled_from("ABCD"), max_size=2),
    within=st.none() | st.integers(0, 4),
) | st.builds(Asked, only=st.none() | st.just(frozenset("AB")), within=st.none() | st.integers(0, 4))


def _flows_of(asked: Asked, stream: Sequence[Happened]) -> Iterator[tuple[tuple[Any, ...], int | None, bool]]:
    """One subject's successions: (depth, from, to), milliseconds, whether it returns; written from the docstrings."""

    def anchored(event: Happened) -> bool:
        return asked.anchor is not None and asked.anchor.covers(Step(event.name))

    def seen(event: Happened) -> bool:
        return anchored(event) or (
            (asked.only is None or event.name in asked.only) and event.name not in asked.ignoring
        )

    events = [event for event in stream if seen(event)]
    cuts = [0] + [
        place
        for place in range(1, len(events))
        if asked.within is not None and events[place].at - events[place - 1].at > asked.within
    ]  # fmt: skip -- one condition
    visits = [events[a:b] for a, b in pairwise([*cuts, len(events)])] if events else []
    places = [(visit, place) for visit in visits for place in range(len(visit)) if anchored(visit[place])]
    if asked.anchor is None:
        places = [(visit, place) for visit in visits for place in range(len(visit))]
    elif asked.occurrence != "every":
        places = places[:1] if asked.occurrence == "first" else places[-1:]
    for visit, place in places:
        shifts: list[tuple[int, int]] = []
        if asked.anchor is None:
            shifts = [(0, 0)] + ([(0, -1)] if place == 0 else [])
        else:
            if asked.direction != "forwards":
                shifts += [(-away, -away) for away in range(1, asked.depth + 1)]
            if asked.direction != "backwards":
                shifts += [(away + 1, away) for away in range(asked.depth)]
        for depth, shift in shifts:
            origin, target = place + shift, place + shift + 1
            if origin >= len(visit) or target < 0:
                continue
            first = visit[origin] if origin >= 0 else None
            second = visit[target] if target < len(visit) else None
            took = second.at - first.at if first and second else None
            back = bool(
                first and second and origin > 0 and first.name != second.name and visit[origin - 1].name == second.name
            )
            yield (depth, first and first.name, second and second.name), took, back


def _expected(asked: Asked, events: Sequence[Happened]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    ordered = sorted(events, key=lambda event: (event.subject, event.at))
    times, subjects, backs = defaultdict(list), defaultdict(set), Counter[tuple[Any, ...]]()
    for subject, stream in groupby(ordered, key=lambda event: event.subject):
        for edge, took, back in _flows_of(asked, list(stream)):
            times[edge].append(took)
            subjects[edge].add(subject)
            backs[edge] += back
    return {
        edge: (len(took), len(subjects[edge]), _nearest(took, 0.5), _nearest(took, 0.9), backs[edge])
        for edge, took in times.items()
    }


def _nearest(times: list[Any], share: float) -> float | None:
    known = sorted(time for time in times if time is not None)
    return known[max(math.ceil(share * len(known)), 1) - 1] if known else None


def _rows(asked: Asked, streams: ListStreams) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table(flow(asked, streams)).to_pylist()
    return rows


def _shown(asked: Asked, streams: ListStreams) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {
        (row["depth"], row["from"], row["to"]): (
            row["count"],
            row["subjects"],
            *(None if math.isnan(row[name]) else row[name] for name in ("median_ms", "p90_ms")),
            row["returns"],
        )
        for row in _rows(asked, streams)
    }


def _said(found: pa.Table) -> str:
    return str(found.to_pylist())  # where there is no time, nan is not itself


def test_every_succession_is_counted_with_begin_and_end() -> None:
    """Without an anchor each event and its next are a succession, and so are the begin and the end of a stream."""
    counted = {(row["from"], row["to"]): row["count"] for row in _rows(Asked(), VISIT)}
    assert counted == {
        (None, "A"): 1,
        (None, "B"): 1,
        ("A", "B"): 1,
        ("B", "A"): 2,
        ("A", "A"): 1,
        ("A", "C"): 2,
        ("C", None): 2,
    }


def test_loops_and_returns_can_be_seen() -> None:
    """The same event again is a loop; A, B, A is a return to A, a mere B, A is none."""
    rows = {(row["from"], row["to"]): row for row in _rows(Asked(), VISIT)}
    assert [edge for edge, row in rows.items() if row["loop"]] == [("A", "A")]
    assert (rows["B", "A"]["count"], rows["B", "A"]["returns"]) == (2, 1)
    assert rows["A", "A"]["returns"] == 0


def test_positions_are_counted_from_the_anchor() -> None:
    """Depth 1 leaves the anchor, -1 leads to it; a flow that has ended goes no deeper; shares are of what is nearer."""
    rows = _rows(Asked(Step("B"), "both", 2), VISIT)
    assert [(row["depth"], row["from"], row["to"], row["count"]) for row in rows] == [
        (-2, None, "A", 1),
        (-1, "A", "B", 1),
        (-1, None, "B", 1),
        (1, "B", "A", 2),
        (2, "A", "A", 1),
        (2, "A", "C", 1),
    ]
    assert [row["share"] for row in rows] == [1.0, 0.5, 0.5, 1.0, 0.5, 0.5]


def test_ties_follow_one_another_in_the_order_of_the_stream() -> None:
    """Two events of one millisecond take no time from one to the other."""
    rows = {(row["from"], row["to"]): row for row in _rows(Asked(within=10), VISIT)}
    assert (rows["B", "A"]["median_ms"], rows["B", "A"]["p90_ms"]) == (0, 10)


def test_sources_that_are_not_permitted_are_looked_through() -> None:
    """What must not be seen neither counts nor stands between two events that may be."""
    events = [Happened(1, 0, "A"), Happened(1, 1, "secret", {}, "clinic"), Happened(1, 2, "B")]
    hidden = ListStreams(events, refused=frozenset({"clinic"}))
    assert [(row["from"], row["to"]) for row in _rows(Asked(), hidden)] == [("A", "B"), ("B", None), (None, "A")]
    assert follows.table(follow(hidden)).num_rows == 3


@given(askeds, logs())
@settings(max_examples=300, deadline=None)
def test_flows_are_what_one_would_count_by_hand(asked: Asked, events: list[Happened]) -> None:
    """Counts, subjects, times and returns of any question equal those of a slow count, event by event."""
    assert _shown(asked, ListStreams(events)) == _expected(asked, events)


@given(askeds, logs())
@settings(deadline=None)  # kernels are compiled when they are first asked
def test_splitting_the_subjects_changes_no_flow(asked: Asked, events: list[Happened]) -> None:
    """Subject by subject, merged in any grouping, or all at once: the same table."""
    whole = table(flow(asked, ListStreams(events)))
    alone = [flow(asked, ListStreams([event for event in events if event.subject == who])) for who in range(4)]
    assert _said(table(merged(alone))) == _said(whole)
    assert _said(table(alone[0] + (alone[1] + (alone[2] + alone[3])))) == _said(whole)
    counted = reduce(add, [follow(ListStreams([e for e in events if e.subject == who])) for who in range(4)])
    assert follows.table(counted).equals(follows.table(follow(ListStreams(events))))


@given(logs(), st.booleans())
@settings(deadline=None)
def test_the_quick_count_agrees_with_the_full_flows(events: list[Happened], hidden: bool) -> None:  # noqa: FBT001 -- drawn
    """The one pass over codes gives the counts that the full flows give, whatever is looked through."""
    streams = ListStreams(events, refused=frozenset({"web"}) if hidden else frozenset())
    quick = {(row["from"], row["to"]): row["count"] for row in follows.table(follow(streams)).to_pylist()}
    assert quick == {(row["from"], row["to"]): row["count"] for row in _rows(Asked(), streams)}


@given(logs())
@settings(deadline=None)
def test_kernels_do_what_their_python_does(events: list[Happened]) -> None:
    """Compiled and plain, each kernel gives the same."""
    streams = ListStreams(events, refused=frozenset({"web"}))
    offsets, codes, times = read_only(streams.offsets), read_only(streams.codes), read_only(streams.times)
    _, letters = follows.letters_of(streams)
    many = len(streams.alphabet)
    for kernel, plain, given_ in [
        (follows.successions, follows._successions, (offsets, codes, many)),  # noqa: SLF001 -- the kernel's own Python
        (follows.seen_successions, follows._seen_successions, (offsets, codes, letters, many + 1)),  # noqa: SLF001 -- as above
        (successions.sessions, successions._sessions, (offsets, np.flatnonzero(codes % 2), times, 3)),  # noqa: SLF001 -- as above
    ]:  # fmt: skip -- one kernel a line
        assert np.array_equal(np.concatenate([kernel(*given_)]), np.concatenate([plain(*given_)]))  # type: ignore[operator]  # of several signatures
    owners, begins, ends = successions.sessions(offsets, np.arange(len(events)), times, 3)
    anchors = np.arange(0, owners.size, 2)
    for place in (-2, -1, 0, 1):
        asked = (codes.astype(np.int64), times, begins, ends, anchors, place, many)
        assert np.array_equal(successions.around(*asked), successions._around(*asked))  # noqa: SLF001 -- as above


def test_an_alphabet_of_any_size_is_counted() -> None:
    """Thousands of names are counted as exactly as a few, and add to others."""
    random = np.random.default_rng(3)
    events = [
        Happened(int(who), at, f"name {name}")
        for at, (who, name) in enumerate(
            zip(random.integers(0, 40, 4_000), random.integers(0, 1_500, 4_000), strict=True)
        )
    ]  # fmt: skip -- one draw
    many, few = ListStreams(events[:3_500]), ListStreams(events[3_500:])
    assert len(many.alphabet) > follows.DENSE > len(few.alphabet)
    quick = Counter[tuple[Any, Any]]()
    for part in (many, few):
        for row in table(flow(Asked(), part)).to_pylist():
            quick[row["from"], row["to"]] += row["count"]
    for both in (follow(many) + follow(few), follow(few) + follow(many)):
        assert {(row["from"], row["to"]): row["count"] for row in follows.table(both).to_pylist()} == quick


def test_the_direct_follow_graph_is_that_of_the_peers() -> None:
    """pm4py and polars count the same successions."""
    import pm4py  # noqa: PLC0415 -- slow to load, and only this test asks it

    random = np.random.default_rng(7)
    rows = 5_000
    names = np.array([f"E{i}" for i in range(30)])[random.integers(0, 30, rows) ** 2 // 30]
    people, at = random.integers(0, 200, rows), np.sort(random.integers(0, 10**9, rows))
    streams = ListStreams(
        [Happened(int(who), int(when), str(name)) for who, when, name in zip(people, at, names, strict=True)]
    )
    found = {(row["from"], row["to"]): row["count"] for row in follows.table(follow(streams)).to_pylist()}
    inner = {edge: count for edge, count in found.items() if None not in edge}
    log = {
        "case:concept:name": people.astype(str),
        "concept:name": names,
        "time:timestamp": pd.to_datetime(at, utc=True),
    }
    graph, begins, ends = pm4py.discover_dfg(pd.DataFrame(log))
    assert inner == dict(graph)
    assert {to: count for (origin, to), count in found.items() if origin is None} == dict(begins)
    assert {origin: count for (origin, to), count in found.items() if to is None} == dict(ends)
    frame = pl.DataFrame({"who": people, "at": at, "name": names}).sort("who", "at", maintain_order=True)
    followed = frame.with_columns(next=pl.col("name").shift(-1).over("who")).drop_nulls("next")
    assert inner == {(a, b): n for a, b, n in followed.group_by("name", "next").len().iter_rows()}


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=50))
def test_a_binned_duration_is_at_most_eight_in_a_thousand_off(durations: list[int]) -> None:
    """Below 128 milliseconds it is exact; bins ascend with what is in them."""
    exact = np.sort(np.array(durations))
    places = bins(exact)
    assert (np.diff(places) >= 0).all()
    assert (np.abs(middle(places) - exact) <= exact * 0.008).all()
    assert (middle(places)[exact < 128] == exact[exact < 128]).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"direction": "sideways"}, "forwards, backwards, both"),
        ({"occurrence": "second"}, "every, first, last"),
        ({"depth": 0}, "from 1 to 50"),
        ({"depth": 2, "anchor": None}, "an anchor"),
        ({"within": -1}, "0 or more"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked: dict[str, Any], said: str) -> None:
    """With what can be."""
    with pytest.raises(WrongUse, match=said):
        Asked(**{"anchor": Step("A"), **asked})
