"""Cells as what they are declared to be: text, number, flag. A cell that cannot be so is a fault, never a guess.

Every reader takes a column of any Arrow type and gives `Read`: the values, null where the cell is empty, and which
cells were at fault, by reason. Empty are null, '' and white space, and NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.tables import MOMENT

LARGEST: Final = 1 << 53
"""The largest whole number up to which a float64 keeps every unit."""

_NUMBER: Final = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_LONG: Final = r"^[+-]?[0-9]{16,}$"
_TRUE: Final = ("true", "yes", "t", "y", "1")
_FALSE: Final = ("false", "no", "f", "n", "0")


@dataclass(frozen=True, slots=True)
class Read:
    """A column as read. faults: reason -> which cells."""

    values: pa.Array
    faults: dict[str, NDArray[np.bool_]] = field(default_factory=dict)


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as one array, dictionaries and large texts as plain text."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # no chunk at all stays chunked
        array = pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = pc.cast(array, pa.string())
    return array


def written(column: pa.Array) -> pa.Array:
    """Every cell as text, the same for the same value whatever its type: 17850.0 is '17850', a time in ISO 8601.

    Null stays null and NaN becomes it; lists and objects are JSON.
    """
    array = plain(column)
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_floating(kind):
        array = pc.cast(array, pa.float64())
        return pc.if_else(pc.is_nan(array), None, pc.cast(array, pa.string()))
    if pa.types.is_timestamp(kind):
        bare = _cut(pc.cast(array, pa.timestamp(kind.unit)))
        return pc.binary_join_element_wise(bare, "Z", "") if kind.tz else bare
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(pc.cast(array, pa.string()), r"(\.[0-9]*?)0+$", r"\1")
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_null(kind):
        return pc.cast(array, pa.string())
    return pa.array([None if cell is None else _json(cell) for cell in array.to_pylist()], pa.string())


def text(column: pa.Array) -> Read:
    """Text as it is written; '' is empty."""
    array = written(column)
    return Read(pc.if_else(pc.equal(array, ""), None, array))


def trimmed(column: pa.Array) -> pa.Array:
    """Text without white space around it, null where nothing is left: identifiers, keys and names."""
    array = pc.utf8_trim_whitespace(written(column))
    return pc.if_else(pc.equal(array, ""), None, array)


def number(column: pa.Array) -> Read:
    """float64. Whole numbers beyond 2^53 are `number_too_large`, as are those beyond a float64."""
    array = plain(column)
    kind = array.type
    if pa.types.is_null(kind):
        return Read(pa.nulls(len(array), pa.float64()))
    if pa.types.is_integer(kind):
        large = _beyond(array)
        return Read(pc.cast(pc.if_else(large, None, array), pa.float64()), _faults(number_too_large=large))
    if pa.types.is_floating(kind):
        values = pc.cast(array, pa.float64())
        values = pc.if_else(pc.is_nan(values), None, values)
        wild = _true(pc.is_inf(values))
        return Read(pc.if_else(wild, None, values), _faults(bad_number=wild))
    if pa.types.is_string(kind) or pa.types.is_decimal(kind):
        return _number_of_text(trimmed(array))
    return Read(pa.nulls(len(array), pa.float64()), _faults(bad_number=_true(pc.is_valid(array))))


def flag(column: pa.Array) -> Read:
    """True or false; also yes and no, t and f, y and n, 1 and 0, in any case."""
    array = plain(column)
    if pa.types.is_boolean(array.type):
        return Read(array)
    words = pc.utf8_lower(trimmed(array))
    true = pc.is_in(words, pa.array(_TRUE))
    known = pc.is_in(words, pa.array(_TRUE + _FALSE))
    bad = _true(pc.and_(pc.is_valid(words), pc.invert(known)))
    return Read(pc.if_else(known, true, pa.scalar(None, pa.bool_())), _faults(bad_flag=bad))


def holds_nul(column: pa.Array) -> bool:
    """Whether a text column may hold NUL: its bytes do, in any of its rows."""
    data = column.buffers()[2]
    return data is not None and not np.frombuffer(data, dtype=np.uint8).all()


def as_text(value: object) -> str:
    """A value of JSON as the text of a cell, the same for the same value: 7.0 is '7'; objects and lists are JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return str(int(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # JSON of ours ends at 64 bits
    return msgspec.json.encode(value).decode()


def type_of(column: pa.Array) -> str:
    """What a column is without a declared type: number, text, flag or time; '' where it holds nothing at all."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(kind):
        return ""
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    return "time" if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else "text"


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a property: number, text, flag or time."""
    return {"number": pa.float64(), "text": pa.string(), "flag": pa.bool_(), "time": MOMENT}[kind]


READERS: Final[dict[str, Callable[[pa.Array], Read]]] = {"text": text, "number": number, "flag": flag}


def _number_of_text(array: pa.Array) -> Read:
    shaped = pc.match_substring_regex(array, _NUMBER)
    bad = _true(pc.invert(shaped))
    digits = pc.replace_substring_regex(pc.if_else(shaped, array, None), r"^\+", "")
    long = _true(pc.match_substring_regex(digits, _LONG))
    large = np.zeros(len(array), dtype=np.bool_)
    for index in np.flatnonzero(long):
        large[index] = abs(int(digits[index].as_py()[-400:])) > LARGEST
    values = _floats(pc.if_else(large, None, digits))
    wild = _true(pc.is_inf(values))
    return Read(pc.if_else(wild, None, values), _faults(bad_number=bad, number_too_large=large | wild))


def _floats(digits: pa.Array) -> pa.Array:
    try:
        return pc.cast(digits, pa.float64())
    except pa.ArrowInvalid:  # Arrow refuses what Python reads as infinite, and '.5'
        return pa.array([None if cell is None else float(cell) for cell in digits.to_pylist()], pa.float64())


def _cut(array: pa.Array) -> pa.Array:
    """ISO text of local timestamps, without a fraction of zeros: the same in every unit."""
    return pc.replace_substring_regex(pc.cast(array, pa.string()), r"\.0+$|(\.[0-9]*[1-9])0+$", r"\1")


def _beyond(array: pa.Array) -> NDArray[np.bool_]:
    """Which whole numbers lie beyond 2^53; Arrow compares only within one type."""
    if array.type.bit_width < 64:
        return np.zeros(len(array), dtype=np.bool_)
    above = pc.greater(array, pa.scalar(LARGEST, array.type))
    if pa.types.is_unsigned_integer(array.type):
        return _true(above)
    return _true(pc.or_(above, pc.less(array, pa.scalar(-LARGEST, array.type))))


def _true(mask: pa.Array) -> NDArray[np.bool_]:
    made: NDArray[np.bool_] = plain(pc.fill_null(mask, False)).to_numpy(zero_copy_only=False)
    return made


def _faults(**masks: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    return {reason: mask for reason, mask in masks.items() if mask.any()}


def _json(cell: object) -> str:
    nested = isinstance(cell, dict | list | bytes)
    return msgspec.json.encode(cell, enc_hook=str).decode() if nested else str(cell)
