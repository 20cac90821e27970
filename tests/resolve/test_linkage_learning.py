"""Learning, weighing and explaining, over drawn people whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.linkage import DEFINITION, defined
from benchmarks.linkage_people import draw, groups
from cxminute.model.errors import BadData, BadDefinition
from cxminute.resolve.linkage import scoring, training
from cxminute.resolve.linkage.accuracy import accuracy, pairs_of
from cxminute.resolve.linkage.cleaning import records
from cxminute.resolve.linkage.clusters import cluster
from cxminute.resolve.linkage.definition import Linkage
from cxminute.resolve.linkage.explaining import drawn, parts, waterfall
from cxminute.resolve.linkage.model import read
from cxminute.resolve.linkage.picture import picture
from cxminute.store.linking import linking_api

LINKAGE = defined(DEFINITION.replace("pairs = 2_000_000", "pairs = 20_000"))


@pytest.fixture(scope="module")
def told() -> pa.Table:
    """Four hundred records."""
    return draw(400, seed=5)


@pytest.fixture(scope="module")
def cleaned(told: pa.Table) -> pa.Table:
    """The same as they are compared."""
    return records(told, LINKAGE.fields)


@pytest.fixture(scope="module")
def learnt(cleaned: pa.Table) -> training.Training:
    """What was learnt of them."""
    return training.train(LINKAGE, cleaned, linking_api())


@pytest.fixture(scope="module")
def pairs(cleaned: pa.Table, learnt: training.Training) -> pa.Table:
    """Pairs that weigh enough to be proposed."""
    return scoring.score(LINKAGE, learnt.model, cleaned, linking_api())


def test_the_same_records_teach_the_same_model(cleaned: pa.Table, learnt: training.Training) -> None:
    """A model is evidence: learnt again from the same records in another order it is the same to the byte."""
    turned = cleaned.take(np.arange(cleaned.num_rows)[::-1])
    assert training.train(LINKAGE, turned, linking_api()).body == learnt.body


def test_a_model_holds_words_and_figures_alone(learnt: training.Training, told: pa.Table) -> None:
    """Nobody's value and no SQL stands in a model: it goes into git."""
    said = learnt.body.decode()
    assert json.loads(said)["linkage"] == "drawn"
    assert "SELECT" not in said
    assert "levenshtein" not in said
    assert not any(f'"{value}"' in said for name in LINKAGE.fields for value in told[name].drop_null().to_pylist())


def test_drawn_people_are_found_again(pairs: pa.Table, told: pa.Table) -> None:
    """At odds of 16 to 1 nearly all pairs are right, and most of one person's are found."""
    rows = zip(*(pairs[name].to_pylist() for name in ("a", "b", "weight")), strict=True)
    (found,) = accuracy(rows, pairs_of(groups(told)), [4.0])
    assert found.precision > 0.97
    assert found.recall > 0.8


def test_a_weight_is_the_sum_of_what_its_fields_add(pairs: pa.Table, learnt: training.Training) -> None:
    """The waterfall begins at any two records, ends at the pair's own weight, and names no value."""
    said = scoring.explained(pairs, learnt.model).to_pylist()
    weights = pairs["weight"].to_pylist()
    for text, weight in zip(said, weights, strict=True):
        assert sum(part.adds for part in parts(text).values()) + learnt.model.start == pytest.approx(weight, abs=0.01)
    steps = waterfall(said[0], weights[0])
    assert steps[-1].after == pytest.approx(weights[0])
    assert [line.split()[0] for line in drawn(steps)][1:] == list(parts(said[0]))
    assert picture([("one & other", steps)]).count("<rect") == len(steps) + 1


def test_a_pair_is_weighed_once_the_smaller_first(pairs: pa.Table) -> None:
    """However records stand in the table, a pair is (smaller, larger), and the heaviest come first."""
    assert all(a < b for a, b in zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))
    assert len(set(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))) == pairs.num_rows
    assert pairs["weight"].to_pylist() == sorted(pairs["weight"].to_pylist(), reverse=True)


def test_blocks_bound_what_is_compared(cleaned: pa.Table, learnt: training.Training, pairs: pa.Table) -> None:
    """With every pair compared those under the rules weigh the same, and more are found."""
    whole = defined(DEFINITION.replace("every = 0", "every = 500"))
    every = scoring.score(whole, learnt.model, cleaned, linking_api())
    weights = {
        (a, b): weight for a, b, weight in zip(*(every[name].to_pylist() for name in ("a", "b", "weight")), strict=True)
    }
    for a, b, weight in zip(*(pairs[name].to_pylist() for name in ("a", "b", "weight")), strict=True):
        assert weights[a, b] == pytest.approx(weight)
    assert every.num_rows >= pairs.num_rows
    with pytest.raises(BadData, match="No rule says which pairs are compared"):
        scoring.score(LINKAGE, learnt.model, cleaned.select(["unique_id", "city", "postcode"]), linking_api())


def test_groups_without_limits_are_connected_components(pairs: pa.Table) -> None:
    """Whoever is joined by a chain of pairs is in one group, as networkx has it."""
    import networkx as nx  # noqa: PLC0415 -- the oracle

    found = cluster(pairs["a"].to_numpy(), pairs["b"].to_numpy())
    graph = nx.Graph(list(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True)))
    theirs = {record: min(part) for part in nx.connected_components(graph) for record in part}
    assert dict(zip(found.records.tolist(), found.groups.tolist(), strict=True)) == theirs
    assert found.largest == max(map(len, nx.connected_components(graph)))


@pytest.mark.parametrize("change", ["linkage", "definition", "match", "broken"])
def test_a_model_of_something_else_is_refused(learnt: training.Training, change: str) -> None:
    """Another linkage's, one of other comparisons, one whose figures are no shares, and what is no model."""
    content = json.loads(learnt.body)
    content |= {"linkage": {"linkage": "other"}, "definition": {"definition": "0"}, "match": {"match": 2.0}}.get(
        change, {}
    )
    body = b"{" if change == "broken" else json.dumps(content).encode()
    with pytest.raises(BadDefinition, match="cxm linkage drawn train makes it anew"):
        read(body, LINKAGE, "linkage/drawn.model.json")


def test_too_little_to_learn_from_is_said(cleaned: pa.Table) -> None:
    """Of nine records, or of one field, nothing is learnt; what is missing is named."""
    with pytest.raises(BadData, match="too little to learn from: 9 records with 6 fields"):
        training.train(LINKAGE, cleaned.slice(0, 9), linking_api())
    with pytest.raises(BadData, match="No rule that is sure"):
        training.train(_without_sure(), cleaned.drop_columns(["email"]), linking_api())


def test_a_block_without_pairs_teaches_nothing(cleaned: pa.Table) -> None:
    """It is said which block was empty; where a field could be learnt in no other, nothing is written."""
    alone = pa.array([f"{number}@mail.test" for number in range(cleaned.num_rows)])
    lonely = cleaned.set_column(cleaned.column_names.index("email"), "email", alone)
    blocks = 'rules = [["email"], ["surname", "birth"]]'
    three = defined(
        DEFINITION.replace("pairs = 2_000_000", "pairs = 20_000").replace(
            blocks, 'rules = [["email"], ["surname"], ["birth"]]'
        )
    )
    told = training.train(three, lonely, linking_api())
    assert "The block of training on email holds no pair: nothing was learnt in it." in told.remarks
    with pytest.raises(BadData, match="Nothing was learnt of 'surname'"):
        training.train(LINKAGE, lonely, linking_api())


def _without_sure() -> Linkage:
    text = DEFINITION.replace('sure = [["email"], ["first_name", "surname", "birth"]]', 'sure = [["email"]]')
    text = text.replace('rules = [["email"], ["surname", "birth"]]\npairs', 'rules = [["surname"], ["birth"]]\npairs')
    return defined(text)
