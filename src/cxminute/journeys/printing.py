"""Patterns, steps and conditions back to text: the canonical form, which parses to the same thing again."""

from __future__ import annotations

import re

from cxminute.journeys.definition import JourneyDefinition, Pattern, Single, Timing
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step, Value
from cxminute.model.times import UNITS

_WORD = re.compile(r"[^\W\d]\w*")
_LATER_WORD = re.compile(r"\w+")


def print_pattern(pattern: Pattern) -> str:
    """The pattern on one line."""
    return " -> ".join(_single(part) for part in pattern.parts)


def print_step(step: Step) -> str:
    """The step: its name in quotes, and its condition."""
    said = _quoted(step.name)
    return said if step.where is None else f"{said} where {print_condition(step.where)}"


def print_condition(condition: Condition) -> str:
    """The condition, compound ones in parentheses. Paths are printed whole: `properties.total`."""
    match condition:
        case Comparison(path=path, operator="missing" | "present" as operator):
            return f"{_path(path)} is {operator}"
        case Comparison(path=path, operator="in", values=values):
            return f"{_path(path)} in ({', '.join(_literal(value) for value in values)})"
        case Comparison(path=path, operator=operator, values=values):
            return f"{_path(path)} {operator} {_literal(values[0])}"
        case Both(parts=parts):
            return f"({' and '.join(print_condition(part) for part in parts)})"
        case Either(parts=parts):
            return f"({' or '.join(print_condition(part) for part in parts)})"
        case Negation(part=part):
            return f"(not {print_condition(part)})"


def print_duration(milliseconds: int) -> str:
    """A duration in the largest unit that divides it, else in decimals of a second: exact to the millisecond."""
    for unit, size in reversed(UNITS.items()):
        if milliseconds and milliseconds % size == 0:
            number = milliseconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{milliseconds // 1_000}.{milliseconds % 1_000:03d} seconds"


def canonical(definition: JourneyDefinition) -> str:
    """All of a definition that decides which passages there are, as one text; its hash names the plan."""
    lines = [
        f"name {definition.name}",
        f"per {definition.per}",
        f"pattern {print_pattern(definition.pattern)}",
        *(f"unless {print_step(step)}" for step in definition.unless),
        f"window {definition.window} ms",
        f"reentry {definition.reentry}",
    ]
    return "\n".join(lines)


def _single(part: Single) -> str:
    label = f"{part.label}: " if part.label else ""
    return f"{label}{print_step(part.step)}{_timing(part.timing)}"


def _timing(timing: Timing) -> str:
    said = ""
    if timing.within is not None:
        said += f" within {print_duration(timing.within)}"
    if timing.after is not None:
        said += f" after {print_duration(timing.after)}"
    if len(timing.without) == 1:
        said += f" without {print_step(timing.without[0])}"
    elif timing.without:
        said += f" without ({' or '.join(print_step(step) for step in timing.without)})"
    return said


def _path(path: str) -> str:
    words = path.split(".")
    said = [
        word if (_LATER_WORD if place else _WORD).fullmatch(word) else f"`{word}`" for place, word in enumerate(words)
    ]
    return ".".join(said)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _literal(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case int() | float():
            return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
        case _:
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
