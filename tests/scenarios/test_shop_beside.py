"""The simulated shop's marketplace beside its own site: the planted difference is told, quiet weeks tell none."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from cxminute.model.times import monday_of
from cxminute.simulation.shop import simulate
from cxminute.synthesis.compare import compare
from tests.scenarios.shop_memory import beside

SEEDS = range(10)


@pytest.fixture(scope="module")
def shops() -> list[tuple[tuple[str, ...], dict[str, pa.Table]]]:
    """Ten shops: their weeks, and the promise of delivery by source."""
    simulated = [simulate(seed, starts=date(2026, 3, 2)) for seed in SEEDS]
    return [(shop.weeks, beside(shop)) for shop in simulated]


def told(tables: dict[str, pa.Table], week: str) -> pa.Table:
    """What is said of a week."""
    until = monday_of(week) + timedelta(days=7)
    return compare({"bazaar": tables["bazaar"]}, {"site": tables["site"]}, until=until, smallest={})


def test_the_week_in_which_a_carrier_fails_tells_the_marketplaces_mix(
    shops: list[tuple[tuple[str, ...], dict[str, pa.Table]]],
) -> None:
    """The failing carrier has twice the weight on the marketplace: most shops are told so, by its name, as mix."""
    found = [row for weeks, tables in shops for row in told(tables, weeks[-1]).to_pylist()]
    assert len(found) >= 0.7 * len(shops)
    for row in found:
        assert row["difference"] > 0
        part = row["where"][0]
        assert (part["dimension"], part["value"]) == ("properties.carrier", "Gans")
        assert abs(part["mix"]) > abs(part["rate"])


def test_quiet_weeks_tell_no_difference(shops: list[tuple[tuple[str, ...], dict[str, pa.Table]]]) -> None:
    """Before the trouble the marketplace is a point later than the site, which is too little to be told."""
    quiet = [told(tables, week).num_rows for weeks, tables in shops for week in weeks[4:-1]]
    assert len(quiet) >= 80
    assert sum(quiet) <= len(quiet) / 40, f"{sum(quiet)} of {len(quiet)}"
