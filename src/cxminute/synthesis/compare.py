"""A marketplace beside the own shop: by how much their shares differ in the same days, and where that comes from.

Both sides live through the same days: a storm or a strike moves both, and is no difference between them. So the days
are the clusters. With shares p0 (own) and p1 (marketplace) over all days, a day's residual is

    e_d = (hits1_d - p1 n1_d) / N1 - (hits0_d - p0 n0_d) / N0

and the variance of p1 - p0 is sum(e_d^2) * G / (G - 1) over G days, never less than that of coin tosses; the interval
is Student's with G - 1 degrees of freedom. The chance of any difference said where there is none is held at 1 %, over
all comparisons of a table and all spans that are looked at (Bonferroni).

Where it comes from is the decomposition of `contribution`, with the own shop in the place of the weeks before: mix is
that more of the marketplace's share lies in a part, rate is that the part itself does worse or better there. A part is
named only where that is beyond chance. What few stand behind goes into one part of its own, which is never named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri, stdtrit

from cxminute.model.tables import COMPARISON
from cxminute.synthesis.contribution import Part, split_share
from cxminute.synthesis.explain import PLACED
from cxminute.synthesis.weeks import Floats

OWN: Final = "own shops"
"""What several own shops together are called."""
OTHERS: Final = "(others)"
FALSE_ALARMS: Final = 0.01
FEWEST: Final = 30  # rows on each side, and of a part on both together, below which nothing is said of them
FEWEST_DAYS: Final = 3
LEAST: Final = 0.03  # of the difference: below three points it is of no matter to a reader of one minute
RAGGED: Final = 3.0  # variance of service data over that of coin tosses, as in `change`
GIVEN: Final = 0.5  # of each side's rows that must have a value of a dimension, or it explains nothing
WEEK, MONTH = 7, 28  # days looked at: the week itself, and if it says nothing the four weeks up to its end


def compare(
    markets: Mapping[str, pa.Table], owns: Mapping[str, pa.Table], *, until: date, smallest: Mapping[str, int]
) -> pa.Table:
    """Where marketplaces differ from the own shop beyond chance: COMPARISON rows, the strongest first.

    markets, owns: source -> model.tables.TALLY rows of shares, its own alone; own shops count together
    until:         the day after the last one; days from it on are not looked at
    smallest:      source -> how many must stand behind a figure of its that is shown
    """
    ours = pa.concat_tables(owns.values()) if owns else None
    pairs = [(name, about) for name, table in markets.items() for about in _abouts(table)]
    rows: list[dict[str, Any]] = []
    if ours is None:
        return COMPARISON.empty_table()
    own = next(iter(owns)) if len(owns) == 1 else OWN
    chance = FALSE_ALARMS / max(2 * len(pairs), 1)
    for market, (about, measure) in pairs:
        fewest = tuple(max(smallest.get(name, 1) for name in names) for names in (owns, (market,)))
        both = [_of(table, about, measure) for table in (ours, markets[market])]
        for days in (WEEK, MONTH):
            first = until - timedelta(days=days)
            found = _difference([_days(side, first, until) for side in both], first, until, chance, fewest)
            if found:
                rows.append({"about": about, "measure": measure, "market": market, "own": own, **found})
                break
    rows.sort(key=lambda row: (-row["strength"], row["market"], row["about"]))
    return pa.Table.from_pylist(rows, schema=COMPARISON)


def _abouts(table: pa.Table) -> list[tuple[str, str]]:
    """(about, measure) of every whole share of a tally."""
    whole = table.filter(pc.equal(table["dimension"].cast(pa.string()), "")).select(["about", "measure"])
    found = {(str(row["about"]), str(row["measure"])) for row in whole.to_pylist()}
    return sorted(key for key in found if key[1] != "volume")


def _of(table: pa.Table, about: str, measure: str) -> pa.Table:
    chosen = pc.and_(
        pc.equal(table["about"].cast(pa.string()), about), pc.equal(table["measure"].cast(pa.string()), measure)
    )
    return table.filter(chosen)


def _difference(
    sides: Sequence[pa.Table], first: date, until: date, chance: float, fewest: Sequence[int]
) -> dict[str, Any] | None:
    """The figures of one comparison; None where nothing is beyond chance, or too few stand behind it.

    sides, fewest: of the own shop, then of the marketplace
    """
    count = (until - first).days
    hits, n = (np.zeros((2, count)) for _ in range(2))
    for side, table in enumerate(sides):
        for row in _split(table, ""):
            hits[side, (row["day"] - first).days] += row["hits"]
            n[side, (row["day"] - first).days] += row["n"]
    total = n.sum(axis=1)
    there = n.sum(axis=0) > 0
    days = int(there.sum())
    if (total < np.maximum(fewest, FEWEST)).any() or days < FEWEST_DAYS:
        return None
    share = hits.sum(axis=1) / total
    residual = (hits - share[:, None] * n) / total[:, None]
    ragged = float(((residual[1] - residual[0])[there] ** 2).sum()) * days / (days - 1)
    smoothed = (hits.sum(axis=1) + 0.5) / (total + 1)
    error = float(np.sqrt(max(ragged, float((smoothed * (1 - smoothed) / total).sum()))))
    difference = float(share[1] - share[0])
    reach = float(stdtrit(days - 1, 1 - chance / 2)) * error
    if abs(difference) < LEAST or abs(difference) <= reach:
        return None
    return {
        "first": first,
        "last": until - timedelta(days=1),
        "value": float(share[1]),
        "own_value": float(share[0]),
        "difference": difference,
        "low": difference - reach,
        "high": difference + reach,
        "strength": abs(difference) / error,
        "n": float(total[1]),
        "own_n": float(total[0]),
        "where": _explained(sides, fewest),
    }


def _days(table: pa.Table, first: date, until: date) -> pa.Table:
    """The rows of these days."""
    inside = pc.and_(
        pc.greater_equal(table["day"], pa.scalar(first, pa.date32())),
        pc.less(table["day"], pa.scalar(until, pa.date32())),
    )
    return table.filter(inside)


def _split(table: pa.Table, dimension: str) -> list[dict[str, Any]]:
    """The rows of one dimension, '' for the whole."""
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["dimension"].cast(pa.string()), dimension)).to_pylist()
    return rows


def _explained(sides: Sequence[pa.Table], fewest: Sequence[int]) -> list[dict[str, Any]]:
    """The parts by the dimension that tells most; none where no dimension tells of it."""
    dimensions = [set(table["dimension"].cast(pa.string()).to_pylist()) - {""} for table in sides]
    best: list[Part] = []
    of_own: dict[str, tuple[float, float]] = {}
    for dimension in sorted(dimensions[0] & dimensions[1]):
        names, own, market = _parts(sides, dimension, fewest)
        parts = split_share(dimension, names, own[0], own[1], market[0], market[1])
        parts.sort(key=lambda part: -part.share)
        known = {name: (float(own[0][place]), float(own[1][place])) for place, name in enumerate(names)}
        if not parts or parts[0].value.startswith("(") or _told(parts) < PLACED or not _sure(parts, known):
            continue
        if not best or _told(parts) > _told(best):
            best, of_own = parts, known
    return [
        {
            **{name: getattr(part, name) for name in ("dimension", "value", "share", "mix", "rate", "n", "hits")},
            "own_hits": of_own[part.value][0],
            "own_n": of_own[part.value][1],
        }
        for part in best
    ]


def _told(parts: Sequence[Part]) -> float:
    """How much more of the difference the largest part holds than of the own shop's rows."""
    return parts[0].share - parts[0].base


def _sure(parts: Sequence[Part], own: Mapping[str, tuple[float, float]]) -> bool:
    """Whether what the largest part is named for is beyond chance: its weight, or its share; all parts were looked at.

    own: hits and n of each part on the own side
    """
    part = parts[0]
    hits, n = own[part.value]
    if abs(part.mix) > abs(part.rate):
        total, own_total = (sum(sizes) for sizes in ([each.n for each in parts], [size for _, size in own.values()]))
        counts = (part.n, total, n, own_total)
    else:
        counts = (part.hits, part.n, hits, n)
    hit1, n1, hit0, n0 = counts
    if min(n1, n0) <= 0:
        return True  # a part that one side alone has: it is mix, and all of it
    both = (hit1 + hit0 + 1) / (n1 + n0 + 2)
    error = float(np.sqrt(RAGGED * both * (1 - both) * (1 / n1 + 1 / n0)))
    return bool(abs(hit1 / n1 - hit0 / n0) > float(ndtri(1 - FALSE_ALARMS / (2 * len(parts)))) * error)


def _parts(
    sides: Sequence[pa.Table], dimension: str, fewest: Sequence[int]
) -> tuple[list[str], Sequence[Floats], Sequence[Floats]]:
    """The names of a dimension's parts, and hits and n of each on the own side and on the marketplace's.

    No names where a side does not give enough of them: what it does not tell of cannot be compared.
    """
    known: list[dict[str, tuple[float, float]]] = []
    for table in sides:
        summed: dict[str, tuple[float, float]] = {}
        for row in _split(table, dimension):
            before = summed.get(row["value"], (0.0, 0.0))
            summed[row["value"]] = (before[0] + row["hits"], before[1] + row["n"])
        known.append(summed)
    for summed in known:
        total = sum(n for _, n in summed.values())
        given = sum(n for name, (_, n) in summed.items() if not name.startswith("("))
        if given < GIVEN * total:
            return [], _NOTHING, _NOTHING
    parts: dict[str, list[float]] = {}
    for name in sorted({*known[0], *known[1]}):
        (hits0, n0), (hits1, n1) = (summed.get(name, (0.0, 0.0)) for summed in known)
        few = n0 + n1 < FEWEST or 0 < n0 < fewest[0] or 0 < n1 < fewest[1]
        shown = OTHERS if few else name
        sums = parts.setdefault(shown, [0.0, 0.0, 0.0, 0.0])
        parts[shown] = [sums[0] + hits0, sums[1] + n0, sums[2] + hits1, sums[3] + n1]
    columns = np.array(list(parts.values()), np.float64).reshape(-1, 4).T
    return list(parts), (columns[0], columns[1]), (columns[2], columns[3])


_NOTHING: Final = (np.zeros(0), np.zeros(0))
