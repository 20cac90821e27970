"""Commands for personal data whose time is over, and for what people ask for through sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from cxminute.app import clock, output
from cxminute.app.project import Project
from cxminute.model.times import from_ms

if TYPE_CHECKING:  # brings the way to the log
    from cxminute.app.retaining import Retained, Retention
    from cxminute.store.requests import Request

app = App(name="requests", help="What people ask for through sources: list, done.", help_format="plaintext")


def retain(
    *, dry_run: Annotated[bool, Parameter(negative="")] = False, json: bool = False, project: Path = Path()
) -> int:
    """Remove personal data whose term is over by the contracts, and what people asked to be removed; prove it.

    Events, numbers and counts stay. Each removal leaves a proof in .cxm/proofs: counts, clause and clock, no value.

    Parameters
    ----------
    dry_run
        Say what is over; change nothing.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    Returns
    -------
    int
        0 when nothing that is over is left, 1 when something is.

    """
    from cxminute.app.retaining import retain as run  # noqa: PLC0415 -- the way to the log takes a while
    from cxminute.store.proofs import Proofs  # noqa: PLC0415 -- likewise

    opened = Project(project)
    done = run(opened, clock.now(), dry_run=dry_run)
    broken = Proofs(opened.folder / "proofs").broken()
    if json:
        output.document({**_document(done), "broken_proof": broken or None})
    else:
        _tell(done, dry_run=dry_run)
        if broken:
            output.say(f"The proof {broken} does not follow from the one before: one was changed or taken away.")
    fine = not any(one.open for one in done.sources) if dry_run else done.is_done
    return 0 if fine and not broken else 1


@app.default
def requests(*, everything: bool = False, json: bool = False, project: Path = Path()) -> None:
    """List what people ask for that is not done yet, by when it is due.

    What is to be removed is removed by the worker, or by cxm retain; to show people their data is for you.

    Parameters
    ----------
    everything
        Also what is done.
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    """
    at = clock.now()
    found = Project(project).requests.list(still_open=not everything)
    if json:
        output.document({"requests": [_request(one, at) for one in found]})
        return
    if not found:
        output.say("Nobody has asked for anything." if everything else "No request is open.")
        return
    rows = [
        (str(one.id), one.source, one.kind, _about(one), _day(one.received_at), _due(one, at), one.proof or "-")
        for one in found
    ]
    output.table("Requests", ("number", "source", "asks for", "about", "received (UTC)", "due (UTC)", "proof"), rows)


@app.command
def done(number: int, *, json: bool = False, project: Path = Path()) -> None:
    """Close a request that you have answered; whom it was about is forgotten here.

    Parameters
    ----------
    number
        As the list numbers it.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    at = clock.now()
    closed = Project(project).requests.done(number, at)
    if json:
        output.document(_request(closed, at))
        return
    output.say(f"Request {closed.id} of source '{closed.source}' is done.")


def _tell(done: Retention, *, dry_run: bool) -> None:
    rows = [
        (one.source, one.clause, one.clock, one.found.values, one.found.identifiers, one.found.quarantine, one.proof)
        for one in done.sources
    ]
    what = "is over; nothing was changed" if dry_run else "was over, and was removed"
    if not rows:
        output.say("No contract has a term for what was collected, and nobody asked for anything to be removed.")
    else:
        columns = ("source", "clause", "kept", "values", "identifiers", "in quarantine", "proof")
        output.table(f"Personal data that {what}", columns, rows)
    for one in done.sources:
        for line in _remarks(one):
            output.say(line)
    for name, said in done.bytes.items():
        output.say(f"Bytes of the {name}: {said}.")
    for name in done.orphans:
        output.say(f"Source '{name}' has personal data and no file: nothing says how long to keep it.")


def _remarks(one: Retained) -> list[str]:
    said = []
    if one.left:
        said.append(f"Source '{one.source}': {sum(one.left.document().values()):,} are left: run it again.")
    if one.kept:
        said.append(f"Source '{one.source}': {output.count(one.kept, 'identifiers')} stay: other sources know them.")
    if one.open:
        paths = ", ".join(one.open)
        said.append(
            f"Source '{one.source}': the contract calls {paths} personal, but the log holds values of it from before: "
            "take those collects back (cxm collects undo) and collect them again."
        )
    if one.older:
        are = "is" if one.older == 1 else "are"
        said.append(
            f"Source '{one.source}': {output.count(one.older, 'events')} {are} beyond keep_rest. They hold nothing "
            "personal, and nothing removes them yet."
        )
    return said


def _document(done: Retention) -> dict[str, object]:
    return {
        "done": done.is_done,
        "sources": [
            {
                "source": one.source, "clause": one.clause, "clock": one.clock, "removed": one.found.document(),
                "left": one.left.document(), "kept": one.kept, "beyond_keep_rest": one.older,
                "open": list(one.open or ()), "proof": one.proof or None,
            }
            for one in done.sources
        ],
        "bytes": done.bytes,
        "without_file": list(done.orphans),
    }  # fmt: skip


def _request(one: Request, at: int) -> dict[str, object]:
    return {
        "number": one.id, "source": one.source, "kind": one.kind, "about": one.about,
        "received": from_ms(one.received_at), "due": from_ms(one.due_at), "overdue": _overdue(one, at),
        "done": None if one.done_at is None else from_ms(one.done_at), "proof": one.proof or None,
    }  # fmt: skip


def _about(one: Request) -> str:
    said = "; ".join(f"{kind} {', '.join(values)}" for kind, values in one.about.items() if values)
    return said or ("-" if one.done_at is not None else "all of it")


def _due(one: Request, at: int) -> str:
    if one.done_at is not None:
        return f"done {_day(one.done_at)}"
    return f"{_day(one.due_at)}{', overdue' if _overdue(one, at) else ''}"


def _overdue(one: Request, at: int) -> bool:
    return one.done_at is None and at > one.due_at


def _day(at: int) -> str:
    return f"{from_ms(at):%Y-%m-%d %H:%M}"
