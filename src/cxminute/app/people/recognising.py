"""Values by which people are recognised, taken from events on their way into the log.

They stand among properties and traits (`Kind.paths`), open or personal, in columns of their own or in what is left
over. What is compared is the value in its normal form; the log gets its number, the value stays where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.project import Project
from cxminute.collect.calls.essentials import identifier, is_usable
from cxminute.collect.calls.limits import LONGEST_ID
from cxminute.privacy.contracts import Contract
from cxminute.resolve.guards import is_placeholder, normalised, over_unique, relay_of
from cxminute.resolve.kinds import Kind
from cxminute.store.arrays import joined, plain, typed
from cxminute.store.vault import APART, LINKING

PREVIOUS: Final[Mapping[str, str]] = MappingProxyType(
    {f"{LINKING}previous_user_id": "user_id", f"{LINKING}previous_anonymous_id": "anonymous_id"}
)
"""Columns of alias events, and the kind that each is numbered as. What the event calls `previousId` may be either: both
are told, so that it does not matter which of them comes first, or ever."""

_PREVIOUS: Final = "previousId"
_GROUP: Final = "traits."  # of a group's event: what the group is like, and no person
_decode: Final = msgspec.json.Decoder().decode


def kind_of_column(column: str) -> str:
    """The kind that the identifiers of a column are numbered as."""
    return PREVIOUS.get(column, column)


def with_linking(
    project: Project, kept: pa.Table, personal: pa.Table, contract: Contract
) -> tuple[pa.Table, Counter[str]]:
    """The events with a text column `identifiers.@KIND` for each linking value that they carry, as it is compared.

    kept, personal: both parts of the same events, row for row
    returns:        with them, of how many events a placeholder was left out, by kind

    A relay address of a marketplace is another in every source. Traits of a group's event are the group's and are not
    looked at.
    """
    nobody: Counter[str] = Counter()
    kinds = [kind for kind in project.settings.kinds.values() if kind.paths and kind.column.startswith(LINKING)]
    paths = list(dict.fromkeys(path for kind in kinds for path in kind.paths))
    told = _told([kept, personal], paths)
    groups = pc.fill_null(pc.equal(plain_column(kept, "kind"), "group"), False)
    for kind in kinds:
        found = [_persons_own(told[path], path, groups) for path in kind.paths if path in told]
        kept = _with_column(kept, kind.column, [compared(kind, each, contract, nobody) for each in found])
    previous = _previous(kept, personal)
    if previous is not None:
        for column, name in PREVIOUS.items():
            kept = _with_column(kept, column, [over_unique(previous, partial(_own, name))])
    return kept, nobody


def compared(kind: Kind, values: pa.Array, contract: Contract, nobody: Counter[str]) -> pa.Array:
    """Values in the form in which they are compared; null for what is no such thing, or a placeholder.

    nobody: counts the placeholders, by kind
    """
    placeholders = []

    def form(said: str) -> str | None:
        found = normalised(kind.name, said)
        if not found or len(found) > LONGEST_ID or APART in found:
            return None
        if is_placeholder(kind.name, found):
            placeholders.append(said)
            return None
        if contract.link and kind.name == "email" and relay_of(found):
            return f"{contract.source}{APART}{found}"
        return found

    made = over_unique(values, form)
    if placeholders:
        nobody[kind.name] += pc.sum(pc.is_in(values, pa.array(placeholders, pa.string()))).as_py()
    return made


def plain_column(table: pa.Table, name: str) -> pa.Array:
    """A column of text as one array, without a dictionary."""
    return plain(joined([*table[name].chunks, pa.array([], table.schema.field(name).type)]))


# -- inside ------------------------------------------------------------------------------------------------------------


def _own(kind: str, said: str) -> str | None:
    found = identifier(said)
    return found if is_usable(said) and not is_placeholder(kind, found) else None


def _with_column(kept: pa.Table, column: str, values: Sequence[pa.Array]) -> pa.Table:
    """The events with the first value that each has; as they were where none has any."""
    full = [each for each in values if each.null_count < len(each)]
    if not full:
        return kept
    return kept.append_column(f"identifiers.{column}", pc.coalesce(*full) if len(full) > 1 else full[0])


def _persons_own(values: pa.Array, path: str, groups: pa.Array) -> pa.Array:
    return pc.if_else(groups, None, values) if path.startswith(_GROUP) else values


def _told(parts: Sequence[pa.Table], paths: Sequence[str]) -> dict[str, pa.Array]:
    """By path the text of its values, of those that any event has."""
    found: dict[str, list[pa.Array]] = {}
    for part in parts:
        for path in paths:
            if path in part.column_names and part[path].null_count < part.num_rows:
                whole = joined([*part[path].chunks, pa.array([], part.schema.field(path).type)])
                found.setdefault(path, []).append(plain(typed(whole, "text")))
        if "rest" in part.column_names and part["rest"].null_count < part.num_rows:
            for path, values in _left_over(plain_column(part, "rest"), paths).items():
                found.setdefault(path, []).append(values)
    return {path: pc.coalesce(*values) if len(values) > 1 else values[0] for path, values in found.items()}


def _left_over(documents: pa.Array, paths: Collection[str]) -> dict[str, pa.Array]:
    """By path the text of its values in leftovers, of those that any event has.

    Only documents that hold the telling key of a path are read: most events carry none.
    """
    split = {path: path.split(".") for path in paths}
    holding = {key: _holding(documents, key) for key in {_telling(parts) for parts in split.values()}}
    holding = {key: rows for key, rows in holding.items() if rows}
    wanted: dict[str, list[tuple[str, list[str]]]] = {}  # by outermost key
    for path, parts in split.items():
        if _telling(parts) in holding:
            wanted.setdefault(parts[0], []).append((path, parts[1:]))
    if not wanted:
        return {}
    cells: dict[str, dict[int, str]] = {}
    rows = sorted(set().union(*holding.values()))
    for row, said in zip(rows, documents.take(pa.array(rows, pa.int64())).to_pylist(), strict=True):
        document = _decode(said)
        for outer in document.keys() & wanted.keys() if isinstance(document, dict) else ():
            for path, parts in wanted[outer]:
                value = _value(document[outer], parts)
                if value is not None:
                    cells.setdefault(path, {})[row] = value
    places = range(len(documents))
    return {path: pa.array(map(values.get, places), pa.string()) for path, values in cells.items()}


def _telling(parts: Sequence[str]) -> str:
    """The key of a path that the fewest documents hold: the innermost, unless that is as common as `id`."""
    return parts[-1] if len(parts) == 1 or len(parts[-1]) > len("id") else parts[-2]


def _holding(documents: pa.Array, key: str) -> list[int]:
    """Which documents hold a key; leftovers are written in one way, so that it stands there as it is encoded."""
    quoted = msgspec.json.encode(key).decode()
    rows: list[int] = pc.indices_nonzero(pc.fill_null(pc.match_substring(documents, quoted), False)).to_pylist()
    return rows


def _value(document: Any, parts: Sequence[str]) -> str | None:
    for part in parts:
        if not isinstance(document, dict) or part not in document:
            return None
        document = document[part]
    return identifier(document) if is_usable(document) else None


def _previous(kept: pa.Table, personal: pa.Table) -> pa.Array | None:
    """Of alias events what they call the previous id; None where there are none."""
    aliases = pc.fill_null(pc.equal(plain_column(kept, "kind"), "alias"), False)
    if not pc.any(aliases).as_py():
        return None
    told = _told([personal, kept], [_PREVIOUS])
    return pc.if_else(aliases, told[_PREVIOUS], None) if _PREVIOUS in told else None
