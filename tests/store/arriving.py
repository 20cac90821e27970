"""A worker in small, for tests: from an inbox of plain calls into a log, in processes that failpoints may kill."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import text

from cxminute.model.calls import Call
from cxminute.model.tables import MOMENT, REJECT
from cxminute.model.times import DAY, MINUTE
from cxminute.store.arrivals import Arrival, Arrivals
from cxminute.store.compaction import compact
from cxminute.store.inbox import open_inbox
from cxminute.store.log import Chunk, EventLog, collecting
from cxminute.store.state import open_state, state_url
from tests.store.vaults import log_in, personal_of

NOON = 20_000 * DAY + 12 * 60 * MINUTE
SECRET = b"s" * 32
PATHS = {"properties.place"}


def arrival(
    ids: Sequence[str | None],
    first: int = 0,
    upto: int | None = 1,
    *,
    received: int | Sequence[int] = NOON,
    name: str = "Painted",
    source: str = "web",
    replayed: tuple[int, ...] = (),
) -> Arrival:
    """Items with these message ids in order; None for one that is set apart."""
    good = [place for place, word in enumerate(ids) if word is not None]
    bad = [place for place, word in enumerate(ids) if word is None]
    events = pa.table(
        {
            "id": pa.array([ids[place] for place in good], pa.string()),
            "source": pa.array([source] * len(good), pa.string()).dictionary_encode(),
            "position": pa.array([first + place for place in good], pa.int64()),
            "kind": pa.array(["track"] * len(good), pa.string()).dictionary_encode(),
            "name": pa.array([name] * len(good), pa.string()).dictionary_encode(),
            "at": pa.array([NOON + place for place in good], MOMENT),
            "digest": pa.array([first + place for place in good], pa.uint64()),
            "profile": pa.array([place % 3 for place in good], pa.int64()),
            "properties.place": pa.array([float(first + place) for place in good], pa.float64()),
        }
    )
    personal = pa.table(
        {
            "id": events["id"],
            "profile": events["profile"],
            "traits.mail": pa.array([f"{first + place}@example.com" for place in good], pa.string()),
        }
    )
    rejects = pa.table(
        {
            "source": pa.array([source] * len(bad), pa.string()),
            "position": pa.array([first + place for place in bad], pa.int64()),
            "reason": pa.array(["bad_kind"] * len(bad), pa.string()),
            "detail": pa.array(["no such type"] * len(bad), pa.string()),
            "row": pa.array([f"item {first + place}" for place in bad], pa.string()),
        }
    ).cast(REJECT)
    chunk = Chunk(events, personal, rejects, len(ids), replayed=replayed)
    times = np.broadcast_to(np.array(received, np.int64), (len(ids),))
    return Arrival(source, chunk, times, first, upto)


def content(log: EventLog) -> dict[str, float]:
    """Where each id that the log holds stood; an id that it holds twice is a fault."""
    shown: dict[str, float] = {}
    for piece in log.pieces(PATHS):
        table = pq.read_table(piece.path, columns=["id", "properties.place:number"])
        for key, place in zip(*(column.to_pylist() for column in table.columns), strict=True):
            assert key not in shown, "one message id twice"
            shown[key] = place
    return shown


def fill(folder: Path, sent: Sequence[Sequence[str | None]]) -> None:
    """Puts calls into the inbox, each with the ids of its items."""
    inbox = open_inbox(state_url(folder), folder)
    for number, ids in enumerate(sent):
        body = json.dumps(ids).encode()
        inbox.put([Call("web", NOON + number * MINUTE, "segment", "", len(ids), body)])
    inbox.close()


def work(folder: Path) -> None:
    """Takes one call after the other into the log, compacting on the way, until the inbox is empty."""
    inbox = open_inbox(state_url(folder), folder)
    state = open_state(state_url(folder))
    log = log_in(folder, state)
    arrivals = Arrivals(log, folder, SECRET)
    at = NOON
    while True:
        with collecting(folder, wait=5):
            held = inbox.take(1, arrivals.marks(inbox.identity))
            if held:
                ids = json.loads(held[0].call.body)
                first, times = arrivals.first("web", at), held[0].call.received_at
                told = arrival(ids, first, held[0].number, received=times)
                arrivals.commit(told, PATHS, at, inbox.identity)
                inbox.drop(arrivals.marks(inbox.identity))
            compact(log, at, fan=2)
            if not held:
                compact(log, at + DAY, fan=2)
                return
        at += MINUTE


def tell(folder: Path) -> None:
    """Writes what is in the log: its content, counts, personal values and balance; and checks every segment."""
    state = open_state(state_url(folder))
    log = log_in(folder, state)
    log.verify()
    arrivals = Arrivals(log, folder, SECRET)
    with state.connect() as connection:
        arrivals.receipts.check(arrivals.receipts.runs(connection))
        receipts = connection.execute(text("SELECT sum(rows) FROM receipts")).scalar()
    inbox = open_inbox(state_url(folder), folder)
    manifest = log.root / "manifest.json"
    if not manifest.exists():
        log.publish()
    told = {
        "content": content(log),
        "balance": [[m.minute, m.received, m.stored, m.duplicate, m.quarantined] for m in arrivals.balance()],
        "personal": [list(row) for row in personal_of(log)],
        "receipts": receipts,
        "rejects": log.rejects()["row"].to_pylist(),
        "marks": list(arrivals.marks(inbox.identity).values()),
        "waiting": len(inbox.take(99, arrivals.marks(inbox.identity))),
        "manifest": sum(entry["rows"] for entry in json.loads(manifest.read_bytes())["segments"]),
    }
    (folder / "told.json").write_text(json.dumps(told, sort_keys=True), "utf-8")


def finish(folder: Path) -> None:
    """Works until nothing is left to do, and tells."""
    work(folder)
    tell(folder)


def apart(what: Callable[[Path], None], folder: Path, failpoints: str = "", seed: int = 0) -> int:
    """Does something in a process of its own, with failpoints armed; the signal that ended it, or its exit code.

    Forked, not started anew: a test of thirty processes would wait a minute for their imports.
    """
    process = os.fork()
    if not process:
        os.environ["CXM_FAILPOINTS"], os.environ["CXM_FAILPOINTS_SEED"] = failpoints, str(seed)
        try:
            what(folder)
            os._exit(0)
        except BaseException:  # noqa: BLE001 -- told below; the parent's own end is not for this process to reach
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(process, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main(folder: Path, points: Sequence[str], sent: Sequence[Sequence[str | None]]) -> None:
    """For each failpoint a log that was killed there; prints signals on the way and what was in the end, as JSON."""
    fresh = folder / "fresh"
    fresh.mkdir()
    assert apart(lambda where: fill(where, sent), fresh) == 0
    for number, point in enumerate(["", *points]):
        here = folder / str(number)
        shutil.copytree(fresh, here)
        ends = []
        if point:
            ends += [apart(work, here, f"{point}=kill"), apart(tell, here)]
            ends += [apart(work, here, f"{point}=kill:0.4", number)]
        ends += [apart(finish, here)]
        told = json.loads((here / "told.json").read_text("utf-8"))
        print(json.dumps({"point": point, "ends": ends, "told": told}), flush=True)  # noqa: T201 -- to the test


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[3:], json.loads(sys.argv[2]))
