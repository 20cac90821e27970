"""Small groups in answers about all that subjects did: how counts of flows, cohorts and activity hang together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cxminute.app.small.cells import HIDDEN, Cells, Row, last_of_all, told

_OF_FLOWS: Final = {
    "share": ("count", "subjects"), "subjects": ("count", "subjects"), "median_ms": ("count", "subjects"),
    "p90_ms": ("count", "subjects"), "returns": ("count",),
}  # fmt: skip
_OF_RETENTION: Final = dict.fromkeys(("share", "low", "high"), ("size", "returned"))
_SIZE: Final = 10.0
"""How much dearer the size of a cohort is than who of it came back: it is what shares are of."""
_OF_STICKINESS: Final = dict.fromkeys(("daily", "mean_days", "stickiness"), ("active",))
_OF_EVENTS: Final = dict.fromkeys(("first_at", "last_at", "share", "of_all"), ("events", "unexplained"))


def hide_flows(smallest: int, rows: list[Row]) -> tuple[list[Row], str]:
    """Hides what is small of flows: all that leaves an event is known, and as much comes to it as leaves it."""
    if smallest <= 1:
        return rows, ""
    cells = Cells(smallest)
    leaving: dict[tuple[int, str | None], list[int]] = {}
    coming: dict[tuple[int, str | None], list[int]] = {}
    for row in rows:
        here = cells.count(row, "count", few=row["subjects"] < smallest)
        cells.count(row, "subjects")
        cells.rest(here, cells.count(row, "returns"))
        leaving.setdefault((row["depth"], row["from"]), []).append(here)
        coming.setdefault((row["depth"], row["to"]), []).append(here)
    through = {node: cells.whole(places) for node, places in leaving.items()}
    into = {node: cells.whole(places) for node, places in coming.items()}
    for (depth, name), total in through.items():
        for other in {depth, depth - 1}:
            cells.adds(total, [into[other, name]] if (other, name) in into else [])
    said = told(cells.hide(_OF_FLOWS), smallest)
    return last_of_all(rows, lambda row: f"{row['depth']:>6} {row['from']} {row['to']}"), said


def hide_retention(smallest: int, rows: Sequence[Row], by: str | None) -> str:
    """Hides what is small of cohorts: who came back of them, when, and who did not."""
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    sizes: dict[tuple[object, object], int] = {}
    returned: dict[tuple[object, int], list[int]] = {}
    later: dict[tuple[object, int], list[int]] = {}
    began: dict[tuple[object, int], list[int]] = {}
    wholes: list[tuple[Row, int, int, int]] = []
    before: dict[tuple[object, object], int] = {}
    for row in rows:
        group, cohort, period = row.get("value"), row["cohort"], int(row["period"])
        known = sizes.get((group, cohort), -1) if cohort is not None else -1
        size = cells.count(row, "size", same=known, weight=_SIZE if cohort is not None else _SIZE * 10)
        back = cells.count(row, "returned")
        after = cells.count(row, "on_or_after")
        cells.rest(size, back)
        cells.rest(size, after)
        cells.rest(after, back)
        if cohort is None:
            wholes.append((row, size, back, after))
            continue
        sizes[group, cohort] = size
        cells.rest(before.get((group, cohort), -1), after)  # those who were there for the last time
        before[group, cohort] = after
        for of, place in ((began, size), (returned, back), (later, after)):
            if back >= 0:
                of.setdefault((group, period), []).append(place)
    for row, *places in wholes:
        key = (row.get("value"), int(row["period"]))
        for place, of in zip(places, (began, returned, later), strict=True):
            cells.adds(place, of.get(key, []))
    if by is not None:  # the answer that is not split shows the same cohorts whole
        across: dict[tuple[object, int, str], list[int]] = {}
        for row in rows:
            for column in ("size", "returned", "on_or_after"):
                across.setdefault((row["cohort"], int(row["period"]), column), []).append(cells.count(row, column))
        for found in across.values():
            cells.whole(found)
    return told(cells.hide(_OF_RETENTION), smallest)


def hide_lifecycle(smallest: int, rows: Sequence[Row]) -> str:
    """Hides what is small of who was active: whoever was active before is active again, or dormant."""
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    before = -1
    for row in rows:
        active = cells.count(row, "active")
        parts = [cells.count(row, name) for name in ("new", "returning", "resurrected")]
        cells.adds(active, parts)
        cells.adds(before, [parts[1], cells.count(row, "dormant")])
        before = active
    return told(cells.hide({}), smallest)


def hide_stickiness(smallest: int, rows: Sequence[Row], days: Sequence[Row]) -> str:
    """Hides what is small of how many were active on how many days; with any of a period also its averages."""
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    by_period: dict[object, list[Row]] = {}
    for row in days:
        by_period.setdefault(row["period"], []).append(row)
    for row in rows:
        cells.adds(
            cells.count(row, "active"), [cells.count(part, "subjects") for part in by_period.get(row["period"], [])]
        )
    marked = cells.hide({**_OF_STICKINESS, "share": ("subjects",)})
    for row in rows:
        if any(HIDDEN in part for part in by_period.get(row["period"], [])) and row["daily"] is not None:
            row.update(dict.fromkeys(_OF_STICKINESS))  # they are made of every one of these counts
            marked += HIDDEN not in row
            row[HIDDEN] = True
    return told(marked, smallest)


def hide_unexplained(smallest: int, rows: Sequence[Row]) -> tuple[list[Row], str]:
    """Hides what is small of the events that no journey explains; the first row is of all together."""
    if smallest <= 1 or not rows:
        return list(rows), ""
    cells = Cells(smallest)
    places = []
    for row in rows:
        events, unexplained = cells.count(row, "events"), cells.count(row, "unexplained")
        cells.rest(events, unexplained)
        places.append((events, unexplained))
    for column in (0, 1):
        cells.adds(places[0][column], [place[column] for place in places[1:]])
    said = told(cells.hide(_OF_EVENTS), smallest)
    return [rows[0], *last_of_all(rows[1:], lambda row: str(row["name"]))], said


def hide_volumes(smallest: int, rows: list[Row]) -> tuple[list[Row], str]:
    """Hides how many events of a name there are, and from when to when, where they are few."""
    if smallest <= 1:
        return rows, ""
    cells = Cells(smallest)
    for row in rows:
        cells.count(row, "events")
    said = told(cells.hide(_OF_EVENTS), smallest)
    return last_of_all(rows, lambda row: f"{row['source']} {row['name']}"), said
