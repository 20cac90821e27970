"""Commands that bring data in: collect, collects."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

from cyclopts import App

from cxminute.app import clock, output
from cxminute.app.collecting import Collected, collect_file, preview, recognise
from cxminute.app.collecting import undo as take_back
from cxminute.app.project import Project
from cxminute.collect.rejects import REASONS
from cxminute.collect.source import Source
from cxminute.model.errors import CxmError, WrongUse
from cxminute.model.times import from_ms, instant
from cxminute.store.vault import UNREADABLE

app = App(
    name="collects",
    help="Show what was collected; take one back; what became of all that the door received.",
    help_format="plaintext",
)

_NO_EVENT = "No event: nothing in it says that something happened at some time. It is no fault, and nothing was kept."

_NOT_READABLE = "(name not readable)"


def collect(
    *paths: Path, source: str | None = None, dry_run: bool = False, json: bool = False, project: Path = Path()
) -> int:
    """Take files, or a query's rows, into the log.

    Parameters
    ----------
    paths
        Files of one source; none for a source that is a query.
    source
        Which source they are of; may be left out where the project has only one.
    dry_run
        Show what the first rows would become, and what would be rejected; write nothing.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    Returns
    -------
    int
        0 when every file could be read, 3 when one could not; the others are collected all the same.

    """
    opened = Project(project)
    chosen = _source(opened, source)
    if dry_run:
        if json:
            raise WrongUse("--dry-run is for people: it has no JSON.", allowed="one of --dry-run and --json")
        for path in paths or (None,):
            _preview(opened, path, chosen)
        return 0
    documents, code = [], 0
    for path in paths or (None,):
        shown = path.name if path else f"query of {chosen.name}"
        try:
            with output.progress(shown, _rows(path, chosen)) as advance:
                done = collect_file(opened, path, chosen, clock.now(), advance)
        except CxmError as fault:
            if len(paths) <= 1:
                raise
            output.note(f"cxm: {fault}")
            code = fault.exit_code
            continue
        documents.append({"file": shown, **_document(done)})
        if not json:
            _show(shown, done)
    if documents:
        recognise(opened)
    if json:
        output.document({"collects": documents})
    return code


@app.default
def collects(*, json: bool = False, project: Path = Path()) -> None:
    """Show what was collected, oldest first.

    Parameters
    ----------
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    """
    told = Project(project).log.collects()
    if json:
        output.document(
            {
                "collects": [
                    {
                        "number": t.id, "source": t.source, "file": _readable(t.file), "known_at": from_ms(t.known_at),
                        "finished": t.finished_at is not None, "undone": t.undone_at is not None,
                        "rows": t.counts.rows, "added": t.counts.added, "repeated": t.counts.repeated,
                        "corrected": t.counts.corrected, "removed": t.counts.removed, "rejected": t.counts.rejected,
                    }
                    for t in told
                ]
            }
        )  # fmt: skip
        return
    columns = (
        "number",
        "source",
        "file",
        "known at",
        "rows",
        "added",
        "repeated",
        "corrected",
        "removed",
        "rejected",
        "",
    )
    rows = [
        (t.id, t.source, _readable(t.file) or _NOT_READABLE, f"{from_ms(t.known_at):%Y-%m-%d %H:%M}", t.counts.rows,
         t.counts.added, t.counts.repeated, t.counts.corrected, t.counts.removed, t.counts.rejected,
         "taken back" if t.undone_at is not None else "" if t.finished_at is not None else "unfinished: collect again")
        for t in told
    ]  # fmt: skip
    output.table("Collects", columns, rows)


@app.command
def undo(number: int, *, project: Path = Path()) -> None:
    """Take one collect back: what it added goes, what it replaced stands again.

    Parameters
    ----------
    number
        The collect, as `cxm collects` numbers it.
    project
        The project folder, or one inside it.

    """
    told = take_back(Project(project), number)
    counts = told.counts.added + told.counts.corrected
    name = f" ({shown})" if (shown := _readable(told.file)) is not None else ""
    output.say(f"Collect {told.id}{name} is taken back: {output.count(counts, 'events')}.")
    output.say("Rows that another file told too went with it: collect that file again.")


@app.command
def balance(
    *,
    since: str | None = None,
    until: str | None = None,
    source: str | None = None,
    json: bool = False,
    project: Path = Path(),
) -> int:
    """What became of all that the door received, minute by minute: nothing may be missing.

    Parameters
    ----------
    since
        Only what was received from this time on: ISO 8601, in the project's zone; without it, the last hour that has
        any.
    until
        Only what was received before this time.
    source
        Only of this source.
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    Returns
    -------
    int
        0 when every minute adds up, 1 when one does not.

    """
    from cxminute.app.balancing import balanced  # noqa: PLC0415 -- opens the inbox, which other commands leave alone

    opened = Project(project)
    if source is not None:
        opened.source(source)
    zone = opened.settings.zone
    first, last = (None if said is None else instant(said, zone) for said in (since, until))
    rows, total = balanced(opened, first, last, source)
    if json:
        output.document({"balance": [row.document(zone) for row in rows], "total": total.document(zone)})
        return 0 if total.adds_up else 1
    columns = ("minute", "source", "received", "stored", "duplicate", "quarantined", "waiting", "adds up")
    shown = [(row.moment(zone), row.source, *row.counts, row.adds_up) for row in rows]
    output.table("Balance", columns, [*shown, ("all", "", *total.counts, total.adds_up)])
    return 0 if total.adds_up else 1


def _source(project: Project, name: str | None) -> Source:
    if name is not None:
        return project.source(name)
    known = project.definitions.sources
    if len(known) == 1:
        return next(iter(known.values()))
    raise WrongUse("Which source?", allowed="--source and one of " + (", ".join(known) or "sources/*.toml: none yet"))


def _rows(path: Path | None, source: Source) -> int | None:
    if path is None or source.format != "parquet" or not path.is_file():
        return None
    from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415 -- only for the length of the bar

    try:
        return int(parquet.read_metadata(path).num_rows)
    except ArrowInvalid:
        return None  # the reader will say what is wrong with it


def _preview(project: Project, path: Path | None, source: Source) -> None:
    """The first events and rejects, a few lines each, and how many there would be of which name and reason."""
    received = preview(project, path, source)
    names = Counter(received.events["name"].to_pylist())
    reasons = Counter(received.rejects["reason"].to_pylist())
    output.say(f"Of the first {output.count(received.counts['rows'], 'rows')}, and nothing was written:")
    for name, number in names.most_common():
        output.say(f"  {number:,} {name}")
    if received.counts["rows"] and not names and not reasons:
        output.say(f"  {_NO_EVENT}")
    for reason, number in reasons.most_common():
        output.say(f"  {output.count(number, 'rows')} in quarantine: {reason}, {REASONS[reason].meaning}")
    for row in received.events.slice(0, 6).to_pylist():
        output.say(f"\nrow {row['position'] + 1}: {row['name']} at {row['at']:%Y-%m-%d %H:%M:%S} UTC")
        shown = {key: value for key, value in row.items() if "." in key and value is not None}
        output.say("  " + ", ".join(f"{key.partition('.')[2]}={_cell(value)}" for key, value in shown.items()))
    for reject in received.rejects.slice(0, 6).to_pylist():
        output.say(f"\nrow {reject['position'] + 1}: {reject['reason']}: {reject['detail']}")


def _cell(value: object) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)[:60]


def _document(done: Collected) -> dict[str, object]:
    c = done.counts
    return {
        "number": done.told.id, "rows": c.rows, "added": c.added, "repeated": c.repeated, "corrected": c.corrected,
        "removed": c.removed, "rejected": c.rejected, "reasons": done.reasons,
    }  # fmt: skip


def _show(shown: str, done: Collected) -> None:
    c = done.counts
    if done.before:
        output.say(
            f"{shown}: {output.count(c.rows, 'rows')}, collected before as collect {done.told.id}; nothing added."
        )
        return
    parts = [f"{output.count(c.added, 'events')} added"]
    for count, said in ((c.repeated, "repeated"), (c.corrected, "corrected"), (c.removed, "removed")):
        if count:
            parts.append(f"{count:,} {said}")
    output.say(
        f"{shown}: {output.count(c.rows, 'rows')}; {', '.join(parts)}; "
        f"{output.count(c.rejected, 'rows')} in quarantine."
    )
    if c.rows and not (c.added or c.repeated or c.corrected or c.removed or c.rejected):
        output.say(f"  {_NO_EVENT}")
    for reason, count in sorted(done.reasons.items(), key=lambda item: -item[1]):
        output.say(f"  {count:,} {reason}: {REASONS[reason].meaning}")
    if done.nobody:
        output.say(f"  {done.nobody:,} identifiers such as 'guest' or 'null' name nobody and were left out")
    if done.reasons:
        source = done.told.source
        output.say(f"  Look: cxm quarantine --source {source}; mend; cxm quarantine replay --source {source}")


def _readable(file: str) -> str | None:
    """What a file is called; None where its name is lost, or lies sealed under a key that is gone."""
    return None if file.startswith(UNREADABLE) else file
