"""Conditions over columns agree with conditions over one event at a time, and types are never mixed up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Operator, Value
from cxminute.model.tables import MOMENT
from cxminute.store.conditions import evaluate
from tests.oracles.journeys_reference import holds

NOON = datetime(2015, 2, 14, 12, tzinfo=UTC)
KINDS: dict[str, tuple[pa.DataType, list[Value]]] = {
    "number": (pa.float64(), [-1.0, 0.0, 1.0, 2.5]),
    "text": (pa.string(), ["", "a", "b", "B", "é", "1"]),
    "word": (pa.dictionary(pa.int32(), pa.string()), ["", "a", "b", "B", "é", "1"]),
    "flag": (pa.bool_(), [False, True]),
    "time": (MOMENT, [NOON, NOON.replace(hour=13), NOON.replace(microsecond=1000)]),
}
literals = st.sampled_from([value for kind in ("number", "text", "flag", "time") for value in KINDS[kind][1]])
binary = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
comparisons = (
    st.builds(Comparison, path=st.sampled_from(sorted(KINDS)), operator=binary, values=st.tuples(literals))
    | st.builds(
        Comparison,
        path=st.sampled_from(sorted(KINDS)),
        operator=st.just("in"),
        values=st.lists(literals, min_size=1, max_size=4).map(tuple),
    )
    | st.builds(Comparison, path=st.sampled_from(sorted(KINDS)), operator=st.sampled_from(["missing", "present"]))
)


def _compound(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.builds(Both, several) | st.builds(Either, several) | st.builds(Negation, parts)


conditions: st.SearchStrategy[Condition] = st.recursive(comparisons, _compound, max_leaves=6)
rows = st.lists(
    st.fixed_dictionaries({path: st.none() | st.sampled_from(values) for path, (_, values) in KINDS.items()}),
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(conditions, rows)
def test_columns_and_single_events_agree(condition: Condition, events: list[dict[str, Any]]) -> None:
    """A condition is true of a row of the columns where the plain reading of the page finds it true of the event."""
    columns = {path: pa.array([event[path] for event in events], kind) for path, (kind, _) in KINDS.items()}
    truth = evaluate(condition, columns.__getitem__, len(events))
    assert truth.dtype == np.bool_
    assert truth.tolist() == [holds(condition, event) for event in events]


def _true(values: pa.Array, operator: Operator, *literal: Value) -> list[bool]:
    found: list[bool] = evaluate(Comparison("x", operator, literal), lambda _: values, len(values)).tolist()
    return found


def test_what_is_not_there_compares_with_nothing() -> None:
    """A missing value is not unequal either: only `missing` is true of it, and `not` of a comparison with it."""
    values = pa.array([1.0, None])
    assert _true(values, "!=", 2.0) == [True, False]
    assert _true(values, "missing") == [False, True]
    assert _true(values, "present") == [True, False]
    negated = Negation(Comparison("x", "=", (1.0,)))
    assert evaluate(negated, lambda _: values, 2).tolist() == [False, True]


@pytest.mark.parametrize("values", [pa.nulls(3), pa.nulls(3, pa.string()), pa.nulls(3, MOMENT)])
def test_a_path_never_seen_is_missing_everywhere(values: pa.Array) -> None:
    """All null is missing, and equal to nothing."""
    assert _true(values, "missing") == [True] * 3
    assert _true(values, "=", 1.0) == _true(values, "!=", "x") == _true(values, "in", NOON, True) == [False] * 3


def test_unlike_types_are_never_equal_nor_unequal() -> None:
    """Text '1' is not the number 1, and true is not 1."""
    assert _true(pa.array(["1"]), "=", 1.0) == _true(pa.array(["1"]), "!=", 1.0) == [False]
    assert _true(pa.array([1.0]), "=", True) == _true(pa.array([True]), "=", 1.0) == [False]
    assert _true(pa.array([1.0]), "in", "1", 1.0) == [True]


def test_dictionaries_may_hold_nulls_and_unused_words() -> None:
    """A code without a word and a word that is null are both missing."""
    values = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2], pa.int8()), pa.array(["a", None, "b", "unused"]))
    assert _true(values, "=", "a") == [True, False, False, False]
    assert _true(values, "!=", "a") == [False, False, False, True]
    assert _true(values, "missing") == [False, True, True, False]
    assert _true(values, "present") == [True, False, False, True]
    assert _true(values, "=", 1.0) == [False] * 4
    assert _true(pa.array([], pa.dictionary(pa.int32(), pa.string())), "missing") == []


def test_columns_of_files_compare_by_what_they_mean() -> None:
    """Whole and decimal numbers are numbers, dates are their start in UTC, times without a zone UTC, pieces whole."""
    assert _true(pa.array([1, 2, None], pa.int32()), ">=", 2.0) == [False, True, False]
    assert _true(pa.array([Decimal("1.50"), None]), "=", 1.5) == [True, False]
    assert _true(pa.array([date(2015, 2, 14), None]), "<", NOON) == [True, False]
    assert _true(pa.array([datetime(2015, 2, 14, 12)], pa.timestamp("us")), "=", NOON) == [True]  # noqa: DTZ001 -- a time without a zone is the point
    assert _true(pa.array(["a"], pa.large_string()), "=", "a") == _true(pa.array(["a"], pa.string_view()), "=", "a")
    assert _true(pa.array(["a"], pa.string_view()), "=", "a") == [True]
    assert _true(pa.chunked_array([["a"], ["b", None]]), "=", "b") == [False, True, False]
