"""How far a stream is pulled: what the mark says is in the log, and what an interruption leaves."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.pulls.asking import Page
from cxminute.collect.pulls.cursor import Cursor, Run, again, begun, dated, onward, read, written
from cxminute.model.times import DAY, HOUR, MINUTE

NOON = 20_500 * DAY + 12 * HOUR


def page(newest: int | None, place: str = "", until: int | None = None) -> Page:
    """A page of one record, last changed then."""
    return Page(b"{}", 0 if newest is None else 1, newest, place, until)


def mark_of(cursor: Cursor) -> int:
    """The mark, which is there."""
    assert cursor.mark is not None
    return cursor.mark


def test_a_first_run_begins_where_it_is_told() -> None:
    """A stream that was never pulled begins at its first moment, and a later run at the mark less the overlap."""
    first = begun(Cursor(), NOON - DAY, 10 * MINUTE, NOON)
    assert first.run == Run(NOON - DAY, NOON)
    done = onward(first, page(NOON - HOUR))
    assert done == Cursor(NOON - HOUR)
    second = begun(done, 0, 10 * MINUTE, NOON + DAY)
    assert second.run == Run(NOON - HOUR - 10 * MINUTE, NOON + DAY)


def test_an_interrupted_run_goes_on() -> None:
    """A run whose last page was not seen goes on at its place, with the time at which it began."""
    cursor = onward(begun(Cursor(), NOON - DAY, 0, NOON), page(NOON - HOUR, "2"))
    later = begun(read(written(cursor)), 0, 0, NOON + DAY)
    assert later == cursor
    assert later.run == Run(NOON - DAY, NOON, NOON - HOUR, "2", 1)
    assert later.mark is None, "nothing is whole before the last page"


def test_what_changes_during_a_run_is_the_next_ones() -> None:
    """The mark stays at the time at which the run began, by the earlier of both clocks, whatever newer it has seen."""
    cursor = dated(begun(Cursor(), NOON - DAY, 0, NOON + HOUR), NOON)
    assert onward(cursor, page(NOON + MINUTE)).mark == NOON
    assert onward(cursor, page(NOON + MINUTE, until=NOON - MINUTE)).mark == NOON - MINUTE


def test_a_mark_never_goes_back() -> None:
    """A run from an earlier moment, begun by hand, leaves the mark where it was, or moves it on."""
    cursor = Cursor(NOON)
    by_hand = begun(cursor, 0, MINUTE, NOON + DAY, since=NOON - 7 * DAY)
    assert by_hand.run == Run(NOON - 7 * DAY, NOON + DAY)
    assert onward(by_hand, page(NOON - 2 * DAY)).mark == NOON
    assert onward(by_hand, page(NOON + HOUR)).mark == NOON + HOUR


def test_a_run_by_hand_leaves_no_gap() -> None:
    """A run that begins after the mark does not move it: what lies between was never asked for."""
    by_hand = begun(Cursor(NOON), 0, MINUTE, NOON + 9 * DAY, since=NOON + 7 * DAY)
    assert onward(by_hand, page(NOON + 8 * DAY)).mark == NOON


def test_a_place_that_expired_is_forgotten_alone() -> None:
    """A run whose place means nothing any more starts at its first page, over the same span."""
    cursor = onward(begun(Cursor(), NOON - DAY, 0, NOON), page(NOON - HOUR, "gone"))
    assert again(cursor).run == Run(NOON - DAY, NOON, NOON - HOUR, "", 1)


def test_a_place_is_of_pages_of_one_size() -> None:
    """A run that was interrupted while pages were of another size starts at its first page, over the same span."""
    cursor = onward(begun(Cursor(), NOON - DAY, 0, NOON, size=4), page(NOON - HOUR, "2"))
    assert begun(cursor, 0, 0, NOON + DAY, size=4) == cursor
    assert begun(cursor, 0, 0, NOON + DAY, size=9).run == Run(NOON - DAY, NOON, NOON - HOUR, "", 1, 9)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 12), overlap=st.integers(0, 30))
def test_no_change_is_ever_missed(seed: int, size: int, overlap: int) -> None:
    """Orders that stand as they were made, by pages, changing and interrupted: in the end each is as it is."""
    chance = random.Random(seed)  # noqa: S311 -- what happens when, not a secret
    now, cursor = 1_000, Cursor()
    changed = {number: (chance.randint(0, now), 0) for number in range(size)}
    seen: dict[int, int] = {}

    def pulls(*, quiet: bool) -> None:
        nonlocal now, cursor
        now += 1
        cursor = begun(cursor, 0, overlap, now)
        while cursor.run is not None:
            run, offset = cursor.run, int(cursor.run.place or 0)
            found = [number for number, (at, _) in sorted(changed.items()) if at >= run.since]
            some = found[offset : offset + 3]
            seen.update((number, changed[number][1]) for number in some)
            newest = max((changed[number][0] for number in some), default=None)
            cursor = onward(cursor, page(newest, str(offset + 3) if offset + 3 < len(found) else ""))
            for _ in range(0 if quiet else chance.randint(0, 3)):
                now += chance.randint(0, 5)
                number = chance.randrange(len(changed) + 1)
                changed[number] = (now, changed.get(number, (0, -1))[1] + 1)
            if not quiet and chance.random() < 0.2:
                return

    for _ in range(6):
        pulls(quiet=False)
    pulls(quiet=True)
    pulls(quiet=True)
    assert seen == {number: version for number, (_, version) in changed.items()}
    assert mark_of(cursor) <= now
