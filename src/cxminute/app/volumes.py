"""What the log holds, by source and name: how many events, of whom, from when to when, with which properties."""

from __future__ import annotations

from cxminute.app.analysis import View
from cxminute.model.times import from_ms


def volumes(seen: View) -> list[dict[str, object]]:
    """One entry per source and name, most events first; sources that the purpose does not cover are not read.

    keys: source, name, events, per (the kinds of subject that it is of), first_at, last_at, paths (typed ones)
    """
    zone = seen.project.settings.zone
    found: list[dict[str, object]] = [
        {
            **row,
            "first_at": from_ms(row["first_at"]).astimezone(zone),
            "last_at": from_ms(row["last_at"]).astimezone(zone),
        }
        for row in seen.project.log.volumes(seen.leave().sources, seen.since, seen.until, seen.as_of)
    ]
    return sorted(found, key=lambda row: (-int(str(row["events"])), str(row["source"]), str(row["name"])))
