"""The written truth against the files: every stated figure is counted again in plain Python."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from cxminute.simulation.ground import BAZAAR_ORDERS, CARRIERS, CHECKOUTS, COMPLETED, DISPERSION
from cxminute.simulation.shop import Simulated, simulate
from cxminute.simulation.troubles import CarrierSlip
from cxminute.simulation.writing import write
from tests.simulation.plain_shop import Counts, csv_rows, figures, site_events, week, when

MONDAY = date(2026, 3, 2)
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Simulated, Counts, dict[str, Path]]]:
    """Two demo shops, written, and counted again from their files."""
    made = []
    for seed in SEEDS:
        shop = simulate(seed, starts=MONDAY)
        paths = write(shop, tmp_path_factory.mktemp(f"shop{seed}"))
        made.append((shop, figures(paths, shop.until), paths))
    return made


Runs = list[tuple[Simulated, Counts, dict[str, Path]]]


def figure(counts: Counts, about: str, measure: str, which: str) -> float:
    """A week's figure as counted: a share, or a count."""
    hits, n = counts[about, measure]
    return float(hits[which]) if measure == "volume" else hits[which] / n[which]


def test_the_demo_plants_one_trouble_of_each_kind_in_its_last_week(runs: Runs) -> None:
    """The four are named once each, and no other week is touched."""
    for shop, _, _ in runs:
        planted = [truth for truth in shop.truths if not truth.consequence]
        assert [truth.kind for truth in planted] == ["carrier slip", "checkout break", "campaign", "reply slip"]
        assert {truth.week for truth in shop.truths} == {shop.weeks[-1]}
        assert shop.quiet_weeks == shop.weeks[:-1]


def test_every_planted_trouble_is_at_least_five_standard_errors(runs: Runs) -> None:
    """What a brief must find is large against a quiet week, by the stated raggedness."""
    for truth in runs[0][0].truths:
        if not truth.consequence:
            assert truth.effect_size is not None
            assert truth.effect_size >= 5, truth.name


def test_the_last_week_is_as_the_truth_says(runs: Runs) -> None:
    """Each figure of the troubled week, counted again, is the stated one within three errors of four times chance."""
    for truth in runs[0][0].truths:
        if truth.troubled is None or truth.n is None:
            continue
        seen = np.mean([figure(counts, truth.about, truth.measure, truth.week) for _, counts, _ in runs])
        n = truth.troubled if truth.measure == "volume" else truth.n
        one = 4 * n if truth.measure == "volume" else 4 * truth.troubled * (1 - truth.troubled) / n
        assert abs(seen - truth.troubled) < 3 * np.sqrt(one / len(runs)), truth


def test_quiet_weeks_are_as_the_truth_says(runs: Runs) -> None:
    """Over the quiet weeks but the first, shares are the stated ones and volumes grow slowly towards them."""
    for truth in runs[0][0].truths:
        if truth.quiet is None:
            continue
        quiet = [
            figure(counts, truth.about, truth.measure, which)
            for shop, counts, _ in runs
            for which in shop.quiet_weeks[1:]
        ]
        expected = truth.quiet * 1.003 ** (-6.5 if truth.measure == "volume" else 0)
        assert truth.n is not None
        one = 4 * truth.n if truth.measure == "volume" else 4 * truth.quiet * (1 - truth.quiet) / truth.n
        assert abs(np.mean(quiet) - expected) < 3 * np.sqrt(one / len(quiet)), truth


def test_the_size_of_an_effect_is_its_distance_over_the_stated_error() -> None:
    """A slip alone: (late with it - late without) / sqrt(dispersion p (1 - p) / n), nothing else.

    The dispersion is that of the two shops, weighed by their orders.
    """
    only = simulate(1, weeks=2, starts=MONDAY, troubles=(CarrierSlip(first_day=MONDAY + timedelta(days=7)),))
    truth = only.truths[0]
    assert truth.quiet is not None
    assert truth.troubled is not None
    assert truth.n is not None
    ours, theirs = CHECKOUTS * COMPLETED, BAZAAR_ORDERS
    dispersion = (ours * DISPERSION["late"] + theirs * DISPERSION["bazaar"]) / (ours + theirs)
    error = (dispersion * truth.quiet * (1 - truth.quiet) / truth.n) ** 0.5
    assert truth.effect_size == pytest.approx((truth.troubled - truth.quiet) / error)


def test_a_trouble_over_two_weeks_is_written_for_each(runs: Runs) -> None:
    """Every week that a trouble touches has its own size, by the days it touches."""
    slip = CarrierSlip(first_day=MONDAY + timedelta(days=11), days=6, carrier="Reiger")
    shop = simulate(1, weeks=4, starts=MONDAY, troubles=(slip,))
    sizes = {truth.week: truth.effect_size for truth in shop.truths if not truth.consequence}
    assert list(sizes) == list(shop.weeks[1:3])
    assert shop.quiet_weeks == (shop.weeks[0], shop.weeks[3])
    assert runs


def test_the_slip_lies_with_its_carrier(runs: Runs) -> None:
    """In the last week the slipping carrier is late with most parcels, the others are as ever."""
    for shop, _, paths in runs:
        late, due = Counter[str](), Counter[str]()
        for row in csv_rows(paths["bazaar"], ","):
            if week(when(row["latest_delivery"])) == shop.weeks[-1] and not row["cancelled_at"]:
                due[row["carrier"]] += 1
                late[row["carrier"]] += not row["delivered_at"] or when(row["delivered_at"]) > when(
                    row["latest_delivery"]
                )
        shares = {carrier: late[carrier] / due[carrier] for carrier in CARRIERS}
        assert shares["Gans"] > 0.5
        assert max(shares["Reiger"], shares["Zwaluw"]) < 0.25


def test_the_break_lies_with_its_browser_and_the_campaign_with_its_visits(runs: Runs) -> None:
    """Of the three days' checkouts few end in Safari, most elsewhere; the campaign completes as others do."""
    for shop, _, paths in runs:
        first = next(truth.first_day for truth in shop.truths if truth.kind == "checkout break")
        started, ended = Counter[str](), Counter[str]()
        brought = Counter[str]()
        for event in [*site_events(paths["site"], '"Checkout '), *site_events(paths["site"], '"Order Completed')]:
            properties = event["properties"]
            assert isinstance(properties, dict)
            if properties.get("campaign") == "bring-a-friend":
                brought[str(event["event"])] += 1
            if first <= when(str(event["timestamp"])).date() <= first + timedelta(days=2):
                started[properties.get("browser", "")] += event["event"] == "Checkout Started"
                ended[properties.get("browser", "")] += event["event"] == "Order Completed"
        assert ended["Safari"] < 0.15 * started["Safari"]
        assert ended["Chrome"] > 0.6 * started["Chrome"]
        assert brought["Checkout Started"] > 400
        assert brought["Order Completed"] > 0.5 * brought["Checkout Started"]


def test_the_truth_is_written_beside_the_files(runs: Runs) -> None:
    """truth.json holds what `truths` holds, days as ISO dates."""
    shop, _, paths = runs[0]
    document = json.loads(paths["truth"].read_text(encoding="utf-8"))
    assert document["seed"] == shop.seed
    assert [entry["effect_size"] for entry in document["truths"]] == [truth.effect_size for truth in shop.truths]
    assert [entry["first_day"] for entry in document["truths"]] == [
        truth.first_day.isoformat() for truth in shop.truths
    ]
