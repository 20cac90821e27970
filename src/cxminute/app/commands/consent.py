"""Commands of consent: what people said of which purpose, recorded, imported and shown."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from cyclopts import App

from cxminute.app import clock, output
from cxminute.app.answers import Answer, Shown, give
from cxminute.app.options import Reading, moments
from cxminute.app.project import Project
from cxminute.model.times import instant

app = App(
    name="consent",
    help="What people said of which purpose: show, set, import.",
    help_format="plaintext",
)
_READING = Reading()


@app.default
def consent(
    identifier: str | None = None, *, kind: str | None = None, history: bool = False, options: Reading = _READING
) -> None:
    """What one person said of each purpose, and what it comes to; without an identifier, how many said what.

    Of answers that too few people gave, by the contracts of the sources, there is no count.

    Parameters
    ----------
    identifier
        As the source wrote it; or #17, the number of one that is shown shortened.
    kind
        Which kind of identifier it is: user_id, anonymous_id, email.
    history
        Also every saying, the oldest first: when it was said, when it was known, on which way.
    options
        What every reading command takes; with --as-of, as it was known then.

    """
    from cxminute.app.rights.consent_answers import counted, of_person, who  # noqa: PLC0415 -- the way to the map of people

    project = Project(options.project)
    as_of, _, _ = moments(options, project.settings.zone)
    if identifier is None:
        give(_counts(counted(project, as_of)), json=options.json)
        return
    asked = who(project, project.permit(options.purpose), identifier, kind, as_of)
    found = {"id": identifier, **of_person(project, asked, as_of, history=history)}
    if options.json:
        output.document(output.clean(found))
        return
    rows = [
        (
            row["purpose"], row["basis"], row["answer"], "yes" if row["allowed"] else f"no ({row['reason']})",
            _said(row["since"]), row["how"] or "-", row["source"] or "-",
        )
        for row in found["purposes"]
    ]  # fmt: skip
    columns = ("purpose", "basis", "answer", "may be used", "since", "how", "source")
    output.table(f"Consent of {identifier} (person {found['person']})", columns, rows)
    if history:
        told = [
            (
                _said(row["at"]), _said(row["known_at"]), row["purpose"], row["said"], row["how"], row["source"] or "-",
                row["why"] or "-",
            )
            for row in found["history"]
        ]  # fmt: skip
        output.table("Said, the oldest first", ("at", "known since", "purpose", "said", "how", "source", "why"), told)


@app.command(name="set")
def record(
    identifier: str,
    purpose: str,
    said: str,
    *,
    because: str,
    at: str | None = None,
    kind: str | None = None,
    json: bool = False,
    project: Path = Path(),
) -> None:
    """Record by hand what somebody said. It holds from the next permit on.

    Parameters
    ----------
    identifier
        Whose word it is, as the source writes them; or #17.
    purpose
        Of which purpose; '*' for all of them.
    said
        granted, denied, withdrawn; objected (Article 21) or restricted (Article 18), and lifted, which ends these.
    because
        How you know it. Name no document's number and no address: it stays on record.
    at
        When it was said, ISO 8601; now without it.
    kind
        Which kind of identifier it is.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    from cxminute.app.rights import consent_answers  # noqa: PLC0415 -- as above

    opened = Project(project)
    now = clock.now()
    moment = now if at is None else instant(at, opened.settings.zone)
    consent_answers.check_said(opened, purpose, said)
    numbers = consent_answers.numbers_named(opened, opened.permit(), identifier, kind)
    consent_answers.record(opened, numbers, purpose, said, moment, now, because)
    if json:
        output.document({"id": identifier, "purpose": purpose, "said": said, "identifiers": numbers})
        return
    output.say(f"{identifier}: '{purpose}' {said}. The next permit goes by it.")


@app.command(name="import")
def take(file: Path, *, source: str, json: bool = False, project: Path = Path()) -> None:
    """Record what a CSV file says people said: a column for one kind of identifier, and purpose, said, at.

    Parameters
    ----------
    file
        The CSV file. All of it is recorded, or nothing.
    source
        The source that it comes from; where its people may not be linked, its identifiers are its own.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    from cxminute.app.rights.consent_answers import take_file  # noqa: PLC0415 -- as above

    found = take_file(Project(project), file, source, clock.now())
    new, forgotten = found.pop("new"), found.pop("forgotten")
    rows = sum(found.values())
    if json:
        output.document({"rows": rows, "new": new, "forgotten": forgotten, "said": dict(sorted(found.items()))})
        return
    told = ", ".join(f"{count:,} {word}" for word, count in sorted(found.items()))
    output.say(f"{output.count(rows, 'rows')} ({told or 'nothing'}); {new:,} not known before.")
    if forgotten:
        output.say(f"{output.count(forgotten, 'rows')} of people who were forgotten: left out.")


def _counts(found: dict[str, Any]) -> Answer:
    """How many said what, in all forms: what is not shown is the same in each."""
    from cxminute.app.small.cells import told  # noqa: PLC0415 -- as above

    answers = ("granted", "denied", "withdrawn", "browser", "objected", "restricted", "unknown")
    rows = [
        (row["purpose"], row["parent"] or "-", row["basis"], *map(row["answers"].get, answers))
        for row in found["purposes"]
    ]
    known = found["people"]
    people = "people" if known is None else output.count(known, "people")
    shown = Shown(f"Consent of {people} who said anything", ("purpose", "part of", "basis", *answers), rows)
    return Answer(found, (shown,), remark=told(found["hidden"], found["smallest"]))


def _said(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if isinstance(at, datetime) else "-"
