"""The command that shows one person: who they are to the sources, and what they did."""

from __future__ import annotations

import json as texts
from datetime import datetime

from cxminute.app import output
from cxminute.app.figures import dicts
from cxminute.app.options import Reading, check_limit, moments
from cxminute.app.person import person as of_person
from cxminute.app.project import Project
from cxminute.store.profiles import Span

_READING = Reading()
_MOST = 12  # identifiers of a kind that the text shows
_SENT = frozenset(("originalTimestamp", "sentAt", "receivedAt", "messageId"))  # how it came, not what happened


def person(identifier: str, *, kind: str | None = None, limit: int = 20, options: Reading = _READING) -> None:
    """What one person did: identifiers, when and where they were seen, their last events. No personal value is shown.

    Parameters
    ----------
    identifier
        As the source wrote it.
    kind
        Which kind of identifier it is: user_id, anonymous_id, or one of a thing such as order_id; without it, any that
        a person can have.
    limit
        How many events, the newest ones.
    options
        What every reading command takes.

    """
    check_limit(limit)
    project = Project(options.project)
    as_of, since, until = moments(options, project.settings.zone)
    leave = project.permit(options.purpose)
    for reason in leave.refused.values():
        output.note(f"Left out: {reason}")
    found = of_person(project, leave, identifier, kind, Span(since, until, as_of), limit)
    if options.json:
        output.document(output.clean(found))
        return
    output.say(f"{found['kind']} {found['id']}: {output.count(found['count'], 'events')}{_seen(found)}")
    for name, values in found["identifiers"].items():
        more = f", and {len(values) - _MOST:,} more" if len(values) > _MOST else ""
        output.say(f"  {name}: {', '.join(values[:_MOST])}{more}")
    for row in dicts(found["sources"]):
        output.say(f"  {row['source']}: {output.count(row['events'], 'events')}{_seen(row)}")  # type: ignore[arg-type]  # a count, as made above
    rows = [(_moment(row["at"]), row["source"], row["name"], _said(row["properties"])) for row in found["events"]]
    output.table("Events, the newest last", ("at", "source", "name", "open properties"), rows)
    output.say("Personal values are not shown: they lie in the vault, apart from the log.")


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
