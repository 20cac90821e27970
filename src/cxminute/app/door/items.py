"""The items of one call, each as a call of its own: for the worker, where one of them makes all of them fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec

from cxminute.collect.calls.kept import keyless
from cxminute.model.calls import Call

_RAW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def items_of(call: Call) -> list[tuple[Call, str]]:
    """Each item as a call of its own, with all that stood around it, and its own text; none where it cannot be cut.

    An item without a message id is told apart by its body: a blank for each one before it keeps two equal ones two.
    """
    try:
        texts, outer = _parts(call.body)
    except _UNREADABLE:
        return []
    if len(texts) != call.events:
        return []
    return [
        (
            replace(call, events=1, body=_around(outer, text) + b" " * place),
            keyless(text).decode("utf-8", "backslashreplace"),
        )
        for place, text in enumerate(texts)
    ]


def _parts(body: bytes) -> tuple[list[bytes], dict[str, msgspec.Raw] | None]:
    """The text of each item, and what stands around a batch: None for a list, and for a single item."""
    if body.lstrip()[:1] == b"[":
        return [bytes(item) for item in _LIST.decode(body)], None
    outer = _RAW.decode(body)
    if "batch" not in outer:
        return [body], None
    return [bytes(item) for item in _LIST.decode(outer["batch"])], outer


def _around(outer: dict[str, msgspec.Raw] | None, item: bytes) -> bytes:
    if outer is None:
        return item
    return msgspec.json.encode({**outer, "batch": [msgspec.Raw(item)]})
