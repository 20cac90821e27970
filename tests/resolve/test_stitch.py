"""Who is who, case by case: what joins people, what does not, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from cxminute.model.errors import WrongUse
from cxminute.resolve.growing import Growing
from cxminute.resolve.kinds import KINDS
from cxminute.resolve.links import ALIAS, EVENT, HAND, IDENTIFY, LINKAGE, Bond, Bonds, Links, Nodes
from cxminute.resolve.stitch import NOBODYS, People, stitch

USER, MAIL, PHONE, COOKIE = "user_id", "@email", "@phone", "anonymous_id"
Row = tuple[int, int, int, int]


def made(kinds: Iterable[str], rows: Iterable[Row], bonds: Iterable[Bond] = ()) -> People:
    """People of identifiers given by their column, and links as (left, right, how, at)."""
    columns, links = list(kinds), list(rows)
    nodes = Nodes.of(KINDS, columns, np.arange(len(columns)))
    told = Links.of(*zip(*links, strict=True)) if links else Links.none()
    return stitch(told, nodes, KINDS, bonds)


def test_a_visitor_who_logs_in_is_the_user_and_the_older_number_stands() -> None:
    """Cookie, user id and address that were named together are one person, called by the smallest number."""
    people = made([COOKIE, USER, MAIL, COOKIE], [(0, 1, IDENTIFY, 5), (1, 2, IDENTIFY, 9)])
    assert people.persons.tolist() == [0, 0, 0, 3]
    assert len(people.refused) == 0


def test_two_users_of_one_device_stay_two_and_the_first_keeps_it() -> None:
    """The later login on a shared device is refused, with the kind whose limit it would break."""
    people = made([USER, USER, COOKIE], [(1, 2, IDENTIFY, 3), (0, 2, IDENTIFY, 7)])
    assert people.persons.tolist() == [0, 1, 1]
    assert (people.refused.a.tolist(), people.refused.b.tolist()) == ([0], [2])
    assert people.reason(0) == "user_id"


def test_a_device_does_not_join_two_addresses() -> None:
    """Two guests of one browser are two, since each has an address; two addresses of one user are one person's."""
    guests = made([MAIL, MAIL, COOKIE], [(0, 2, EVENT, 1), (1, 2, EVENT, 2)])
    assert guests.persons.tolist() == [0, 1, 0]
    assert guests.reason(0) == "email"
    owner = made([MAIL, MAIL, USER], [(0, 2, IDENTIFY, 1), (1, 2, IDENTIFY, 2)])
    assert owner.persons.tolist() == [0, 0, 0]


def test_what_many_use_is_nobodys() -> None:
    """A cookie of five users joins none of them, and the reason is told."""
    people = made([*[USER] * 5, COOKIE], [(user, 5, IDENTIFY, user) for user in range(5)])
    assert people.persons.tolist() == [0, 1, 2, 3, 4, 5]
    assert people.nobody.tolist() == [5]
    assert [NOBODYS[code] for code in people.why] == ["shared"]
    assert len(people.refused) == 0


def test_one_person_with_much_is_not_taken_for_many() -> None:
    """A cookie known with a user, an address or two and a number or two is still that person's."""
    rows = [(0, other, EVENT, other) for other in range(1, 6)]
    rows += [(1, other, IDENTIFY, 9) for other in range(2, 6)]
    people = made([COOKIE, USER, MAIL, MAIL, PHONE, PHONE], rows)
    assert people.persons.tolist() == [0] * 6


def test_a_renamed_user_is_one_however_often_the_name_changed() -> None:
    """Aliases from each name to the next join all of them, though a person has but one user id."""
    people = made([USER, USER, USER], [(0, 1, ALIAS, 1), (1, 2, ALIAS, 2)])
    assert people.persons.tolist() == [0, 0, 0]
    two_into_one = made([USER, USER, USER], [(0, 2, ALIAS, 1), (1, 2, ALIAS, 2)])
    assert two_into_one.persons.tolist() == [0, 0, 0]


def test_a_former_name_with_two_successors_is_a_device() -> None:
    """An alias of one visitor's id to a second user does not make the two users one."""
    people = made([USER, USER, USER], [(0, 1, ALIAS, 1), (0, 2, ALIAS, 2)])
    assert people.persons.tolist() == [0, 1, 2]
    assert {people.reason(place) for place in range(2)} == {"user_id"}


def test_people_have_the_last_word() -> None:
    """A bond by hand joins two users; one that says apart keeps two identifiers apart whatever events say."""
    together = made([USER, USER, COOKIE], [(0, 2, IDENTIFY, 1)], [Bond(0, 1, "linked", at=5)])
    assert together.persons.tolist() == [0, 0, 0]
    parted = made([USER, MAIL], [(0, 1, IDENTIFY, 1)], [Bond(1, 0, "apart", at=5)])
    assert parted.persons.tolist() == [0, 1]
    assert parted.reason(0) == "apart"
    newest = made([USER, MAIL], [], [Bond(0, 1, "apart", at=5), Bond(0, 1, "linked", at=6)])
    assert newest.persons.tolist() == [0, 0]


def test_apart_holds_however_long_the_way() -> None:
    """Two that are apart do not come together through others, in whatever order these are joined to them."""
    for far in (
        [(0, 1, IDENTIFY, 1), (1, 2, IDENTIFY, 2), (2, 3, IDENTIFY, 3)],
        [(2, 3, IDENTIFY, 1), (0, 2, EVENT, 2)],
    ):
        people = made([PHONE, COOKIE, PHONE, MAIL], far, [Bond(0, 3, "apart", at=9), Bond(1, 3, "apart", at=9)])
        assert people.persons[0] != people.persons[3]
        assert people.reason(0) == "apart"


def test_bonds_by_hand_that_contradict_one_another_are_taken_in_the_order_they_were_said() -> None:
    """Of three bonds that would bring together what is apart, the last is refused and told as a bond by hand."""
    bonds = [Bond(0, 1, "linked", at=1), Bond(1, 2, "linked", at=2), Bond(0, 2, "apart", at=3)]
    people = made([USER, USER, USER], [], bonds)
    assert people.persons.tolist() == [0, 0, 2]
    assert (people.refused.how.tolist(), people.reason(0)) == ([HAND], "apart")


def test_linkage_obeys_limits_and_may_join_addresses() -> None:
    """An accepted proposal joins two with an address each, and does not join two users."""
    bond = Bond(0, 1, "linked", "linkage", 4)
    assert made([MAIL, MAIL], [], [bond]).persons.tolist() == [0, 0]
    browser = made([COOKIE, MAIL, MAIL], [(0, 2, EVENT, 1)], [bond])
    assert browser.persons.tolist() == [0, 0, 0]
    users = made([USER, USER], [], [bond])
    assert users.persons.tolist() == [0, 1]
    assert (users.refused.how.tolist(), users.reason(0)) == ([LINKAGE], "user_id")


def test_identifiers_of_no_kind_are_linked_to_nobody() -> None:
    """What a project does not recognise people by stays apart, and is told as such."""
    people = made([USER, "order_id"], [(0, 1, EVENT, 1)])
    assert people.persons.tolist() == [0, 1]
    assert [NOBODYS[code] for code in people.why] == ["kind"]


def test_what_makes_no_sense_is_said() -> None:
    """Ends that are not there, pairs out of order, words that are none, columns of two lengths."""
    with pytest.raises(WrongUse, match="names identifier 9"):
        made([USER], [(0, 9, EVENT, 1)])
    with pytest.raises(WrongUse, match="not between two"):
        Links(np.array([2]), np.array([1]), np.array([EVENT]), np.array([0]))
    with pytest.raises(WrongUse, match="no known way"):
        Links(np.array([1]), np.array([2]), np.array([77]), np.array([0]))
    with pytest.raises(WrongUse, match="differ in length"):
        Links(np.array([1]), np.array([2]), np.array([EVENT]), np.array([0, 1]))
    with pytest.raises(WrongUse, match="differ in length"):
        Nodes(np.zeros(2, np.uint8), np.zeros(3, np.uint64))
    for words in (("joined", "hand"), ("linked", "guess")):
        with pytest.raises(WrongUse):
            Bond(0, 1, *words)
    with pytest.raises(WrongUse, match="not between two"):
        Bond(1, 1, "linked")


def test_nothing_added_that_is_refused_changes_anything() -> None:
    """Growing by links to identifiers that are not there says so and leaves who is who as it was."""
    growing = Growing(KINDS, nodes=Nodes.of(KINDS, [USER, MAIL], [0, 1]))
    with pytest.raises(WrongUse, match="names identifier 5"):
        growing.add(Links.of([0], [5], EVENT, 0), Nodes.of(KINDS, [MAIL], [2]))
    assert growing.size == 2
    growing.add(Links.of([0], [1], EVENT, 0))
    assert growing.persons.tolist() == [0, 0]


def test_growing_tells_whose_person_changed() -> None:
    """Each addition names the identifiers that moved, from whom to whom, those that are new, and whose are nobody's."""
    growing = Growing(KINDS, Links.of([1], [2], IDENTIFY, 3), Nodes.of(KINDS, [MAIL, USER, COOKIE], [0, 1, 2]))
    changes = growing.add(Links.of([0, 3], [1, 2], IDENTIFY, 4), Nodes.of(KINDS, [PHONE], [3]))
    assert changes.numbers.tolist() == [1, 2, 3]
    assert (changes.old.tolist(), changes.new.tolist()) == ([1, 1, 3], [0, 0, 0])
    assert len(changes) == 3
    others = Nodes.of(KINDS, [USER] * 4, np.arange(4, 8))
    crowd = growing.add(Links.of([4, 5, 6, 7], [2, 2, 2, 2], IDENTIFY, 5), others)
    assert crowd.nobody.tolist() == [2]
    assert growing.persons.tolist() == [0, 0, 2, 3, 4, 5, 6, 7]
    assert len(growing.links) == 7


def test_what_becomes_nobodys_has_no_refused_links() -> None:
    """A device that refused its second user, and is then used by five, joins none and refuses none."""
    nodes = Nodes.of(KINDS, [*[USER] * 5, COOKIE], np.arange(6))
    growing = Growing(KINDS, Links.of([0, 1], [5, 5], IDENTIFY, [1, 2]), nodes)
    assert len(growing.people.refused) == 1
    growing.add(Links.of([2, 3, 4], [5, 5, 5], IDENTIFY, 3))
    assert growing.people.nobody.tolist() == [5]
    assert len(growing.people.refused) == 0
    assert growing.persons.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_link_told_again_earlier_counts_from_then() -> None:
    """A late event that shows who used a device first changes whose it is; told once more it changes nothing."""
    nodes = Nodes.of(KINDS, [USER, USER, COOKIE], [0, 1, 2])
    growing = Growing(KINDS, Links.of([0, 1], [2, 2], IDENTIFY, [5, 8]), nodes)
    assert growing.persons.tolist() == [0, 1, 0]
    growing.add(Links.of([1], [2], IDENTIFY, 2))
    assert growing.persons.tolist() == [0, 1, 1]
    assert len(growing.add(Links.of([1, 0], [2, 2], IDENTIFY, [7, 6]))) == 0
    assert len(growing.links) == 2


def test_hubs_keep_their_answer_beyond_what_is_looked_through() -> None:
    """Hundreds of links between busy identifiers, some told twice, grow to the answer of all at once."""
    draw = np.random.default_rng(5)
    kinds = [USER, MAIL, *[COOKIE] * 300, *[USER] * 40]
    left, right = draw.integers(0, 2, 900), draw.integers(2, 342, 900)
    links = Links.of(left, right, draw.choice([IDENTIFY, EVENT], 900), draw.integers(0, 50, 900))
    nodes = Nodes.of(KINDS, kinds, draw.permutation(342))
    growing = Growing(KINDS, nodes=nodes)
    for start in range(0, 900, 100):
        growing.add(links.take(slice(start, start + 100)))
    grown, whole = growing.people, stitch(links, nodes, KINDS)
    assert grown.persons.tolist() == whole.persons.tolist()
    assert grown.nobody.tolist() == whole.nobody.tolist()


def test_of_one_pair_the_newest_bond_stands() -> None:
    """Bonds of a pair in either direction are bonds of one pair."""
    bonds = Bonds.of([Bond(3, 1, "linked", at=9), Bond(1, 3, "apart", at=4), Bond(2, 1, "apart", at=1)])
    assert (bonds.linked.a.tolist(), bonds.linked.b.tolist(), bonds.linked.at.tolist()) == ([1], [3], [9])
    assert (bonds.apart_a.tolist(), bonds.apart_b.tolist()) == ([1], [2])
