"""The command that fetches from the API of a source: pull."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from cxminute.app import output
from cxminute.app.collecting import recognise
from cxminute.app.project import Project
from cxminute.app.pulling import PULLED_BY, Pulled, fetching, look, pull, settings_of
from cxminute.collect.pulls.asking import iso
from cxminute.collect.receive import Received
from cxminute.collect.rejects import REASONS
from cxminute.collect.source import Source
from cxminute.model.errors import WrongUse
from cxminute.model.times import from_ms, instant


def pulling(
    source: str | None = None,
    *,
    since: str | None = None,
    dry_run: bool = False,
    json: bool = False,
    project: Path = Path(),
) -> int:
    """Fetch from the API of a source what was changed since the last time; interrupted, the same command goes on.

    Parameters
    ----------
    source
        Which source; may be left out where only one has [pull].
    since
        Fetch again what was changed from this time on: ISO 8601, in the project's zone.
    dry_run
        Ask for the first page only, and say what it would become; write nothing.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    Returns
    -------
    int
        0 when all of it is in the log, 3 when it stopped before the end.

    """
    if dry_run and json:
        raise WrongUse("--dry-run is for people: it has no JSON.", allowed="one of --dry-run and --json")
    opened = Project(project)
    chosen = _source(opened, source)
    settings = settings_of(opened, chosen)
    begin = None if since is None else instant(since, opened.settings.zone)
    done: list[Pulled] = []
    with fetching(chosen, settings, os.environ) as fetch:
        for stream in settings.streams:
            if dry_run:
                _preview(stream, look(opened, chosen, stream, fetch, since=begin))
                continue
            with output.progress(f"{chosen.name}: {stream}", None) as advance:
                done.append(pull(opened, chosen, stream, fetch, since=begin, advance=advance))
            if not json:
                _show(done[-1])
    if done:
        recognise(opened)
    if json:
        output.document({"source": chosen.name, "pulls": [_document(one) for one in done]})
    faults = [one.stopped for one in done if one.stopped is not None]
    for fault in faults:
        output.note(f"cxm: {fault}")
    return max((fault.exit_code for fault in faults), default=0)


def _source(project: Project, name: str | None) -> Source:
    if name is not None:
        return project.source(name)
    known = list(project.definitions.pulls)
    if len(known) == 1:
        return project.source(known[0])
    if known:
        raise WrongUse("Which source?", allowed=", ".join(known))
    raise WrongUse("Which source?", allowed="a source whose file has [pull]: none has it yet", then=PULLED_BY)


def _show(done: Pulled) -> None:
    c = done.counts
    parts = [f"{output.count(c.added, 'events')} added"]
    for count, said in ((c.repeated, "repeated"), (c.corrected, "corrected"), (c.removed, "removed")):
        if count:
            parts.append(f"{count:,} {said}")
    parts.append(f"{c.rejected:,} in quarantine")
    pages = output.count(done.pages, "pages")
    output.say(f"{done.stream}: {pages}, {output.count(done.records, 'records')}; {', '.join(parts)}.")
    for reason, count in done.reasons.most_common():
        output.say(f"  {count:,} {reason}: {REASONS[reason].meaning}")
    went = "went on with" if done.resumed else "asked for"
    mark = "" if done.mark is None else f"; all before {from_ms(done.mark):%Y-%m-%d %H:%M:%S} UTC is in the log"
    output.say(f"  {went} what was changed since {from_ms(done.since):%Y-%m-%d %H:%M:%S} UTC{mark}")


def _document(done: Pulled) -> dict[str, object]:
    c = done.counts
    return {
        "stream": done.stream, "since": iso(done.since), "resumed": done.resumed, "pages": done.pages,
        "records": done.records, "added": c.added, "repeated": c.repeated, "corrected": c.corrected,
        "removed": c.removed, "rejected": c.rejected, "reasons": done.reasons,
        "mark": None if done.mark is None else iso(done.mark), "asked": done.asked, "waited": round(done.waited, 3),
        "finished": done.stopped is None, "stopped": None if done.stopped is None else str(done.stopped),
    }  # fmt: skip


def _preview(stream: str, received: Received) -> None:
    names = Counter(received.events["name"].to_pylist())
    reasons = Counter(received.rejects["reason"].to_pylist())
    output.say(f"{stream}: of the first page ({output.count(received.counts['rows'], 'records')}), nothing written:")
    for name, number in names.most_common():
        output.say(f"  {number:,} {name}")
    for reason, number in reasons.most_common():
        output.say(f"  {output.count(number, 'records')} in quarantine: {reason}, {REASONS[reason].meaning}")
    if not names and not reasons:
        output.say("  no events")
