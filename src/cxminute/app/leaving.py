"""Events as they may leave the log: under a permit, in a span, with names for numbers where no contract forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from cxminute.app.analysis import View
from cxminute.collect.logs.kinds import type_of
from cxminute.collect.logs.ocel import CHANGED
from cxminute.collect.logs.xes import DESCRIBED
from cxminute.model.errors import UnknownName
from cxminute.model.times import from_ms
from cxminute.privacy.personal import is_personal
from cxminute.store.pieces import Piece
from cxminute.store.vault import PERSON_KINDS
from cxminute.store.whole import Span, Whole, whole

_APART: Final = "\x1f"  # between a source and its own identifier, where the contract lets nobody link it


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves: the events that the permit covers, in the span that was asked for.

    per:      of whom, where that was asked for
    numbered: kinds that are told by number, since some contract calls their values personal
    apart:    sources that nobody may link to the others that leave: what they name bears their own name, too
    """

    seen: View
    pieces: Sequence[Piece]
    span: Span
    per: str | None
    numbered: frozenset[str]
    apart: frozenset[str]

    def events(
        self, per: str | None = None, names: Sequence[str] = (), *, from_the_start: bool = False
    ) -> Iterator[Whole]:
        """Events of the span, or from the start of the log to its end; what a log says of itself is of no time."""
        since, until, as_of = self.span
        span = (None, None, as_of) if names == (DESCRIBED,) else (None if from_the_start else since, until, as_of)
        return whole(self.pieces, span, per, names)

    def form_of(self, found: Whole) -> str:
        """The format of an event's source."""
        source = self.seen.project.definitions.sources.get(found.source)
        return "" if source is None else source.format

    def names(self, kind: str, numbers: Sequence[int]) -> dict[int, str]:
        """What numbers of a kind are called outside: by their own names, or by number where those are personal."""
        called = {} if kind in self.numbered else self.seen.project.vault.called(kind, numbers)
        return {
            number: self.called(*called[number].split(_APART)) if number in called else f"{type_of(kind)} {number}"
            for number in numbers
        }

    def called(self, *said: str) -> str:
        """What a thing is called: (name), or (source, name) where it is numbered apart from those of other sources."""
        return f"{said[-1]} ({said[0]})" if len(said) > 1 and said[0] in self.apart else said[-1]


def usual(seen: View) -> str:
    """The kind of subject that is meant where none is named: persons, where a source knows any."""
    kinds = [kind for source in seen.project.definitions.sources.values() for kind in source.identifiers]
    return "person" if not kinds or set(kinds) & set(PERSON_KINDS) else kinds[0]


def leaving(seen: View, per: str | None) -> Leaving:
    """What may leave of a project. raises: UnknownName for a kind of subject that there is not."""
    project = seen.project
    leave = seen.leave()
    spaces = {"person"} | {kind for kind in project.kinds if kind not in PERSON_KINDS}
    if per is not None and per not in spaces:
        raise UnknownName("kind of subject", per, spaces)
    pieces = [piece for piece in project.log.pieces((), project.log.past(seen.as_of)) if piece.source in leave.sources]
    contracts = [project.definitions.contracts[name] for name in leave.sources]
    numbered = {kind for kind in spaces if any(is_personal(f"identifiers.{kind}", contract) for contract in contracts)}
    span = (seen.since, seen.until, seen.as_of)
    apart = frozenset(contract.source for contract in contracts if not contract.link and len(contracts) > 1)
    return Leaving(seen, pieces, span, per, frozenset({"person", *numbered}), apart)


def is_record(found: Whole, form: str) -> bool:
    """Whether an event is none that happened: it keeps what a log says of itself, or of an object."""
    if found.kind != "group" or found.name not in {DESCRIBED, CHANGED}:
        return False
    return form in {"xes", "ocel"}


def flat(found: Whole) -> Iterator[tuple[str, Any, str]]:
    """Path, value and type ('date' or '' for what the value says itself) of all that an event says, lists as JSON."""
    for path, value in found.values.items():
        if path in found.times:
            yield path, from_ms(value).isoformat(timespec="milliseconds"), "date"
        else:
            yield path, value, ""
    yield from _leaves(found.rest, "")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path, msgspec.json.encode(value).decode(), ""
    elif isinstance(value, datetime):
        yield path, value.isoformat(timespec="milliseconds"), "date"
    elif value is not None:
        yield path, value, ""
