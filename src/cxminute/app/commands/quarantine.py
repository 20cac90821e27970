"""Commands for what could not become an event: shown, and replayed after the mapping is mended."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from cyclopts import App

from cxminute.app import clock, output
from cxminute.app.collecting import replay as replay_source
from cxminute.app.project import Project
from cxminute.collect.rejects import REASONS

app = App(
    name="quarantine",
    help="Show what could not become an event; replay it under a mended mapping.",
    help_format="plaintext",
)


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
    output.table("Quarantine", ("source", "reason", "rows", "meaning"), rows)


@app.command
def show(
    *,
    source: str | None = None,
    reason: str | None = None,
    limit: int = 20,
    json: bool = False,
    project: Path = Path(),
) -> None:
    """Show what lies in quarantine, row by row, whole: this shows personal data.

    Parameters
    ----------
    source
        Only of this source.
    reason
        Only for this reason.
    limit
        At most so many rows.
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    """
    rows = Project(project).log.rejects(source, reason).slice(0, limit).to_pylist()
    if json:
        output.document({"rejects": rows})
        return
    shown = [(r["source"], r["position"] + 1, r["reason"], r["detail"], r["row"]) for r in rows]
    output.table("Quarantine", ("source", "row", "reason", "detail", "as it came"), shown)


@app.command
def replay(*, source: str, reason: str | None = None, project: Path = Path()) -> None:
    """Take what lies in quarantine up again, under the mapping as it is now.

    Parameters
    ----------
    source
        Whose rows.
    reason
        Only those set apart for this reason.
    project
        The project folder, or one inside it.

    """
    opened = Project(project)
    done = replay_source(opened, opened.source(source), clock.now(), reason)
    output.say(
        f"{done.counts.rows:,} rows taken up again: {done.counts.added:,} events added, "
        f"{done.counts.rejected:,} rows still in quarantine."
    )
