"""Fields of a piece as values: texts, times, numbers, flags; what cannot be read makes the piece unfit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, cast

import pyarrow as pa

from cxminute.collect.moments import moments
from cxminute.collect.readers.facts import Around, Piece, Unfit
from cxminute.collect.values import LARGEST
from cxminute.model.times import to_ms

_TRUE: Final = frozenset(("true", "yes", "y", "1"))
_FALSE: Final = frozenset(("false", "no", "n", "0", ""))


def inner(piece: Piece, path: str) -> object:
    """What lies at a dotted path, None where nothing does; a part of the path that is no object holds nothing."""
    found: object = piece
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def objects(piece: Piece, path: str) -> list[Piece]:
    """The objects of the list at a path; [] where there is none."""
    found = inner(piece, path)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise Unfit("bad_shape", f"'{path}' is not a list of objects.")
    return cast("list[Piece]", found)


def text(piece: Piece, path: str) -> str:
    """The text at a path, without blanks around it; numbers as their text; '' where nothing is."""
    found = inner(piece, path)
    if found is None:
        return ""
    if isinstance(found, bool | Mapping | list):
        raise Unfit("bad_shape", f"'{path}' is not a text.")
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return str(found).strip()


def needed(piece: Piece, path: str) -> str:
    """The text at a path, which must be there."""
    found = text(piece, path)
    if not found:
        raise Unfit("no_key", f"'{path}' is empty.")
    return found


def number(piece: Piece, path: str) -> float | None:
    """The number at a path, also written as text; None where nothing is."""
    found = inner(piece, path)
    if found is None or (isinstance(found, str) and not found.strip()):
        return None
    if isinstance(found, bool | Mapping | list):
        raise Unfit("bad_number", f"'{path}' is not a number.")
    try:
        value = float(found)  # type: ignore[arg-type]  # what is left is a text or a number
    except ValueError:
        raise Unfit("bad_number", f"'{path}' is not a number.") from None
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise Unfit("number_too_large", f"'{path}' is beyond 2^53.")
    return value


def amount(piece: Piece, path: str) -> float | None:
    """An amount of money, or of pieces, at a path, which may not be negative; None where nothing is."""
    value = number(piece, path)
    if value is not None and value < 0:
        raise Unfit("negative_amount", f"'{path}' is negative.")
    return value


def flag(piece: Piece, path: str) -> bool | None:
    """True or false at a path, also written as text; None where nothing is."""
    found = inner(piece, path)
    if found is None or isinstance(found, bool):
        return found
    word = str(found).strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False if word else None
    raise Unfit("bad_flag", f"'{path}' is neither true nor false.")


def moment(piece: Piece, path: str, around: Around) -> int | None:
    """The time at a path, UTC ms; None where nothing is. One without an offset is of the source's zone."""
    written = text(piece, path)
    if not written:
        return None
    return instant(written, path, around)


def instant(written: str, path: str, around: Around) -> int:
    """A text as a time, UTC ms; `path` says where it stood."""
    value = _exact(written) if not around.times else None
    if value is None:
        value = _read(written, around.times, around.zone)
    if value is None:
        forms = "".join(f" or {form}" for form in around.times)
        raise Unfit("bad_time", f"'{path}' cannot be read as a time. Allowed: ISO 8601{forms}.")
    return value


def happened(piece: Piece, path: str, around: Around) -> int:
    """The time at a path, which must be there."""
    found = moment(piece, path, around)
    if found is None:
        raise Unfit("no_time", f"'{path}' is empty.")
    return found


def currency(*codes: str) -> str:
    """The one currency of all these; '' where none is said. Two are refused: their sum would mean nothing."""
    named = sorted({code.upper() for code in codes if code})
    if len(named) > 1:
        raise Unfit("two_currencies", f"Amounts in {' and '.join(named)} stand in one order.")
    return named[0] if named else ""


def total(*amounts: float | None) -> float | None:
    """The sum of what is there, to the hundredth of a cent; None where nothing is."""
    there = [amount for amount in amounts if amount is not None]
    return round(math.fsum(there), 4) if there else None


def _exact(written: str) -> int | None:
    """ISO 8601 with an offset, the usual case; None where it is to be looked at more closely."""
    try:
        found = datetime.fromisoformat(written)
        return None if found.tzinfo is None else to_ms(found)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=65_536)
def _read(written: str, times: tuple[str, ...], zone: str) -> int | None:
    """As every other format reads times (collect.moments); None where it is none."""
    found: int | None = moments(pa.array([written], pa.string()), times, zone).values.cast(pa.int64())[0].as_py()
    return found
