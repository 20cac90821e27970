"""The written truth of a shop held against a week of insights: what was named, what was missed, what was made up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from cxminute.simulation.shop import Simulated
from cxminute.simulation.truth import Truth

LEADING = 3
"""A place counts as named when it stands among so many leading contributions."""

Insight = Mapping[str, Any]


def rows_of(insights: pa.Table | Iterable[Insight]) -> list[Insight]:
    """The insights as plain rows, from the INSIGHT table or from rows already."""
    return insights.to_pylist() if isinstance(insights, pa.Table) else list(insights)


def planted(simulated: Simulated, week: str) -> list[Truth]:
    """What a brief of the week should name: the troubles themselves, not what follows from them."""
    return [truth for truth in simulated.truths if truth.week == week and not truth.consequence]


def says(insight: Insight, truth: Truth, *, place: bool = True) -> bool:
    """Whether an insight says what is so: the same figure, week and direction and, if asked, the place."""
    words = ("week", "about", "measure", "direction")
    if any(insight[word] != getattr(truth, word) for word in words):
        return False
    if not place or truth.where is None:
        return True
    leading = [(_bare(part["dimension"]), part["value"]) for part in insight["where"][:LEADING]]
    return (_bare(truth.where[0]), truth.where[1]) in leading


def named(simulated: Simulated, insights: pa.Table | Iterable[Insight], week: str) -> list[Truth]:
    """The planted truths of a week that some insight says, place included."""
    rows = rows_of(insights)
    return [truth for truth in planted(simulated, week) if any(says(row, truth) for row in rows)]


def missed(simulated: Simulated, insights: pa.Table | Iterable[Insight], week: str) -> list[Truth]:
    """The planted truths of a week that no insight says."""
    found = named(simulated, insights, week)
    return [truth for truth in planted(simulated, week) if truth not in found]


def false_alarms(simulated: Simulated, insights: pa.Table | Iterable[Insight], week: str) -> list[Insight]:
    """The insights of a week that neither a trouble nor a consequence of one explains, wherever they place it."""
    so = [truth for truth in simulated.truths if truth.week == week]
    said = [row for row in rows_of(insights) if row["week"] == week]
    return [row for row in said if not any(says(row, truth, place=False) for truth in so)]


def recall(runs: Sequence[tuple[Simulated, pa.Table | Iterable[Insight], str]]) -> float:
    """The share of planted truths that were named, over (run, its insights, week); 1 where nothing was planted."""
    due = sum(len(planted(run, week)) for run, _, week in runs)
    found = sum(len(named(run, insights, week)) for run, insights, week in runs)
    return found / due if due else 1.0


def _bare(dimension: str) -> str:
    return dimension.removeprefix("properties.")
