"""Small groups in the brief: news, standings, weeks and comparisons that would tell of fewer than may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from cxminute.app.analysis import View
from cxminute.app.small.journeys import smallest_in
from cxminute.app.small.promises import smallest_behind
from cxminute.minute.brief import Line, Standing
from cxminute.privacy.cells import suppress, tells_of_few

_COUNTED = "volume"


def smallest_about(seen: View) -> dict[str, int]:
    """By what a tally is about, the smallest group that may be shown of it."""
    definitions = seen.project.definitions
    found = {f"promise {name}": smallest_behind(seen, promise) for name, promise in definitions.promises.items()}
    return found | {f"journey {name}": smallest_in(seen, journey) for name, journey in definitions.journeys.items()}


def large_enough(smallest: Mapping[str, int], table: pa.Table) -> tuple[pa.Table, int]:
    """Insights, or weeks of `history`, without those that are of few; of the others' parts those that may be shown.

    returns: the table, and how many rows and parts are not in it
    """
    if max(smallest.values(), default=1) <= 1:
        return table, 0
    kept, gone = [], 0
    for row in table.to_pylist():
        need = smallest.get(row["about"], max(smallest.values()))
        if _is_small(row["measure"], row["value"], row["n"], need):
            gone += 1
            continue
        if row.get("where"):
            parts = _parts(row, need)
            gone += len(row["where"]) - len(parts)
            row["where"] = parts
        kept.append(row)
    return pa.Table.from_pylist(kept, schema=table.schema), gone


def standing_enough(smallest: Mapping[str, int], standing: list[Standing]) -> tuple[list[Standing], int]:
    """How promises and journeys stand, without those whose share is of few, or tells of few; and how many these are."""
    kept = [
        one
        for one in standing
        if not _is_small("share", one.share, one.n, smallest.get(f"{one.kind} {one.name}", 1))
    ]  # fmt: skip
    return kept, len(standing) - len(kept)


def compared_enough(smallest: Mapping[str, int], compared: pa.Table) -> tuple[pa.Table, int]:
    """Comparisons of which neither side tells of few; smallest: by source."""
    if max(smallest.values(), default=1) <= 1 or not compared.num_rows:
        return compared, 0
    most = max(smallest.values())
    kept = [
        row
        for row in compared.to_pylist()
        if not _is_small("share", row["value"], row["n"], smallest.get(row["market"], most))
        and not _is_small("share", row["own_value"], row["own_n"], smallest.get(row["own"], most))
    ]
    return pa.Table.from_pylist(kept, schema=compared.schema), compared.num_rows - len(kept)


def note_on(gone: int, smallest: Mapping[str, int], command: str) -> list[Line]:
    """The line that says how many figures are not in the brief, and why; none where all are."""
    if not gone:
        return []
    most = max(smallest.values())
    said = f"{gone} figures are not shown: they would tell of fewer than {most}, which a contract does not allow."
    return [Line(said, str(gone), command)]


def _is_small(measure: str, value: float | None, n: float, need: int) -> bool:
    """Whether a figure is of too few, or with what it is of tells of too few, on either side."""
    if value is None:
        return False
    return tells_of_few(need, value) if measure == _COUNTED else tells_of_few(need, n, value)


def _parts(row: Mapping[str, Any], need: int) -> list[dict[str, Any]]:
    """The parts of a change that may be shown: dimension by dimension, beside the whole."""
    shown = []
    for dimension in dict.fromkeys(part["dimension"] for part in row["where"]):
        parts = [part for part in row["where"] if part["dimension"] == dimension]
        counts = [float(round(part["n"])) for part in parts]
        rest = round(row["n"]) - sum(counts)
        whole = [*counts, float(rest), float(round(row["n"]))]
        sums = [(len(whole) - 1, range(len(whole) - 1))] if rest >= 0 else []
        hidden = suppress([max(count, 0) for count in whole], sums, need)
        for part, gone in zip(parts, hidden, strict=False):
            of_few = row["measure"] != _COUNTED and any(
                0 < size < need for size in (round(part["hits"]), round(part["n"] - part["hits"]))
            )
            if not gone and not of_few:
                shown.append(part)
    return [part for part in row["where"] if part in shown]
