"""Completion over time: shares by each ending, honest about what is still open."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.journeys.analyses import incidence, likeness
from cxminute.journeys.analyses.curves import curve, medians
from cxminute.journeys.analyses.likeness import Seen, inflation
from cxminute.model.errors import UnknownName
from cxminute.model.tables import ENDINGS, MOMENT, WORD
from cxminute.model.times import DAY

Told = list[tuple[int, str]]
"""How long each passage was seen, and how it ended."""

CLOSES = 10**9
LEUKAEMIA = [6, 6, 6, 7, 10, 13, 16, 22, 23]
SEEN_UNTIL = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks to relapse under 6-MP, and weeks of those without a relapse: Freireich and others (1963)."""

INNER = {"tied": "tied", "step_on": "step", "variance": "variance", "cross": "cross"}
"""The kernels that the kernel calls, and their own Python."""

seen = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(ENDINGS)), min_size=1, max_size=25)


def _passages(told: Told, values: list[str] | None = None, subjects: list[int] | None = None) -> pa.Table:
    opened = pa.array([CLOSES - took for took, _ in told], pa.int64())
    ended = [None if ending == "open" else CLOSES for _, ending in told]
    columns = {
        "subject": pa.array(subjects or list(range(len(told))), pa.int64()),
        "opened_at": opened.cast(MOMENT),
        "closed_at": pa.array(ended, pa.int64()).cast(MOMENT),
        "ending": pa.array([ending for _, ending in told], pa.string()).cast(WORD),
    }
    return pa.table({**columns, "channel": pa.array(values or ["web"] * len(told))})


def _slowly(told: Told) -> dict[int, dict[str, tuple[Fraction, Fraction]]]:
    """By time the share and its variance of each ending, as sums over all times before, in exact fractions."""
    times = sorted({took for took, ending in told if ending != "open"})
    risk = {t: sum(took >= t for took, _ in told) for t in times}
    left, before, shares = Fraction(1), {}, {ending: {-1: Fraction(0)} for ending in ENDINGS[:3]}
    ends = {t: {ending: sum(one == (t, ending) for one in told) for ending in ENDINGS[:3]} for t in times}
    last = -1
    for t in times:
        before[t] = left
        for ending in ENDINGS[:3]:
            shares[ending][t] = shares[ending][last] + left * ends[t][ending] / risk[t]
        left *= 1 - Fraction(sum(ends[t].values()), risk[t])
        last = t
    found: dict[int, dict[str, tuple[Fraction, Fraction]]] = {}
    for now in times:
        found[now] = {}
        for ending in ENDINGS[:3]:
            variance = Fraction(0)
            for t in (t for t in times if t <= now):
                n, d, own = risk[t], sum(ends[t].values()), ends[t][ending]
                further = shares[ending][now] - shares[ending][t]
                variance += further**2 * Fraction(d, n * (n - d)) if n > d else 0
                variance += before[t] ** 2 * Fraction(own * (n - own), n**3)
                variance -= 2 * further * before[t] * Fraction(own, n**2)
            found[now][ending] = (shares[ending][now], variance)
    return found


@given(seen)
@settings(max_examples=200, deadline=None)
def test_the_curve_is_what_the_definition_gives(told: Told) -> None:
    """Shares and variances are those of a slow sum in exact fractions, and with what is left make one."""
    rows = {row["at_ms"]: row for row in curve(_passages(told), closes_at=CLOSES).to_pylist()}
    keys = np.sort(np.array([took * 4 + ENDINGS.index(ending) for took, ending in told]))
    for at, by_ending in _slowly(told).items():
        state, _ = incidence.incidence(keys, np.array([at]), 1.0, 1.96)
        for kind, (ending, (share, variance)) in enumerate(by_ending.items()):
            assert rows[at][ending] == pytest.approx(float(share), abs=1e-12)
            assert state[0, incidence.VARIANCE + kind] == pytest.approx(float(variance), abs=1e-12)
            assert 0 <= rows[at][f"{ending}_low"] <= rows[at][ending] + 1e-12
            assert rows[at][ending] - 1e-12 <= rows[at][f"{ending}_high"] <= 1
    for at, row in rows.items():
        assert row["at_risk"] == sum(took >= at for took, _ in told)
        assert sum(row[ending] for ending in ENDINGS[:3]) + row["left"] == pytest.approx(1)


@given(seen)
@settings(deadline=None)
def test_compiled_and_plain_are_one(told: Told) -> None:
    """The kernel and its Python give the same, to the rounding of a processor."""
    keys = np.sort(np.array([took * 4 + ENDINGS.index(ending) for took, ending in told]))
    asked = (keys, np.arange(10), 0.5, 1.96)
    with patch.multiple(incidence, **{name: getattr(incidence, f"_{own}") for name, own in INNER.items()}):
        plainly = incidence._incidence(*asked)  # noqa: SLF001 -- the kernel's own Python
    for compiled, plain in zip(incidence.incidence(*asked), plainly, strict=True):
        assert compiled == pytest.approx(plain)


def test_with_one_ending_it_is_the_curve_of_kaplan_and_meier() -> None:
    """Published figures of a published trial: share without relapse and its standard error; median and its bounds."""
    told = [(week, "completed") for week in LEUKAEMIA] + [(week, "open") for week in SEEN_UNTIL]
    keys = np.sort(np.array([week * 4 + ENDINGS.index(ending) for week, ending in told]))
    published = {6: (0.857, 0.0764), 7: (0.807, 0.0869), 10: (0.753, 0.0963), 13: (0.690, 0.1068), 23: (0.448, 0.1346)}
    state, _ = incidence.incidence(keys, np.array(list(published)), 1.0, 1.96)
    for row, (share, error) in zip(state, published.values(), strict=True):
        assert row[incidence.LEFT] == pytest.approx(share, abs=6e-4)
        assert math.sqrt(row[incidence.VARIANCE]) == pytest.approx(error, abs=6e-5)
    [half] = medians(_passages(told), closes_at=CLOSES).to_pylist()
    assert half == {"passages": 21, "completed": 9, "median_ms": 23, "low_ms": 13, "high_ms": None}


def test_a_small_case_by_hand() -> None:
    """Four passages: completed after 1, broken after 2, open since 3, completed after 4."""
    told = [(1, "completed"), (2, "broken"), (3, "open"), (4, "completed")]
    rows = curve(_passages(told), closes_at=CLOSES).to_pylist()
    shown = [
        (row["at_ms"], row["at_risk"], row["completed"], row["broken"], row["expired"], row["left"]) for row in rows
    ]
    assert shown == [
        (0, 4, 0, 0, 0, 1),
        (1, 4, 0.25, 0, 0, 0.75),
        (2, 3, 0.25, 0.25, 0, 0.5),
        (3, 2, 0.25, 0.25, 0, 0.5),
        (4, 1, 0.75, 0.25, 0, 0),
    ]
    # One of four: log(-log) bounds around a quarter with standard error sqrt(3/64).
    power = math.exp(1.959963984540054 * math.sqrt(3 / 64) / (0.25 * math.log(4)))
    assert (rows[1]["completed_low"], rows[1]["completed_high"]) == pytest.approx((0.25**power, 0.25 ** (1 / power)))
    assert (rows[0]["completed_low"], rows[0]["completed_high"]) == pytest.approx((0, 1 - 0.025**0.25))


def test_without_open_passages_it_is_the_plain_share() -> None:
    """All of a window's endings known, the last share of completed is completed over all, as in any table."""
    told = [(day * DAY, ending) for day, ending in [(1, "completed"), (2, "broken"), (14, "expired"), (14, "expired")]]
    [*_, last] = curve(_passages(told), closes_at=CLOSES).to_pylist()
    assert (last["completed"], last["broken"], last["expired"], last["left"]) == (0.25, 0.25, 0.5, 0)
    [half] = medians(_passages(told), closes_at=CLOSES).to_pylist()
    assert half["median_ms"] is None  # half of them never complete


def test_a_long_curve_is_thinned_without_being_changed() -> None:
    """Fewer rows are the same estimates at fewer times, the first and the last among them."""
    random = np.random.default_rng(5)
    told = [
        (int(took), str(ending))
        for took, ending in zip(random.integers(0, 5_000, 3_000), random.choice(ENDINGS, 3_000), strict=True)
    ]  # fmt: skip -- one draw
    whole = {row["at_ms"]: row for row in curve(_passages(told), closes_at=CLOSES, points=100_000).to_pylist()}
    thin = curve(_passages(told), closes_at=CLOSES, points=50).to_pylist()
    assert len(thin) <= 52 < len(whole)
    assert all(row == whole[row["at_ms"]] for row in thin)
    assert thin[-1]["at_ms"] == max(whole)


def test_a_dimension_gives_each_value_its_curve() -> None:
    """The largest group first; a dimension that is not there is told with what is."""
    told = [(1, "completed"), (2, "broken"), (1, "completed")]
    found = medians(_passages(told, ["web", "web", "phone"]), closes_at=CLOSES, by="channel").to_pylist()
    assert [(row["value"], row["passages"], row["median_ms"]) for row in found] == [("web", 2, 1), ("phone", 1, 1)]
    curves = curve(_passages(told, ["web", "web", "phone"]), closes_at=CLOSES, by="channel")
    assert set(curves["value"].to_pylist()) == {"web", "phone"}
    with pytest.raises(UnknownName, match="channel"):
        curve(_passages(told), closes_at=CLOSES, by="chanel")


def test_passages_of_one_subject_are_no_news_of_another() -> None:
    """Passages told three times, of the same subjects, leave the bounds as they are; of others, they narrow them."""
    random = np.random.default_rng(2)
    times, ends = random.integers(0, 50, 400), random.choice(ENDINGS, 400)
    told = [(int(took), str(ending)) for took, ending in zip(times, ends, strict=True)]
    once = curve(_passages(told), closes_at=CLOSES).to_pylist()
    thrice = curve(_passages(told * 3, subjects=[*range(400)] * 3), closes_at=CLOSES).to_pylist()
    apart = curve(_passages(told * 3), closes_at=CLOSES).to_pylist()
    for one, three, other in zip(once[10:45], thrice[10:45], apart[10:45], strict=True):
        assert three["completed"] == pytest.approx(one["completed"])
        wide, same, narrow = (row["completed_high"] - row["completed_low"] for row in (one, three, other))
        assert same == pytest.approx(wide, rel=0.02)
        assert narrow == pytest.approx(wide / math.sqrt(3), rel=0.05)
    half = [(took, "completed") for took, _ in told]
    narrow_low, wide_low = (
        medians(_passages(half * 3, subjects=subjects), closes_at=CLOSES).to_pylist()[0]["low_ms"]
        for subjects in (None, [*range(400)] * 3)
    )
    assert wide_low <= narrow_low


def _alike(subjects: np.ndarray[Any, Any], days: np.ndarray[Any, Any], took: np.ndarray[Any, Any]) -> Any:
    """The inflation of completions at three times, of passages that all complete."""
    seen = Seen(np.sort(took * 4), took, np.zeros(len(took), np.int64), subjects, days)
    moments = np.arange(0, 1_001, 10)
    told, _ = incidence.incidence(seen.keys, moments, 1.0, 1.96)
    return inflation(seen, moments, told)[[25, 50, 75], 0]


def test_days_and_subjects_widen_by_what_they_have_in_common() -> None:
    """Four passages of a subject that are all alike weigh as one; so do a hundred of a day; in any order of rows."""
    random = np.random.default_rng(6)
    person, day = np.arange(20_000) // 4, np.arange(20_000) // 100
    of_person, of_day = random.integers(0, 1_000, 5_000)[person], random.integers(0, 1_000, 200)[day]
    alone, same_day = np.arange(20_000), np.zeros(20_000, np.int64)
    assert _alike(person, same_day, of_person) == pytest.approx(4, rel=0.05)
    assert _alike(alone, day, of_day) == pytest.approx(100, rel=0.05)
    assert _alike(alone, same_day, of_day) == pytest.approx(1)
    mixed = random.permutation(20_000)
    assert _alike(person[mixed], day[mixed], of_day[mixed]) == pytest.approx(_alike(person, day, of_day))
    few = slice(0, 300)
    cells, table = np.arange(300) % 7, random.normal(size=(7, 3))
    asked = (cells, person[few], day[few], table)
    assert likeness.squares(*asked) == pytest.approx(likeness._squares(*asked))  # noqa: SLF001 -- the kernel's own Python


@given(seen)
@settings(deadline=None, max_examples=25)
def test_influences_are_what_leaving_a_passage_out_does(told: Told) -> None:
    """A passage's influence on a share is what one more of its kind among very many changes."""
    took, endings = np.array([one[0] for one in told]), np.array([ENDINGS.index(one[1]) for one in told])
    copies = 1_000
    times = np.unique(took)
    keys = np.sort(np.repeat(took * 4 + endings, copies))
    state, _ = incidence.incidence(keys, times, 1.0, 1.96)
    for knot in range(len(times)):
        influence = likeness.influences(state.T, knot, 0)[np.searchsorted(times, took), endings]
        for passage in range(len(told)):
            more = np.sort(np.append(keys, took[passage] * 4 + endings[passage]))
            moved, _ = incidence.incidence(more, times[knot : knot + 1], 1.0, 1.96)
            change = moved[0, incidence.SHARE] - state[knot, incidence.SHARE]
            assert influence[passage] == pytest.approx(change, abs=5e-6)


def test_no_passage_no_curve() -> None:
    """The table has its columns and no row, split or not."""
    nothing: Any = _passages([(1, "open")]).slice(1)
    assert curve(nothing, closes_at=CLOSES).num_rows == 0
    assert curve(nothing, closes_at=CLOSES, by="channel").column_names[0] == "value"
    assert medians(nothing, closes_at=CLOSES).num_rows == 0


def test_intervals_hold_what_they_promise() -> None:
    """Of two hundred samples about 95 in a hundred intervals hold the truth, open passages and all."""
    random = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        took = random.exponential(10.0, 150)
        kind = random.random(150) < 0.6
        until = random.uniform(2.0, 30.0, 150)
        told = [
            (int(min(a, b) * 1_000), ("completed" if k else "broken") if a <= b else "open")
            for a, b, k in zip(took, until, kind, strict=True)
        ]
        rows = [
            row for row in curve(_passages(told), closes_at=CLOSES, points=4_000).to_pylist() if row["at_ms"] <= 8_000
        ]
        held += rows[-1]["completed_low"] <= 0.6 * (1 - math.exp(-0.8)) <= rows[-1]["completed_high"]
    assert 182 <= held <= 198
