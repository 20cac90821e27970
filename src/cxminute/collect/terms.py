"""Single values against a plan: what counts as there, what fits a planned type, how it is read, what is said if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.moments import moments
from cxminute.collect.source import EPOCHS
from cxminute.collect.values import LARGEST, READERS, Read, plain, written

Mask = NDArray[np.bool_]

_A: Final = {
    "number": "a number",
    "text": "a text",
    "flag": "true or false",
    "time": "a time",
    "object": "an object",
    "list": "a list",
    "any": "anything",
}
_OPENING: Final = {"object": ("{", dict), "list": ("[", list)}
_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source writes times: formats beside ISO 8601, and the zone of times without an offset."""

    times: tuple[str, ...] = ()
    zone: str = "UTC"

    @property
    def counts_epochs(self) -> bool:
        """Whether a number may be a time."""
        return any(form in EPOCHS for form in self.times)

    def column(self, column: pa.Array, kind: str) -> Read:
        """A column read as a planned type; of what has no type of its own in a column, only the faults count."""
        if kind == "time":
            return moments(column, self.times, self.zone)
        if kind in READERS:
            return READERS[kind](column)
        if kind == "any":
            return Read(column)
        texts = written(column).to_pylist()
        bad = np.array([text is not None and shape_of(text) != kind for text in texts], dtype=np.bool_)
        return Read(column, {"shape": bad})


def is_present(column: pa.Array) -> Mask:
    """Which cells hold something: null and blank text do not."""
    there = pc.is_valid(column)
    if pa.types.is_string(column.type):
        there = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False)
    found: Mask = plain(there).to_numpy(zero_copy_only=False)
    return found


def is_there(value: object) -> bool:
    """Whether a value of JSON holds something: null, blank text and objects without anything do not."""
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value) and not value.isspace()
    if isinstance(value, dict):
        for inner in value.values():  # noqa: SIM110 -- a generator takes twice as long, for each object of each event
            if is_there(inner):
                return True
        return False
    return True


def shape_of(text: str) -> str:
    """'object' or 'list' where the text is one written as JSON, as some senders do; else ''."""
    bare = text.strip()
    for kind, (opening, shape) in _OPENING.items():
        if bare.startswith(opening):
            try:
                return kind if isinstance(msgspec.json.decode(bare), shape) else ""
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                return ""
    return ""


def settled(value: object, kind: str, reading: Reading) -> bool | None:
    """Whether a value of JSON fits a planned type as it is; None where it must be read first.

    A number or flag where text is planned is read too: it is kept as its text.
    """
    said = kind_of(value)
    if kind in _OPENING:
        return said == kind or (isinstance(value, str) and shape_of(value) == kind)
    if said in _OPENING or (kind == "number" and said == "flag"):
        return kind == "any"
    if kind == "time":
        return None if said == "text" or (said == "number" and reading.counts_epochs) else False
    beyond = isinstance(value, int) and not -LARGEST <= value <= LARGEST  # a float64 loses its units
    return True if kind == "any" or (said == kind and not beyond) else None


SETTLED: Final = 1
"""A value of this type fits whatever it is."""
FILLED: Final = 2
"""It fits unless it is blank."""
WHOLE: Final = 3
"""It fits where a float64 keeps it to the unit."""

HOLDING: Final = 4
"""It fits where anything is in it."""


def at_once(kind: str) -> dict[type, int]:
    """Which types of JSON's values fit a planned type at first sight, and on what condition: most of `settled`."""
    plain: dict[str, dict[type, int]] = {
        "text": {str: FILLED},
        "number": {float: SETTLED, int: WHOLE},
        "flag": {bool: SETTLED},
        "list": {list: SETTLED},
        "object": {dict: HOLDING},
        "any": {str: FILLED, float: SETTLED, int: SETTLED, bool: SETTLED, list: SETTLED},
    }
    return plain.get(kind, {})


def kind_of(value: object) -> str:
    """The planned type that a value of JSON is of as it stands."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, dict) else "list" if isinstance(value, list) else "text"


def faulty(read: Read, rows: Mask) -> Mask:
    """Which of these cells could not be read."""
    bad = np.zeros(len(rows), dtype=np.bool_)
    for mask in read.faults.values():
        bad |= mask
    return bad & rows


def misfit(path: str, kind: str) -> str:
    """The fault of a value that is not of its planned type."""
    return f"'{_shown(path)}' is not {_A[kind]}"


def not_one_of(path: str) -> str:
    """The fault of a value that is none of those listed."""
    return f"'{_shown(path)}' is none of the planned values"


def missing(path: str) -> str:
    """The fault of a required property that is not there."""
    return f"'{_shown(path)}' is missing"


def unplanned(path: str) -> str:
    """The fault of a property that the plan does not name."""
    return f"property '{_shown(path)}' is not planned"


def _shown(path: str) -> str:
    return path.removeprefix("properties.")[:_LONGEST]
