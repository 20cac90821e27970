"""A definition file as it is read: every key is asked for by name and type, and every fault is kept with its line.

`Document` never raises on a fault: it notes it and goes on, so that `cxm check` can tell all of them at once.
Keys that nobody asked for are unknown: `done` notes each with the nearest right name.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from cxminute.model.errors import BadDefinition, BadPattern, UnknownName, nearest

T = TypeVar("T")
Place = tuple[str | int, ...]

_QUOTED = r"""\"(?:[^"\\]|\\.)*\"|'[^']*'"""
_HEADER = re.compile(rf"""^\s*(\[\[?)\s*((?:{_QUOTED}|[^\[\]"'])+?)\s*\]\]?\s*(?:#.*)?$""")
_PART = re.compile(rf"""{_QUOTED}|[^.\s"']+""")
_KEY = re.compile(rf"^\s*({_QUOTED}|[A-Za-z0-9_.-]+)\s*=")
_WHERE = re.compile(r"\(at line (\d+), column (\d+)\)")


class Document:
    """One table of a definition file, and through `section` and `sections` the tables inside it.

    file:   path as shown to people
    faults: all faults found so far, shared with the tables inside
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.faults: list[BadDefinition] = []
        self._place: Place = ()
        self._asked: set[str] = set()
        self._text = text.splitlines()
        self._lines = _lines_of(text)
        try:
            self._data: dict[str, object] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as fault:
            found = _WHERE.search(str(fault))
            line = int(found[1]) if found else None
            self._data = {}
            self.faults.append(BadDefinition(f"This is not TOML: {fault}.", file=file, line=line))

    def __contains__(self, key: str) -> bool:
        """Whether the key is written here."""
        return key in self._data

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys written here, in their order."""
        return tuple(self._data)

    def line(self, key: str | None = None, word: str = "", *, skip: int = 0) -> int | None:
        """The line of a key, or of the table's own header; with a word, the first line from there on that holds it.

        skip: how many lines further the word stands at least
        """
        first = self._lines.get((*self._place, key) if key else self._place)
        if first is None or not word:
            return first
        lines = enumerate(self._text[first - 1 + skip :], start=first + skip)
        return next((number for number, line in lines if word in line), first)

    def fault(self, what: str, *, key: str | None = None, allowed: str | None = None, near: str | None = None) -> None:
        """Notes a fault at a key's line."""
        self.faults.append(BadDefinition(what, file=self.file, line=self.line(key), allowed=allowed, nearest=near))

    def note(self, fault: BadDefinition, *, key: str | None = None) -> None:
        """Notes a fault that was found elsewhere (in a pattern, a duration), with this file and the key's line."""
        said, skip = "", 0
        if isinstance(fault, BadPattern):
            said, skip = fault.text, (fault.line or 1) - 1
            first = self._text[(self.line(key) or 1) - 1] if self._text else ""
            skip += first.rstrip().endswith(("'''", '"""'))  # the text begins on the line after
        if isinstance(fault, UnknownName):
            said = fault.name.rpartition(".")[2]  # a path may be written without `properties.`
        fault.file, fault.line = self.file, self.line(key, said, skip=skip)
        self.faults.append(fault)

    def unknown(self, kind: str, name: str, known: Collection[str], *, key: str | None = None) -> None:
        """Notes that a name is not defined, with the nearest that is."""
        self.note(UnknownName(kind, name, known), key=key)

    def text(self, key: str, default: str | None = None, *, allowed: Collection[str] | None = None) -> str:
        """The key's text; without it the default, or a fault (and '') where there is none, as where it is blank."""
        found = self._get(key, str, "text", default)
        if found is None:
            return ""
        if default is None and not found.strip():
            self.fault(f"'{key}' is empty.", key=key, allowed=", ".join(allowed or ()) or f"{key} = text")
            return ""
        if allowed is not None and found not in allowed:
            near = nearest(found, allowed)
            self.fault(f"'{found}' is not a {key}.", key=key, allowed=", ".join(allowed), near=near)
        return found

    def number(self, key: str, default: float | None = None, *, low: float = 0.0, high: float = float("inf")) -> float:
        """The key's number within bounds, inclusive; without it the default, or a fault (and 0) where there is none.

        What TOML writes as inf or nan, and what no float64 can hold, is out of any bounds; the answer is then `low`.
        """
        found = self._get(key, (int, float), "a number", default)
        if found is None:
            return 0.0
        if not _is_finite(found):
            self.fault(f"{key} is not a finite number.", key=key, allowed=f"from {low:g} to {high:g}")
            return low
        if not low <= float(found) <= high:
            self.fault(f"{key} = {found} is out of bounds.", key=key, allowed=f"from {low:g} to {high:g}")
        return float(found)

    def flag(self, key: str, *, default: bool) -> bool:
        """The key's true or false."""
        found = self._get(key, bool, "true or false", default)
        return default if found is None else found

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        found = self._get(key, (str, list), "text or a list of texts", list(default) if default is not None else None)
        listed = [found] if isinstance(found, str) else (found or [])
        if not all(isinstance(item, str) for item in listed):
            self.fault(f"{key} holds something else than text.", key=key, allowed="a list of texts")
            return ()
        return tuple(listed)

    def parsed(self, key: str, parse: Callable[[str], T], default: str | None = None) -> T | None:
        """The key's text through `parse`; its BadDefinition becomes a fault here, and None the answer.

        Without the key and with default '' the answer is None too.
        """
        found = self.text(key, default)
        if not found:
            return None
        try:
            return parse(found)
        except BadDefinition as fault:
            self.note(fault, key=key)
            return None

    def section(self, key: str) -> Document:
        """The table under a key; an empty one where it is not written."""
        found = self._get(key, dict, "a table", {})
        return self._inside(found or {}, (*self._place, key))

    def sections(self, key: str) -> Iterator[Document]:
        """The tables of an array of tables ([[key]]), none where it is not written."""
        found = self._get(key, list, "tables ([[...]])", [])
        for ordinal, table in enumerate(found or []):
            if isinstance(table, dict):
                yield self._inside(table, (*self._place, key, ordinal))
            else:
                self.fault(f"{key} holds something else than tables.", key=key, allowed=f"[[{key}]] tables")

    def raw(self, key: str) -> object:
        """What is written under the key, of any type; None where nothing is."""
        self._asked.add(key)
        return self._data.get(key)

    def done(self) -> None:
        """Notes every key that nobody asked for, with the nearest of those that were."""
        for key in self._data:
            if key not in self._asked:
                near = nearest(key, self._asked)
                self.fault(f"Unknown key '{key}'.", key=key, allowed=", ".join(sorted(self._asked)), near=near)

    def _get(self, key: str, kind: type[T] | tuple[type, ...], said: str, default: T | None) -> T | None:
        self._asked.add(key)
        if key not in self._data:
            if default is None and not self._broken():
                self.fault(f"'{key}' is missing.", allowed=f"{key} = {said}")
            return default
        found = self._data[key]
        wrong = isinstance(found, bool) and kind is not bool
        if wrong or not isinstance(found, kind):
            self.fault(f"'{key}' is not {said}.", key=key, allowed=said)
            return default
        return found  # type: ignore[return-value]  # isinstance has just looked

    def _broken(self) -> bool:
        return not self._data and not self._place and bool(self.faults)

    def _inside(self, data: dict[str, object], place: Place) -> Document:
        inside = object.__new__(Document)
        inside.file, inside.faults = self.file, self.faults
        inside._lines, inside._text = self._lines, self._text
        inside._place, inside._asked, inside._data = place, set(), data
        return inside


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number of more than 308 digits
        return False


def _lines_of(text: str) -> dict[Place, int]:
    """The line of every table header and key, by place: ('events', 0, 'at') is the key `at` of the first [[events]]."""
    lines: dict[Place, int] = {(): 1}
    place: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            place = tuple(_bare(part) for part in _PART.findall(header[2]))
            for depth in range(1, len(place)):  # [events.A] is also where `events` is first spoken of
                lines.setdefault(place[:depth], number)
            if header[1] == "[[":
                counts[place] = counts.get(place, -1) + 1
                place = (*place, counts[place])
            lines.setdefault(place, number)
        elif key := _KEY.match(line):
            lines.setdefault((*place, _bare(key[1])), number)
    return lines


def _bare(key: str) -> str:
    """A key as it is meant, without quotes and escapes; one whose escapes are not JSON's stays as it is written."""
    if key.startswith('"'):
        try:
            return str(json.loads(key))
        except ValueError:
            return key.strip('"')
    return key.strip("'")
