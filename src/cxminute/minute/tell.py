"""The verb of the stage: the brief of a week, at most 230 words before its details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from cxminute.minute.brief import Brief, Detail, Line, Standing
from cxminute.minute.compared import compared_line, side_by_side
from cxminute.minute.sentences import (
    COUNTED,
    calm_line,
    decision,
    figure,
    is_part,
    line,
    short,
    shown,
    standing_line,
    subject,
)
from cxminute.minute.words import LIMIT, NAME, between, count, number, percent, plain
from cxminute.model.times import monday_of

ITEMS: Final = 5
DECISIONS: Final = 3
APART: Final = 3  # days between the first days of news of one origin
FEWEST: Final = 3  # whole weeks before, from which on a week can be news
QUIET: Final = "Nothing this week stands out of the weeks before"


def tell(
    insights: pa.Table,
    *,
    organisation: str,
    week: str,
    standing: Sequence[Standing] = (),
    notes: Sequence[Line] = (),
    series: pa.Table | None = None,
    compared: pa.Table | None = None,
) -> Brief:
    """The brief of a week.

    insights: model.tables.INSIGHT rows of the week, strongest first
    standing: how promises and journeys stand; those below target or burning are told one by one
    notes:    what else to know of these figures, each with its figure and command
    series:   `synthesis.explain.history` of the same tallies: for the charts, and for what a quiet week says
    compared: model.tables.COMPARISON rows, strongest first: the first is told, the details have all
    returns:  at most 230 words before the details; what finds no room there stands in the details alone
    raises:   BadDefinition where `week` is no ISO week
    """
    rows = insights.to_pylist()
    monday = monday_of(week)
    origins = _origins(rows)
    lines = tuple(line(row, copies) for row, *copies in origins[:ITEMS])
    beside = [] if compared is None else compared.to_pylist()
    headline, quiet = (_headline(origins, week), None) if rows else _quiet(series, week)
    brief = Brief(
        organisation=plain(organisation, 60),
        week=week,
        monday=monday,
        headline=headline,
        items=lines,
        quiet=quiet,
        standing=_standing(standing, week),
        decisions=tuple(decision(row) for row, *_ in sorted(origins, key=_harmless)[:DECISIONS]),
        notes=tuple(Line(plain(note.text), plain(note.figure), plain(note.command)) for note in notes),
        details=(*_details(rows, standing), *side_by_side(beside)),
        insights=insights,
        series=series if series is not None else pa.table({}),
        compared=tuple(compared_line(row, week) for row in beside[:1]),
        beside=compared,
    )
    return _trimmed(brief)


def words(brief: Brief) -> int:
    """Words before the details, over the text that every renderer shows."""
    return count(brief.spoken())


def _headline(origins: list[list[dict[str, Any]]], week: str) -> Line:
    """The strongest news in half a sentence, and how many more there are."""
    first = origins[0][0]
    more = f", and {len(origins) - 1} more" if len(origins) > 1 else ""
    return Line(f"{short(first)}{more}.", figure(first), f"cxm minute --week {week}")


def _quiet(series: pa.Table | None, week: str) -> tuple[Line, Line]:
    """Headline and statement of a quiet week, shown on the largest series; or that too little is known to say so."""
    monday, command = monday_of(week), f"cxm minute --week {week}"
    weekly = [] if series is None else [row for row in series.to_pylist() if row["value"] is not None]
    known = [row for row in weekly if row["monday"] == monday and row["low"] is not None]
    if not known:
        before = len({row["monday"] for row in weekly if row["monday"] < monday})
        weeks = f"{before} whole week{'' if before == 1 else 's'}"
        said = f"Too early to tell news from noise: {weeks} before this one, and at least {FEWEST} are needed."
        return Line(f"Too early to tell, after {weeks}.", weeks, command), Line(said, weeks, command)
    moved = f"0 of {len(known)} series moved"
    # A share says more than a count, and a large one more than a small one.
    row = max(known, key=lambda row: (row["measure"] != COUNTED, row["n"]))
    state = {"late": "broken", "completed": "completed", COUNTED: "in all"}.get(row["measure"], plain(row["measure"]))
    kind, _, name = row["about"].partition(" ")
    said = (
        f"{QUIET}: {plain(row['about'], NAME)} {figure(row)} {state}, "
        f"{between(figure(row, 'low'), figure(row, 'high'))} expected; {moved}."
    )
    show = f"cxm {kind}s {plain(name)} --week {week}"
    return Line(f"A quiet week: {moved}.", moved, command), Line(said, figure(row), show)


def _standing(standing: Sequence[Standing], week: str) -> tuple[Line, ...]:
    """Those that stand out, the fastest burning first; then the others."""
    loud = [one for one in standing if one.stands_out]
    calm = [one for one in standing if not one.stands_out and one.share is not None]
    loud.sort(key=lambda one: (-(one.burn or 0.0), (one.share or 0.0) - (one.target or 0.0)))
    return (*(standing_line(one) for one in loud), *((calm_line(calm, week),) if calm else ()))


def _origins(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows by origin, the strongest of each first.

    What began within a few days at the same place is one trouble seen from several sides: it is told once, counts once
    and asks for one decision.
    """
    found: list[list[dict[str, Any]]] = []
    for row in rows:
        home = next((known for known in found if _same_origin(row, known[0])), None)
        if home is None:
            found.append([row])
        else:
            home.append(row)
    return found


def _harmless(rows: list[dict[str, Any]]) -> bool:
    """Whether the strongest news of an origin is for the better: what harms is decided upon first."""
    return bool(rows[0]["good"])


def _same_origin(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rows tell of one trouble.

    They do where they share the leading place and began not far apart; and where the same measure moved the same way
    from the same day on, give or take one, led by the same value in every dimension that both are split by: a holiday
    lowers every count at once.
    """
    apart = abs((one["since"] - other["since"]).days)
    places = [_leaders(row) for row in (one, other)]
    first = [next(iter(place.items()), None) for place in places]
    if first[0] is not None and first[0] == first[1] and not first[0][1].startswith("(") and apart <= APART:
        return True
    shared = places[0].keys() & places[1].keys()
    alike = bool(shared) and all(places[0][dimension] == places[1][dimension] for dimension in shared)
    same = all(one[name] == other[name] for name in ("measure", "direction"))
    return alike and same and apart <= 1


def _leaders(row: dict[str, Any]) -> dict[str, str]:
    """The leading value of each dimension, in the row's order of dimensions."""
    leaders: dict[str, str] = {}
    for part in row["where"]:
        leaders.setdefault(part["dimension"], part["value"])
    return leaders


_FEWER: Final[tuple[tuple[str, int], ...]] = (
    *(("items", 4), ("notes", 0), ("standing", 2), ("decisions", 2), ("standing", 1)),
    *(("decisions", 1), ("compared", 0), ("items", 1), ("standing", 0), ("decisions", 0)),
)
"""What is left out where words run short, in this order, each down to so many: the details hold it all."""


def _trimmed(brief: Brief) -> Brief:
    """The brief within its words."""
    for name, fewest in _FEWER:
        while words(brief) > LIMIT and len(getattr(brief, name)) > fewest:
            brief = replace(brief, **{name: getattr(brief, name)[:-1]})
    return brief


def _details(rows: list[dict[str, Any]], standing: Sequence[Standing]) -> list[Detail]:
    """The tables below the fold: all news, where each comes from, all that stands."""
    details: list[Detail] = []
    if rows:
        columns = (
            "what",
            "figure",
            "expected",
            "range (99%)",
            "standard errors",
            "of",
            "since",
            "seen",
            "for the better",
        )
        details.append(Detail("All that changed", columns, tuple(_news(row) for row in rows)))
        asked = tuple((subject(row), plain(row["action"]), plain(row["command"])) for row in rows)
        details.append(Detail("What to do, and what shows it", ("what", "action", "command"), asked))
    for row in rows:
        if row["where"] and not is_part(row):
            title = f"Where it comes from: {subject(row)}, {plain(row['measure'])} {row['direction']}"
            details.append(_came_from(title, row["where"], counted=row["measure"] == COUNTED))
    if standing:
        stands = ("what", "share", "of", "target", "burn", "command")
        details.append(Detail("All promises and journeys", stands, tuple(_stands(one) for one in standing)))
    return details


def _news(row: dict[str, Any]) -> tuple[str, ...]:
    bounds = between(figure(row, "low"), figure(row, "high"))
    strength = f"{row['strength']:.1f}"
    seen = f"{row['seen']} ({row['grade']})"
    what = f"{subject(row)}: {plain(row['measure'])} {row['direction']}"
    # Whether more of a count is welcome, the figure cannot know.
    judged = "" if row["measure"] == COUNTED else "yes" if row["good"] else "no"
    figures = (figure(row), figure(row, "expected"), bounds, strength, number(row["n"]))
    return (what, *figures, row["since"].isoformat(), seen, judged)


def _came_from(title: str, where: list[dict[str, Any]], *, counted: bool) -> Detail:
    """The table of contributions; a count has no mix and nothing that it is a share of."""
    rows = []
    for part in where:
        what = f"{plain(part['dimension'].rpartition('.')[2])} {plain(part['value'])}"
        moved = (
            [f"{part['rate']:+,.0f}"] if counted else [f"{100 * part[name]:+.1f} points" for name in ("mix", "rate")]
        )
        figures = [number(part["n"])] if counted else [number(part["hits"]), number(part["n"])]
        rows.append((what, f"{100 * part['share']:.0f}%", *moved, *figures))
    columns = ("more or fewer", "count") if counted else ("by mix", "by rate", "hits", "of")
    return Detail(title, ("part", "of the change", *columns), tuple(rows))


def _stands(one: Standing) -> tuple[str, ...]:
    share = "" if one.share is None else percent(one.share)
    target = "" if one.target is None else percent(one.target)
    burn = "" if one.burn is None else f"{one.burn:.1f}"
    return (f"{one.kind} {plain(one.name)}", share, number(one.n), target, burn, shown(one))
