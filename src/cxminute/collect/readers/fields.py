"""Fields of a piece as values: texts, times, numbers, flags; what cannot be read makes the piece unfit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, cast

import numpy as np
import pyarrow as pa

from cxminute.collect.moments import moments
from cxminute.collect.readers.facts import Around, Piece, Unfit, without
from cxminute.collect.values import LARGEST
from cxminute.collect.zones import FIRST, LAST, instants
from cxminute.model.times import to_ms, zone_of

_TRUE: Final = frozenset(("true", "yes", "y", "1"))
_FALSE: Final = frozenset(("false", "no", "n", "0", ""))
_CENT: Final = 0.005


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


def object_at(piece: Piece, path: str) -> Piece:
    """The object at a path; {} where there is none."""
    found = inner(piece, path)
    return found if isinstance(found, Mapping) else {}


def left(piece: Piece, path: str, *named: str) -> dict[str, object]:
    """What the object at a path holds beside the named fields; {} where there is none."""
    return without(object_at(piece, path), *named)


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


def exceeds(back: float | None, paid: float | None) -> bool:
    """Whether more than half a cent more went back than was paid; not where either is not said."""
    return back is not None and paid is not None and back > paid + _CENT


def each(price: float | None, pieces: float | None) -> float | None:
    """What one of so many pieces costs, to the hundredth of a cent."""
    return total(price / pieces) if price is not None and pieces else None


# -- of several pieces -------------------------------------------------------------------------------------------------


def summed(pieces: Iterable[Piece], path: str) -> float | None:
    """The amounts at a path of each, added up; None where none has one."""
    return total(*(amount(piece, path) for piece in pieces))


def unsigned(pieces: Iterable[Piece], path: str) -> float | None:
    """As `summed`, of what some write as taken off and some as a number below zero."""
    found = [number(piece, path) for piece in pieces]
    return total(*(None if value is None else abs(value) for value in found))


def times_of(pieces: Iterable[Piece], path: str, around: Around) -> list[int]:
    """The times at a path of those that have one, UTC ms."""
    return [at for piece in pieces if (at := moment(piece, path, around)) is not None]


def listed(pieces: Iterable[Piece], path: str) -> str:
    """The texts at a path of each, every one once, with commas between."""
    return ", ".join(dict.fromkeys(found for piece in pieces if (found := text(piece, path))))


# -- times -------------------------------------------------------------------------------------------------------------


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
    at = None if times else _by_the_clock(written, zone)
    if at is not None:
        return at
    found: int | None = moments(pa.array([written], pa.string()), times, zone).values.cast(pa.int64())[0].as_py()
    return found


def _by_the_clock(written: str, zone: str) -> int | None:
    """ISO 8601 without an offset, as collect.moments reads it, but not as a column of one, which is slow."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    local = to_ms(found.replace(tzinfo=UTC))
    if found.tzinfo is not None or not FIRST <= local < LAST:
        return None
    at = int(instants(np.array([local], dtype=np.int64), zone_of(zone))[0])
    return at if FIRST <= at < LAST else None
