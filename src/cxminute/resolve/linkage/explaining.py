"""Why a pair weighs what it does: a waterfall from the weight of any two records to the pair's own, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

_TELLING: Final = 0.5
_BAR: Final = 24
"""Characters of the longest bar."""


class Part(msgspec.Struct, frozen=True):
    """What one field adds.

    level:  the word of its level
    weight: match weight that the level adds
    rare:   what it adds beside, because the value is rarer or more common than most
    """

    level: str
    weight: float
    rare: float = 0.0

    @property
    def adds(self) -> float:
        """Both together."""
        return self.weight + self.rare


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a waterfall: a field, what was found, what it adds, and the weight after it.

    rarity: rare or common, where that changes what the level adds by half a unit or more; else ''
    """

    field: str
    level: str
    adds: float
    after: float
    rarity: str = ""

    @property
    def said(self) -> str:
        """Level and rarity as people read them."""
        return f"{self.level}, {self.rarity}" if self.rarity else self.level


def parts(explained: str) -> dict[str, Part]:
    """What fields add, of the JSON that is kept with a proposal; fields that either record lacks are not among them."""
    return msgspec.json.decode(explained, type=dict[str, Part])


def waterfall(explained: str, weight: float) -> list[Step]:
    """The steps to a pair's weight, the first from what any two records weigh."""
    told = parts(explained)
    start = weight - sum(part.adds for part in told.values())
    steps = [Step("any two records", "", start, start)]
    for name, part in told.items():
        rarity = "rare" if part.rare >= _TELLING else "common" if part.rare <= -_TELLING else ""
        steps.append(Step(name, part.level, part.adds, steps[-1].after + part.adds, rarity))
    return steps


def drawn(steps: list[Step]) -> list[str]:
    """The steps as text: field, level, what it adds with its sign, and a bar as long as that."""
    longest = max((abs(step.adds) for step in steps), default=0) or 1
    field = max(len(step.field) for step in steps)
    level = max(len(step.said) for step in steps)
    return [
        f"{step.field:<{field}}  {step.said:<{level}}  {step.adds:+7.2f}  {_bar(step.adds, longest)}".rstrip()
        for step in steps
    ]


def _bar(adds: float, longest: float) -> str:
    return ("+" if adds >= 0 else "-") * max(1, round(abs(adds) / longest * _BAR))
