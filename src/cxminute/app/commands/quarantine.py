"""Commands for what could not become an event: shown, mended, and replayed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from cyclopts import App

from cxminute.app import clock, output
from cxminute.app.project import Project
from cxminute.collect.mending import parse_filling
from cxminute.collect.rejects import REASONS
from cxminute.model.errors import UnknownName, WrongUse

if TYPE_CHECKING:  # brings the whole path to the log
    from cxminute.app.replaying import Replayed

app = App(
    name="quarantine",
    help="Show what could not become an event; mend it, and replay it.",
    help_format="plaintext",
)

_EMPTY = "Nothing of that lies in quarantine."
_UNREADABLE = "unreadable: its key is not there"


@app.default
def quarantine(*, source: str | None = None, json: bool = False, project: Path = Path()) -> None:
    """How much lies in quarantine, for which reason.

    Parameters
    ----------
    source
        Only of this source.
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    """
    opened = Project(project)
    if source is not None:
        opened.source(source)
    held = opened.log.rejects(source)
    counted = Counter(zip(held["source"].to_pylist(), held["reason"].to_pylist(), strict=True))
    if json:
        found = [{"source": s, "reason": r, "rows": n} for (s, r), n in counted.most_common()]
        output.document({"quarantine": found})
        return
    rows = [(s, r, n, REASONS[r].meaning) for (s, r), n in counted.most_common()]
    if not rows:
        output.say(_EMPTY)
        return
    output.table("Quarantine", ("source", "reason", "rows", "meaning"), rows)


@app.command
def show(
    *,
    source: str | None = None,
    reason: str | None = None,
    number: int | None = None,
    limit: int = 20,
    purpose: str | None = None,
    json: bool = False,
    project: Path = Path(),
) -> None:
    """Show what lies in quarantine, row by row, whole: this shows personal data, of sources whose contract allows it.

    Parameters
    ----------
    source
        Only of this source.
    reason
        Only for this reason.
    number
        Only this row, as the table numbers it.
    limit
        At most so many rows.
    purpose
        What it is shown for; without it, the project's own purpose.
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    """
    opened = Project(project)
    if source is not None:
        opened.source(source)
    _known(reason)
    leave = opened.permit(purpose)
    if source is not None:
        leave.covers(source, then="Nothing was shown.")
    held = opened.log.rejects(source, reason)
    for name in sorted(set(held["source"].to_pylist()) - leave.sources):
        undefined = f"No file defines source '{name}': nothing allows it."
        output.note(f"Left out: {leave.refused.get(name, undefined)}")
    held = held.filter(pc.is_in(held["source"], value_set=pa.array(sorted(leave.sources), pa.string())))
    if number is not None:
        held = held.filter(pc.equal(held["number"], number))
    rows = held.slice(0, limit).to_pylist()
    if json:
        output.document({"rejects": rows})
        return
    shown = [
        (
            str(r["number"]), r["source"], r["position"] + 1, r["reason"], r["detail"],
            _UNREADABLE if r["row"] is None else r["row"],
        )
        for r in rows
    ]  # fmt: skip
    if not shown:
        output.say(_EMPTY)
        return
    output.table("Quarantine", ("number", "source", "row", "reason", "detail", "as it came"), shown)


@app.command
def replay(
    *,
    source: str,
    reason: str | None = None,
    number: int | None = None,
    purpose: str | None = None,
    json: bool = False,
    project: Path = Path(),
) -> None:
    """Take what lies in quarantine up again, under the mapping as it is now; this opens rows, as `show` does.

    Parameters
    ----------
    source
        Whose rows.
    reason
        Only those set apart for this reason.
    number
        Only this row, as `cxm quarantine show` numbers it.
    purpose
        What the rows are opened for; without it, the project's own purpose.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    from cxminute.app.replaying import replay as replay_source  # noqa: PLC0415 -- to count and show takes less

    opened = Project(project)
    chosen = opened.source(source)
    _known(reason)
    opened.permit(purpose).covers(source, then="Nothing was changed.")
    _tell(replay_source(opened, chosen, clock.now(), reason=reason, number=number), json=json)


@app.command
def mend(
    *fillings: str,
    source: str,
    reason: str | None = None,
    number: int | None = None,
    purpose: str | None = None,
    dry_run: bool = False,
    json: bool = False,
    project: Path = Path(),
) -> None:
    """Fill fields of what lies in quarantine from elsewhere in the same row, and take it up again.

    Parameters
    ----------
    fillings
        FIELD=PATH takes a field from another place of the row: a column, or in JSON a dotted path; FIELD='text' sets
        it.
    source
        Whose rows.
    reason
        Only those set apart for this reason.
    number
        Only this row, as `cxm quarantine show` numbers it.
    purpose
        What the rows are opened for; without it, the project's own purpose.
    dry_run
        Say what would come of it; write nothing.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    from cxminute.app.replaying import replay as replay_source  # noqa: PLC0415 -- as above
    from cxminute.app.replaying import trial, waiting  # noqa: PLC0415 -- likewise

    if not fillings:
        raise WrongUse("Nothing says how to mend.", allowed="FIELD=PATH or FIELD='text', once or more often")
    said = [parse_filling(filling) for filling in fillings]
    opened = Project(project)
    chosen = opened.source(source)
    _known(reason)
    opened.permit(purpose).covers(source, then="Nothing was changed.")
    if not dry_run:
        _tell(replay_source(opened, chosen, clock.now(), reason=reason, number=number, fillings=said), json=json)
        return
    held = waiting(opened, chosen, reason, number)
    received = trial(opened, chosen, held, said)
    reasons = Counter(received.rejects["reason"].to_pylist())
    left = len(set(received.rejects["position"].to_pylist()))
    if json:
        output.document(
            {"rows": held.num_rows, "events": received.events.num_rows, "rejected": left, "reasons": reasons}
        )
        return
    output.say(
        f"Of {output.count(held.num_rows, 'rows')}, and nothing was written: "
        f"{output.count(received.events.num_rows, 'events')}, {output.count(left, 'rows')} still in quarantine."
    )
    _reasons(reasons)


def _tell(done: Replayed, *, json: bool) -> None:
    if json:
        output.document(
            {"rows": done.rows, "added": done.added, "repeated": done.repeated, "rejected": done.rejected,
             "reasons": done.reasons}
        )  # fmt: skip
        return
    repeated = f"{done.repeated:,} that the log had already, " if done.repeated else ""
    output.say(
        f"{output.count(done.rows, 'rows')} taken up again: {output.count(done.added, 'events')} added, {repeated}"
        f"{output.count(done.rejected, 'rows')} still in quarantine."
    )
    _reasons(done.reasons)


def _reasons(reasons: Counter[str]) -> None:
    for reason, count in reasons.most_common():
        output.say(f"  {count:,} {reason}: {REASONS[reason].meaning}")


def _known(reason: str | None) -> None:
    if reason is not None and reason not in REASONS:
        raise UnknownName("reason", reason, REASONS)
