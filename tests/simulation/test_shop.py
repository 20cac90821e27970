"""The simulated shop: chance comes from the seed alone, and its ground is as ragged as it says."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cxminute.model.errors import UnknownName, WrongUse
from cxminute.model.tables import MOMENT
from cxminute.model.times import day_start, zone_of
from cxminute.simulation.ground import (
    BAZAAR_LATE,
    CARRIERS,
    COMPLETED,
    DISPERSION,
    REPLY_LATE,
    SHOPPING,
    ZONE,
    days_of,
)
from cxminute.simulation.shop import Simulated, simulate
from cxminute.simulation.troubles import Campaign, CarrierSlip, CheckoutBreak, ReplySlip

MONDAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def year() -> Simulated:
    """A quiet year of half a shop."""
    return simulate(11, weeks=52, starts=MONDAY, troubles=(), scale=0.5)


@pytest.fixture(scope="module")
def shop() -> Simulated:
    """The demo's shop."""
    return simulate(1, starts=MONDAY)


def milliseconds(table: pa.Table, column: str) -> np.ndarray:
    """A column of instants; -1 where empty."""
    return np.asarray(table[column].cast(pa.int64()).fill_null(-1).to_numpy())


def spelt(table: pa.Table) -> pa.Table:
    """The table with its words as text: two tables may number the same words differently."""
    words = [pa.types.is_dictionary(field.type) for field in table.schema]
    columns = [column.cast(pa.string()) if word else column for word, column in zip(words, table.columns, strict=True)]
    return pa.table(columns, names=table.column_names)


def daily(simulated: Simulated, moments: np.ndarray) -> np.ndarray:
    """How many moments fall on each day of the complete weeks."""
    days = days_of(simulated.starts, len(simulated.weeks))
    return np.bincount(days.of(moments[moments >= 0]), minlength=days.count + 28)[: days.count]


def raggedness(counts: np.ndarray, pattern: tuple[float, ...]) -> float:
    """Variance over mean of daily counts, around their weekday pattern and their growth."""
    mean = np.asarray(pattern)[np.arange(len(counts)) % 7] * 1.003 ** (np.arange(len(counts)) / 7)
    mean *= counts.sum() / mean.sum()
    return float(np.mean((counts - mean) ** 2 / mean))


def share_raggedness(hits: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """The share, and the variance of daily hits over that of coin tosses."""
    share = hits.sum() / n.sum()
    used = n > 0
    return float(share), float(np.mean((hits - n * share)[used] ** 2 / (n * share * (1 - share))[used]))


def at(simulated: Simulated, event: str) -> np.ndarray:
    """When an event of the site happened."""
    site = simulated.tables["site"]
    return milliseconds(site.filter(pc.equal(site["event"].cast(pa.string()), event)), "timestamp")


def test_the_same_seed_makes_the_same_shop_and_another_seed_another() -> None:
    """Chance comes from the seed and from nowhere else."""
    first, again, other = (simulate(seed, weeks=2, starts=MONDAY, scale=0.1) for seed in (5, 5, 6))
    assert first == again
    assert first.tables["site"] != other.tables["site"]


def test_a_quiet_run_is_the_same_run_until_the_first_trouble(shop: Simulated) -> None:
    """Every event of the site before the first trouble is told alike with and without troubles."""
    quiet = simulate(1, starts=MONDAY, troubles=())
    start = day_start(min(truth.first_day for truth in shop.truths), zone_of(ZONE))
    opens = pa.scalar(start, pa.int64()).cast(MOMENT)
    before = [
        spelt(run.tables["site"].filter(pc.less(run.tables["site"]["timestamp"], opens))) for run in (shop, quiet)
    ]
    assert before[0].num_rows > 100_000
    assert before[0] == before[1]
    assert not quiet.truths
    assert quiet.quiet_weeks == quiet.weeks


def test_weeks_are_of_about_twelve_hundred_orders(shop: Simulated) -> None:
    """A quiet week brings some 1,000 orders on the own site and some 230 on the marketplace."""
    own = daily(shop, at(shop, "Order Completed"))[:-7].sum() / 13
    market = daily(shop, milliseconds(shop.tables["bazaar"], "ordered_at"))[:-7].sum() / 13
    assert 1_100 < own + market < 1_400


def test_checkouts_are_as_ragged_as_stated(year: Simulated) -> None:
    """Daily checkouts vary as many times more than independent customers as the ground states."""
    counts = daily(year, at(year, "Checkout Started"))
    assert raggedness(counts, SHOPPING) == pytest.approx(DISPERSION["checkouts"], rel=0.3)


def test_completion_is_as_ragged_as_stated(year: Simulated) -> None:
    """So do the shares of checkouts that end in an order, around the stated share."""
    share, ragged = share_raggedness(
        daily(year, at(year, "Order Completed")), daily(year, at(year, "Checkout Started"))
    )
    assert share == pytest.approx(COMPLETED, abs=0.01)
    assert ragged == pytest.approx(DISPERSION["completed"], rel=0.3)


def test_marketplace_lateness_is_as_ragged_as_stated(year: Simulated) -> None:
    """So do the shares of parcels that come late, around the stated share."""
    orders = year.tables["bazaar"].filter(pc.is_null(year.tables["bazaar"]["cancelled_at"]))
    due, came = milliseconds(orders, "latest_delivery"), milliseconds(orders, "delivered_at")
    late = (came < 0) | (came > due)
    share, ragged = share_raggedness(daily(year, due[late]), daily(year, due))
    assert share == pytest.approx(BAZAAR_LATE, abs=0.012)
    assert ragged == pytest.approx(DISPERSION["bazaar"], rel=0.35)


def test_first_replies_are_as_ragged_as_stated(year: Simulated) -> None:
    """So do the shares of tickets that are answered late."""
    desk = year.tables["desk"]
    due, came = milliseconds(desk, "first_reply_due"), milliseconds(desk, "first_reply_at")
    share, ragged = share_raggedness(daily(year, due[(came < 0) | (came > due)]), daily(year, due))
    assert share == pytest.approx(REPLY_LATE, abs=0.015)
    assert ragged == pytest.approx(DISPERSION["replies"], rel=0.35)


def test_people_return_with_a_heavy_tail(shop: Simulated) -> None:
    """A tenth of the known customers place over a quarter of their orders, and many order once."""
    site = shop.tables["site"]
    orders = site.filter(
        pc.and_(pc.equal(site["event"].cast(pa.string()), "Order Completed"), pc.is_valid(site["userId"]))
    )
    each = np.sort(np.asarray(pc.value_counts(orders["userId"]).field("counts")))[::-1]
    assert each[: len(each) // 10].sum() > 0.25 * each.sum()
    assert (each == 1).mean() > 0.4


def test_visits_are_anonymous_until_somebody_logs_in(shop: Simulated) -> None:
    """Most pages are seen by strangers, most orders are of known people, and every page has its cookie."""
    site = shop.tables["site"]
    known = {
        event: pc.mean(pc.is_valid(site.filter(pc.equal(site["event"].cast(pa.string()), event))["userId"])).as_py()
        for event in ("Product Viewed", "Order Completed")
    }
    assert known["Product Viewed"] < 0.5
    assert 0.8 < known["Order Completed"] < 1
    pages = site.filter(pc.is_in(site["event"].cast(pa.string()), pa.array(["Product Viewed", "Checkout Started"])))
    assert pages["anonymousId"].null_count == 0
    assert pc.all(pc.or_(pc.is_valid(site["userId"]), pc.is_valid(site["anonymousId"]))).as_py()


def test_nothing_happens_after_the_log_closes_or_before_its_cause(shop: Simulated) -> None:
    """No event lies beyond the closing Monday; parcels ship before they come, replies follow questions."""
    for table in shop.tables.values():
        for name in (
            "timestamp",
            "ordered_at",
            "shipped_at",
            "delivered_at",
            "opened_at",
            "first_reply_at",
            "closed_at",
        ):
            if name in table.column_names:
                assert milliseconds(table, name).max() < shop.until
    for table, chain in (
        ("bazaar", ("ordered_at", "shipped_at", "delivered_at")),
        ("desk", ("opened_at", "first_reply_at", "closed_at")),
    ):
        for earlier, later in pairwise(chain):
            cause, effect = milliseconds(shop.tables[table], earlier), milliseconds(shop.tables[table], later)
            both = (cause >= 0) & (effect >= 0)
            assert both.any()
            assert (cause[both] < effect[both]).all()


def test_the_smallest_shop_still_opens() -> None:
    """A hundredth of a shop for one week has its three sources and its troubles."""
    tiny = simulate(0, weeks=1, starts=MONDAY, scale=0.01)
    assert all(table.num_rows > 0 for name, table in tiny.tables.items())
    assert len({truth.kind for truth in tiny.truths}) == 4


@pytest.mark.parametrize("starts", [MONDAY + timedelta(days=1), date(2026, 3, 8)])
def test_a_simulation_starts_on_a_monday(starts: date) -> None:
    """Weeks of a brief are ISO weeks: any other first day is refused."""
    with pytest.raises(WrongUse, match="Monday"):
        simulate(1, starts=starts)


def test_a_trouble_outside_the_shop_is_refused_with_the_nearest_name() -> None:
    """A misspelt carrier, a trouble after the last week and a share above one are clear faults."""
    with pytest.raises(UnknownName, match="Did you mean 'Gans'"):
        simulate(1, starts=MONDAY, troubles=(CarrierSlip(first_day=MONDAY, carrier="Gnas"),))
    with pytest.raises(WrongUse, match="outside the simulated weeks"):
        simulate(1, weeks=2, starts=MONDAY, troubles=(ReplySlip(first_day=MONDAY + timedelta(days=12)),))
    with pytest.raises(WrongUse, match=r"share of 1\.5"):
        simulate(1, starts=MONDAY, troubles=(CheckoutBreak(first_day=MONDAY, share=1.5),))
    with pytest.raises(WrongUse, match="runs all the time"):
        simulate(1, starts=MONDAY, troubles=(Campaign(first_day=MONDAY, name="newsletter"),))
    for fault in ({"seed": -1}, {"seed": 1, "scale": 0.0}, {"seed": 1, "weeks": 0}):
        with pytest.raises(WrongUse):
            simulate(**fault, starts=MONDAY)


def test_parcels_are_due_on_no_sunday(shop: Simulated) -> None:
    """Nothing is promised for a Sunday and nothing is brought on one."""
    assert set(CARRIERS) == set(shop.tables["bazaar"]["carrier"].to_pylist())
    for name in ("latest_delivery", "delivered_at"):
        assert daily(shop, milliseconds(shop.tables["bazaar"], name)).reshape(-1, 7)[:, 6].sum() == 0
