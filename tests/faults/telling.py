"""Items to send, and what a project holds of what was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from time import sleep
from typing import Any, Self

import duckdb
import pyarrow as pa

from benchmarks.running import Answer, Door
from cxminute.app.project import Project
from cxminute.store.segments import REST
from soaks.held import in_inbox, in_log, set_apart, totals


def item(number: object, **more: Any) -> dict[str, Any]:
    """A good track event with a message id of its own."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"m-{number}",
        "userId": "u1",
        "timestamp": "2026-11-20T10:00:00.000Z",
        **more,
    }


def body(items: list[dict[str, Any]]) -> bytes:
    """A batch as bytes."""
    return json.dumps({"batch": items}).encode()


def held(root: Path) -> set[str]:
    """The message ids that a project holds: in the inbox, the log, or quarantine."""
    with closing(Project(root)) as project:
        found: set[str] = set()
        for ids in (in_inbox(project), in_log(project), set_apart(project)):  # in the order of travel
            found.update(ids["id"].to_pylist())
        return found


def stored(root: Path) -> list[str]:
    """The message ids in the log, sorted; one that stands there twice, twice."""
    with closing(Project(root)) as project:
        return sorted(in_log(project)["id"].to_pylist())


def verify(root: Path) -> None:
    """Refuses a log of which a segment is not whole."""
    with closing(Project(root)) as project:
        project.log.verify()


def quarantine(root: Path, source: str = "website") -> list[dict[str, Any]]:
    """What is set apart: reason, detail and row of each."""
    with closing(Project(root)) as project:
        rows: list[dict[str, Any]] = project.log.rejects(source).select(["reason", "detail", "row"]).to_pylist()
        return rows


def balance(root: Path, source: str = "website") -> dict[str, int]:
    """The balance of a source, all minutes together."""
    with closing(Project(root)) as project:
        return totals(project.arrivals.balance(source=source))


class Posting:
    """A client that posts batch after batch, in a thread, and notes what was acknowledged and what else it heard.

    Used as a context: it posts while inside. Each batch is sent once.
    """

    def __init__(self, door: Door, items: int = 20, padding: int = 0, pause: float = 0.01, name: str = "t") -> None:
        self.acknowledged: list[str] = []
        self.answers: list[Answer] = []
        self._door, self._items, self._padding, self._pause, self._name = door, items, padding, pause, name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begins to post."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self._stop.set()
        self._thread.join()

    def statuses(self) -> set[int]:
        """Every status that was heard; 0 where no answer came."""
        return {answer.status for answer in self.answers}

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            items = [
                item(f"{self._name}-{number}-{place}", properties={"filler": "x" * self._padding})
                for place in range(self._items)
            ]
            try:
                answer = self._door.post(items)
            except (OSError, HTTPException):
                answer = Answer(0)
            self.answers.append(answer)
            if answer.status == 200:
                self.acknowledged += [of["messageId"] for of in items]
            number += 1
            sleep(self._pause)


def memory(door: Door) -> float:
    """The server's memory at most, until now, in MiB."""
    assert door.process is not None
    told = Path(f"/proc/{door.process.pid}/status").read_text("ascii")
    return next(int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("VmHWM"))


def until(what: Any, within: float, every: float = 0.05) -> bool:
    """Waits until `what()` is true; whether it came in time."""
    for _ in range(int(within / every) + 1):
        if what():
            return True
        sleep(every)
    return False


def moments(root: Path) -> dict[str, int]:
    """When each event of the log happened, UTC ms, by message id."""
    return {name: told["at"] for name, told in events_of(root).items()}


def events_of(root: Path) -> dict[str, dict[str, Any]]:
    """All that the log says of each event, by message id: identifiers by their values, without when it was received."""
    with closing(Project(root)) as project:
        paths = [str(piece.path) for piece in project.log.pieces(())]
        if not paths:
            return {}
        with duckdb.connect() as connection:
            read = f"read_parquet({paths}, union_by_name = true)"
            columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()]  # noqa: S608 -- own files
            shown = ", ".join(f'"{of}"::JSON::VARCHAR AS "{of}"' if of == REST else f'"{of}"' for of in columns)
            told: pa.Table = connection.sql(f"SELECT {shown} FROM {read}").to_arrow_table()  # noqa: S608 -- own files
        rows = told.to_pylist()
        kinds = project.definitions.kinds.intersection(columns)
        names = {
            (kind, number): project.vault.names(kind, [number])[0]
            for kind in kinds
            for number in {row[kind] for row in rows} - {None}
        }
    return {row["id"]: _told(row, kinds, names) for row in rows}


def _told(row: dict[str, Any], kinds: Iterable[str], names: dict[tuple[str, int], str]) -> dict[str, Any]:
    told = {
        name: value
        for name, value in row.items()
        if value is not None and name not in ("profile", "position", "digest")
    }
    told |= {kind: names[kind, row[kind]] for kind in kinds if row[kind] is not None}
    told["at"] = int(row["at"].timestamp() * 1_000)
    rest = json.loads(row.get(REST) or "{}")
    told[REST] = {name: value for name, value in rest.items() if "receivedAt" not in name}
    return told
