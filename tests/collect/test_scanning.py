"""Where the items of a body lie: found without decoding them, and as a decoder finds them."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.calls.scanning import (
    BATCH,
    DIRECT,
    FLAGS,
    LARGE,
    LIST,
    NAMED_NUMBER,
    NUL,
    SURROGATE,
    WHOLE,
    scan,
)

values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["a", "batch", "direct", '"', "\\", "[{", "é"]), inner, max_size=4),
    ),
    max_leaves=12,
)


def scanned(body: bytes, mode: int, rows: int = 100, deep: int = 10_000) -> tuple[tuple[int, ...], list[list[int]]]:
    """What the pass returns, and its table."""
    table = np.zeros((rows, 5), np.int64)
    found = scan(np.frombuffer(body, np.uint8), mode, table, np.empty(deep, np.uint8))
    return found, table[: max(0, min(found[0], rows))].tolist()


def keys_in(value: Any) -> int:
    """Keys of a value and of all that lies in it."""
    if isinstance(value, dict):
        return len(value) + sum(map(keys_in, value.values()))
    return sum(map(keys_in, value)) if isinstance(value, list) else 0


def depth_of(value: Any) -> int:
    """Objects and lists within one another."""
    if isinstance(value, dict | list):
        return 1 + max((depth_of(inner) for inner in (value.values() if isinstance(value, dict) else value)), default=0)
    return 0


@settings(deadline=None)
@given(
    st.lists(values, max_size=5),
    st.fixed_dictionaries({"indent": st.sampled_from([None, 1]), "ensure_ascii": st.booleans()}),
    values,
)
def test_each_item_is_found_as_the_decoder_finds_it(items: list[Any], written: dict[str, Any], around: Any) -> None:
    """Whatever an item holds and however it is written: its text, its keys and its depth are those of its value."""
    body = json.dumps({"x": around, "batch": items, "y": around}, **written).encode()
    (count, sound, deep, *_), table = scanned(body, BATCH)
    assert (count, sound, deep) == (len(items), 1, 0)
    for item, (start, end, keys, depth, flags) in zip(items, table, strict=True):
        assert json.loads(body[start:end]) == item
        assert (keys, depth) == (keys_in(item), depth_of(item))
        text = json.dumps(item, ensure_ascii=False)
        assert bool(flags & NUL) == ("\\u0000" in text.replace("\\\\", ""))
        assert bool(flags & DIRECT) == ('"direct":' in text.replace("\\\\", "").replace('\\"', ""))
        assert not flags & (SURROGATE | NAMED_NUMBER)


@settings(deadline=None)
@given(values)
def test_a_body_can_be_its_own_one_item_or_a_list_of_them(value: Any) -> None:
    """A single call is one item; a list's elements are its items."""
    body = b" " + json.dumps(value).encode() + b"\n"
    (count, sound, *_), [[start, end, keys, depth, _]] = scanned(body, WHOLE)
    assert (count, sound, keys, depth) == (1, 1, keys_in(value), depth_of(value))
    assert json.loads(body[start:end]) == value
    (count, sound, *_), table = scanned(json.dumps([value, value]).encode(), LIST)
    assert (count, sound, len(table)) == (2, 1, 2)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"batch": [1, 2], "batch": [3]}', 1),
        (b'{"batch": [1], "batch": 5}', -1),
        (b'{"batch": {"batch": [1]}}', -1),
        (b'{"x": {"batch": [1, 2]}, "batch" : [ ]}', 0),
        (b'{"x": "batch", "y": [1]}', -1),
        (b'{"batch": [[1, 2], "a,b", {"batch": [1, 2, 3]}]}', 3),
    ],
)
def test_the_items_are_those_of_the_last_outermost_batch(body: bytes, count: int) -> None:
    """A key `batch` deeper inside, or before another, names no items."""
    assert scanned(body, BATCH)[0][:2] == (count, 1)


@settings(deadline=None)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,320})(\.[0-9]{1,320})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_a_number_beyond_a_float_is_always_seen(number: str) -> None:
    """What a float64 cannot hold is flagged; what is far from its bounds is not."""
    large = bool(scanned(b'{"x": %b}' % number.encode(), WHOLE)[1][0][FLAGS] & LARGE)
    value = float(number)
    assert large or math.isfinite(value)
    assert not large or abs(value) > 1e307 or not value


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (rb'"\ud83d\ude00"', 0),
        (rb'"\ud83d"', SURROGATE),
        (rb'"\ud83d\n"', SURROGATE),
        (rb'"\ude00\ud83d"', SURROGATE),
        (rb'"\ud83d\ud83d\ude00"', SURROGATE),
        (rb'"\\ud83d"', 0),
        (rb'"\\\ud83d"', SURROGATE),
        (rb'"\u0000"', NUL),
        (rb'"\\u0000"', 0),
        (b"NaN", NAMED_NUMBER),
        (b"-Infinity", NAMED_NUMBER),
        (b"[Infinity]", NAMED_NUMBER),
        (b'"NaN"', 0),
        (b"-1e400", LARGE),
        (b'"1e400"', 0),
        (b"0e999", LARGE),  # nought it is, but that is for the decoder to say
    ],
)
def test_what_is_doubtful_in_an_item_is_flagged(text: bytes, flag: int) -> None:
    """NUL, half a pair, NaN and numbers beyond all bounds; not what only looks like them."""
    ((*_, flags),) = scanned(b'{"batch": [{"x": %b}]}' % text, BATCH)[1]
    assert flags == flag


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0da1eN -', max_size=60).map(str.encode))
def test_any_bytes_can_be_looked_through(body: bytes) -> None:
    """No bytes whatever make it read beyond their end or go on for ever."""
    for mode in (WHOLE, BATCH, LIST):
        (count, *_), table = scanned(body, mode, rows=2, deep=5)
        assert all(0 <= start < end <= len(body) for start, end, *_ in table[:count])


def test_a_large_body_is_looked_through_in_a_moment() -> None:
    """5 MiB of brackets, quotes or backslashes take a fraction of a second, however deep they lie."""
    scanned(b"{}", WHOLE)
    began = time.process_time()
    for piece in (b"[", b"{", b'"', b"\\", b'"\\u', b",", b"1", b'{"a":'):
        scanned(piece * ((5 << 20) // len(piece)), WHOLE)
    assert time.process_time() - began < 3
    assert scanned(b"[" * 11_000, WHOLE)[0][2] == 1
