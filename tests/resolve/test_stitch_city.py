"""The simulated city, small: what people share does not make one of many."""

from __future__ import annotations

import numpy as np
import pytest

from cxminute.resolve.kinds import KINDS
from cxminute.resolve.links import Nodes
from cxminute.resolve.stitch import stitch
from soaks.city import LARGEST, PRECISION, RECALL, city, components, judged


@pytest.mark.parametrize("seed", [1, 2])
def test_a_chain_of_bad_links_does_not_collapse_the_graph(seed: int) -> None:
    """Of a few thousand people with kiosks, tablets and lines in common, nearly all are told apart, and found whole."""
    owners, links, nodes = city(np.random.default_rng(seed), 2_000)
    told = judged(stitch(links, nodes, KINDS).persons, owners)
    assert told.precision >= PRECISION - 0.01  # a small city has hardly a call centre
    assert told.recall >= RECALL
    assert told.largest <= LARGEST
    plain = judged(components(links, len(nodes)), owners)
    assert plain.precision < 0.2
    assert plain.largest > 500


def test_the_judge_counts_pairs() -> None:
    """Precision and recall of two persons are those counted by hand; what is shared is in no pair."""
    told = judged(np.array([0, 0, 0, 3, 3, 3]), np.array([7, 7, 8, 8, 8, -1]))
    assert (told.precision, told.recall, told.largest) == (2 / 4, 2 / 4, 3)


def test_the_city_is_drawn_from_its_seed() -> None:
    """The same seed draws the same identifiers and links."""
    (one, links, nodes), (other, again, others) = (city(np.random.default_rng(9), 50) for _ in range(2))
    assert (one == other).all()
    assert (links.a == again.a).all()
    assert isinstance(nodes, Nodes)
    assert (nodes.stable == others.stable).all()
