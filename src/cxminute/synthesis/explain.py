"""The verb of the stage: what changed in a week, how strong, how often seen, where it comes from, what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.tables import INSIGHT
from cxminute.synthesis.advice import action, command, is_good
from cxminute.synthesis.change import SURGE, Watch, watch
from cxminute.synthesis.contribution import BASE_WEEKS, Part, contributions, leading, telling
from cxminute.synthesis.seen import episodes, grade
from cxminute.synthesis.since import first_day as begin
from cxminute.synthesis.weeks import Key, Weeks, lay_out

DIMENSIONS, VALUES = 3, 8
PLACED = 0.1  # of the change, beyond what chance would put there: below it the change has no place

HISTORY = pa.schema(
    [
        pa.field("about", pa.string(), nullable=False, metadata={"meaning": "as in tally"}),
        pa.field("measure", pa.string(), nullable=False, metadata={"meaning": "as in tally"}),
        pa.field("monday", pa.date32(), nullable=False, metadata={"meaning": "first day of the week"}),
        pa.field("value", pa.float64(), metadata={"meaning": "the week's figure: a share in 0..1, or a count"}),
        pa.field("expected", pa.float64(), metadata={"meaning": "what the weeks before it let one expect"}),
        pa.field("low", pa.float64(), metadata={"meaning": "lower bound of that (99 %)"}),
        pa.field("high", pa.float64(), metadata={"meaning": "upper bound of that (99 %)"}),
        pa.field("n", pa.float64(), nullable=False, metadata={"meaning": "how many stand behind the figure"}),
        pa.field("news", pa.bool_(), nullable=False, metadata={"meaning": "whether the week was news"}),
    ]
)
"""Every whole by week, with what was to be expected of each week then: for charts and for the quiet statement."""


@dataclass(frozen=True)
class _Seen:
    """A week looked at, with all before it."""

    weeks: Weeks
    watched: Watch


def explain(tallies: pa.Table, *, week: str, first_day: date | None = None) -> pa.Table:
    """What is news in a week: model.tables.INSIGHT rows, strongest first; none in a quiet week.

    tallies:   model.tables.TALLY rows, of whole days; those after the week are not looked at. Where the log ends within
               the week, the weekdays that it covers are compared with the same weekdays before
    week:      ISO week, such as '2015-W07'
    first_day: the first day of the log; without it the first day of any tally
    returns:   wholes that moved, and parts that broke while their whole hardly moved: at most one such row per about
               and measure. The `id` of a whole is 'about|measure|direction'; that of a part goes on
               '|dimension=value', its figures are the part's own, and `where` holds that part alone
    raises:    BadDefinition where `week` is no ISO week

    In `where`, `share` is the part of the whole change that one value holds (all values of a dimension add up to 1),
    `mix` and `rate` are in points of the share or in counts a week; up to three dimensions, the one that tells most
    first, up to eight values of each. Chance of any false alarm in a quiet week: at most 1 in 20, over all series.
    """
    seen = _look(tallies, week, first_day)
    if seen is None:
        return INSIGHT.empty_table()
    wholes = [series for series in np.flatnonzero(seen.weeks.whole) if seen.watched.news[series, -1]]
    told = {seen.weeks.keys[series][:2] for series in wholes}
    rows = [_whole(seen, int(series), week) for series in wholes]
    rows += [_part(seen, series, week) for series in _broken_parts(seen, told)]
    rows.sort(key=lambda row: (-row["strength"], row["id"]))
    return pa.Table.from_pylist(rows, schema=INSIGHT)


def history(tallies: pa.Table, *, week: str, first_day: date | None = None) -> pa.Table:
    """Every whole by week up to a week, with what was to be expected of each week then: HISTORY rows.

    Arguments as of `explain`. Bounds are empty for weeks of which nothing could be expected yet.
    """
    seen = _look(tallies, week, first_day)
    rows: list[dict[str, Any]] = []
    if seen is not None:
        _, n = seen.weeks.sums(like_last=False)
        n[:, -1] = seen.weeks.sums(like_last=True)[1][:, -1]
        for series in np.flatnonzero(seen.weeks.whole):
            key = seen.weeks.keys[series]
            for place, monday in enumerate(seen.weeks.mondays):
                figures = {
                    name: _number(getattr(seen.watched, name)[series, place])
                    for name in ("value", "expected", "low", "high")
                }
                about = {"about": key.about, "measure": key.measure, "monday": monday}
                news = bool(seen.watched.news[series, place])
                rows.append({**about, **figures, "n": float(n[series, place]), "news": news})
    return pa.Table.from_pylist(rows, schema=HISTORY)


def _look(tallies: pa.Table, week: str, first_day: date | None) -> _Seen | None:
    """Lay out and walk; where the last week is cut short, its figures are those of a walk over like days."""
    weeks = lay_out(tallies, week=week, first_day=first_day)
    if weeks is None:
        return None
    whole, shares = weeks.whole, weeks.shares
    hits, n = weeks.sums(like_last=False)
    watched = watch(hits, n, shares=shares, whole=whole)
    if weeks.covered.all():
        return _Seen(weeks, watched)
    like = watch(*weeks.sums(like_last=True), shares=shares, whole=whole)
    joined = {
        name: np.concatenate([getattr(watched, name)[:, :-1], getattr(like, name)[:, -1:]], axis=1)
        for name in ("value", "expected", "low", "high", "distance", "news")
    }
    return _Seen(weeks, replace(like, **joined))


def _broken_parts(seen: _Seen, told: set[tuple[str, str]]) -> list[int]:
    """The strongest part of each whole that is not told itself, unless it only shows a surge of another part."""
    strongest: dict[tuple[str, str], int] = {}
    for series in np.flatnonzero(~seen.weeks.whole & seen.watched.news[:, -1]):
        about = seen.weeks.keys[series][:2]
        if about in told or _shadow(seen, int(series)):
            continue
        known = strongest.get(about)
        if known is None or abs(seen.watched.distance[series, -1]) > abs(seen.watched.distance[known, -1]):
            strongest[about] = int(series)
    return list(strongest.values())


def _shadow(seen: _Seen, series: int) -> bool:
    """Whether half of a part's excess may be a surge in a part of another dimension, seen from this side.

    Two dimensions show the same rows: what came in a surge is not compared with what was there before, and is not
    brought in by the back door either.
    """
    key = seen.weeks.keys[series]
    before = np.flatnonzero(seen.watched.base[series])[-BASE_WEEKS:]
    excess = _excess(seen, series, before)[0]
    for dimension, places in seen.weeks.parts(key).items():
        for place in places if dimension != key.dimension else ():
            other, times = _excess(seen, place, before)
            if times > SURGE and other * np.sign(excess) >= abs(excess) / 2:
                return True
    return False


def _excess(seen: _Seen, series: int, before: NDArray[np.int64]) -> tuple[float, float]:
    """Hits beyond the rate before, and how many times larger than usual a part is."""
    days = seen.weeks.covered
    hits, n = (table[series][:, days].sum(axis=1) for table in (seen.weeks.hits, seen.weeks.n))
    rate = (hits[before].sum() + 0.5) / (n[before].sum() + 1)
    return float(hits[-1] - rate * n[-1]), float((n[-1] + 1) / (np.median(n[before]) + 1))


def _whole(seen: _Seen, series: int, week: str) -> dict[str, Any]:
    """The row of a whole that moved."""
    split = contributions(seen.weeks, seen.watched, series)
    where = [part for parts in split[:DIMENSIONS] for part in parts[:VALUES]]
    named = leading(split[0]) if split and telling(split[0]) >= PLACED else []
    return _row(seen, series, week, where, named)


def _part(seen: _Seen, series: int, week: str) -> dict[str, Any]:
    """The row of a part that broke while its whole hardly moved."""
    key = seen.weeks.keys[series]
    whole = seen.weeks.keys.index(Key(key.about, key.measure, "", "")) if _has_whole(seen, key) else series
    days = seen.weeks.covered
    hits, n = (float(table[series, -1, days].sum()) for table in (seen.weeks.hits, seen.weeks.n))
    total = float(seen.weeks.n[whole, -1, days].sum())
    rate = (seen.watched.value[series, -1] - seen.watched.expected[series, -1]) * n / max(total, 1.0)
    part = Part(key.dimension, key.value, 1.0, 0.0, float(rate), n, hits, n / max(total, 1.0))
    return _row(seen, series, week, [part], [part])


def _has_whole(seen: _Seen, key: Key) -> bool:
    return Key(key.about, key.measure, "", "") in seen.weeks.keys


def _row(seen: _Seen, series: int, week: str, where: list[Part], named: list[Part]) -> dict[str, Any]:
    """One INSIGHT row."""
    key, watched, last = seen.weeks.keys[series], seen.watched, -1
    way = float(np.sign(watched.distance[series, last]))
    direction = "up" if way > 0 else "down"
    times = episodes(watched.news[series], watched.distance[series], way)
    lasted = len(seen.weeks.mondays) - times[-1][0]
    days = seen.weeks.covered
    dimension = named[0].dimension if named else ""
    counted = "" if key.dimension == "" else f"|{key.dimension}={key.value}"
    monday = seen.weeks.mondays[last]
    return {
        "id": f"{key.about}|{key.measure}|{direction}{counted}",
        "week": week,
        "about": key.about,
        "measure": key.measure,
        "direction": direction,
        "good": is_good(key, direction),
        **{name: float(getattr(watched, name)[series, last]) for name in ("value", "expected", "low", "high")},
        "strength": float(abs(watched.distance[series, last])),
        "n": float(seen.weeks.n[series, last, days].sum()),
        "since": begin(seen.weeks, watched, series, lasted=lasted),
        "where": [
            {name: getattr(part, name) for name in ("dimension", "value", "share", "mix", "rate", "n", "hits")}
            for part in where
        ],
        "seen": len(times),
        "grade": grade(len(times)),
        "action": action(key, direction, named),
        "command": command(key, dimension, monday),
    }


def _number(figure: float) -> float | None:
    return None if np.isnan(figure) else float(figure)
