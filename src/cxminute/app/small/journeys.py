"""Small groups in answers about journeys: how the counts of funnels, endings and times hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from cxminute.app.analysis import View
from cxminute.app.project import steps_of
from cxminute.app.small.cells import HIDDEN, Cells, Row, smallest_of, told
from cxminute.journeys.analyses.counted import ENDED, HITS, Counted, N
from cxminute.journeys.definition import JourneyDefinition
from cxminute.model.tables import ENDINGS

OF_STEPS: Final = {
    **dict.fromkeys(("share", "low", "high"), ("reached", "opened", "ended", *ENDINGS)),
    "median_ms": ("reached", "passages"), "p90_ms": ("reached", "passages"),
}  # fmt: skip
OF_PATHS: Final = {
    **dict.fromkeys(("share", "low", "high"), ("passages", "everyone")),
    **dict.fromkeys(("completed_share", "completed_low", "completed_high"), ("passages", *ENDINGS)),
    **dict.fromkeys(("difference", "difference_low", "difference_high"), ("passages", *ENDINGS)),
}  # fmt: skip
OF_TIMES: Final = dict.fromkeys(("median_ms", "p90_ms", "low_ms", "high_ms"), ("passages", "completed", "children"))
"""By figure, the counts of its row that it is made of."""
_WHOLE: Final = 10.0
"""How much dearer the counts of the whole are than those of a group: what most people look at goes last."""


def smallest_in(seen: View, journey: JourneyDefinition) -> int:
    """The smallest group that may be shown of a journey's passages: by the contracts of the sources that tell of it."""
    steps = steps_of(journey)
    names = None if any(step.kind == "ending" for step in steps) else {step.name for step in steps}
    return smallest_of(seen, journey.purpose, names)


def hide_funnel(
    smallest: int,
    counted: Counted,
    steps: Sequence[Row],
    ends: Row | None,
    times: Sequence[Row],
    split: Counted | None = None,
    groups: Sequence[Row] = (),
    of_passages: Counted | None = None,
) -> str:
    """Hides what is small of a funnel, of how passages ended, and of a split; returns the line that says so.

    counted:     what the steps were told from; split: what the groups were
    of_passages: what endings and times were told from, where that is another count
    """
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    if of_passages is None:
        whole = of_funnel(cells, counted, steps, ends, times)
    else:
        whole = of_funnel(cells, counted, steps)
        of_funnel(cells, of_passages, (), ends, times)
    if split is not None:
        of_whole(cells, of_funnel(cells, split, groups), len(whole), whole)
    return told(cells.hide(OF_STEPS), smallest)


def hide_split(smallest: int, split: Counted, steps: Sequence[Row], times: Sequence[Row]) -> str:
    """Hides what is small of steps and times that are split, or not, without a whole beside them."""
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    places = of_funnel(cells, split, steps)
    groups = 1 if split.by is None else len(list(split.in_order()))
    of_whole(cells, places, len(places) // max(groups, 1), ())
    by_ending: dict[str, list[int]] = {}
    for row in times:
        by_ending.setdefault(row["ending"], []).append(cells.count(row, "passages"))
    for found in by_ending.values():
        cells.whole(found)
    return told(cells.hide(OF_STEPS), smallest)


def hide_children(smallest: int, rows: Sequence[Row]) -> str:
    """Hides what is small of the children of passages: rows of passages that may have several, so that none add up."""
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    for row in rows:
        cells.adds(cells.count(row, "passages"), [cells.count(row, name) for name in ENDINGS])
        cells.count(row, "children")
    return told(cells.hide(OF_TIMES), smallest)


def hide_off_path(smallest: int, rows: Sequence[Row], by: str | None) -> str:
    """Hides what is small of who left the path: a row for those on it, for those off it, and for each way off."""
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    across: dict[tuple[str, str], list[int]] = {}
    for at in range(0, len(rows), 5):
        group = rows[at : at + 5]
        places = [{name: cells.count(row, name) for name in ("passages", *ENDINGS)} for row in group]
        for row, place in zip(group, places, strict=True):
            cells.adds(place["passages"], [place[name] for name in ENDINGS])
            for name, here in place.items():
                across.setdefault((row["path"], name), []).append(here)
        for name in ("passages", *ENDINGS):
            everyone = cells.whole([place[name] for place in places[:2]])
            for place in places[2:]:
                cells.rest(everyone, place[name])
            for row in group if name == "passages" else ():
                cells.tells(row, "everyone", everyone)
    if by is not None:
        for found in across.values():
            cells.whole(found)
    return told(cells.hide(OF_PATHS), smallest)


def hide_curves(smallest: int, points: list[Row], halves: Sequence[Row]) -> tuple[list[Row], str]:
    """Hides the curves of small groups, and of the others the points between which, or after which, are few.

    points: of `curve`; halves: of `medians`, a row a group
    returns: the points that are shown, and the line that says how many groups are not
    """
    if smallest <= 1:
        return points, ""
    cells = Cells(smallest)
    found = []
    for row in halves:
        here = cells.count(row, "passages")
        cells.rest(here, cells.count(row, "completed"))
        found.append(here)
    cells.whole(found)
    said = told(cells.hide(OF_TIMES), smallest)
    gone = {row.get("value") for row in halves if HIDDEN in row}
    kept: list[Row] = []
    for value, rows in _by_value(points).items():
        if value in gone:
            nothing: Row = {name: None for name in rows[0] if name != "value"}
            kept.append({**rows[0], **nothing, HIDDEN: True})
            continue
        last: int | None = None
        for row in rows:
            risk = int(row["at_risk"])
            if risk >= smallest and (last is None or last - risk >= smallest):
                kept.append(row)
                last = risk
    return kept, said


def _by_value(rows: Sequence[Row]) -> dict[object, list[Row]]:
    found: dict[object, list[Row]] = {}
    for row in rows:
        found.setdefault(row.get("value"), []).append(row)
    return found


def of_funnel(
    cells: Cells, counted: Counted, steps: Sequence[Row], ends: Row | None = None, times: Sequence[Row] = ()
) -> Sequence[int]:
    """The counts of a funnel; returns the places of those of its steps, row by row, REACHED then ENDINGS.

    steps: as `funnel_of` tells them; of a split, group after group
    ends:  as `endings_of` tells them of the whole; times: as `times_of` does
    """
    order = [0] if counted.by is None else list(counted.in_order())
    weight = _WHOLE if counted.by is None else 1.0
    each = len(steps) // max(len(order), 1)
    places: list[int] = []
    for ordinal, group in enumerate(order):
        rows = steps[ordinal * each : (ordinal + 1) * each]
        opened = cells.known(int(counted.totals[group, N]))
        few = int(counted.subjects[group, 2 * N + 1]) < cells.smallest
        ending: dict[str, list[int]] = {name: [] for name in ENDINGS}
        reached = []
        for step, row in enumerate(rows):
            alone = few or _people(counted, group, HITS + step) < cells.smallest
            here = cells.count(row, "reached", few=alone, weight=weight)
            cells.tells(row, "opened", opened)
            reached.append(here)
            places.append(here)
            cells.rest(opened, here)
            if "completed" in row:
                stayed = [cells.count(row, name, weight=weight) for name in ENDINGS]
                places += stayed
                went = int(row["reached"]) - sum(int(row[name]) for name in ENDINGS)
                if went >= 0:
                    cells.adds(here, [*stayed, cells.known(went)])
                for name, place in zip(ENDINGS, stayed, strict=True):
                    ending[name].append(place)
        for step, here in enumerate(reached):  # where one step follows the other, so they hang together
            cells.adds(here, [place for of in ending.values() for place in of[step:]])
        if ends is not None:
            _of_endings(cells, counted, ends, ending, opened)
    for row in times:
        here = cells.count(row, "passages")
        if ends is not None:
            cells.adds(here, [cells.count(ends, row["ending"])])
    return places


def of_whole(cells: Cells, places: Sequence[int], wide: int, whole: Sequence[int]) -> None:
    """Ties the counts of groups to those of the whole, which another answer shows where this one does not.

    places: `wide` counts of each group
    """
    for column in range(wide):
        parts = places[column::wide]
        if whole:
            cells.adds(whole[column], parts)
        else:
            cells.whole(parts)


def _of_endings(cells: Cells, counted: Counted, ends: Row, steps: Mapping[str, Sequence[int]], opened: int) -> None:
    """How the whole of a journey's passages ended: over steps, and one ending beside the others."""
    few = int(counted.subjects[0, 2 * N + 1]) < cells.smallest
    total = cells.count(ends, "opened", same=opened, few=few, weight=_WHOLE)
    places = {name: cells.count(ends, name, weight=_WHOLE) for name in ENDINGS}
    cells.adds(total, list(places.values()))
    for name, place in places.items():
        if steps[name]:
            cells.adds(place, steps[name])
    over = cells.known(int(counted.totals[0, ENDED]))
    cells.adds(over, [places[name] for name in ENDINGS[:-1]])
    cells.rest(over, places["completed"])
    cells.tells(ends, "ended", over)


def _people(counted: Counted, group: int, column: int) -> float:
    """How many subjects stand behind a count, at the least: as many as there would be if all had equally many."""
    hits = int(counted.totals[group, column])
    squares = int(counted.subjects[group, 2 * column + 1])
    return hits if squares <= 0 else max(1.0, np.ceil(hits * hits / squares))
