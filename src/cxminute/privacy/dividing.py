"""JSON documents divided into an open and a personal part, leaf by leaf: each path is judged once, not each value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

MOST_PATHS: Final = 100_000
"""Paths whose judgement is remembered; a sender that makes up names without end costs time, not memory."""

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_NOTHING: Final = object()  # null is something: a value that an event may tell


class _Place:
    """One path of the documents: whether its values are personal, and what lies below it."""

    __slots__ = ("below", "hidden", "path")

    def __init__(self, path: str, *, hidden: bool) -> None:
        self.path, self.hidden = path, hidden
        self.below: dict[str, _Place] = {}


class Divider:
    """Divides documents by what is said of their paths.

    is_hidden: whether the values of a path (`traits.email`) are personal
    most:      of how many paths the judgement is remembered
    """

    def __init__(self, is_hidden: Callable[[str], bool], most: int = MOST_PATHS) -> None:
        self._is_hidden, self._most = is_hidden, most
        self._root = _Place("", hidden=False)
        self.known = 0

    def divide(self, document: str) -> tuple[str | None, str | None]:
        """The open and the personal part of a document, JSON; None where there is none. An open one stays as it is."""
        found = _decode(document)
        opened, gone = self._parts(found, self._root)
        if gone is _NOTHING:
            return document, None
        return (None if opened is _NOTHING else _encode(opened).decode()), _encode(gone).decode()

    def _parts(self, value: Any, place: _Place) -> tuple[Any, Any]:
        """Both parts of a value at a place that is not hidden; an object is itself its open part."""
        if not value:
            return value, _NOTHING
        if type(value) is dict:
            return self._of_object(value, place)
        return self._of_list(value, place) if type(value) is list else (value, _NOTHING)

    def _of_object(self, found: dict[str, Any], place: _Place) -> tuple[Any, Any]:
        gone: dict[str, Any] = {}
        spent: list[str] = []
        known = place.below
        for key, value in found.items():
            below = known.get(key) or self._below(place, key)
            if below.hidden:
                gone[key] = value
                spent.append(key)
            elif value and (type(value) is dict or type(value) is list):
                opened, hidden = self._parts(value, below)
                if hidden is not _NOTHING:
                    gone[key] = hidden
                    if opened is _NOTHING:
                        spent.append(key)
                    else:
                        found[key] = opened
        for key in spent:
            del found[key]
        return found or _NOTHING, gone or _NOTHING

    def _of_list(self, found: list[Any], place: _Place) -> tuple[Any, Any]:
        """Both parts have all places of the list, null where a part has nothing."""
        parts = [self._parts(value, place) for value in found]
        if all(gone is _NOTHING for _, gone in parts):
            return found, _NOTHING
        return _placed([opened for opened, _ in parts]), _placed([gone for _, gone in parts])

    def _below(self, place: _Place, key: str) -> _Place:
        path = f"{place.path}.{key}" if place.path else key
        made = _Place(path, hidden=self._is_hidden(path))
        if self.known < self._most:
            place.below[key] = made
            self.known += 1
        return made


def _placed(elements: list[Any]) -> Any:
    if all(found is _NOTHING for found in elements):
        return _NOTHING
    return [None if found is _NOTHING else found for found in elements]
