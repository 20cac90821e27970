"""Webhooks out of the inbox into the log: read as documents are, each once, what they ask in people's name noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cxminute.app.collecting import judged, known_of, prepare
from cxminute.app.door.hooks import Kept, kept
from cxminute.app.project import Project
from cxminute.collect.hooks import request_of
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.telling import read_hooks
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.model.calls import Call
from cxminute.model.times import DAY, from_ms
from cxminute.store.arrivals import Became
from cxminute.store.log import FileId, collecting

REMEMBERED: Final = 30 * DAY
"""Milliseconds for which a delivery is known by its number."""
_DELIVERY: Final = "delivery "
"""Begins what stands among the records for a delivery, so that it counts once for a month."""


def bring_hooks(project: Project, source: Source, calls: Sequence[Call], at: int) -> Became:
    """Webhooks of one source into the log, in the order in which they came, as one collect.

    Whoever calls holds `collecting` of the project. Killed anywhere, the same calls again change nothing: what they
    tell is known by then, and so is the number of each delivery.
    returns: hooks that told something new, hooks that told nothing new, hooks in quarantine
    raises:  BrokenStore while files of the source are being collected: both would tell of the same orders
    """
    hooks = [(kept(call.body), call.received_at) for call in calls]
    known = project.versions.newest(source.name, [_delivery(hook) for hook, _ in hooks])
    fresh: dict[str, tuple[Kept, int]] = {}
    for hook, received in hooks:
        if _delivery(hook) not in known:
            fresh.setdefault(_delivery(hook), (hook, received))
    again = len(hooks) - len(fresh)
    if not fresh:
        return Became(duplicate=again)
    asked = {name for name, (hook, received) in fresh.items() if _asks(project, source, hook, received)}
    told = [(hook.topic, hook.document.encode()) for name, (hook, _) in fresh.items() if name not in asked]
    rows = read_hooks(told, reader_of(source.format), source, known_of(project, source))
    with collecting(project.folder / "collects"):
        file = FileId(f"webhooks of {from_ms(at):%Y-%m-%d %H:%M}")
        collect = project.log.begin(source.name, file, at)
        chunk = prepare(project, judged(project, source, rows, Seen()), project.definitions.contracts[source.name])
        counts = project.log.append(collect, collect.parts, chunk, project.definitions.paths)
        project.log.finish(collect, at)
        deliveries = {name: received for name, (_, received) in fresh.items()}
        project.versions.learn(source.name, {**rows.changed, **deliveries}, collect.id)
        project.versions.prune(source.name, _DELIVERY, at - REMEMBERED)
    apart = counts.rejected
    stored = len(told) + len(asked) - apart
    return Became(stored, again, apart)


def _delivery(hook: Kept) -> str:
    return f"{_DELIVERY}{hook.message}"


def _asks(project: Project, source: Source, hook: Kept, received: int) -> bool:
    """Whether a webhook passes on a person's request; then it is noted, with the day on which it is due."""
    asked = request_of(source.format, hook.topic, hook.document.encode())
    if asked is None:
        return False
    project.requests.note(source.name, asked.kind, hook.message, asked.about, received)
    return True
