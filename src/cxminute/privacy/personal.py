"""Which paths are personal, and the split that keeps them out of the log: they go to the vault, the rest goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Final

import pyarrow as pa

from cxminute.privacy.contracts import Contract

PERSONAL: Final = (
    "traits.*", "context.traits.*", "context.device.id", "context.device.token", "context.userAgent*", "*email*",
    "*e_mail*", "*phone*", "*mobile_number*", "*address", "*address.*", "*street*", "*postal_code", "*postcode", "*zip",
    "*first_name*", "*last_name*", "*full_name*", "*surname*", "*firstname*", "*lastname*", "*birth*", "*iban*",
)  # fmt: skip
"""Paths that are personal unless a contract says `open`: traits, addresses, names. `*` is any text; case does not
count."""

NAMES: Final = (
    "ip", "ip_address", "userAgent*", "advertisingId", "comment", "comments", "message", "body", "note", "notes",
    "free_text", "feedback_text", "userId", "anonymousId", "previousId", "user_id", "anonymous_id", "distinct_id",
)  # fmt: skip
"""The same for the last part of a path, wherever it lies: machines, free text, and a tracker's identifiers where no
mapping made them numbers."""


def is_personal(path: str, contract: Contract) -> bool:
    """Whether a path's values may stand only in the vault. A contract may name patterns of its own, with `*`.

    A path without a dot (a column, the outermost key of an event) is looked for as it stands and as `properties.PATH`.
    """
    said = [path] if "." in path else [path, f"properties.{path}"]
    if _any_matches(said, contract.personal):
        return True
    if _any_matches(said, contract.open):
        return False
    return _any_matches(said, PERSONAL) or _any_matches([path.rpartition(".")[2]], NAMES)


def _any_matches(paths: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path.casefold(), pattern.casefold()) for pattern in patterns for path in paths)


def split(events: pa.Table, contract: Contract) -> tuple[pa.Table, pa.Table]:
    """The open part of events, and the personal: `id`, `profile` and a column per personal path.

    Leftovers (`rest`, JSON) are looked through to their leaves, those of lists too, whose elements have the path of
    their list; what is personal there goes as the column `rest`. Both parts of a list have all its places, null where
    the part has nothing.
    """
    paths = [name for name in events.column_names if "." in name and is_personal(name, contract)]
    personal = events.select(["id", "profile", *paths])
    kept = events.drop_columns(paths)
    if "rest" in kept.column_names:
        open_rest, personal_rest = _split_leftovers(kept["rest"].to_pylist(), contract)
        kept = kept.set_column(kept.column_names.index("rest"), "rest", pa.array(open_rest, pa.string()))
        personal = personal.append_column("rest", pa.array(personal_rest, pa.string()))
    return kept, personal


def _split_leftovers(documents: list[str | None], contract: Contract) -> tuple[list[str | None], list[str | None]]:
    verdict = cache(partial(is_personal, contract=contract))  # few paths, many documents
    parts = [(_NOTHING, _NOTHING) if said is None else _part(json.loads(said), "", verdict) for said in documents]
    return [_written(kept) for kept, _ in parts], [_written(gone) for _, gone in parts]


_NOTHING: Final = object()  # null is something: a value that an event may tell


def _part(value: object, path: str, is_hidden: Callable[[str], bool]) -> tuple[object, object]:
    """The open and the personal part of a value; _NOTHING where there is none."""
    if path and is_hidden(path):
        return _NOTHING, value
    if isinstance(value, dict) and value:
        inner = {key: _part(found, f"{path}.{key}" if path else key, is_hidden) for key, found in value.items()}
        opened = {key: kept for key, (kept, _) in inner.items() if kept is not _NOTHING}
        hidden = {key: gone for key, (_, gone) in inner.items() if gone is not _NOTHING}
        return opened or _NOTHING, hidden or _NOTHING
    if isinstance(value, list) and value:
        elements = [_part(found, path, is_hidden) for found in value]
        return _placed([kept for kept, _ in elements]), _placed([gone for _, gone in elements])
    return value, _NOTHING


def _placed(elements: list[object]) -> object:
    """One part of a list, every element at its place; _NOTHING where the part has none."""
    if all(found is _NOTHING for found in elements):
        return _NOTHING
    return [None if found is _NOTHING else found for found in elements]


def _written(part: object) -> str | None:
    return None if part is _NOTHING else json.dumps(part, ensure_ascii=False)
