"""One pass over the bytes of a body: where its items lie, how deep and wide they are, and what is doubtful in them.

It finds the items without decoding them, so that one item that no decoder takes (half of a UTF-16 pair, NaN, 5,000
lists within one another) costs its neighbours nothing. It judges no grammar: that is left to the decoder, which reads
what is left when the items at fault are taken out. Where the decoder takes a text, brackets and strings are as here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from cxminute.collect.calls.limits import DEEPEST, LARGEST_EVENT, MOST_EXTREME, MOST_KEYS

WHOLE: Final = 0
"""The whole body is the one item."""
BATCH: Final = 1
"""The items are the elements of the list under the outermost key `batch`; of several such keys, the last counts."""
LIST: Final = 2
"""The body is a list of items."""

START, END, KEYS, DEPTH, FLAGS = range(5)
"""Columns of the table of items: first byte and the one after the last, keys, depth, and a sum of the flags below."""

NUL: Final = 1
"""A text holds the character NUL."""
SURROGATE: Final = 2
"""Half of a UTF-16 pair stands alone."""
LARGE: Final = 4
"""A number may be beyond a float64: its decimal exponent is 308 or more."""
NAMED_NUMBER: Final = 8
"""NaN or Infinity, which JSON does not have."""

EXTREME: Final = 32
"""More numbers lie near the ends of what a float64 can be than are taken from one item."""
_NEAR: Final = 64  # one number lies there
DIRECT: Final = 16
"""A key is called `direct`: the item may ask for the peer's address. No fault."""

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_TABLE = types.int64[:, ::1]
_FOUND = types.UniTuple(types.int64, 8)  # type: ignore[no-untyped-call]  # numba ships none here


@njit(types.int64(_BYTES, types.int64), cache=True, nogil=True)
def _hexadecimal(body: NDArray[np.uint8], start: int) -> int:
    """The four hexadecimal digits from a place on, as a number; -1 where they are none."""
    if start + 4 > len(body):
        return -1
    made = 0
    for place in range(start, start + 4):
        digit = body[place]
        if 48 <= digit <= 57:
            made = made * 16 + digit - 48
        elif 97 <= digit <= 102:
            made = made * 16 + digit - 87
        elif 65 <= digit <= 70:
            made = made * 16 + digit - 55
        else:
            return -1
    return made


@njit(types.UniTuple(types.int64, 2)(_BYTES, types.int64), cache=True, nogil=True)  # type: ignore[no-untyped-call]  # as above
def _escape(body: NDArray[np.uint8], start: int) -> tuple[int, int]:
    """The byte after the escape that begins with the backslash at a place (after both halves of a pair), and flags."""
    size = len(body)
    if start + 1 >= size or body[start + 1] != 117:
        return start + 2, 0
    unit = _hexadecimal(body, start + 2)
    place = start + 6
    if unit == 0:
        return place, NUL
    if not 0xD800 <= unit <= 0xDFFF:
        return place, 0
    if unit <= 0xDBFF and place + 1 < size and body[place] == 92 and body[place + 1] == 117:
        low = _hexadecimal(body, place + 2)
        if 0xDC00 <= low <= 0xDFFF:
            return place + 6, 0
    return place, SURROGATE


@njit(types.UniTuple(types.int64, 2)(_BYTES, types.int64), cache=True, nogil=True)  # type: ignore[no-untyped-call]  # as above
def _number(body: NDArray[np.uint8], start: int) -> tuple[int, int]:
    """The last byte of the number that begins at a place, and flags."""
    size, place = len(body), start + (body[start] == 45)
    whole, leading = 0, 0  # digits before the point; noughts right after it where nothing stands before
    while place < size and 48 <= body[place] <= 57:
        whole += whole > 0 or body[place] != 48
        place += 1
    if place < size and body[place] == 46:
        place += 1
        zeros = True
        while place < size and 48 <= body[place] <= 57:
            zeros = zeros and body[place] == 48
            leading += zeros
            place += 1
    exponent, sign = 0, 1
    if place < size and (body[place] | 32) == 101:
        place += 1
        if place < size and (body[place] == 43 or body[place] == 45):
            sign = -1 if body[place] == 45 else 1
            place += 1
        while place < size and 48 <= body[place] <= 57:
            exponent = min(exponent * 10 + body[place] - 48, 1_000_000_000)
            place += 1
    highest = whole - 1 if whole else -1 - leading
    power = highest + sign * exponent
    if -289 <= power <= 288:
        return max(place - 1, start), 0
    return max(place - 1, start), LARGE + _NEAR if power >= 308 else _NEAR


@njit(types.boolean(_BYTES, types.int64, _BYTES), cache=True, nogil=True)
def _says(body: NDArray[np.uint8], start: int, word: NDArray[np.uint8]) -> bool:
    """Whether these bytes stand at a place."""
    same = True
    for place in range(len(word)):
        same &= body[start + place] == word[place]
    return same


_WORD_BATCH: Final = np.frombuffer(b"batch", np.uint8)
_WORD_DIRECT: Final = np.frombuffer(b"direct", np.uint8)


@njit(_FOUND(_BYTES, types.int64, _TABLE, types.uint8[::1]), cache=True, nogil=True)
def scan(  # noqa: C901, PLR0912, PLR0915 -- one pass, in which every kind of letter has its branch
    body: NDArray[np.uint8], mode: int, items: NDArray[np.int64], opened: NDArray[np.uint8]
) -> tuple[int, int, int, int, int, int, int, int]:
    """Finds the items of a body.

    body:    its bytes, UTF-8 and without a mark at their beginning
    mode:    WHOLE, BATCH or LIST
    items:   filled: a row per item, as far as there are rows; columns START, END, KEYS, DEPTH, FLAGS
    opened:  room for the brackets that are open; its length is how deep is looked
    returns: how many items there are (-1: no such list), whether brackets and strings match up to the end, whether it
             was too deep, whether any item is beyond a limit or has a flag, the bytes of all items, and what lies
             outside of them: keys, depth and flags
    """
    size, place, level = len(body), 0, 0
    base = 0 if mode == WHOLE else 2 if mode == BATCH else 1  # brackets that are open around an item
    inside = mode == WHOLE
    named = False  # whether the key before was `batch`
    count = 0 if mode == WHOLE else -1
    item = False
    keys, depth, flags, start, last = 0, 0, 0, 0, 0
    quote = 0  # where the last string began
    within, odd, near = 0, False, 0
    outer_keys, outer_depth, outer_flags = 0, 0, 0
    while place < size:
        letter = body[np.uintp(place)]
        if letter <= 32:
            place += 1
            continue
        if inside and level == base:
            ends = letter == 44 or (letter == 93 and mode != WHOLE)
            if item and ends:
                if count < len(items):
                    items[count, 0], items[count, 1] = start, last + 1
                    items[count, 2], items[count, 3], items[count, 4] = keys, depth, flags
                count, near = count + 1, 0
                within += last + 1 - start
                odd |= last - start >= LARGEST_EVENT or keys > MOST_KEYS or depth > DEEPEST or flags != 0
                item = False
            elif not item and not ends:
                item, start, keys, depth, flags, near = True, place, 0, 0, 0, 0
        if letter == 34:
            quote = place
            place += 1
            while place < size and body[np.uintp(place)] != 34:
                if body[np.uintp(place)] == 92:
                    place, found = _escape(body, place)
                    if item:
                        flags |= found
                    else:
                        outer_flags |= found
                else:
                    place += 1
            if place >= size:
                return count, 0, 0, 1, 0, outer_keys, outer_depth, outer_flags
        elif letter == 58:
            length = last - quote - 1
            if length == 6 and _says(body, quote + 1, _WORD_DIRECT):
                if item:
                    flags |= DIRECT
                else:
                    outer_flags |= DIRECT
            if item:
                keys += 1
            else:
                outer_keys += 1
                named = level == 1 and length == 5 and _says(body, quote + 1, _WORD_BATCH)
                if named and mode == BATCH:
                    count, within, odd = -1, 0, False
        elif letter == 123 or letter == 91:  # noqa: PLR1714 -- a set costs ten times as much, compiled
            if level >= len(opened):
                return count, 0, 1, 1, 0, outer_keys, outer_depth, outer_flags
            opened[level] = letter
            level += 1
            if item:
                depth = max(depth, level - base)
            else:
                outer_depth = max(outer_depth, level)
                begins = (mode == BATCH and level == 2 and named) or (mode == LIST and level == 1)
                if begins and letter == 91:
                    inside, count = True, 0
        elif letter == 125 or letter == 93:  # noqa: PLR1714 -- as above
            if level == 0 or opened[level - 1] != letter - 2:
                return count, 0, 0, 1, 0, outer_keys, outer_depth, outer_flags
            level -= 1
            if inside and level < base:
                inside = False
        elif 48 <= letter <= 57 or (letter == 45 and not (place + 1 < size and body[place + 1] == 73)):
            place, found = _number(body, place)
            if found:
                near += 1
                found = (found & LARGE) | (EXTREME if near > MOST_EXTREME else 0)
                if item:
                    flags |= found
                else:
                    outer_flags |= found
        elif letter == 78 or letter == 73:  # noqa: PLR1714 -- as above
            if item:
                flags |= NAMED_NUMBER
            else:
                outer_flags |= NAMED_NUMBER
        last = place
        place += 1
    if item:
        items[0, 0], items[0, 1], items[0, 2], items[0, 3], items[0, 4] = start, last + 1, keys, depth, flags
        count, within = 1, last + 1 - start
        odd = last - start >= LARGEST_EVENT or keys > MOST_KEYS or depth > DEEPEST or flags != 0
    return count, int(level == 0), 0, int(odd), within, outer_keys, outer_depth, outer_flags
