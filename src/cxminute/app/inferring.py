"""A tracking plan proposed from what a source has sent: what `cxm events --infer` shows and writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pyarrow as pa

from cxminute.app.analysis import View
from cxminute.app.project import Project
from cxminute.app.rights.leaving_out import left_out_as_known
from cxminute.collect.leftovers import JUDGED
from cxminute.collect.observed import Observed
from cxminute.collect.plan import FAULT, RENAMED, sent_paths
from cxminute.collect.source import Source
from cxminute.collect.terms import Reading
from cxminute.model.errors import WrongUse
from cxminute.model.tables import EVENT
from cxminute.model.times import from_ms
from cxminute.privacy.personal import is_personal
from cxminute.store import samples

LOOKED_AT: Final = 2_000
"""Events of one name that are looked at; of more, an even sample."""

_ALL: Final = 200_000  # events looked at in all
_LEAST: Final = 50  # of each name, however many names there are

Values = list[tuple[str, object]]


@dataclass(slots=True)
class _Looked:
    """One event of the sample: its name, its properties by the paths that they were sent under, its former name."""

    name: str
    values: Values
    renamed_from: str | None


def infer(seen: View, name: str | None, *, values: bool = False) -> tuple[str, str]:
    """(the source, the text of a plan) that says what a source has sent: names and types, no values.

    name:   of the source; without one, the only one that there is
    values: also the small closed sets of text that are not personal
    raises: Refused for a source whose contract does not allow the purpose; WrongUse where there is no event
    """
    project = seen.project
    source = project.source(name or _only(seen))
    leave = seen.leave()
    leave.covers(source.name, then="Nothing was read.")
    past = project.log.past(seen.as_of)
    until = seen.until if seen.as_of is None else min(seen.as_of + 1, seen.until or seen.as_of + 1)
    pieces = [piece for piece in project.log.pieces((), past) if piece.source == source.name]
    out = left_out_as_known(project, leave.purpose, seen.as_of)
    pieces = out.without(pieces)
    counts = samples.counts(pieces, seen.since, until)
    if not counts:
        raise WrongUse(f"The log holds no event of source '{source.name}' in that span.", then="Nothing was proposed.")
    most = max(min(LOOKED_AT, _ALL // len(counts)), _LEAST)
    shares = {event: min(1.0, most / count) for event, count in counts.items()}
    looked: dict[str, _Looked] = {}
    for table in samples.sample(pieces, shares, seen.since, until):
        looked |= _looked(table, source)
    for event, document in samples.personal(project.log, source.name, looked):
        looked[event].values += _personal(document, source)
    contract = project.definitions.contracts[source.name]
    ids = {path for path, column in sent_paths(source, [f"identifiers.{kind}" for kind in source.identifiers])}
    told = [path for path in _paths(looked) - ids if not is_personal(path, contract)] if values else []
    observed = Observed(counts, Reading(source.times, source.zone), told)
    for found in looked.values():
        observed.add(found.name, found.values, found.renamed_from)
    total = sum(counts.values())
    first, last = project.log.bounds()
    span = (seen.since or first, (until or last + 1) - 1)
    days = " to ".join(f"{from_ms(at).astimezone(project.settings.zone):%Y-%m-%d}" for at in span)
    return source.name, observed.plan(source.name, f"{total:,} events of source '{source.name}', {days}")


def written(project: Project, source: str, text: str, *, force: bool) -> str:
    """Writes a plan into the project, whole or not at all; its path below the project.

    raises: WrongUse where the source has a plan that is not to be replaced, or one in another file
    """
    path = project.root / "plans" / f"{source}.toml"
    if path.exists() and not force:
        raise WrongUse(f"plans/{path.name} exists.", allowed="--force replaces it", then="Nothing was written.")
    if source in project.definitions.plans and not path.exists():
        raise WrongUse(f"Source '{source}' has a plan in another file of plans/.", then="Nothing was written.")
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{source}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
    return f"plans/{path.name}"


def _only(seen: View) -> str:
    names = sorted(seen.project.definitions.sources)
    if len(names) != 1:
        raise WrongUse("Of which source?", allowed=f"--source {' or '.join(names)}" if names else "a source first")
    return names[0]


def _paths(looked: dict[str, _Looked]) -> set[str]:
    return {path for found in looked.values() for path, _ in found.values}


def _looked(table: pa.Table, source: Source) -> Iterator[tuple[str, _Looked]]:
    """The events of one segment, by id: columns under the paths that they were sent under, and the leftovers."""
    columns: dict[str, str] = {}
    for column in table.column_names:
        path = column.rpartition(":")[0] if ":" in column else f"identifiers.{column}"
        if column not in EVENT.names and column not in {"rest", "profile"}:
            columns[column] = path
    named = {column: list(sent_paths(source, [path])) for column, path in columns.items()}
    cells = {column: table[column].to_pylist() for column in named}
    renamed = next((column for column, path in columns.items() if path == RENAMED), None)
    names, rests = table["name"].to_pylist(), table["rest"].to_pylist()
    for row, event in enumerate(table["id"].to_pylist()):
        found: Values = []
        for column, paths in named.items():
            value = cells[column][row]
            if value is not None:
                said = "a number stands for it" if columns[column].startswith("identifiers.") else value
                found += [(path, said) for path, _ in paths]
        rest = msgspec.json.decode(rests[row]) if rests[row] is not None else {}
        former = cells[renamed][row] if renamed else _within(rest, RENAMED)
        yield event, _Looked(names[row], [*_own(found), *_leaves(rest)], former if isinstance(former, str) else None)


def _personal(document: dict[str, Any], source: Source) -> Values:
    """What the vault keeps of an event, as it was sent."""
    rest = document.get("rest")
    found = [(sent, value) for path, value in document.items() for sent, _ in sent_paths(source, [path])]
    return [*_own(found), *(_leaves(msgspec.json.decode(rest)) if isinstance(rest, str) else ())]


def _own(found: Values) -> Iterator[tuple[str, object]]:
    """Of what lies in columns the event's own properties; of one inside an object, that there is that object."""
    for path, value in found:
        if path.startswith(JUDGED) and path not in (FAULT, RENAMED):
            root, name, *inner = path.split(".")
            yield (f"{root}.{name}", {inner[0]: value} if inner else value)


def _leaves(rest: object) -> Iterator[tuple[str, object]]:
    """The event's own properties of what is left over."""
    for root in JUDGED:
        inner = rest.get(root[:-1]) if isinstance(rest, dict) else None
        if isinstance(inner, dict):
            yield from ((f"{root}{key}", value) for key, value in inner.items())


def _within(rest: object, path: str) -> object:
    for part in path.split("."):
        rest = rest.get(part) if isinstance(rest, dict) else None
    return rest
