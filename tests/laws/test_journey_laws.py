"""The laws of journeys: one meaning, in batch and live, fast and slow, whole and in pieces."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.laws import journey_laws as laws
from tests.oracles.journey_walks import Meeting, meetings

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
bits = st.integers(0, 2**18 - 1)


@quick
@given(meetings(), bits, bits)
def test_live_agrees_with_batch_with_a_restart_anywhere(meeting: Meeting, restarts: int, ticks: int) -> None:
    """A passage found later is the passage seen as it happened, whatever restarts and ticks came between."""
    laws.check_live(meeting, restarts, ticks)


@quick
@given(meetings())
def test_the_fast_scan_finds_what_the_slow_reference_finds(meeting: Meeting) -> None:
    """Passage for passage, the compiled scan and the plain reading of the page agree, wherever the log is closed."""
    laws.check_reference(meeting)


@quick
@given(meetings(), st.integers(0, 2**31))
def test_the_order_of_arrival_changes_nothing(meeting: Meeting, seed: int) -> None:
    """However late the news, batch finds the same passages, and live takes back and ends where batch is."""
    laws.check_arrival(meeting, seed)


@quick
@given(meetings(), st.lists(st.integers(0, 9), max_size=4))
def test_splitting_the_subjects_changes_nothing(meeting: Meeting, cuts: list[int]) -> None:
    """Any number of buckets give, one after the other, the tables of the whole."""
    laws.check_buckets(meeting, cuts)


@quick
@given(meetings())
def test_a_passage_opens_once_and_ends_at_most_once(meeting: Meeting) -> None:
    """Opened = completed + broken + expired + open; no passage lasts beyond its window or closes before it opened."""
    laws.check_once(meeting)


@quick
@given(meetings())
def test_events_that_match_no_step_change_nothing(meeting: Meeting) -> None:
    """What a journey does not name is invisible to it, unless an arrow asks that nothing lie between."""
    laws.check_unseen(meeting)


@settings(quick, max_examples=80)
@given(meetings())
def test_compiled_and_plain_python_are_one_function(meeting: Meeting) -> None:
    """The kernels give the same numbers whether they were compiled to machine code or not."""
    laws.check_compiled(meeting)
