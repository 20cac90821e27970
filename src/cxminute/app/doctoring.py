"""What `cxm doctor` looks at: is it on disk what was written, and can this machine keep what it promises."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cxminute.app import clock, output
from cxminute.app.project import Project
from cxminute.model.errors import CxmError
from cxminute.model.times import HOUR, MINUTE, from_ms
from cxminute.store import checkups, destroying
from cxminute.store.clear_values import is_clear
from cxminute.store.names import FILE

LEAST_FREE: Final = 256 << 20
"""Bytes of disk below which the door will soon refuse calls."""
OLDEST: Final = 10 * MINUTE
"""A call that waited longer has no worker."""
SLOW: Final = 0.1
"""Seconds of a sync above which a call waits noticeably for its answer."""
AHEAD: Final = 2 * MINUTE
"""How far what was received may lie ahead of the clock: further, and the clock was set back."""
_SYNCS: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. state: 'well', 'note' (worth knowing, nothing to mend) or 'wrong'."""

    name: str
    state: str
    said: str
    facts: dict[str, object] = field(default_factory=dict)


def examine(project: Project) -> list[Finding]:
    """Everything that is looked at, in order; one look that fails is a finding and stops no other.

    raises: BrokenStore where the state was lost, since nothing can be compared with it then
    """
    project.log.check_state()
    looks: tuple[Callable[[Project], Iterator[Finding]], ...] = (
        _database, _segments, _receipts, _unnamed, _names, _inbox, _sealed, _keys, _disk, _sync, _time,
    )  # fmt: skip
    found: list[Finding] = []
    for look in looks:
        try:
            found += look(project)
        except CxmError as fault:
            found.append(Finding(look.__name__.strip("_"), "wrong", str(fault)))
    return found


def _database(project: Project) -> Iterator[Finding]:
    state = project.log.state
    version, safe = checkups.sqlite_version()
    if state.dialect.name != "sqlite":
        yield Finding("database", "well", "PostgreSQL answers.", {"database": state.dialect.name})
        return
    said = f"SQLite {version}" if safe else f"SQLite {version} can lose commits: 3.51.3 or newer is needed"
    files = [Path(str(state.url.database)), project.folder / "inbox.sqlite"]
    damage = {file.name: checkups.damaged_database(file) for file in files if file.exists()}
    damage = {name: what for name, what in damage.items() if what}
    bad = "".join(f"; {name} is damaged: {what}" for name, what in damage.items())
    facts: dict[str, object] = {"database": "sqlite", "version": version, "damaged": sorted(damage)}
    yield Finding("database", "well" if safe and not damage else "wrong", f"{said}{bad}.", facts)


def _segments(project: Project) -> Iterator[Finding]:
    count, bad = checkups.segments(project.log.state, project.log.root)
    facts: dict[str, object] = {"segments": count, "damaged": bad}
    if bad:
        said = f"{len(bad)} of {count} segments are missing or damaged: {', '.join(bad[:5])}. Restore a backup."
        yield Finding("segments", "wrong", said, facts)
    else:
        yield Finding("segments", "well", f"{output.count(count, 'segments')}: all as they were written.", facts)


def _receipts(project: Project) -> Iterator[Finding]:
    count, bad = checkups.receipts(project.log.state, project.folder)
    facts: dict[str, object] = {"receipts": count, "damaged": bad}
    if bad:
        said = f"Files of receipts are missing or cut off: {', '.join(bad[:5])}. Restore a backup."
        yield Finding("receipts", "wrong", said, facts)
    elif count:
        yield Finding("receipts", "well", f"{count:,} message ids are remembered.", facts)


def _unnamed(project: Project) -> Iterator[Finding]:
    before = (clock.now() - HOUR) / 1_000
    found = dict(checkups.unnamed(project.log.state, project.folder, before))
    facts: dict[str, object] = {"files": len(found), "bytes": sum(found.values()), "first": sorted(found)[:20]}
    if found:
        said = (
            f"{output.count(len(found), 'files')} of {sum(found.values()):,} bytes that nothing names: they do no harm."
        )
        yield Finding("files", "note", said, facts)
    else:
        yield Finding("files", "well", "Every file of the log is one that the state names.", facts)


def _names(project: Project) -> Iterator[Finding]:
    """Whether the file beside the segments says what every name in the state stands for."""
    book = project.log.names
    events, files = checkups.nameless(project.log.state, book)
    damaged = book.damaged()
    facts: dict[str, object] = {"events": events, "files": files, "damaged": [FILE] if damaged else []}
    unread = f"{output.count(files, 'names of files')} cannot be read: restore {FILE} from a backup"
    if damaged or events:
        what = f"{FILE} is damaged" if damaged else f"{FILE} is missing, or of an older state"
        said = f"{what}. The next command reads {output.count(events, 'names of events')} again from the segments"
        yield Finding("names", "wrong", f"{said}; {unread}." if files else f"{said}.", facts)
    elif files:
        yield Finding("names", "note", f"{unread}, with its key.", facts)
    else:
        yield Finding("names", "well", "Every name in the log can be read.", facts)


def _inbox(project: Project) -> Iterator[Finding]:
    if not _doors(project):
        return
    waiting = project.inbox.waiting(project.arrivals.marks(project.inbox.identity))
    calls, events = sum(one.calls for one in waiting), sum(one.events for one in waiting)
    age = max((clock.now() - one.oldest for one in waiting), default=0)
    facts: dict[str, object] = {"calls": calls, "events": events, "oldest_ms": age}
    if not calls:
        yield Finding("inbox", "well", "Nothing waits in the inbox.", facts)
        return
    said = f"{calls:,} calls with {events:,} events wait, the oldest for {age / MINUTE:,.1f} minutes"
    if age > OLDEST:
        yield Finding("inbox", "wrong", f"{said}: does a worker run? cxm serve starts one.", facts)
    else:
        yield Finding("inbox", "well", f"{said}.", facts)


def _sealed(project: Project) -> Iterator[Finding]:
    """Whether what is personal lies sealed, under keys that are there, and what is to go has gone."""
    state = project.log.state
    tried, closed, spaces = checkups.unreadable(state, project.keyring)
    owed, clear = destroying.waiting(state), is_clear(state)
    facts: dict[str, object] = {"tried": tried, "unreadable": closed, "spaces": spaces, "owed": owed, "clear": clear}
    if closed:
        said = f"{closed:,} of {tried:,} identifiers that were tried have no key ({', '.join(spaces[:5])})"
        yield Finding("identifiers", "wrong", f"{said}: restore with --identifier-keys.", facts)
    elif clear:
        said = "What an older version kept in the clear is still in the gaps of the state's file"
        yield Finding("identifiers", "wrong", f"{said}: stop server and worker, and run any command.", facts)
    elif owed:
        said = f"{output.count(owed, 'keys')} of what was removed are still to be destroyed: cxm retain."
        yield Finding("identifiers", "wrong", said, facts)
    else:
        yield Finding("identifiers", "well", f"{output.count(tried, 'identifiers')} tried: each opens.", facts)


def _keys(project: Project) -> Iterator[Finding]:
    file = project.folder / "keys" / "digest.key"
    if file.exists() and file.stat().st_mode & 0o077:
        said = f"Others than the owner may read {file.name}: chmod 600 {file}"
        yield Finding("keys", "wrong", said, {"file": str(file)})
    elif not file.exists() and project.log.hashes():
        yield Finding("keys", "wrong", "The key of the log's digests is lost: restore it.", {"file": str(file)})
    doors = _doors(project)
    if not doors:
        return
    valid = Counter(project.keys.valid(clock.now()).values())
    without = [name for name in doors if not valid[name]]
    orphans = sorted(set(valid) - set(project.definitions.sources))
    facts: dict[str, object] = {"valid": dict(valid), "without": without, "orphans": orphans}
    said = output.count(sum(valid.values()), "valid write keys")
    said += f"; none for {', '.join(without)}" if without else ""
    said += f"; of sources that are not defined: {', '.join(orphans)}" if orphans else ""
    yield Finding("write keys", "note" if without or orphans else "well", f"{said}.", facts)


def _disk(project: Project) -> Iterator[Finding]:
    usage = shutil.disk_usage(project.folder)
    said = f"{usage.free / (1 << 30):,.1f} GiB of disk are free where .cxm lies"
    facts: dict[str, object] = {"free": usage.free, "total": usage.total}
    if usage.free < LEAST_FREE:
        yield Finding("disk", "wrong", f"{said}: the door will refuse calls.", facts)
    else:
        yield Finding("disk", "well", f"{said}.", facts)


def _sync(project: Project) -> Iterator[Finding]:
    """Whether a sync of a file succeeds where `.cxm` lies, and the median of how long it takes."""
    file = project.folder / f".sync-{os.getpid()}"
    took = []
    try:
        with file.open("wb") as opened:
            for _ in range(_SYNCS):
                opened.write(os.urandom(4_096))
                opened.flush()
                began = time.perf_counter()
                os.fsync(opened.fileno())
                took.append(time.perf_counter() - began)
    except OSError as fault:
        said = f"A file cannot be synced where .cxm lies: {fault.strerror}. Nothing can be acknowledged."
        yield Finding("sync", "wrong", said, {"ms": None})
        return
    finally:
        file.unlink(missing_ok=True)
    middle = statistics.median(took)
    said = f"A sync takes {middle * 1_000:.2f} ms"
    facts: dict[str, object] = {"ms": middle * 1_000}
    yield Finding("sync", "well" if middle <= SLOW else "note", f"{said}{'' if middle <= SLOW else ': slow'}.", facts)


def _time(project: Project) -> Iterator[Finding]:
    now, received = clock.now(), checkups.newest_receipt(project.log.state)
    last = project.bounds()[1]
    facts: dict[str, object] = {"now": from_ms(now), "newest_receipt": None if received is None else from_ms(received)}
    if received is not None and received > now + AHEAD:
        said = (
            f"The clock says {from_ms(now):%Y-%m-%d %H:%M} UTC, and calls came until {from_ms(received):%Y-%m-%d %H:%M}"
        )
        yield Finding("clock", "wrong", f"{said}: it was set back.", facts)
    elif last > now + HOUR:
        said = f"The newest event happens at {from_ms(last):%Y-%m-%d %H:%M} UTC, which is still to come."
        yield Finding("clock", "note", said, facts)
    else:
        yield Finding("clock", "well", f"{from_ms(now):%Y-%m-%d %H:%M:%S} UTC.", facts)


def _doors(project: Project) -> list[str]:
    """The sources whose events come through the door, by name."""
    return sorted(source.name for source in project.definitions.sources.values() if source.at_door)
