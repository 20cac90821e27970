"""Proposals in the state: what is decided stands, what is not is replaced."""

from __future__ import annotations

import pytest

from cxminute.model.errors import UnknownName
from cxminute.store.proposals import ACCEPTED, DECLINED, PROPOSED, Pair, Proposals
from cxminute.store.state import State


def pair(a: int, b: int, weight: float = 5.0) -> Pair:
    """A pair of this weight."""
    return Pair(a, b, weight, 0.97, '{"surname":{"level":"same","weight":9.5}}')


@pytest.fixture
def proposals(state: State) -> Proposals:
    """Three proposals of one model, and one of another."""
    found = Proposals(state)
    assert found.put("people", "d1", [pair(1, 2), pair(3, 4, 9.0), pair(5, 6, 7.0)], made_at=10) == 3
    found.put("guests", "g1", [pair(1, 2)], made_at=10)
    return found


def test_the_heaviest_come_first(proposals: Proposals) -> None:
    """A model's proposals by weight, with all that was said of them."""
    assert [(one.a, one.b) for one in proposals.of("people")] == [(3, 4), (5, 6), (1, 2)]
    first = proposals.of("people")[0]
    assert (first.digest, first.state, first.made_at, first.decided_at) == ("d1", PROPOSED, 10, None)
    assert first.explained == pair(3, 4).explained


def test_what_was_decided_is_not_proposed_again(proposals: Proposals) -> None:
    """By the same model neither what was accepted nor what was declined; by a retrained one what was declined is."""
    heavy, middle, light = proposals.of("people")
    assert proposals.decide([heavy.id], ACCEPTED, 20) == 1
    assert proposals.decide([middle.id, heavy.id], DECLINED, 21) == 1
    everything = [pair(1, 2), pair(3, 4), pair(5, 6), pair(7, 8)]
    assert proposals.put("people", "d1", everything, made_at=30) == 2
    assert [(one.a, one.b) for one in proposals.of("people")] == [(1, 2), (7, 8)]
    assert proposals.put("people", "d2", everything, made_at=40) == 3
    assert (5, 6) in [(one.a, one.b) for one in proposals.of("people")]
    assert [one.state for one in proposals.of("people", ACCEPTED)] == [ACCEPTED]
    assert proposals.put("people", "d2", [], made_at=50) == 0
    assert proposals.counts() == {"people": {ACCEPTED: 1}, "guests": {PROPOSED: 1}}
    assert light.state == PROPOSED


def test_a_proposal_is_named_by_its_number(proposals: Proposals) -> None:
    """In the order asked for; one that another model made is none of this one's."""
    first, second, _ = proposals.of("people")
    (others,) = proposals.of("guests")
    assert [one.id for one in proposals.get("people", [second.id, first.id, second.id])] == [second.id, first.id]
    with pytest.raises(UnknownName, match=f"no proposal of 'people' '{others.id}'"):
        proposals.get("people", [others.id])
