"""Patterns, steps and conditions back to text: the canonical form, which parses to the same thing again."""

from __future__ import annotations

import re

from cxminute.journeys.definition import Chain, Group, JourneyDefinition, Part, Pattern, Single, Timing
from cxminute.journeys.syntax.expected import RESERVED
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step, Value
from cxminute.model.times import UNITS

_WORD = re.compile(r"[^\W\d]\w*")
_LATER_WORD = re.compile(r"\w+")
_KEY = re.compile(r"[\w.-]+")
_JOURNEY = re.compile(r"\w+(?:-+\w+)*")


def print_pattern(pattern: Pattern) -> str:
    """The pattern on one line, which `language.parse_pattern` reads as the same pattern again."""
    return " or ".join(_chain(way) for way in pattern.ways)


def print_step(step: Step) -> str:
    """The step: its name in quotes, and its condition; `any` and the names of journeys stand bare."""
    match step.kind:
        case "any":
            said = "any"
        case "ending":
            journey, _, ending = step.name.rpartition(".")
            said = f"journey {journey if _JOURNEY.fullmatch(journey) else _quoted(journey)}.{ending}"
        case _:
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
        f"name {definition.name if _JOURNEY.fullmatch(definition.name) else _quoted(definition.name)}",
        f"per {' '.join(key if _KEY.fullmatch(key) else _quoted(key) for key in definition.per)}",
        f"pattern {print_pattern(definition.pattern)}",
        *(f"unless {print_step(step)}" for step in definition.unless),
        f"window {definition.window} ms",
        f"reentry {definition.reentry}",
        *(f"ignoring {print_step(step)}" for step in definition.ignoring),
    ]
    return "\n".join(lines)


def _chain(chain: Chain) -> str:
    first, *rest = (_part(part) for part in chain.parts)
    return " ".join([first, *(f"{arrow} {part}" for arrow, part in zip(chain.arrows, rest, strict=True))])


def _part(part: Part) -> str:
    match part:
        case Single(label=label, timing=timing):
            how_often = "?" if part.optional else f"{{{part.times}}}" if part.times > 1 else ""
            said = f"{print_step(part.step)}{how_often}{_timing(timing)}"
        case Group(steps=steps, label=label):
            said = f"({' and '.join(print_step(step) for step in steps)}){_timing(Timing(part.within))}"
        case Pattern():
            return f"({print_pattern(part)})"
    return f"{label}: {said}" if label else said


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
    first, *later = path.split(".")
    if "" in (first, *later):  # a dot stands within a word: no other way of writing keeps it
        return f"{_word(first)}.`{'.'.join(later)}`" if first and path != f"{first}." else f"`{path}`"
    return ".".join([_word(first), *(word if _LATER_WORD.fullmatch(word) else f"`{word}`" for word in later)])


def _word(word: str) -> str:
    return word if _WORD.fullmatch(word) and word not in RESERVED else f"`{word}`"


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
