"""Write keys: shown once, kept as hashes, rotated with both valid for a while, revoked at once; on both databases."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import Engine, text

from cxminute.model.errors import UnknownName, WrongUse
from cxminute.store.keys import WriteKeys


@pytest.fixture
def keys(state: Engine) -> WriteKeys:
    """The keys of a project that has none yet."""
    return WriteKeys(state)


def digest(key: str) -> bytes:
    """As whoever has the key computes it."""
    return hashlib.sha256(key.encode()).digest()


def test_a_key_writes_as_its_own_source(keys: WriteKeys) -> None:
    """Every key that is valid says which one source it writes as."""
    web, shop = keys.add("web", 1_000), keys.add("shop", 1_000)
    assert keys.valid(1_000) == {digest(web): "web", digest(shop): "shop"}
    assert len(web) == 47
    assert web.startswith("cxm_")


def test_the_key_itself_is_kept_nowhere(keys: WriteKeys, state: Engine) -> None:
    """What is stored is a hash, and the first characters by which people tell keys apart."""
    key = keys.add("web", 1_000)
    with state.connect() as connection:
        kept = " ".join(str(row) for row in connection.execute(text("SELECT * FROM write_keys")))
    assert key not in kept
    assert key[:12] in kept
    assert [fact.prefix for fact in keys.list()] == [key[:12]]


def test_a_rotated_key_is_valid_for_the_grace_and_no_longer(keys: WriteKeys) -> None:
    """Both keys open the door until the grace is over; then the new one alone."""
    old = keys.add("web", 1_000)
    other = keys.add("shop", 1_000)
    new = keys.rotate("web", 2_000, 500)
    assert set(keys.valid(2_499)) == {digest(old), digest(new), digest(other)}
    assert set(keys.valid(2_500)) == {digest(new), digest(other)}


def test_rotating_again_never_makes_a_key_last_longer(keys: WriteKeys) -> None:
    """A key that was to end soon ends then, whatever is rotated after it; one without end gets one."""
    old = keys.add("web", 1_000)
    keys.rotate("web", 2_000, 500)
    keys.rotate("web", 2_100, 5_000)
    assert digest(old) not in keys.valid(2_500)
    assert len(keys.valid(2_500)) == 2


def test_a_source_without_a_key_has_none_to_rotate(keys: WriteKeys) -> None:
    """Rotating what is not there, or was revoked, is refused and changes nothing."""
    with pytest.raises(WrongUse, match="no valid key"):
        keys.rotate("web", 2_000, 500)
    key = keys.add("web", 1_000)
    keys.revoke(key[:12], 1_500)
    with pytest.raises(WrongUse, match="no valid key"):
        keys.rotate("web", 2_000, 500)
    assert keys.valid(2_000) == {}


def test_a_revoked_key_opens_nothing_from_then_on(keys: WriteKeys) -> None:
    """Revoking counts at once, can be told from the list, and cannot be done twice."""
    key, stays = keys.add("web", 1_000), keys.add("web", 1_000)
    facts = keys.revoke(key[:12], 1_500)
    assert (facts.source, facts.revoked_at, facts.holds(1_500)) == ("web", 1_500, False)
    assert keys.valid(1_500) == {digest(stays): "web"}
    with pytest.raises(WrongUse, match="revoked before"):
        keys.revoke(key[:12], 1_600)
    assert {fact.revoked_at for fact in keys.list()} == {None, 1_500}


def test_a_key_may_be_named_whole_or_by_its_beginning(keys: WriteKeys) -> None:
    """Whoever pastes the whole key means that key; an unknown or ambiguous beginning is refused, without the rest."""
    key = keys.add("web", 1_000)
    keys.add("web", 1_000)
    with pytest.raises(WrongUse, match="2 keys begin so"):
        keys.revoke("cxm_", 1_500)
    unknown = "cxm_" + "?" * 43
    with pytest.raises(UnknownName) as told:
        keys.revoke(unknown, 1_500)
    assert unknown not in str(told.value)
    assert keys.revoke(key, 1_500).prefix == key[:12]
