"""Conditions evaluated over Arrow columns, a column at a time.

A comparison between unlike types is false, `!=` too. A value that is not there compares with nothing: only `missing` is
true of it. `not` is true where its part is not, so also where a value is not there. Texts are ordered by code point,
flags false before true. A text column in dictionary form is compared once per different text, not once per row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Value
from cxminute.model.times import to_ms

Truth = NDArray[np.bool_]

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARE_TEXT: Final[dict[str, Callable[[pa.Array, str], pa.Array]]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_MOMENT: Final = pa.timestamp("ms", tz="UTC")


def evaluate(condition: Condition, column: Callable[[str], pa.Array], length: int) -> Truth:
    """For each of `length` rows, whether the condition is true.

    column: the values of a path, one a row: numbers, text (plain or dictionary), flags, timestamps or dates, or all
            null; a time without a zone is read as UTC, and instants are compared in whole milliseconds
    """
    match condition:
        case Comparison(path=path):
            return _compare(condition, _whole(column(path)))
        case Negation(part=part):
            return ~evaluate(part, column, length)
        case Both(parts=parts):
            truth = np.ones(length, np.bool_)
            for part in parts:
                truth &= evaluate(part, column, length)
            return truth
        case Either(parts=parts):
            truth = np.zeros(length, np.bool_)
            for part in parts:
                truth |= evaluate(part, column, length)
            return truth


def told_apart(condition: Condition, kinds: Callable[[str], frozenset[str]]) -> Condition:
    r"""The same condition; over a path of several kinds, each comparison asks for the values of its literal's kind.

    kinds:   of which kinds (number, text, flag, time) a path has values
    returns: the path of such a comparison is 'KIND\0PATH'; all others are as they were
    """
    match condition:
        case Comparison(path=path, values=values) if values and len(kinds(path)) > 1:
            apart = tuple(replace(condition, path=f"{_kind(value)}\0{path}", values=(value,)) for value in values)
            return apart[0] if len(apart) == 1 else Either(apart)
        case Negation(part=part):
            return Negation(told_apart(part, kinds))
        case Both(parts=parts) | Either(parts=parts):
            return replace(condition, parts=tuple(told_apart(part, kinds) for part in parts))
        case _:
            return condition


def _kind(literal: Value) -> str:
    if isinstance(literal, bool):
        return "flag"
    return "number" if isinstance(literal, int | float) else "text" if isinstance(literal, str) else "time"


def _whole(values: pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _compare(comparison: Comparison, values: pa.Array) -> Truth:
    if pa.types.is_dictionary(values.type):
        return _by_code(comparison, values)
    if comparison.operator in {"missing", "present"}:
        there: Truth = values.is_valid().to_numpy(zero_copy_only=False)
        return there if comparison.operator == "present" else ~there
    sign = "=" if comparison.operator == "in" else comparison.operator
    truth = np.zeros(len(values), np.bool_)
    for literal in comparison.values:
        truth |= _compare_one(values, sign, literal)
    return truth


def _by_code(comparison: Comparison, values: pa.DictionaryArray) -> Truth:
    """Looks once at each different value, then only at codes; a row without a code is the last entry, a null."""
    of_value = _compare(comparison, values.dictionary)
    of_code = np.append(of_value, comparison.operator == "missing")
    codes = values.indices.cast(pa.int64()).fill_null(len(of_value)).to_numpy(zero_copy_only=False)
    truth: Truth = of_code[codes]
    return truth


def _compare_one(values: pa.Array, sign: str, literal: Value) -> Truth:
    kind = values.type
    match literal:
        case bool() if pa.types.is_boolean(kind):
            return _numbers(values, sign, literal, values.fill_null(False).to_numpy(zero_copy_only=False))
        case str() if _is_text(kind):
            return _texts(values, sign, literal)
        case datetime() if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            instants = values.cast(_MOMENT, safe=False).cast(pa.int64())
            return _numbers(values, sign, to_ms(literal), instants.fill_null(0).to_numpy(zero_copy_only=False))
        case int() | float() if not isinstance(literal, bool) and _is_number(kind):
            numbers = values if pa.types.is_float64(kind) else values.cast(pa.float64(), safe=False)
            numbers = numbers.fill_null(0.0) if numbers.null_count else numbers
            return _numbers(values, sign, literal, numbers.to_numpy(zero_copy_only=False))
        case _:
            return np.zeros(len(values), np.bool_)


def _numbers(values: pa.Array, sign: str, literal: float, numbers: NDArray[Any]) -> Truth:
    truth: Truth = _COMPARE[sign](numbers, literal)
    if values.null_count:
        truth &= values.is_valid().to_numpy(zero_copy_only=False)
    return truth


def _texts(values: pa.Array, sign: str, literal: str) -> Truth:
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    found: Truth = (
        _COMPARE_TEXT[sign](values, pa.scalar(literal, values.type)).fill_null(False).to_numpy(zero_copy_only=False)
    )
    return found


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
