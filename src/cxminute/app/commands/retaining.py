"""The command for personal data whose time is over, and for what shops and marketplaces ask to be removed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cxminute.app import clock, output
from cxminute.app.project import Project

if TYPE_CHECKING:  # brings the way to the log
    from cxminute.app.rights.retaining import Retained, Retention


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
    from cxminute.app.rights.retaining import retain as run  # noqa: PLC0415 -- the way to the log takes a while
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
