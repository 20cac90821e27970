"""A marketplace beside the own shop: what is said of their difference is so, and chance is not told as one."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from cxminute.model.tables import COMPARISON, TALLY
from cxminute.synthesis.compare import OTHERS, OWN, compare

UNTIL = date(2026, 6, 8)
Counts = dict[str, tuple[list[float], list[float]]]
"""Value -> late and due of each day."""


def tally(counts: Counts, about: str = "promise delivery", dimension: str = "properties.carrier") -> pa.Table:
    """Daily counts of one source: the whole, and by carrier, for the days before the 8th of June."""
    rows = []
    days = max(len(n) for _, n in counts.values())
    for place in range(days):
        day = UNTIL - timedelta(days=days - place)
        sums = [0.0, 0.0]
        for value, (hits, n) in counts.items():
            rows.append((day, dimension, value, hits[place], n[place]))
            sums = [sums[0] + hits[place], sums[1] + n[place]]
        rows.append((day, "", "", sums[0], sums[1]))
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "about": [about] * len(rows),
            "measure": ["late"] * len(rows),
            "day": pa.array(columns[0], pa.date32()),
            "dimension": columns[1],
            "value": columns[2],
            "hits": pa.array(columns[3], pa.float64()),
            "n": pa.array(columns[4], pa.float64()),
        }
    ).cast(TALLY)


def drawn(chance: np.random.Generator, shares: dict[str, float], late: dict[str, float], orders: int) -> Counts:
    """28 days of a source: orders by carrier, and how many of them came late."""
    n = {name: chance.binomial(orders, share, 28).astype(float) for name, share in shares.items()}
    return {
        name: (chance.binomial(n[name].astype(int), late[name]).astype(float).tolist(), n[name].tolist()) for name in n
    }


def test_what_differs_by_mix_is_explained_by_mix() -> None:
    """Every carrier is as late on both sides; the marketplace sends more by the late one, and that is what is said."""
    late = {"Swift": 0.05, "Slow": 0.5}
    chance = np.random.default_rng(1)
    own = tally(drawn(chance, {"Swift": 0.8, "Slow": 0.2}, late, 150))
    market = tally(drawn(chance, {"Swift": 0.3, "Slow": 0.7}, late, 60))
    [row] = compare({"bazaar": market}, {"site": own}, until=UNTIL, smallest={}).to_pylist()
    assert (row["market"], row["own"]) == ("bazaar", "site")
    assert 0.15 < row["difference"] < 0.3
    assert row["low"] > 0
    assert row["where"][0]["value"] == "Slow"
    assert row["where"][0]["mix"] > 5 * abs(row["where"][0]["rate"])
    assert sum(part["mix"] + part["rate"] for part in row["where"]) == pytest.approx(row["difference"])
    assert sum(part["share"] for part in row["where"]) == pytest.approx(1)


def test_what_differs_by_rate_is_explained_by_rate() -> None:
    """Both send alike; one carrier serves the marketplace worse, and that carrier is named with what it does there."""
    shares = {"Swift": 0.5, "Slow": 0.5}
    chance = np.random.default_rng(2)
    own = tally(drawn(chance, shares, {"Swift": 0.05, "Slow": 0.1}, 150))
    market = tally(drawn(chance, shares, {"Swift": 0.05, "Slow": 0.45}, 60))
    [row] = compare({"bazaar": market}, {"site": own}, until=UNTIL, smallest={}).to_pylist()
    slow = row["where"][0]
    assert slow["value"] == "Slow"
    assert slow["rate"] > 5 * abs(slow["mix"])
    assert slow["hits"] / slow["n"] > 3 * slow["own_hits"] / slow["own_n"]


def test_chance_is_not_told_as_a_difference() -> None:
    """Of two hundred pairs of sides that are alike, day by day as ragged as real ones, hardly any is told of."""
    chance = np.random.default_rng(3)
    said = 0
    for _ in range(200):
        shared = np.clip(chance.beta(2, 18, 28), 0, 1)
        sides = []
        for orders in (140, 35):
            n = chance.poisson(orders, 28)
            own_days = np.clip(shared + chance.normal(0, 0.02, 28), 0, 1)
            sides.append(
                tally({"Swift": (chance.binomial(n, own_days).astype(float).tolist(), n.astype(float).tolist())})
            )
        said += compare({"bazaar": sides[1]}, {"site": sides[0]}, until=UNTIL, smallest={}).num_rows
    assert said <= 6, said


def test_a_storm_over_both_is_no_difference() -> None:
    """Days on which everything is late on both sides do not count for either."""
    storm = [0.9 if day % 7 < 2 else 0.05 for day in range(28)]
    sides = [
        tally({"Swift": ([round(share * n) for share in storm], [float(n)] * 28)}) for n in (100, 40)
    ]  # fmt: skip -- both sides
    assert compare({"bazaar": sides[1]}, {"site": sides[0]}, until=UNTIL, smallest={}).num_rows == 0


def test_the_last_week_is_told_before_the_last_four() -> None:
    """What differs in the week itself is told of the week; else the four weeks up to its end are asked."""
    sudden = [0.0] * 21 + [20.0] * 7
    steady = [6.0 if day % 2 else 8.0 for day in range(28)]
    own = tally({"Swift": ([5.0 + day % 3 for day in range(28)], [100.0] * 28)})
    for late, days in ((sudden, 7), (steady, 28)):
        market = tally({"Swift": (late, [40.0] * 28)})
        [row] = compare({"bazaar": market}, {"site": own}, until=UNTIL, smallest={}).to_pylist()
        assert row["last"] == UNTIL - timedelta(days=1)
        assert (row["last"] - row["first"]).days + 1 in ({7} if days == 7 else {7, 28})


def test_few_are_not_told_of() -> None:
    """Below thirty on a side, or below the smallest group of a contract, nothing is said; small parts are not named."""
    own = tally({"Swift": ([5.0] * 28, [100.0] * 28), "Slow": ([1.0] * 28, [2.0] * 28)})
    few = tally({"Swift": ([1.0] + [0.0] * 27, [1.0] * 28)})
    assert compare({"bazaar": few}, {"site": own}, until=UNTIL, smallest={}).num_rows == 0
    many = tally({"Swift": ([18.0 + day % 2 for day in range(28)], [40.0] * 28), "Tiny": ([1.0] * 28, [1.0] * 28)})
    assert compare({"bazaar": many}, {"site": own}, until=UNTIL, smallest={"bazaar": 5_000}).num_rows == 0
    [row] = compare({"bazaar": many}, {"site": own}, until=UNTIL, smallest={"bazaar": 250}).to_pylist()
    assert "Tiny" not in {part["value"] for part in row["where"]}
    shown = {
        part["value"]
        for part in compare({"bazaar": many}, {"site": own}, until=UNTIL, smallest={}).to_pylist()[0]["where"]
    }
    assert shown <= {"Swift", "Slow", "Tiny", OTHERS}


def test_several_own_shops_are_one_side() -> None:
    """Their counts are added, and they are called so; without an own shop there is nothing to compare with."""
    own = tally({"Swift": ([5.0 + day % 3 for day in range(28)], [100.0] * 28)})
    market = tally({"Swift": ([18.0 + day % 2 for day in range(28)], [40.0] * 28)})
    [row] = compare({"bazaar": market}, {"shop": own, "site": own}, until=UNTIL, smallest={}).to_pylist()
    assert row["own"] == OWN
    assert row["own_n"] in {7 * 200, 28 * 200}
    found = compare({"bazaar": market}, {}, until=UNTIL, smallest={})
    assert found.schema.names == COMPARISON.names
    assert found.num_rows == 0
