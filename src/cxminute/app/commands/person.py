"""The command that shows one person: who they are to the sources, and what they did."""

from __future__ import annotations

import json as texts
from datetime import datetime
from pathlib import Path

from cxminute.app import output
from cxminute.app.charting import check_chart, draw
from cxminute.app.figures import dicts
from cxminute.app.options import Reading, check_limit, moments
from cxminute.app.people.person import person as of_person
from cxminute.app.project import Project
from cxminute.model.errors import WrongUse
from cxminute.store.profiles import Span

_READING = Reading()
_MOST = 12  # identifiers of a kind that the text shows
_SENT = frozenset(("originalTimestamp", "sentAt", "receivedAt", "messageId"))  # how it came, not what happened


def person(
    identifier: str,
    *,
    kind: str | None = None,
    limit: int = 20,
    why: bool = False,
    chart: Path | None = None,
    options: Reading = _READING,
) -> None:
    """What one person did: identifiers, when and where they were seen, their last events. No personal value is shown.

    Parameters
    ----------
    identifier
        As the source wrote it; or #17, the number of one that is shown shortened.
    kind
        Which kind of identifier it is: user_id, anonymous_id, email, or one of a thing such as order_id; without it,
        any that a person can have.
    limit
        How many events, the newest ones.
    why
        Also why these identifiers are one person: every link with its evidence, what people said of them, what was
        refused, and the merges and unmerges.
    chart
        With --why, also draw the links: to a file that ends in .svg, .png or .html.
    options
        What every reading command takes.

    """
    check_limit(limit)
    check_chart(chart)
    if chart is not None and not why:
        raise WrongUse("--chart draws the links of --why.", allowed="cxm person ID --why --chart FILE")
    project = Project(options.project)
    as_of, since, until = moments(options, project.settings.zone)
    leave = project.permit(options.purpose)
    for reason in leave.refused.values():
        output.note(f"Left out: {reason}")
    answer = of_person(project, leave, identifier, kind, Span(since, until, as_of), limit)
    found, said = answer.document, []
    if why and answer.known is None:
        raise WrongUse(
            "Only of people there is a why: a thing is what its number says.", allowed="a kind that people have"
        )
    if why and answer.known is not None:
        from cxminute.app.people import why_answer  # noqa: PLC0415 -- asks DuckDB, and only this question needs it
        from cxminute.app.people.explaining import why as explained  # noqa: PLC0415 -- likewise
        from cxminute.app.people.naming import called  # noqa: PLC0415 -- likewise

        graph = explained(project, leave, answer.known, answer.asked, as_of)
        names = called(project, graph.visible)
        found["why"] = why_answer.document(graph, names, project.settings.zone)
        said = list(why_answer.lines(graph, names, project.settings.zone))
        if chart is not None:
            draw(why_answer.picture(graph, names, answer.asked), chart)
            output.note(f"The picture: {chart}")
    if options.json:
        output.document(output.clean(found))
        return
    output.say(f"{found['kind']} {found['id']}: {output.count(found['count'], 'events')}{_seen(found)}")
    for name, values in found["identifiers"].items():
        output.say(f"  {name}: {_listed(values)}")
    for name, values in found["nobody"].items():
        output.say(f"  nobody's: {name} {_listed(values)}")
    for line in said:
        output.say(line)
    for row in dicts(found["sources"]):
        output.say(f"  {row['source']}: {output.count(row['events'], 'events')}{_seen(row)}")  # type: ignore[arg-type]  # a count, as made above
    rows = [(_moment(row["at"]), row["source"], row["name"], _said(row["properties"])) for row in found["events"]]
    output.table("Events, the newest last", ("at", "source", "name", "open properties"), rows)
    output.say("Personal values are not shown: they lie in the vault, apart from the log.")


def _listed(values: list[str]) -> str:
    more = f", and {len(values) - _MOST:,} more" if len(values) > _MOST else ""
    return f"{', '.join(values[:_MOST])}{more}"


def _seen(row: dict[str, object]) -> str:
    if row["first_at"] is None:
        return " in that span"
    return f", first {_moment(row['first_at'])}, last {_moment(row['last_at'])}"


def _moment(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if isinstance(at, datetime) else "-"


def _said(properties: dict[str, object]) -> str:
    """Properties as text, those that the event is about first; `properties.` goes without saying."""
    shown = [(path.removeprefix("properties."), value) for path, value in properties.items() if path not in _SENT]
    shown.sort(key=lambda cell: cell[0].startswith("context."))
    return ", ".join(f"{path}={_cell(value)}" for path, value in shown)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    said = texts.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else str(value)
    return said if len(said) <= 60 else f"{said[:57]}..."
