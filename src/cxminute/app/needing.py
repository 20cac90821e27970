"""Which insights of a week needed a source: those that would not be there without its events."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.analysis import View
from cxminute.app.brief import carried, days_of, week_view
from cxminute.app.told import answerable, tells_of
from cxminute.balance.tally import tally as tally_promise
from cxminute.journeys.analyses.tally import tally as tally_journey
from cxminute.model.tables import TALLY
from cxminute.synthesis.explain import explain


def needed(seen: View, sources: Collection[str]) -> tuple[str, dict[str, list[str]]]:
    """The latest week that can be told of, and for each source the ids of the insights of it that needed the source.

    A promise is the source's that made it, a passage the one's that opened it.
    raises: WrongUse where no week can be told of
    """
    then, week = week_view(seen, None)
    first, last = days_of(seen.project, seen.as_of)
    parts: dict[str, list[pa.Table]] = {name: [TALLY.empty_table()] for name in ("", *sources)}
    for without, table in _tallies(then, sources):
        parts[without].append(table.filter(pc.less(table["day"], pa.scalar(last, pa.date32()))))
    ids = {name: _ids(pa.concat_tables(tables).unify_dictionaries(), week, first) for name, tables in parts.items()}
    return week, {name: [known for known in ids[""] if known not in ids[name]] for name in sources}


def _tallies(then: View, sources: Collection[str]) -> Iterator[tuple[str, pa.Table]]:
    """(the source that is left out, daily counts without it), of every promise and journey; '' for all of them."""
    settings = then.project.settings
    split = tuple(dict.fromkeys((*settings.dimensions, "source")))
    told = tells_of(then.project, then.as_of)
    for promise in then.project.definitions.promises.values():
        ledger, closes_at = answerable(then, promise, split, told)
        for name, rows in _without(ledger, sources):
            paths = carried(rows, settings.dimensions)
            yield name, tally_promise(promise, rows, settings.zone, paths, as_of=closes_at)
    for journey in then.project.definitions.journeys.values():
        _, passages, closes_at = then.passages(journey, split)
        for name, rows in _without(passages, sources):
            paths = carried(rows, settings.dimensions)
            yield name, tally_journey(journey, rows, settings.zone, paths, as_of=closes_at)


def _without(table: pa.Table, sources: Collection[str]) -> Iterator[tuple[str, pa.Table]]:
    """The table, and for each source that has rows in it the table without them; the whole where it has none."""
    told = table["source"].cast(pa.string())
    yield "", table
    for name in sources:
        yield name, table.filter(pc.not_equal(told, name))


def _ids(tallies: pa.Table, week: str, first: date) -> list[str]:
    found: list[str] = explain(tallies, week=week, first_day=first)["id"].to_pylist()
    return found
