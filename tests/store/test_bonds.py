"""What people say of two identifiers, and the merges that came of it, on each database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from cxminute.model.errors import WrongUse
from cxminute.store.bonds import APART, LINKED, NOTHING, Bonds, linking, unlinking
from cxminute.store.keyring import Keyring
from cxminute.store.merges import Merge, Merges
from cxminute.store.schema import BONDS


def test_the_newest_of_a_pair_stands_and_nothing_is_overwritten(state: Engine, tmp_path: Path) -> None:
    """Of each pair what was said last holds; what held at an earlier moment is still read, in either order."""
    bonds = Bonds(state, Keyring(tmp_path / "keys"))
    bonds.say([(7, 3), (1, 2)], LINKED, how="hand", why="the same card", known_at=10)
    bonds.say([(3, 7)], APART, how="hand", why="two sisters", known_at=20)
    bonds.say([(2, 1)], NOTHING, how="hand", why="a slip", known_at=30)
    assert [(one.pair, one.said) for one in bonds.standing()] == [((3, 7), APART)]
    assert [(one.pair, one.said) for one in bonds.standing(20)] == [((1, 2), LINKED), ((3, 7), APART)]
    assert bonds.standing(9) == []
    assert [bonds.of((7, 3), moment) for moment in (9, 10, 25)] == [NOTHING, LINKED, APART]
    assert bonds.of((1, 2)) == NOTHING
    assert [(one.said, one.why) for one in bonds.history([7])] == [(LINKED, "the same card"), (APART, "two sisters")]
    assert [one.said for one in bonds.history([7], 15)] == [LINKED]
    assert bonds.version() == 4


def test_a_reason_lies_sealed_under_the_keys_of_both(state: Engine, tmp_path: Path) -> None:
    """No column has the words in the clear; without the key of either they are '', and the bond stands all the same."""
    keyring = Keyring(tmp_path / "keys")
    bonds = Bonds(state, keyring)
    for pair in ((1, 2), (3, 4), (5, 6)):
        bonds.say([pair], LINKED, how="hand", why=f"canary {pair}", known_at=10)
    bonds.say([(7, 8)], LINKED, how="linkage", why="model 12.5", known_at=10)
    with state.connect() as connection:
        assert "canary" not in repr(connection.execute(BONDS.select()).all())
    keyring.destroy("person", [2, 3])
    assert [one.why for one in bonds.history([1, 3, 5, 7])] == ["", "", "canary (5, 6)", "model 12.5"]
    assert [one.pair for one in bonds.standing()] == [(1, 2), (3, 4), (5, 6), (7, 8)]


def test_a_forgotten_number_is_in_no_bond(state: Engine, tmp_path: Path) -> None:
    """What was said of an identifier goes with it; what was said of others stays."""
    bonds = Bonds(state, Keyring(tmp_path / "keys"))
    bonds.say([(1, 2), (2, 3), (4, 5)], LINKED, how="linkage", why="model 12.5", known_at=1)
    assert bonds.drop([2]) == 2
    assert [one.pair for one in bonds.standing()] == [(4, 5)]
    assert (bonds.history([2]), bonds.history([])) == ([], [])


def test_a_pair_is_of_two_and_a_word_is_one_of_three(state: Engine, tmp_path: Path) -> None:
    """Nothing is said of an identifier and itself, and nothing but linked, apart and nothing."""
    bonds = Bonds(state, Keyring(tmp_path / "keys"))
    with pytest.raises(WrongUse, match="one and the same"):
        bonds.say([(1, 1)], LINKED, how="hand", why="", known_at=1)
    with pytest.raises(WrongUse, match="Allowed: linked, apart, nothing"):
        bonds.say([(1, 2)], "maybe", how="hand", why="", known_at=1)
    assert bonds.standing() == []


@pytest.mark.parametrize("before", [NOTHING, LINKED, APART])
def test_unlink_after_link_and_link_after_unlink_say_again_what_stood(before: str) -> None:
    """Whatever stands of a pair that is one person by that alone or is not: the opposite word brings it back."""
    linked = (linking(before) or (before,))[0]  # the first that is said makes one person of an apart pair, or leaves it
    after = unlinking(linked)
    if before == NOTHING:
        assert (linked, after) == (LINKED, NOTHING)
    if before == APART:
        assert (linked, after) == (NOTHING, APART)
    if before == LINKED:
        assert linking(LINKED) == ()
        assert linking(unlinking(LINKED) or "") == (LINKED,)
    assert unlinking(APART) is None


def test_merges_are_read_in_the_order_in_which_they_were_noticed(state: Engine) -> None:
    """A merge and its unmerge stand one after the other, of either person; a later moment's are not seen earlier."""
    merges = Merges(state)
    merge = Merge("merge", 1, 5, 1, 6, "same_event", "site", 100, 110)
    parted = Merge("unmerge", 1, 5, None, None, "hand", "", 200, 200)
    other = Merge("merge", 2, 9, 2, 9, "identify", "site", 150, 160)
    merges.note([merge, other])
    merges.note([parted])
    merges.note([])
    assert merges.of([5]) == merges.of([1, 5]) == [merge, parted]
    assert merges.of([5], 150) == [merge]
    assert merges.of([7]) == []
    assert merges.all() == [merge, other, parted]
    assert (merges.count(), merges.count("unmerge")) == (2, 1)
    assert merges.drop([6]) == 1
    assert merges.all() == [other, parted]
