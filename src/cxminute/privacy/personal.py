"""Which paths are personal, and the split that keeps them out of the log: they go to the vault, the rest goes on."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Final

import pyarrow as pa

from cxminute.privacy.contracts import Contract

PERSONAL: Final = (
    "traits.*", "context.traits.*", "context.ip", "context.device.id", "context.device.advertisingId",
    "context.device.token", "context.userAgent*", "*email*", "*e_mail*", "*phone*", "*mobile_number*",
    "properties.ip", "properties.ip_address", "*address", "*address.*", "*street*", "*postal_code", "*postcode", "*zip",
    "*first_name*", "*last_name*", "*full_name*", "*surname*", "*firstname*", "*lastname*", "*birth*", "*iban*",
    "properties.comment", "properties.comments", "properties.message", "properties.body", "properties.note",
    "properties.notes", "properties.free_text", "properties.feedback_text",
)  # fmt: skip
"""Paths that are personal unless a contract says `open`: traits, addresses, ip, names, free text. `*` is any text;
case does not count."""


def is_personal(path: str, contract: Contract) -> bool:
    """Whether a path's values may stand only in the vault. A contract may name patterns of its own, with `*`."""
    said = path.casefold()
    if any(fnmatchcase(said, pattern.casefold()) for pattern in contract.personal):
        return True
    if any(fnmatchcase(said, pattern.casefold()) for pattern in contract.open):
        return False
    return any(fnmatchcase(said, pattern.casefold()) for pattern in PERSONAL)


def split(events: pa.Table, contract: Contract) -> tuple[pa.Table, pa.Table]:
    """The open part of events, and the personal: `id`, `profile` and a column per personal path.

    Leftovers (`rest`, JSON) are looked through to their leaves; what is personal there goes as the column `rest`.
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

    def part(value: object, path: str) -> tuple[object, object]:
        """The open and the personal part of a value; None where there is none."""
        if path and verdict(path):
            return None, value
        if not isinstance(value, dict):
            return value, None
        parts = {key: part(inner, f"{path}.{key}" if path else key) for key, inner in value.items()}
        open_part = {key: found[0] for key, found in parts.items() if found[0] is not None}
        personal = {key: found[1] for key, found in parts.items() if found[1] is not None}
        return open_part or None, personal or None

    opened: list[str | None] = []
    hidden: list[str | None] = []
    for document in documents:
        kept, gone = (None, None) if document is None else part(json.loads(document), "")
        opened.append(None if kept is None else json.dumps(kept, ensure_ascii=False))
        hidden.append(None if gone is None else json.dumps(gone, ensure_ascii=False))
    return opened, hidden
