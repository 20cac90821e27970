"""When an event happened: by the server's clock, whatever the client's says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.calls.moment import corrected
from cxminute.model.times import from_ms
from tests.collect.sent import RECEIVED, batch, call, events, track, website, without

TEN_YEARS = 10 * 366 * 86_400_000
clocks = st.integers(-TEN_YEARS, TEN_YEARS)


def iso(milliseconds: int) -> str:
    """A moment as clients write it."""
    return from_ms(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def at(item: dict[str, Any], received_at: int = RECEIVED, **around: Any) -> int:
    """When an item happened."""
    [found] = events(call(batch(item, **around), received_at=received_at))
    moment: int = found["at"]
    return moment


@settings(deadline=None)
@given(clocks, st.integers(0, 86_400_000), st.integers(0, 60_000), st.sampled_from(["timestamp", "originalTimestamp"]))
def test_a_clients_clock_does_not_matter(off: int, before: int, travelled: int, key: str) -> None:
    """Off by minutes or by ten years, forward or back: the event is at the same moment, as far as it travelled."""
    sent = RECEIVED - travelled
    item = without(track(**{key: iso(sent - before + off)}), *(["timestamp"] if key != "timestamp" else []))
    assert at(item, sentAt=iso(sent + off)) == RECEIVED - before
    assert at({**item, "sentAt": iso(sent + off)}) == RECEIVED - before


@given(st.none() | clocks, st.none() | clocks, clocks)
def test_no_event_is_ever_in_the_future(original: int | None, sent: int | None, off: int) -> None:
    """Whatever the clocks say, an event happened when it was received or before."""
    received = RECEIVED + off
    moment = corrected(original and RECEIVED + original, sent and RECEIVED + sent, received)
    assert moment <= received


def test_without_a_time_of_sending_nothing_is_corrected() -> None:
    """Nothing is known then of the client's clock; and a time that cannot be read is none."""
    assert at(track(timestamp=iso(RECEIVED - 5_000))) == RECEIVED - 5_000
    assert at(track(timestamp=iso(RECEIVED - 5_000)), sentAt="soon") == RECEIVED - 5_000
    assert at(track(timestamp=iso(RECEIVED - 5_000)), sentAt=17) == RECEIVED - 5_000
    assert at(track(timestamp=iso(RECEIVED + 5_000))) == RECEIVED


def test_without_a_time_of_its_own_an_event_happened_when_it_was_received() -> None:
    """As for clients that leave the time to the server."""
    assert at(without(track(), "timestamp")) == RECEIVED
    assert at(without(track(), "timestamp"), sentAt=iso(RECEIVED + TEN_YEARS)) == RECEIVED
    assert at(track(timestamp="")) == at(track(timestamp=None)) == RECEIVED


def test_a_supplied_time_goes_before_that_of_the_call() -> None:
    """rudder-sdk-node sends both where its caller says when it happened; both stay with the event."""
    item = track(timestamp=iso(RECEIVED - 9_000), originalTimestamp=iso(RECEIVED - 1_000), sentAt=iso(RECEIVED))
    [found] = events(call(batch(item)))
    assert found["at"] == RECEIVED - 9_000
    assert (found["timestamp"], found["originalTimestamp"]) == (iso(RECEIVED - 9_000), iso(RECEIVED - 1_000))


def test_an_items_own_time_of_sending_goes_before_that_of_its_batch() -> None:
    """It was read off the same clock as the item's other times."""
    item = track(timestamp=iso(RECEIVED - TEN_YEARS - 500), sentAt=iso(RECEIVED - TEN_YEARS))
    assert at(item, sentAt=iso(RECEIVED)) == RECEIVED - 500


@pytest.mark.parametrize(
    "said",
    [
        "2026-11-22T11:59:59.250Z",
        "2026-11-22T11:59:59.250999+00:00",
        "2026-11-22T13:59:59.250+02:00",
        "2026-11-22T05:29:59.250-0630",
        "2026-11-22t11:59:59.250z",
        " 2026-11-22 11:59:59.25Z ",
        "2026-11-22T11:59:59.250",
    ],
)
def test_times_are_read_as_clients_write_them(said: str) -> None:
    """With 3 or 6 digits of a second, Z or an offset; without either, by the clock of the source's zone."""
    assert at(track(timestamp=said)) == RECEIVED - 750


def test_a_time_without_an_offset_is_of_the_sources_zone() -> None:
    """As in files: a clock on the wall there."""
    sent = call(batch(track(timestamp="2026-07-01T12:00:00")))
    [found] = events(sent, source=website('zone = "Europe/Berlin"'))
    assert from_ms(found["at"]) == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_times_that_posthog_calls_historical_are_left_as_they_are() -> None:
    """An import says when things happened; the moment of sending it tells nothing of that."""
    item = {"event": "e", "distinct_id": "d", "timestamp": iso(RECEIVED - TEN_YEARS)}
    around = {"api_key": "k", "sent_at": iso(RECEIVED + 9_000)}
    [plain] = events(call(batch(item, **around)))
    [historical] = events(call(batch(item, historical_migration=True, **around)))
    assert plain["at"] == RECEIVED - TEN_YEARS - 9_000
    assert historical["at"] == RECEIVED - TEN_YEARS
