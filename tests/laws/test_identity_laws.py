"""The laws of who is who: a function of links and bonds, whatever their order, batches and number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.resolve.growing import Growing
from cxminute.resolve.kinds import Kind
from cxminute.resolve.links import HOWS, Bond, Links, Nodes
from cxminute.resolve.stitch import NOBODYS, People, stitch
from tests.oracles.identity_reference import Answer, Told, who_is_who

KINDS = {
    kind.name: kind
    for kind in (
        Kind("user_id", "certain", 1, most=1, shared=3),
        Kind("email", "strong", 2, most=2, shared=2),
        Kind("anonymous_id", "weak", 3, shared=2),
        Kind("device_id", "weak", 4, most=2),
    )
}
FREE = {name: replace(kind, strength="weak", most=0, shared=0) for name, kind in KINDS.items()}
LOOSE = {name: replace(kind, strength="strong", most=0, shared=0) for name, kind in KINDS.items()}
"""Nothing but what people keep apart limits a person."""
NONE = "of no kind"

examples = settings(max_examples=80, deadline=None)


@dataclass(frozen=True)
class Town:
    """Identifiers, what events tell of them, and what people say, in some order."""

    nodes: tuple[tuple[str, int], ...]
    links: tuple[Told, ...]
    bonds: tuple[Bond, ...]
    placeholders: frozenset[int]


@st.composite
def towns(draw: st.DrawFn, *, said: bool = True, kinds: Sequence[str] = (*KINDS, NONE)) -> Town:
    """A dozen identifiers at most, so that they meet often."""
    size = draw(st.integers(2, 12))
    kind = draw(st.lists(st.sampled_from(kinds), min_size=size, max_size=size))
    stable = draw(st.permutations(range(size)))
    pairs = st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True)
    ways = st.sampled_from(("alias", "identify", "event"))
    told = st.builds(lambda pair, how, at: Told(pair[0], pair[1], how, at), pairs, ways, st.integers(-2, 5))
    words = st.sampled_from((("apart", "hand"), ("apart", "hand"), ("linked", "hand"), ("linked", "linkage")))
    stated = st.builds(
        lambda pair, word, at: Bond(pair[0], pair[1], word[0], word[1], at), pairs, words, st.integers(0, 5)
    )
    by_pair = draw(st.lists(stated, max_size=6)) if said else []
    moments = {(frozenset((bond.a, bond.b)), bond.at): bond for bond in by_pair}  # a pair says one thing at a time
    return Town(
        tuple(zip(kind, stable, strict=True)),
        tuple(draw(st.lists(told, max_size=30))),
        tuple(moments.values()),
        frozenset(draw(st.sets(st.integers(0, size - 1), max_size=1))) if said else frozenset(),
    )


def links_of(links: Sequence[Told]) -> Links:
    """As stitching takes them."""
    ways = np.array([HOWS.index(link.how) for link in links], np.uint8)
    return Links.of([link.left for link in links], [link.right for link in links], ways, [link.at for link in links])


def nodes_of(town: Town, kinds: Mapping[str, Kind] = KINDS) -> Nodes:
    """As stitching takes them."""
    codes = {name: code for code, name in enumerate(kinds)}
    flags = np.array([number in town.placeholders for number in range(len(town.nodes))])
    return Nodes(
        np.array([codes.get(kind, 255) for kind, _ in town.nodes], np.uint8),
        np.array([stable for _, stable in town.nodes], np.uint64),
        flags,
    )


def answer_of(people: People) -> Answer:
    """As the reference tells it."""
    refused = {
        (int(link.a[0]), int(link.b[0]), HOWS[link.how[0]].replace("aliased", "alias"), people.reason(place))
        for place in range(len(people.refused))
        for link in [people.refused.take(slice(place, place + 1))]
    }
    assert all(NOBODYS[code] for code in people.why)
    return Answer(people.persons.tolist(), set(people.nobody.tolist()), refused)


def answered(town: Town, kinds: Mapping[str, Kind] = KINDS) -> Answer:
    """The answer of the cold path."""
    return answer_of(stitch(links_of(town.links), nodes_of(town), kinds, town.bonds))


@examples
@given(towns())
def test_the_kernels_say_what_the_rules_say(town: Town) -> None:
    """Compiled stitching and a slow reading of the same rules give the same people, refusals and reasons."""
    for kinds in (KINDS, LOOSE):
        expected = who_is_who(kinds, town.nodes, town.links, town.bonds, town.placeholders)
        assert answered(town, kinds) == expected


@examples
@given(towns(said=False, kinds=tuple(KINDS)))
def test_without_limits_people_are_connected_components(town: Town) -> None:
    """Where no limit binds, the people are those of networkx; a person's number is its smallest identifier's."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(town.nodes)))
    graph.add_edges_from((link.left, link.right) for link in town.links)
    expected = {n: min(part) for part in nx.connected_components(graph) for n in part}
    people = stitch(links_of(town.links), nodes_of(town), FREE)
    assert dict(enumerate(people.persons.tolist())) == expected
    assert len(people.refused) == 0


@examples
@given(towns(), st.randoms(use_true_random=False))
def test_order_of_arrival_changes_nothing(town: Town, chance: object) -> None:
    """Links, repeats and bonds in any order give the same people, and refuse the same links."""
    links = [*town.links, *town.links[:3]]
    bonds = list(town.bonds)
    for each in (links, bonds):
        chance.shuffle(each)  # type: ignore[attr-defined]  # hypothesis hands in a random.Random
    assert answered(replace(town, links=tuple(links), bonds=tuple(bonds))) == answered(town)


@examples
@given(towns(), st.data())
def test_identifiers_numbered_otherwise_are_the_same_people(town: Town, data: st.DataObject) -> None:
    """Which identifier got which number does not matter to who belongs together."""
    new = data.draw(st.permutations(range(len(town.nodes))))
    moved = Town(
        tuple(town.nodes[new.index(number)] for number in range(len(new))),
        tuple(Told(new[link.left], new[link.right], link.how, link.at) for link in town.links),
        tuple(replace(bond, a=new[bond.a], b=new[bond.b]) for bond in town.bonds),
        frozenset(new[number] for number in town.placeholders),
    )
    before, after = answered(town), answered(moved)
    for one in range(len(new)):
        for other in range(one):
            together = before.persons[one] == before.persons[other]
            assert together == (after.persons[new[one]] == after.persons[new[other]])


@examples
@given(towns(), st.data())
def test_growing_by_any_batches_is_stitching_at_once(town: Town, data: st.DataObject) -> None:
    """Links and identifiers that come in batches, and bonds that change between, end in the answer of all at once."""
    kinds = data.draw(st.sampled_from((KINDS, LOOSE)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(town.links)), min_size=2, max_size=4)))
    nodes, size = nodes_of(town), len(town.nodes)
    first = data.draw(st.integers(0, size))
    assert nodes.placeholder is not None
    growing = Growing(kinds, nodes=Nodes(nodes.kind[:first], nodes.stable[:first], nodes.placeholder[:first]))
    growing.add(nodes=Nodes(nodes.kind[first:], nodes.stable[first:], nodes.placeholder[first:]))
    believed = growing.persons
    for start, stop in zip([0, *cuts], [*cuts, len(town.links)], strict=True):
        standing = data.draw(st.sets(st.sampled_from(town.bonds))) if town.bonds else set()
        last = stop == len(town.links)
        changes = growing.add(links_of(town.links[start:stop]), bonds=town.bonds if last else standing)
        assert (believed[changes.numbers] == changes.old).all()
        believed[changes.numbers] = changes.new
        assert (believed == growing.persons).all()
    assert answer_of(growing.people) == answered(town, kinds)


@examples
@given(towns(), st.integers(0, 11), st.integers(0, 11))
def test_a_link_by_hand_that_is_taken_back_leaves_nothing(town: Town, left: int, right: int) -> None:
    """Unlinking after linking gives the people, and the refusals, of before; so it is when they grow."""
    size = len(town.nodes)
    a, b = left % size, right % size
    if a == b:
        return
    growing = Growing(KINDS, links_of(town.links), nodes_of(town), town.bonds)
    before = answer_of(growing.people)
    rest = [bond for bond in town.bonds if {bond.a, bond.b} != {a, b}]
    growing.add(bonds=[*rest, Bond(a, b, "linked", "hand", 99)])
    growing.add(bonds=town.bonds)
    assert answer_of(growing.people) == before


@examples
@given(towns())
def test_facts_in_order_of_knowing_tell_at_every_moment_what_was_believed(town: Town) -> None:
    """Adding link by link and bond by bond, by time, gives at each moment the people of what was known then."""
    growing = Growing(KINDS, nodes=nodes_of(town))
    for moment in range(-2, 6):
        known = [bond for bond in town.bonds if bond.at <= moment]
        growing.add(links_of([link for link in town.links if link.at == moment]), bonds=known)
        then = replace(
            town, links=tuple(link for link in town.links if link.at <= moment), bonds=tuple(known)
        )  # fmt: skip
        assert answer_of(growing.people) == answered(then)


@examples
@given(towns(), towns(said=False))
def test_more_links_make_nobody_somebody(town: Town, more: Town) -> None:
    """Who is nobody's stays so, whatever links come."""
    size = len(town.nodes)
    extra = [link for link in more.links if max(link.left, link.right) < size]
    wider = answered(replace(town, links=(*town.links, *extra)))
    assert answered(town).nobody <= wider.nobody
