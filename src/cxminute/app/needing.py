"""Which insights of a week needed a source: those that would not be there without its events."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.analysis import View
from cxminute.app.brief import Week, week_of_log
from cxminute.app.told import Tells, answerable, carried
from cxminute.balance.tally import tally as tally_promise
from cxminute.journeys.analyses.tally import tally as tally_journey
from cxminute.model.tables import TALLY
from cxminute.synthesis.explain import explain


def needed(seen: View, sources: Collection[str], told: Mapping[str, Tells]) -> tuple[str, dict[str, list[str]]]:
    """The latest week that can be told of, and for each source the ids of the insights of it that needed the source.

    A promise is the source's that made it, a passage the one's that opened it.
    told:   what each source tells of
    raises: WrongUse where no week can be told of
    """
    week = week_of_log(seen)
    parts: dict[str, list[pa.Table]] = {name: [TALLY.empty_table()] for name in ("", *sources)}
    for without, table in _tallies(week.then, sources, told):
        before = table.filter(pc.less(table["day"], pa.scalar(week.last, pa.date32())))
        for name in without:
            parts[name].append(before)
    ids = {name: _ids(pa.concat_tables(tables).unify_dictionaries(), week) for name, tables in parts.items()}
    return week.name, {name: [known for known in ids[""] if known not in ids[name]] for name in sources}


def _tallies(
    then: View, sources: Collection[str], told: Mapping[str, Tells]
) -> Iterator[tuple[tuple[str, ...], pa.Table]]:
    """(sources, daily counts without any one of them), of every promise and journey; '' leaves nothing out."""
    settings = then.project.settings
    split = tuple(dict.fromkeys((*settings.dimensions, "source")))
    for promise in then.project.definitions.promises.values():
        ledger, closes_at = answerable(then, promise, split, told)
        for names, rows in _without(ledger, sources):
            paths = carried(rows, settings.dimensions)
            yield names, tally_promise(promise, rows, settings.zone, paths, as_of=closes_at)
    for journey in then.project.definitions.journeys.values():
        _, passages, closes_at = then.passages(journey, split)
        for names, rows in _without(passages, sources):
            paths = carried(rows, settings.dimensions)
            yield names, tally_journey(journey, rows, settings.zone, paths, as_of=closes_at)


def _without(table: pa.Table, sources: Collection[str]) -> Iterator[tuple[tuple[str, ...], pa.Table]]:
    """The whole, also of sources that have no rows in it; then what is left without each of those that have some."""
    made = table["source"].cast(pa.string())
    there = set(pc.unique(made).to_pylist())
    yield ("", *(name for name in sources if name not in there)), table
    for name in sources:
        if name in there:
            yield (name,), table.filter(pc.not_equal(made, name))


def _ids(tallies: pa.Table, week: Week) -> list[str]:
    found: list[str] = explain(tallies, week=week.name, first_day=week.first)["id"].to_pylist()
    return found
