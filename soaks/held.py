"""Which events a project holds, by their ids: in the inbox, in quarantine, in the log; and what is wrong with that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from cxminute.app.project import Project
from cxminute.store.arrivals import Minute
from soaks.writing import message_id


def in_inbox(project: Project) -> pa.Table:
    """Every id in the inbox, whether or not it is in the log already."""
    ids: list[str] = []
    seen: dict[str, int] = {}
    while some := project.inbox.take(10**9, seen):
        seen.update({held.call.source: held.number for held in some})
        for held in some:
            body = json.loads(held.call.body)
            ids += [of["messageId"] for of in body.get("batch", [body])]
    return _table(ids)


def set_apart(project: Project) -> pa.Table:
    """Every id in quarantine."""
    rows = project.log.rejects()["row"].to_pylist()
    ids = [part.split('"')[0] for row in rows for part in row.split('"messageId":"')[1:]]
    return _table(ids)


def in_log(project: Project) -> pa.Table:
    """Every id in the log, as often as it stands there."""
    pieces = project.log.pieces(())
    if not pieces:
        return _table([])
    paths = [str(piece.path) for piece in pieces]
    with duckdb.connect() as connection:
        return connection.sql(f"SELECT id FROM read_parquet({paths})").to_arrow_table()


def noted(lines: Iterable[tuple[str, str]]) -> pa.Table:
    """Every id that was noted as acknowledged, of lines `BATCH ITEMS`, each with the name of who noted it."""
    ids = []
    for name, line in lines:
        batch, items = map(int, line.split())
        ids += [message_id(name, batch, place) for place in range(items)]
    return _table(ids)


def totals(minutes: Sequence[Minute]) -> dict[str, int]:
    """A balance, all its minutes together."""
    parts = ("received", "stored", "duplicate", "quarantined")
    return {part: sum(getattr(minute, part) for minute in minutes) for part in parts}


def compared(acknowledged: pa.Table, held: pa.Table, log: pa.Table) -> tuple[int, int]:
    """How many of the acknowledged are not held; how many rows of the log repeat another."""
    with duckdb.connect() as connection:
        for name, table in (("acknowledged", acknowledged), ("held", held), ("log", log)):
            connection.register(name, table)
        lost = connection.execute("SELECT count(*) FROM acknowledged ANTI JOIN held USING (id)").fetchall()[0][0]
        twice = connection.execute("SELECT count(*) - count(DISTINCT id) FROM log").fetchall()[0][0]
    return int(lost), int(twice)


def manifest_faults(project: Project) -> list[str]:
    """Faults of the published manifest: it names what the log holds, and what it names is whole."""
    project.log.verify()
    manifest: dict[str, Any] = json.loads((project.log.root / "manifest.json").read_bytes())
    named = {entry["file"] for entry in manifest["segments"]}
    held = {str(piece.path.relative_to(project.log.root)) for piece in project.log.pieces(())}
    if named == held:
        return []
    return [f"the manifest names {len(named - held)} files that the log does not hold, and lacks {len(held - named)}"]


def _table(ids: list[str]) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.string())})
