"""Events of the log whole, with all that is open of them, one after another: for taking them elsewhere.

This reads leftovers of every event, which no analysis does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from cxminute.store.people import People
from cxminute.store.pieces import Piece, column_of
from cxminute.store.profiles import OWN, Span, stand
from cxminute.store.segments import REST, connect, is_path, quoted
from cxminute.store.vault import LINKING

_BATCH: Final = 8_192
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Whole:
    """One event.

    subject: its number in the space asked for; None where it has none, or none was asked for
    numbers: of all that it names, by kind of identifier; a person's under 'person'
    at:      UTC ms
    values:  typed columns by path: number, text, flag, or time as UTC ms
    rest:    all else, as it was nested
    times:   which paths of `values` are times
    """

    id: str
    source: str
    kind: str
    name: str
    at: int
    subject: int | None
    numbers: dict[str, int]
    values: dict[str, Any]
    rest: dict[str, Any]
    times: frozenset[str]


def whole(
    pieces: Sequence[Piece],
    span: Span,
    per: str | None = None,
    names: Sequence[str] = (),
    people: People | None = None,
) -> Iterator[Whole]:
    """Every event in a span, in order of (at, source, position, id); with `per`, subject after subject.

    per:    'person' or a kind of identifier; events that have none come at the end
    names:  only events that are called so; all without it
    people: who is who: a person's number is then that of the whole person; None where each profile is one of its own
    """
    if not pieces:
        return
    duck = connect()
    files, columns, tests = stand(duck, pieces, span)
    own = [name for name in columns if name not in OWN and not is_path(name) and not name.startswith(LINKING)]
    kinds = {name: quoted(name) for name in own} | {"person": _person(duck, people)}
    paths = [name for name in columns if is_path(name)]
    times = [path for path in paths if path.endswith(":time")]
    column = "" if per is None else column_of(per)
    subject = kinds["person"] if per == "person" else quoted(column) if column in columns else "NULL"
    if names:
        tests.append("name IN (SELECT name FROM chosen)")
        duck.register("chosen", pa.table({"name": pa.array(list(names), pa.string())}))
    shown = ["id", "source::VARCHAR AS source", "kind::VARCHAR AS kind", "name::VARCHAR AS name"]
    shown += ['epoch_ms("at") AS "at"', f"{subject} AS subject", f"{REST}::JSON::VARCHAR AS {REST}"]
    shown += [f"epoch_ms({quoted(path)}) AS {quoted(path)}" if path in times else quoted(path) for path in paths]
    shown += [f"{number} AS {quoted(f'#{kind}')}" for kind, number in kinds.items()]
    order = f'{"subject NULLS LAST, " if per is not None else ""}"at", source, position, id'
    query = f"SELECT {', '.join(shown)} FROM {files} WHERE {' AND '.join(tests)} ORDER BY {order}"  # noqa: S608 -- quoted
    named = {path: path.rpartition(":")[0] for path in paths}
    at_times = frozenset(named[path] for path in times)
    for batch in duck.sql(query).to_arrow_reader(_BATCH):
        for row in batch.to_pylist():
            yield Whole(
                row["id"],
                row["source"],
                row["kind"],
                row["name"],
                row["at"],
                row["subject"],
                {kind: row[f"#{kind}"] for kind in kinds if row[f"#{kind}"] is not None},
                {name: row[path] for path, name in named.items() if row[path] is not None},
                _decode(row[REST]) if row[REST] is not None else {},
                at_times,
            )


def _person(duck: Any, people: People | None) -> str:
    """SQL of the number of an event's person, who by the map may be called by another identifier of theirs."""
    profile = quoted("profile")
    if people is None:
        return profile
    others = np.flatnonzero(people.persons != np.arange(people.persons.size))
    duck.register("whose", pa.table({"number": others, "person": people.persons[others]}))
    return f"coalesce((SELECT w.person FROM whose w WHERE w.number = {profile}), {profile})"  # noqa: S608 -- quoted
