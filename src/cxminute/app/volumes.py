"""What the log holds, by source and name: how many events, of whom, from when to when, with which properties."""

from __future__ import annotations

from collections.abc import Sequence

from cxminute.app.analysis import View
from cxminute.app.rights.leaving_out import left_out_as_known
from cxminute.app.small.activity import hide_volumes
from cxminute.app.small.cells import Row, smallest_of
from cxminute.model.times import from_ms


def volumes(seen: View) -> tuple[Sequence[Row], str]:
    """One entry per source and name, most events first; without sources, people and things that the purpose leaves out.

    keys: source, name, events, per (the kinds of subject that it is of), first_at, last_at, paths (typed ones); and a
          line that says how many are too few to be told, '' for none
    """
    project, leave = seen.project, seen.leave()
    zone = project.settings.zone
    out = left_out_as_known(project, leave.purpose, seen.as_of)
    pieces = out.without(project.log.pieces((), project.log.past(seen.as_of)))
    found: list[Row] = [
        {
            **row,
            "first_at": from_ms(row["first_at"]).astimezone(zone),
            "last_at": from_ms(row["last_at"]).astimezone(zone),
        }
        for row in project.log.volumes(leave.sources, seen.since, seen.until, seen.as_of, pieces)
    ]
    found.sort(key=lambda row: (-int(str(row["events"])), str(row["source"]), str(row["name"])))
    return hide_volumes(smallest_of(seen), found)
