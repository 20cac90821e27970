"""What people said, as it is kept: changes and not repetitions, whatever the order in which it came."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert

from cxminute.privacy.consent import changes
from cxminute.store.consents import FACTS, Consents, Saying, drop_consents, put_consents
from cxminute.store.schema import COLLECTS, CONSENTS
from cxminute.store.state import open_state, state_url, writing

Told = tuple[int, str, str, int]
"""Profile, what was said, how, and when."""


def told(*rows: Told) -> pa.Table:
    """Sayings of 'marketing' as a chunk brings them."""
    profiles, said, how, at = zip(*rows, strict=True)
    return pa.table({"profile": profiles, "purpose": ["marketing"] * len(rows), "said": said, "how": how, "at": at})


def put(state: Engine, known_at: int, *rows: Told, collect: int | None = None) -> int:
    """Adds what was said; returns how many rows that are new."""
    with writing(state).begin() as connection:
        return put_consents(connection, collect, told(*rows), known_at)


def said(state: Engine, as_of: int | None = None) -> list[Told]:
    """The changes that are known: what repeats only tells until when it went on."""
    found = changes(Consents(state).facts(as_of=as_of))
    names = ("profile", "said", "how", "at")
    return sorted(zip(*(found[name].to_pylist() for name in names), strict=True))


def test_repetitions_are_kept_as_a_beginning_and_an_end(state: Engine) -> None:
    """A banner that says the same a hundred times is two rows; a change is a row more, and its end another."""
    put(state, 1_000, *[(1, "granted", "consent object", at) for at in range(100)])
    assert Consents(state).facts()["at"].to_pylist() == [0, 99]
    put(state, 2_000, *[(1, "granted", "consent object", at) for at in range(100, 200)])
    put(state, 3_000, (1, "denied", "consent object", 300))
    assert Consents(state).facts()["at"].to_pylist() == [0, 199, 300]
    assert said(state) == [(1, "denied", "consent object", 300), (1, "granted", "consent object", 0)]


def test_what_is_said_on_purpose_is_kept_each_time(state: Engine) -> None:
    """Each yes on a preference page, in an import or by hand is a saying of its own, once."""
    rows = [(1, "granted", how, at) for how in ("preference event", "import", "hand") for at in (5, 7, 7)]
    assert put(state, 10, *rows) == 6
    assert put(state, 11, *rows) == 0


def test_a_late_no_parts_a_yes(state: Engine) -> None:
    """A no that comes late, between two yeses, holds from then until the yes that was told after it."""
    put(state, 100, (1, "granted", "consent object", 10), (1, "granted", "consent object", 30))
    put(state, 200, (1, "denied", "consent object", 15))
    assert [row[3] for row in said(state) if row[1] == "granted"] == [10, 30]
    assert said(state, as_of=150) == [(1, "granted", "consent object", 10)]  # the no was not known yet


def test_an_earlier_beginning_does_not_change_what_was_known(state: Engine) -> None:
    """A yes that comes late, of a time before the first known one, is a new beginning from when it is known."""
    put(state, 100, (1, "granted", "consent object", 50))
    put(state, 200, (1, "granted", "consent object", 5))
    assert said(state, as_of=150) == [(1, "granted", "consent object", 50)]
    assert said(state, as_of=250) == [(1, "granted", "consent object", 5)]


def test_a_collect_takes_back_what_it_brought(state: Engine) -> None:
    """What one collect brought goes with it, and what others brought, or people recorded, stays."""
    with writing(state).begin() as connection:
        for number in (1, 2):
            row = {"id": number, "source": "s", "file": "f", "digest": "", "mapping": "", "known_at": 1}
            connection.execute(insert(COLLECTS).values(**row))
    put(state, 1, (1, "granted", "consent object", 10), collect=1)
    put(state, 2, (1, "denied", "consent object", 20), collect=2)
    Consents(state).say([Saying(1, "marketing", "granted", "hand", 30, why="by phone")], 3)
    with writing(state).begin() as connection:
        drop_consents(connection, 2)
    assert said(state) == [(1, "granted", "consent object", 10), (1, "granted", "hand", 30)]
    assert Consents(state).facts().schema.equals(FACTS)
    assert Consents(state).facts([2]).num_rows == 0


@pytest.fixture(scope="module")
def shared_state(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A state that examples share, each after it was emptied."""
    folder: Path = tmp_path_factory.mktemp("consents")
    return open_state(state_url(folder))


sayings = st.lists(
    st.tuples(
        st.integers(1, 2), st.sampled_from(["granted", "denied"]), st.sampled_from(["consent object", "hand"]),
        st.integers(0, 12),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sayings, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_of_arrival_changes_no_answer(
    shared_state: Engine, rows: list[Told], chance: st.DataObject, parts: int
) -> None:
    """However sayings are shuffled and cut into chunks, the last of each way is the same as when all come at once."""

    def last(*portions: list[Told]) -> set[tuple[int, str, str]]:
        with writing(shared_state).begin() as connection:
            connection.execute(delete(CONSENTS))
        for known_at, portion in enumerate(portions, start=100):
            put(shared_state, known_at, *portion)
        newest: dict[tuple[int, str], tuple[int, int]] = {}
        for profile, word, how, at in said(shared_state):
            key = (at, word != "granted")
            newest[profile, how] = max(newest.get((profile, how), (-1, 0)), key)
        return {(profile, how, "no" if no else "yes") for (profile, how), (_, no) in newest.items()}

    at_once = last(rows)
    mixed = list(rows)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # a random.Random, as hypothesis draws it
    size = -(-len(mixed) // parts)
    assert last(*[mixed[start : start + size] for start in range(0, len(mixed), size)]) == at_once
