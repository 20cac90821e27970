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
from cxminute.store.holdings import Holdings
from cxminute.store.keyring import Keyring
from cxminute.store.schema import COLLECTS, CONSENTS
from cxminute.store.state import open_state, state_url, writing

KEYLESS = Keyring(Path("nowhere"))
"""For what nobody gave a reason for."""
Told = tuple[int, str, str, int]
"""Profile, what was said, how, and when."""


def told(*rows: Told) -> pa.Table:
    """Sayings of 'marketing' as a chunk brings them."""
    profiles, said, how, at = zip(*rows, strict=True)
    return pa.table({"profile": profiles, "purpose": ["marketing"] * len(rows), "said": said, "how": how, "at": at})


def put(state: Engine, known_at: int, *rows: Told, collect: int | None = None) -> int:
    """Adds what was said; returns how many rows that are new."""
    with writing(state).begin() as connection:
        return put_consents(connection, KEYLESS, collect, told(*rows), known_at)


def said(state: Engine, as_of: int | None = None) -> list[Told]:
    """The changes that are known: what repeats only tells until when it went on."""
    found = changes(Consents(state, KEYLESS).facts(as_of=as_of))
    names = ("profile", "said", "how", "at")
    return sorted(zip(*(found[name].to_pylist() for name in names), strict=True))


def test_repetitions_are_kept_as_a_beginning_and_an_end(state: Engine) -> None:
    """A banner that says the same a hundred times is two rows; a change is a row more, and its end another."""
    put(state, 1_000, *[(1, "granted", "consent object", at) for at in range(100)])
    assert Consents(state, KEYLESS).facts()["at"].to_pylist() == [0, 99]
    put(state, 2_000, *[(1, "granted", "consent object", at) for at in range(100, 200)])
    put(state, 3_000, (1, "denied", "consent object", 300))
    assert Consents(state, KEYLESS).facts()["at"].to_pylist() == [0, 199, 300]
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
    Consents(state, KEYLESS).say([Saying(1, "marketing", "granted", "hand", 30)], 3)
    with writing(state).begin() as connection:
        drop_consents(connection, 2)
    assert said(state) == [(1, "granted", "consent object", 10), (1, "granted", "hand", 30)]
    assert Consents(state, KEYLESS).facts().schema.equals(FACTS)
    assert Consents(state, KEYLESS).facts([2]).num_rows == 0


def test_why_it_was_recorded_lies_sealed_and_goes_with_the_key(state: Engine, tmp_path: Path) -> None:
    """No column has the words in the clear; who has the key of the profile reads them; without it they are ''."""
    keyring = Keyring(tmp_path / "keys")
    consents = Consents(state, keyring)
    consents.say([Saying(n, "marketing", "granted", "hand", 30, why=f"canary {n}" if n else "") for n in range(3)], 3)
    consents.say([Saying(1, "marketing", "granted", "hand", 30, why="canary again")], 4)  # known: stands as it was
    with state.connect() as connection:
        assert "canary" not in repr(connection.execute(CONSENTS.select()).all())
    assert consents.facts()["why"].to_pylist() == ["", "canary 1", "canary 2"]
    assert [one.why for one in Holdings(state, keyring).consents([1, 2])] == ["canary 1", "canary 2"]
    keyring.destroy("person", [1])
    assert consents.facts()["why"].to_pylist() == ["", "", "canary 2"]
    assert [one.why for one in Holdings(state, keyring).consents([1, 2])] == ["", "canary 2"]


def test_whatever_changes_what_was_said_changes_its_mark(state: Engine) -> None:
    """As long as the mark stays, so do the facts; also where a saying takes the very place of one that was taken back.

    What decides of a purpose is told of without reading all that was ever said.
    """
    consents, seen = Consents(state, KEYLESS), []

    def changed() -> bool:
        seen.append(consents.mark())
        assert consents.mark() == seen[-1]
        return seen[-1] not in seen[:-1]

    assert changed()
    put(state, 2, (1, "granted", "hand", 10))
    assert changed()
    assert (consents.tells_of(["marketing"]), consents.tells_of(["*"])) == (True, False)
    assert (consents.tells_of(["marketing"], 9), consents.tells_of(["marketing"], 10)) == (False, True)
    for profile, word, at in ((1, "restricted", 10), (2, "restricted", 10), (2, "restricted", 11)):
        with writing(state).begin() as connection:
            connection.execute(delete(CONSENTS))
        put(state, 2, (profile, word, "hand", at))
        assert changed()


def test_who_asks_for_no_reasons_opens_none(state: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides whether data may be used is read without one key; it is the same, without the words."""
    consents = Consents(state, Keyring(tmp_path / "keys"))
    consents.say([Saying(n, "marketing", "granted", "hand", 30, why="seen") for n in range(3)], 3)
    whole = consents.facts()
    monkeypatch.setattr(Keyring, "held", None)
    assert consents.facts(why=False).equals(whole.drop_columns("why"))


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
