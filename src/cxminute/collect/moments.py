"""Times as people write them, whole columns at once: ISO 8601, declared formats, epochs; naive ones in a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.values import Read, plain, trimmed
from cxminute.collect.zones import FIRST, LAST, instants
from cxminute.model.tables import MOMENT
from cxminute.model.times import to_ms, zone_of

_USUAL: Final = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$"
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_UNREAD: Final = np.iinfo(np.int64).min


def moments(column: pa.Array, times: tuple[str, ...], zone: str) -> Read:
    """UTC milliseconds as MOMENT; null where the cell is empty; `bad_time` where it is no time.

    times: formats beside ISO 8601, or 'epoch seconds', 'epoch milliseconds'; tried first, in their order
    zone:  where times without an offset were read off a clock; a bare date is the start of its day
    Below the millisecond, times are cut. Numbers are times only under one of the epochs.
    """
    array = plain(column)
    kind = array.type
    if pa.types.is_null(kind):
        return Read(pa.nulls(len(array), MOMENT))
    if pa.types.is_date(kind):
        array, kind = pc.cast(array, pa.timestamp("ms")), pa.timestamp("ms")
    if pa.types.is_timestamp(kind):
        found = _of_timestamps(array, zone)
    elif "epoch seconds" in times or "epoch milliseconds" in times:
        found = _of_epochs(array, times, zone)
    elif pa.types.is_string(kind):
        found = _of_texts(trimmed(array), times, zone)
    else:
        found = np.full(len(array), _UNREAD, dtype=np.int64)
    filled = pc.is_valid(trimmed(array) if pa.types.is_string(kind) else array).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(kind):
        filled &= ~pc.fill_null(pc.is_nan(array), True).to_numpy(zero_copy_only=False)
    read = (found >= FIRST) & (found < LAST)
    bad = filled & ~read
    values = pa.array(np.where(read, found, 0), pa.int64(), mask=~(filled & read)).cast(MOMENT)
    return Read(values, {"bad_time": bad} if bad.any() else {})


def _of_timestamps(array: pa.Array, zone: str) -> NDArray[np.int64]:
    scale = _PER_SECOND[array.type.unit]
    raw = pc.fill_null(pc.cast(array, pa.int64()), 0).to_numpy(zero_copy_only=False)
    clipped = np.clip(raw, -(10**15), 10**15)  # beyond any calendar, and no overflow where seconds become milliseconds
    found = raw // (scale // 1_000) if scale > 1_000 else clipped * (1_000 // scale)
    return found if array.type.tz else _zoned(found, zone)


def _zoned(local: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    within = (local >= FIRST) & (local < LAST)
    found = np.full(len(local), _UNREAD, dtype=np.int64)
    found[within] = instants(local[within], zone_of(zone))
    return found


def _of_epochs(array: pa.Array, times: tuple[str, ...], zone: str) -> NDArray[np.int64]:
    seconds = "epoch seconds" in times
    if pa.types.is_string(array.type):
        digits = trimmed(array)
        counts = pc.match_substring_regex(digits, r"^-?[0-9]{1,15}(\.[0-9]+)?$")
        numeric = pc.fill_null(counts, False).to_numpy(zero_copy_only=False)
        found = _of_texts(pc.if_else(counts, None, digits), tuple(form for form in times if "%" in form), zone)
        cells = pc.fill_null(pc.cast(pc.if_else(counts, digits, None), pa.decimal128(33, 9)), 0)
    elif pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
        found = np.full(len(array), _UNREAD, dtype=np.int64)
        cells = pc.cast(array, pa.float64()) if pa.types.is_decimal(array.type) else array
        bounded = pc.and_(pc.greater(cells, -(10**15)), pc.less(cells, 10**15))
        numeric = pc.fill_null(bounded, False).to_numpy(zero_copy_only=False)
        cells = pc.if_else(numeric, pc.fill_null(cells, 0), 0)
    else:
        return np.full(len(array), _UNREAD, dtype=np.int64)
    if pa.types.is_integer(cells.type):
        counted = pc.cast(cells, pa.int64()).to_numpy(zero_copy_only=False) * (1_000 if seconds else 1)
    else:
        counted = np.array([int(cell * 1_000 // 1) if seconds else int(cell // 1) for cell in cells.to_pylist()])
    found[numeric] = counted[numeric]
    return found


def _of_texts(array: pa.Array, forms: tuple[str, ...], zone: str) -> NDArray[np.int64]:
    """Each distinct text is read once: times repeat in most files."""
    found = np.full(len(array), _UNREAD, dtype=np.int64)
    if not forms:
        usual = pc.fill_null(pc.match_substring_regex(array, _USUAL), False)
        try:
            stamps = pc.cast(pc.if_else(usual, array, None), pa.timestamp("us"))
        except pa.ArrowInvalid:  # some 30th of February: read one by one, which tells it from the others
            usual = pa.array(np.zeros(len(array), dtype=np.bool_))
        else:
            mask = usual.to_numpy(zero_copy_only=False)
            found[mask] = _of_timestamps(stamps.filter(usual), zone)
        array = pc.if_else(usual, None, array)
    distinct = array.dictionary_encode()
    words = distinct.dictionary.to_pylist()
    if not words:
        return found
    local = np.empty(len(words), dtype=np.int64)
    naive = np.zeros(len(words), dtype=np.bool_)
    for index, word in enumerate(words):
        local[index], naive[index] = _of_text(word, forms)
    local[naive] = _zoned(local[naive], zone)
    codes = distinct.indices
    mask = pc.is_valid(codes).to_numpy(zero_copy_only=False)
    found[mask] = local[pc.drop_null(codes).to_numpy()]
    return found


def _of_text(word: str, forms: tuple[str, ...]) -> tuple[int, bool]:
    """(milliseconds, were they read off a clock without an offset) of one text."""
    for form in (*forms, ""):
        try:
            moment = datetime.strptime(word, form) if form else datetime.fromisoformat(word)  # noqa: DTZ007 -- the zone comes from the source
            naive = moment.tzinfo is None
            return to_ms(moment.replace(tzinfo=UTC) if naive else moment), naive
        except (ValueError, OverflowError):
            continue
    return _UNREAD, False
