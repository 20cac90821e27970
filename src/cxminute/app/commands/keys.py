"""Commands for write keys: who may send events as which source."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from cxminute.app import clock, output
from cxminute.app.project import Project
from cxminute.model.errors import WrongUse
from cxminute.model.times import duration, from_ms, said

if TYPE_CHECKING:
    from cxminute.store.keys import KeyFacts

app = App(name="keys", help="Write keys of sources: list, add, rotate, revoke.", help_format="plaintext")


@app.default
def keys(*, json: bool = False, project: Path = Path()) -> None:
    """List the write keys: the first characters of each, never the whole.

    Parameters
    ----------
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    """
    at, found = clock.now(), Project(project).keys.list()
    if json:
        output.document({"keys": [_document(facts, at) for facts in found]})
        return
    rows = [
        (f"{f.prefix}...", f.source, _status(f, at), f"{from_ms(f.created_at):%Y-%m-%d %H:%M}", _until(f))
        for f in found
    ]
    output.table("Write keys", ("key", "source", "status", "since (UTC)", "until (UTC)"), rows)


@app.command
def add(*, source: str, json: bool = False, project: Path = Path()) -> None:
    """Make a write key for a source, and show it: this once, for only its hash is kept.

    Parameters
    ----------
    source
        Which source events with this key are of.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    opened = _with_door(project, source)
    _show(opened.keys.add(source, clock.now()), source, json=json)


@app.command
def rotate(*, source: str, grace: str = "7 days", json: bool = False, project: Path = Path()) -> None:
    """Make a new write key for a source; its others are valid for a while longer.

    Parameters
    ----------
    source
        Whose keys.
    grace
        How long the others stay valid: such as "7 days", or "0 seconds".
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    opened, lasting = _with_door(project, source), duration(grace)
    key = opened.keys.rotate(source, clock.now(), lasting)
    _show(key, source, json=json)
    if not json:
        output.say(f"The source's other keys are valid for {said(lasting)} more.")


@app.command
def revoke(prefix: str, *, json: bool = False, project: Path = Path()) -> None:
    """Make a write key invalid, at once and for good.

    Parameters
    ----------
    prefix
        The key's first characters, as cxm keys lists them.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    at = clock.now()
    facts = Project(project).keys.revoke(prefix.rstrip("."), at)
    if json:
        output.document(_document(facts, at))
        return
    output.say(f"Revoked {facts.prefix}... of source '{facts.source}': a running server refuses it within two seconds.")


def _with_door(project: Path, source: str) -> Project:
    opened = Project(project)
    found = opened.source(source)
    if not found.at_door and found.hooks is None:
        raise WrongUse(
            f"Source '{source}' is of format {found.format}: its events do not come through the door.",
            allowed='a source with format = "http", or with [hooks]',
            then="Nothing was changed.",
        )
    return opened


def _show(key: str, source: str, *, json: bool) -> None:
    if json:
        output.document({"key": key, "source": source})
        return
    output.say(key)
    output.note(f"The write key of source '{source}'. It is shown this once: only its hash is kept.")


def _status(facts: KeyFacts, at: int) -> str:
    if facts.revoked_at is not None:
        return "revoked"
    if not facts.holds(at):
        return "expired"
    return "valid" if facts.expires_at is None else "rotated"


def _until(facts: KeyFacts) -> str | None:
    ends = [moment for moment in (facts.expires_at, facts.revoked_at) if moment is not None]
    return f"{from_ms(min(ends)):%Y-%m-%d %H:%M}" if ends else None


def _document(facts: KeyFacts, at: int) -> dict[str, str | datetime | None]:
    times = {"created": facts.created_at, "expires": facts.expires_at, "revoked": facts.revoked_at}
    shown = {name: None if moment is None else from_ms(moment) for name, moment in times.items()}
    return {"prefix": facts.prefix, "source": facts.source, "status": _status(facts, at), **shown}
