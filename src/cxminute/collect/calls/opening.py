"""A body opened: its items told apart from what stands around them, and those that no decoder should see set apart."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import msgspec
import numpy as np

from cxminute.collect.calls import limits
from cxminute.collect.calls.scanning import (
    BATCH,
    DEPTH,
    DIRECT,
    END,
    EXTREME,
    FLAGS,
    KEYS,
    LARGE,
    LIST,
    NAMED_NUMBER,
    NUL,
    START,
    SURROGATE,
    WHOLE,
    scan,
)
from cxminute.model.errors import CxmError

MARK: Final = b"\xef\xbb\xbf"

SHAPES: Final = {
    "event_too_large": f"The item has more than {limits.LARGEST_EVENT} bytes.",
    "too_deep": f"Objects and lists lie more than {limits.DEEPEST} deep.",
    "too_wide": f"The item has more than {limits.MOST_KEYS} keys.",
    "not_a_number": "NaN or Infinity stands in it, which JSON does not have.",
    "lone_surrogate": "Half of a UTF-16 pair stands alone.",
    "nul_character": "A text holds the character NUL.",
    "number_too_large": "A number is larger than a float64 can be.",
    "extreme_numbers": f"More than {limits.MOST_EXTREME} numbers lie near the ends of what a float64 can be.",
}
"""What is said of an item that is set apart before it is read."""

_DECODER: Final = msgspec.json.Decoder()
BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
"""What a decoder raises over bytes that are no JSON, or too deep for it."""
_KEY: Final = re.compile(rb'"(?:writeKey|api_key)"\s*:\s*"([^"\\]*)"')


class Unacceptable(CxmError):
    """A body that cannot be taken at all: nothing of it is kept, and the client is told why. code: a short reason."""

    def __init__(self, code: str, what: str, *, allowed: str | None = None) -> None:
        self.code = code
        super().__init__(what, allowed=allowed, then="Nothing of it was kept.")


@dataclass(slots=True)
class Opened:
    """A body, its items found but not read.

    body:     its bytes, without a mark at their beginning
    mode:     WHOLE, BATCH or LIST of `scanning`
    events:   how many items there are
    bounds:   for each, its first byte in the body and the one after its last
    apart:    place of an item -> the reason why it may not be read at all
    clean:    the body with those items taken out (`null` in their place), for a decoder
    direct:   whether a key `direct` stands anywhere in it
    """

    body: bytes
    mode: int
    events: int
    bounds: np.ndarray[Any, np.dtype[np.int64]]
    apart: dict[int, str] = field(default_factory=dict)
    clean: bytes = b""
    direct: bool = False

    def text(self, place: int) -> bytes:
        """An item as it was sent."""
        return self.body[self.bounds[place, START] : self.bounds[place, END]]


def open_body(body: bytes, protocol: str, kind: str) -> Opened:
    """Finds the items of a body and sets apart those that are too large, deep or wide, or that no database can keep.

    raises: Unacceptable where there is no JSON object (CloudEvents: or list), or a limit of the body is exceeded
    """
    body = body.removeprefix(MARK)
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            raise Unacceptable("wrong_encoding", "The body is not UTF-8.", allowed="JSON in UTF-8") from None
    first = body[:64].lstrip()[:1] or body.lstrip()[:1]
    if first == b"[" and protocol == "cloudevents":
        mode = LIST
    elif first != b"{":
        _refuse(first)
    else:
        mode = WHOLE if kind or protocol == "cloudevents" else BATCH
    opened = _scanned(body, mode)
    if opened is None and mode == BATCH:
        if protocol == "posthog":
            opened = _scanned(body, WHOLE)
        if opened is None:
            raise Unacceptable("no_batch", "The body has no list 'batch'.", allowed='{"batch": [...]}')
    return opened  # type: ignore[return-value]  # a body is always its own one item


def _refuse(first: bytes) -> NoReturn:
    if first in (b"[", b'"', b"t", b"f", b"n") or (first and first in b"-0123456789"):
        raise Unacceptable("not_an_object", "The body is no object in { }.", allowed="one JSON object")
    raise Unacceptable("bad_json", "The body is not JSON.", allowed="one JSON object")


def _scanned(body: bytes, mode: int) -> Opened | None:
    """The items of a body; None where it has no such list."""
    seen = np.frombuffer(body, np.uint8)
    table = np.empty((1 if mode == WHOLE else limits.MOST_EVENTS, 5), np.int64)
    found = scan(seen, mode, table, np.empty(_ROOM, np.uint8))
    count, sound, deep, odd, within, outer_keys, outer_depth, outer_flags = found
    if deep:
        raise Unacceptable("too_deep", f"The body is more than {limits.DEEPEST_BODY} deep.")
    if not sound:
        raise Unacceptable("bad_json", "The body is not JSON.", allowed="one JSON object")
    if count < 0:
        return None
    if count > limits.MOST_EVENTS:
        raise Unacceptable(
            "too_many_events",
            f"The body has {count} events.",
            allowed=f"at most {limits.MOST_EVENTS} events; send them in several calls",
        )
    opened = Opened(body, mode, count, table[:count], clean=body)
    if mode == BATCH:
        _check_shared(opened, len(body) - within)
    if mode != WHOLE:
        _check_around(outer_keys, outer_depth, outer_flags)
    opened.direct = bool(outer_flags & DIRECT)
    if odd:  # asked of the pass over the bytes, since a look through the table costs as much as half of that pass
        opened.direct |= bool((opened.bounds[:, FLAGS] & DIRECT).any())
        _set_apart(opened)
        opened.clean = _without(opened)
    return opened


def _check_around(keys: int, depth: int, flags: int) -> None:
    """Raises Unacceptable for what stands around the items, and would go into each of them."""
    found = [reason for flag, reason in _FLAGGED.items() if flags & flag]
    found += ["too_deep"] * (depth > limits.DEEPEST) + ["too_wide"] * (keys > limits.MOST_KEYS)
    if found:
        raise Unacceptable(found[0], f"Around the events: {SHAPES[found[0]]}")


def _check_shared(opened: Opened, between: int) -> None:
    """Raises Unacceptable where what the batch adds to each item would make more of it than a body may be.

    between: bytes of the body outside of its items
    """
    if between * max(1, opened.events) <= limits.LARGEST_BODY and between <= limits.LARGEST_EVENT:
        return
    try:
        shared = _SHARED.decode(opened.body)
    except BROKEN:
        return  # for the decoder of the whole body to say
    if (
        opened.events
        and bytes(shared.batch)[1:-1].strip() != opened.body[opened.bounds[0, START] : opened.bounds[-1, END]]
    ):
        raise Unacceptable("bad_json", "The body has two lists 'batch', one of them spelt with escapes.", allowed="one")
    size = len(bytes(shared.context)) + len(bytes(shared.integrations))
    if size > limits.LARGEST_EVENT or size * opened.events > 2 * limits.LARGEST_BODY:
        raise Unacceptable(
            "context_too_large",
            f"The context of the batch has {size} bytes, and goes into each of its {opened.events} events.",
            allowed=f"{limits.LARGEST_EVENT} bytes, and {2 * limits.LARGEST_BODY} for all events together",
        )


class _Shared(msgspec.Struct, gc=False):
    batch: msgspec.Raw = msgspec.Raw()
    context: msgspec.Raw = msgspec.Raw()
    integrations: msgspec.Raw = msgspec.Raw()


_SHARED: Final = msgspec.json.Decoder(_Shared)
_ROOM: Final = limits.DEEPEST_BODY
_FLAGGED: Final = {
    EXTREME: "extreme_numbers",
    NAMED_NUMBER: "not_a_number",
    SURROGATE: "lone_surrogate",
    NUL: "nul_character",
    LARGE: "number_too_large",
}


def _set_apart(opened: Opened) -> None:
    """Notes the items that may not be read, each with the first reason found."""
    found = opened.bounds
    sizes = found[:, END] - found[:, START]
    odd = (sizes > limits.LARGEST_EVENT) | (found[:, KEYS] > limits.MOST_KEYS)
    odd |= (found[:, DEPTH] > limits.DEEPEST) | (found[:, FLAGS] & ~DIRECT != 0)
    if not odd.any():
        return
    for place in np.flatnonzero(odd).tolist():
        reason = _reason(opened, place, *found[place, [KEYS, DEPTH, FLAGS]].tolist())
        if reason:
            opened.apart[place] = reason


def _reason(opened: Opened, place: int, keys: int, depth: int, flags: int) -> str:
    if opened.bounds[place, END] - opened.bounds[place, START] > limits.LARGEST_EVENT:
        return "event_too_large"
    if depth > limits.DEEPEST:
        return "too_deep"
    if keys > limits.MOST_KEYS:
        return "too_wide"
    for flag, reason in _FLAGGED.items():
        if flags & flag and (flag != LARGE or is_beyond(opened.text(place))):
            return reason
    return ""


def is_beyond(item: bytes) -> bool:
    """Whether a number of an item is beyond a float64."""
    try:
        return _holds_wild(_DECODER.decode(item))
    except msgspec.ValidationError:  # a fraction or an exponent: the decoder says it itself
        return True
    except BROKEN:
        return False  # no JSON at all: that is for the decoder of the whole body to say


def _holds_wild(found: object) -> bool:
    if isinstance(found, dict | list):
        return any(_holds_wild(inner) for inner in (found.values() if isinstance(found, dict) else found))
    if isinstance(found, int):
        return abs(found) >= _BEYOND
    return isinstance(found, float) and not math.isfinite(found)


_BEYOND: Final = (1 << 1024) - (1 << 970)
"""The first whole number that no float64 is near to."""


def _without(opened: Opened) -> bytes:
    if not opened.apart:
        return opened.body
    parts, last = [], 0
    for place in sorted(opened.apart):
        start, end = opened.bounds[place, [START, END]].tolist()
        parts += [opened.body[last:start], b"null"]
        last = end
    return b"".join([*parts, opened.body[last:]])


def key_in(opened: Opened) -> str:
    """The write key of a body whose one item may not be read: the first that its text names."""
    found = _KEY.search(opened.body)
    return found[1].decode() if found else ""
