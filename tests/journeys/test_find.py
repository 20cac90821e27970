"""The passages of a bucket as a table."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from cxminute.journeys.find import find
from cxminute.journeys.language import journey
from cxminute.journeys.plan import compile_plan
from cxminute.model.tables import PASSAGE, WORD
from cxminute.model.times import DAY, to_ms
from tests.oracles.streams import Happened, ListStreams


def _rows(table: pa.Table, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(_plain(row[column]) for column in columns) for row in table.to_pylist()]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return to_ms(value) if hasattr(value, "tzinfo") else value


def _walk(names: str, **times: Any) -> ListStreams:
    """One subject's events, a millisecond apart from 0 on, or at the times given."""
    at = times.get("at", range(len(names)))
    return ListStreams([Happened(1, time, name) for time, name in zip(at, names, strict=True)])


def _endings(
    pattern: str, names: str, *, closes_at: int = 10**6, at: Any = None, **words: Any
) -> list[tuple[Any, ...]]:
    words.setdefault("window", "1 second")
    streams = _walk(names, at=at) if at is not None else _walk(names)
    table = find(compile_plan(journey(pattern, **words)), streams, opens_at=0, closes_at=closes_at)
    return _rows(table, "opened_at", "closed_at", "ending")


def test_an_answer_in_the_promised_millisecond_is_in_time() -> None:
    """`within` and `window` are inclusive: on the millisecond is kept, one later is expired at the deadline."""
    within = "A -> B within 2 seconds"
    assert _endings(within, "AB", at=(0, 2_000), window="1 day") == [(0, 2_000, "completed")]
    assert _endings(within, "AB", at=(0, 2_001), window="1 day") == [(0, 2_000, "expired")]
    assert _endings("A -> B", "AB", at=(0, 1_000)) == [(0, 1_000, "completed")]
    assert _endings("A -> B", "AB", at=(0, 1_001)) == [(0, 1_000, "expired")]


def test_the_log_closes_and_what_could_still_come_is_open() -> None:
    """On the deadline itself a passage is still open, a millisecond after it has expired; later events are not seen."""
    assert _endings("A -> B", "A", closes_at=1_000) == [(0, None, "open")]
    assert _endings("A -> B", "A", closes_at=1_001) == [(0, 1_000, "expired")]
    assert _endings("A -> B", "AB", closes_at=0) == [(0, None, "open")]
    assert _endings("A -> B", "AB", closes_at=1) == [(0, 1, "completed")]


def test_starting_over_counts_within_afresh_but_not_the_window() -> None:
    """A first step again renews the time of the next; when the passage opened stays."""
    pattern = "A -> B within 2 seconds"
    assert _endings(pattern, "AAB", at=(0, 1_500, 3_400), window="4 seconds") == [(0, 3_400, "completed")]
    assert _endings(pattern, "AAB", at=(0, 1_500, 3_400), window="3 seconds") == [(0, 3_000, "expired")]


def test_reentry_says_when_another_may_open() -> None:
    """'once': one ever; 'after exit': one at a time; 'always': one for each first step."""
    names, at = "AABAB", (0, 1, 2, 3, 4)
    opened = {
        reentry: [row[0] for row in _endings("A -> B", names, at=at, reentry=reentry)]
        for reentry in ("once", "after exit", "always")
    }
    assert opened == {"once": [0], "after exit": [0, 3], "always": [0, 1, 3]}


def test_what_completes_one_opens_none_in_its_place() -> None:
    """Where first and last step are the same event, it ends a passage and opens the next only under 'always'."""
    assert _endings("A -> A", "AAA") == [(0, 1, "completed"), (2, 1_002, "expired")]
    always = _endings("A -> A", "AAA", reentry="always")
    assert always == [(0, 1, "completed"), (1, 2, "completed"), (2, 1_002, "expired")]


def test_what_breaks_one_may_open_the_next() -> None:
    """An `unless` event that is a first step ends a passage as broken and opens another."""
    assert _endings("A -> B", "AAB", unless=("A",)) == [(0, 1, "broken"), (1, 2, "completed")]


def test_a_single_step_completes_as_it_opens() -> None:
    """A pattern of one step is a passage of no length."""
    assert _endings("A", "AA") == [(0, 0, "completed"), (1, 1, "completed")]


def test_no_event_serves_one_way_twice() -> None:
    """The same step twice needs two events, also at one and the same time."""
    assert _endings("A -> B -> B", "AB", closes_at=5) == [(0, None, "open")]
    assert _endings("A -> B -> B", "ABB", at=(0, 1, 1)) == [(0, 1, "completed")]


def test_a_guard_breaks_what_has_no_other_way() -> None:
    """`without` cuts the way on; with no live way left the passage is broken, until its origin comes again."""
    assert _endings("A -> B without C", "ACB") == [(0, 1, "broken")]
    assert _endings("A -> B -> D without C", "ABCBD") == [(0, 4, "completed")]


def test_after_waits_from_the_first_time() -> None:
    """`after` is inclusive and counts from the first time, however often its origin comes again."""
    assert _endings("A -> B after 3 seconds", "AAB", at=(0, 2_000, 3_000), window="1 day") == [(0, 3_000, "completed")]
    early = _endings("A -> B after 3 seconds", "AAB", at=(0, 2_000, 2_999), window="1 day")
    assert early == [(0, None, "open")]


def test_sources_without_a_permit_match_nothing() -> None:
    """Events of a source that the purpose does not cover are there, but no step sees them."""
    events = [Happened(1, 0, "A"), Happened(1, 1, "B", source="market")]
    plan = compile_plan(journey("A -> B", window="1 second"))
    told = [
        find(plan, ListStreams(events, refused=refused), opens_at=0, closes_at=5)["ending"].to_pylist()
        for refused in (frozenset[str](), frozenset({"market"}), frozenset({"shop"}))
    ]
    assert told == [["completed"], ["open"], []]


def test_the_table_is_the_declared_one_with_dimensions_as_text() -> None:
    """Columns are those of model.tables.PASSAGE; dimensions of the opening event stand beside as text, or null."""
    events = [
        Happened(7, DAY, "A", {"properties.n": 3.0, "properties.yes": True}),
        Happened(7, DAY + 5, "B", {"properties.channel": "phone"}),
        Happened(3, 3 * DAY, "A", {"properties.n": 2.5, "properties.channel": "web"}),
    ]
    paths = ("properties.channel", "properties.n", "properties.yes", "source", "never")
    plan = compile_plan(journey("a: A -> B", window="1 day", name="j"))
    table = find(plan, ListStreams(events, subjects=[1, 9]), opens_at=DAY, closes_at=3 * DAY, dimensions=paths)
    table.validate(full=True)
    assert table.schema.names == [*PASSAGE.names, *paths]
    assert table.schema.types == [*PASSAGE.types, *[WORD] * len(paths)]
    assert _rows(table, "journey", "subject", "ending", "deepest", "reached_at", "left_truncated", "plan", *paths) == [
        ("j", 3, "open", 1, [3 * DAY, None], False, plan.hash, "web", "2.5", None, "shop", None),
        ("j", 7, "completed", 2, [DAY, DAY + 5], True, plan.hash, None, "3", "true", "shop", None),
    ]


def test_an_empty_bucket_gives_an_empty_table() -> None:
    """No subjects, or none with a first step: no rows, the same columns."""
    plan = compile_plan(journey("A -> B", window="1 day"))
    for streams in (ListStreams([]), ListStreams([], subjects=[1, 2]), _walk("BB")):
        table = find(plan, streams, opens_at=0, closes_at=9, dimensions=("name",))
        assert table.num_rows == 0
        assert table.schema.names == [*PASSAGE.names, "name"]


def test_many_open_at_once_are_all_kept() -> None:
    """Under 'always' a hundred first steps are a hundred passages, and one last step completes them all."""
    rows = _endings("A -> B", "A" * 100 + "B", reentry="always")
    assert rows == [(opened, 100, "completed") for opened in range(100)]


def test_a_wait_may_be_longer_than_the_limit_where_the_step_before_comes_again() -> None:
    """`after` counts from the first time and `within` from the last: who comes back every day may buy on the fourth."""
    plan = compile_plan(journey("A -> B within 0.002 seconds after 0.004 seconds", window="1 second"))
    streams = _walk("AAAB", at=[0, 2, 4, 5])
    assert find(plan, streams, opens_at=0, closes_at=9)["ending"].to_pylist() == ["completed"]
    early = _walk("AAB", at=[0, 2, 3])
    assert find(plan, early, opens_at=0, closes_at=9)["ending"].to_pylist() == ["expired"]
