"""Insights as rows: what changed, since when, where, how often seen, and what to do."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from cxminute.model.errors import BadDefinition
from cxminute.model.tables import INSIGHT, TALLY
from cxminute.synthesis.explain import HISTORY, explain, history
from tests.synthesis.ragged import START, Floats, Shock, count_series, share_series, shop, tallies, week_name

CARRIER = "properties.carrier"
About = tuple[str, str, str, str]


def carriers(seed: int, weeks: int, *, slips: float, sizes: tuple[float, ...] = (400, 400, 400)) -> pa.Table:
    """Deliveries by carriers, of which the last slips in the last week to this share late."""
    chance = np.random.default_rng(seed)
    made: dict[About, tuple[Floats, Floats]] = {}
    for place, size in enumerate(sizes):
        hits, n = share_series(chance, weeks, n=size, p=0.1, dispersion=2)
        if place == len(sizes) - 1:
            hits[-1] = chance.binomial(n[-1].astype(int), slips)
        made["promise delivery", "late", CARRIER, f"carrier {place}"] = (hits, n)
    whole = np.sum([np.stack(pair) for pair in made.values()], axis=0)
    return tallies({("promise delivery", "late", "", ""): (whole[0], whole[1]), **made})


def test_a_slipping_carrier_is_named() -> None:
    """The brief of the week says that more was late, at which carrier, and the command that shows it."""
    found = explain(carriers(1, 14, slips=0.5), week=week_name(13))
    assert found.schema.equals(INSIGHT)
    row = found.to_pylist()[0]
    assert (row["about"], row["measure"], row["direction"], row["good"]) == ("promise delivery", "late", "up", False)
    assert row["where"][0]["value"] == "carrier 2"
    assert row["where"][0]["share"] > 0.8
    assert row["low"] <= row["expected"] <= row["high"] < row["value"]
    assert row["command"] == "cxm promises delivery --by carrier --week 2024-W14"
    assert "carrier 2" in row["action"]
    assert (row["seen"], row["grade"]) == (1, "once")


def test_a_part_that_broke_is_told_though_the_whole_hardly_moved() -> None:
    """One small carrier broke: the whole is no news, the carrier is, and its row says which part it speaks of."""
    found = explain(carriers(2, 16, slips=0.6, sizes=(4000, 4000, 120)), week=week_name(15)).to_pylist()
    assert [row["id"] for row in found] == [f"promise delivery|late|up|{CARRIER}=carrier 2"]
    assert found[0]["value"] == pytest.approx(0.6, abs=0.15)
    assert [part["value"] for part in found[0]["where"]] == ["carrier 2"]


@pytest.mark.parametrize("begins", [0, 2, 4])
def test_it_says_since_which_day(begins: int) -> None:
    """A trouble that began on a Wednesday is dated to it, give or take a day, nine times in ten."""
    near = []
    for seed in range(20):
        table = shop(seed, 14, delivery_late=Shock(13, 12.0, tuple(range(begins, 7))))
        row = next(r for r in explain(table, week=week_name(13)).to_pylist() if r["id"] == "promise delivery|late|up")
        near.append(abs((row["since"] - START).days - 13 * 7 - begins) <= 1)
    assert np.mean(near) >= 0.9


def test_it_begins_in_the_week_before_where_it_did() -> None:
    """A trouble that began on the Saturday before the week is dated to that Saturday or a day beside it."""
    chance = np.random.default_rng(4)
    hits, n = share_series(chance, 14, n=2000)
    for week, day in [(12, 5), (12, 6), *((13, day) for day in range(7))]:
        hits[week, day] = round(0.7 * n[week, day])
    table = tallies({("promise delivery", "late", "", ""): (hits, n)})
    since = explain(table, week=week_name(13)).to_pylist()[0]["since"]
    assert abs((since - (START + timedelta(days=12 * 7 + 5))).days) <= 1


def test_seen_again_is_counted() -> None:
    """The third independent time is a trend; the second a pattern; two weeks on end are still one time."""
    chance = np.random.default_rng(7)
    hits, n = share_series(chance, 30, n=2000)
    for week in (10, 11, 18, 26):
        hits[week] = np.round(0.65 * n[week])
    table = tallies({("promise delivery", "late", "", ""): (hits, n)})
    said = {week: explain(table, week=week_name(week)).to_pylist()[0] for week in (10, 11, 18, 26)}
    assert [(said[week]["seen"], said[week]["grade"]) for week in (10, 11, 18, 26)] == [
        (1, "once"),
        (1, "once"),
        (2, "pattern"),
        (3, "trend"),
    ]
    assert len({row["id"] for row in said.values()}) == 1


def test_a_week_in_its_midst_is_compared_with_like_days() -> None:
    """On a Wednesday evening a normal week is no collapse: its three days are compared with the same three before."""
    table = shop(1, 14)
    cut = START + timedelta(weeks=13, days=3)
    midweek = table.filter([day < cut for day in table["day"].to_pylist()])
    assert explain(midweek, week=week_name(13)).num_rows == 0
    row = next(r for r in history(midweek, week=week_name(13)).to_pylist()[::-1] if r["measure"] == "volume")
    assert 0.3 < row["value"] / 1000 < 0.7
    assert row["low"] < row["value"] < row["high"]


def test_silence_of_a_source_is_news() -> None:
    """Where nothing comes any more, the count of zero is the news."""
    table = shop(2, 14)
    monday = START + timedelta(weeks=13)
    gone = table.filter(
        [
            not (day >= monday and about == "journey checkout")
            for day, about in zip(table["day"].to_pylist(), table["about"].to_pylist(), strict=True)
        ]
    )
    rows = {row["id"]: row for row in explain(gone, week=week_name(13)).to_pylist()}
    assert rows["journey checkout|volume|down"]["value"] == 0


def test_a_week_that_the_log_begins_in_is_no_history() -> None:
    """Half a week at the start of the log is left out, not taken for a bad week."""
    told = history(shop(1, 8), week=week_name(7), first_day=START + timedelta(days=3))
    assert min(told["monday"].to_pylist()) == START + timedelta(weeks=1)
    assert told.schema.equals(HISTORY)


def test_strongest_first_and_once_each() -> None:
    """Insights come strongest first, and none is told twice."""
    table = shop(3, 14, delivery_late=Shock(13, 7), reply_late=Shock(13, 12), checkout_volume=Shock(13, -9))
    rows = explain(table, week=week_name(13)).to_pylist()
    assert {row["id"] for row in rows} >= {
        "promise delivery|late|up",
        "promise reply|late|up",
        "journey checkout|volume|down",
    }
    assert all(left["strength"] >= right["strength"] for left, right in pairwise(rows))
    assert len({row["id"] for row in rows}) == len(rows)


def test_without_tallies_there_is_no_news() -> None:
    """An empty log, a week before it and a week after it have no insights, and are no error."""
    empty = TALLY.empty_table()
    assert explain(empty, week="2024-W10").num_rows == 0
    assert history(empty, week="2024-W10").num_rows == 0
    assert explain(shop(1, 5), week="2019-W10").num_rows == 0
    assert explain(shop(1, 5), week="2030-W10").num_rows == 0


def test_a_week_must_be_one() -> None:
    """'last week' is not an ISO week, and that is said."""
    with pytest.raises(BadDefinition, match="ISO week"):
        explain(shop(1, 5), week="last week")


def test_order_of_tallies_does_not_matter() -> None:
    """Rows in another order, or one day's rows in two halves, say the same."""
    table = shop(5, 14, delivery_late=Shock(13, 9))
    halves = table.set_column(5, TALLY.field("hits"), pa.array([hits / 2 for hits in table["hits"].to_pylist()]))
    halves = halves.set_column(6, TALLY.field("n"), pa.array([n / 2 for n in table["n"].to_pylist()]))
    twice = pa.concat_tables([halves, halves]).take(np.random.default_rng(1).permutation(2 * table.num_rows))
    assert explain(twice, week=week_name(13)).to_pylist() == explain(table, week=week_name(13)).to_pylist()


def test_names_are_quoted_for_the_shell() -> None:
    """A name with a space or a sign of the shell can be pasted and runs as it stands."""
    chance = np.random.default_rng(7)
    hits, n = share_series(chance, 14, n=2000)
    hits[-1] = np.round(0.8 * n[-1])
    table = tallies({("promise next day; rm", "late", "", ""): (hits, n)})
    assert "cxm promises 'next day; rm' --week" in explain(table, week=week_name(13)).to_pylist()[0]["command"]


def test_days_of_count_troubles_are_found() -> None:
    """A count that fell from Thursday on is dated to Thursday, give or take a day."""
    chance = np.random.default_rng(11)
    counts, _ = count_series(chance, 14, mean=3000, dispersion=2)
    counts[-1, 3:] = np.round(counts[-1, 3:] * 0.4)
    table = tallies({("journey checkout", "volume", "", ""): (counts, counts)})
    since = explain(table, week=week_name(13)).to_pylist()[0]["since"]
    assert abs((since - date(2024, 4, 4)).days) <= 1
