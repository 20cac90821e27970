"""What a source was seen to send, and the tracking plan that says just that: names and types, never values.

What was seen fits the plan that is proposed from it: a value's type here is the one that `terms` judges it by.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa

from cxminute.collect.propose import quoted
from cxminute.collect.source import ROOTS
from cxminute.collect.terms import Reading, is_there, kind_of, shape_of
from cxminute.collect.values import LARGEST

ENOUGH: Final = 20
"""Events of a name below which nothing is called required."""

_MOST_PATHS: Final = 1_000  # properties of one event that are told apart
_LONGEST: Final = 100  # letters of a name; longer ones are data
_DATA: Final = re.compile(r"@|[0-9]{6}|[0-9a-f]{8}-[0-9a-f]{4}-", re.IGNORECASE)  # addresses, numbers and ids as names
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SMALL_SET: Final = 12  # values at most of a list of values, each seen this often at least:
_OFTEN: Final = 5
_SHORT: Final = 40  # letters of such a value
_UNTOLD: Final = re.compile(r"@|[0-9]{5}")  # mail addresses, telephone numbers, ids


@dataclass(slots=True)
class _Seen:
    """One property of one event: in how many it was there, as what, and (if asked) which few texts it had."""

    there: int = 0
    kinds: set[str] = field(default_factory=set)
    timely: bool = True
    texts: dict[str, int] | None = None


@dataclass(slots=True)
class _Event:
    """One event: how many the source sent, how many were looked at, and what they had."""

    count: int
    looked: int = 0
    paths: dict[str, _Seen] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    unlike_names: set[int] = field(default_factory=set)


class Observed:
    """What was seen of a source's events.

    counts:  by name, how many there are; reading: how the source writes times
    told:    paths whose texts may be listed in a plan where they are few; none without it
    """

    def __init__(self, counts: Mapping[str, int], reading: Reading, told: Collection[str] = ()) -> None:
        self._events = {name: _Event(count) for name, count in counts.items()}
        self._reading, self._told = reading, frozenset(told)
        self._waiting: list[tuple[_Seen, str]] = []

    def add(self, name: str, values: Iterable[tuple[str, object]], renamed_from: str | None = None) -> None:
        """One event with its properties: (path, value), a path as often as parts of it were kept apart."""
        event = self._events[name]
        event.looked += 1
        if renamed_from:
            event.aliases.add(renamed_from)
        there = set()
        for path, value in values:
            if not is_there(value):
                continue
            seen = event.paths.get(path)
            if seen is None:
                if _is_data(path) or len(event.paths) >= _MOST_PATHS:
                    event.unlike_names.add(hash(path))
                    continue
                seen = event.paths[path] = _Seen(texts={} if path in self._told else None)
            self._note(seen, value)
            there.add(path)
        for path in there:
            event.paths[path].there += 1
        if len(self._waiting) > 10_000:
            self._settle()

    def _note(self, seen: _Seen, value: object) -> None:
        if isinstance(value, datetime):
            seen.kinds.add("time")
            return
        kind = kind_of(value)
        if isinstance(value, str):
            kind = shape_of(value) or "text"
            if kind == "text" and seen.timely:
                seen.timely = bool(_TIME.match(value))
                if seen.timely:
                    self._waiting.append((seen, value))
            if seen.texts is not None:
                seen.texts[value] = seen.texts.get(value, 0) + 1
                if len(seen.texts) > _SMALL_SET:
                    seen.texts = None
        elif kind == "number" and not -LARGEST < value < LARGEST:  # type: ignore[operator]  # a number
            kind = "text"  # it may have come as a whole number that no float64 keeps: its text keeps every digit
        if kind == "text" and not isinstance(value, str):
            seen.timely = False
        seen.kinds.add(kind)

    def _settle(self) -> None:
        """Reads the texts that look like times as the source's times are read."""
        faults = self._reading.column(pa.array([text for _, text in self._waiting], pa.string()), "time").faults
        for (seen, _), bad in zip(self._waiting, faults.get("bad_time", ()), strict=False):
            seen.timely = seen.timely and not bad
        self._waiting.clear()

    def plan(self, source: str, about: str) -> str:
        """The text of a plan file: every event by name, with what was there in it."""
        self._settle()
        lines = [
            f"# Proposed from {about}. Read it, mend it, keep it in git.",
            f"source  = {quoted(source)}",
            'unknown = "flag"          # events and properties that stand not here: accept, flag or quarantine',
            'faults  = "flag"          # what stands here and comes otherwise: accept, flag or quarantine',
        ]
        left_out = 0
        taken = set(self._events)  # a former name belongs to one event, and is none itself
        for name in sorted(self._events):
            if _is_data(name) or not name.strip():
                left_out += 1
            else:
                lines += ["", *self._event(name, self._events[name], taken)]
        if left_out:
            lines += ["", f"# Left out: {left_out:,} names of events that look like data."]
        return "\n".join(lines) + "\n"

    def _event(self, name: str, event: _Event, taken: set[str]) -> list[str]:
        """One event's lines; the former names that it tells join those that are taken."""
        looked = "" if event.looked == event.count else f", {event.looked:,} of them looked at"
        lines = [f"[events.{_key(name)}]   # {event.count:,} events{looked}"]
        paths = {path: seen for path, seen in sorted(event.paths.items()) if seen.kinds}
        if event.looked >= ENOUGH:
            always = [path for path, seen in paths.items() if seen.there == event.looked]
            if always:
                lines.append(f"required = [{', '.join(quoted(_name(path)) for path in always)}]")
        former = sorted(event.aliases - taken)
        taken.update(former)
        if former:
            lines.append(f"aliases = [{', '.join(map(quoted, former))}]")
        if paths:
            lines += ["", f"[events.{_key(name)}.properties]"]
            lines += [f"{_key(_name(path))} = {self._term(seen, event)}" for path, seen in paths.items()]
        if event.unlike_names:
            lines.append(f"# Left out: {len(event.unlike_names):,} names of properties that look like data.")
        return lines

    def _term(self, seen: _Seen, event: _Event) -> str:
        kind = _type(seen)
        texts = seen.texts if kind == "text" and seen.kinds == {"text"} and event.looked == event.count else None
        if texts and all(_may_be_told(text, often) for text, often in texts.items()):
            return f'{{ type = "text", one_of = [{", ".join(map(quoted, sorted(texts)))}] }}'
        return quoted(kind)


def _type(seen: _Seen) -> str:
    """The one type that all that was seen can be read as."""
    kinds = seen.kinds
    if kinds <= {"text", "time"} and (kinds == {"time"} or seen.timely):
        return "time"
    if len(kinds) == 1:
        return next(iter(kinds))
    return "text" if kinds <= {"text", "number", "flag"} else "any"


def _may_be_told(text: str, often: int) -> bool:
    """Whether a text may stand in a plan as one of a few values: short, seen often, and like no address or number."""
    return often >= _OFTEN and len(text) <= _SHORT and not _UNTOLD.search(text)


def _is_data(name: str) -> bool:
    return bool(len(name) > _LONGEST or _DATA.search(name))


def _name(path: str) -> str:
    """A path as a plan has it: bare for one of `properties`, unless that would be taken for another root."""
    bare = path.removeprefix("properties.")
    return path if bare.startswith(ROOTS) else bare


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else quoted(name)
