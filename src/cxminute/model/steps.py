"""What a step says: the name of an event, and conditions on its properties. Nodes are data; nobody computes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Value = float | str | bool | datetime
"""A literal of a condition: number, text, true or false, timestamp (aware, UTC)."""

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "missing", "present"]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """One comparison of a path with literals. `in` has one or more values, missing and present none, the rest one."""

    path: str
    operator: Operator
    values: tuple[Value, ...] = ()

    def __eq__(self, other: object) -> bool:
        """Literals of other types are other literals: 1 is not true, though Python has 1 == True."""
        return isinstance(other, Comparison) and self._said() == other._said()

    def __hash__(self) -> int:
        """As equality has it."""
        return hash(self._said())

    def _said(self) -> tuple[object, ...]:
        return self.path, self.operator, tuple((type(value), value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Both:
    """True where every part is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """True where any part is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """True where the part is not."""

    part: Condition


Condition = Comparison | Both | Either | Negation


StepKind = Literal["event", "any", "ending"]
"""An event by its name; any event at all; the ending of a passage through another journey."""


@dataclass(frozen=True, slots=True)
class Step:
    """A matcher of events: an exact name (case included), and optionally a condition on properties.

    name: of the event; 'any' for any; of an ending `JOURNEY.ENDING`, such as 'delivery.broken'
    """

    name: str
    where: Condition | None = None
    kind: StepKind = "event"

    def covers(self, letter: Step | None) -> bool:
        """Whether it asks for events of this letter of an alphabet, its condition aside; None is nobody's."""
        if letter is None:
            return False
        if self.kind == "any":  # endings are seen only where they are named
            return letter.kind == "event"
        return (self.name, self.kind) == (letter.name, letter.kind)


def paths_of(condition: Condition | None) -> tuple[str, ...]:
    """Every path that a condition names, each once, in order of appearance."""
    match condition:
        case None:
            return ()
        case Comparison(path=path):
            return (path,)
        case Negation(part=part):
            return paths_of(part)
        case Both(parts=parts) | Either(parts=parts):
            return tuple(dict.fromkeys(path for part in parts for path in paths_of(part)))
