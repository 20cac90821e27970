"""Which paths are personal, and the split that keeps them out of the log: they go to the vault, the rest goes on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from cxminute.privacy.dividing import Divider

if TYPE_CHECKING:  # a contract asks here what its card hides
    from cxminute.privacy.contracts import Contract

PERSONAL: Final = (
    "traits.*", "context.traits.*", "context.device.id", "context.device.token", "context.userAgent*", "*email*",
    "*e_mail*", "*phone*", "*mobile_number*", "*address", "*address.*", "*street*", "*postal_code", "*postcode", "*zip",
    "*first_name*", "*last_name*", "*full_name*", "*surname*", "*firstname*", "*lastname*", "*birth*", "*iban*",
)  # fmt: skip
"""Paths that are personal unless a contract says `open`: traits, addresses, names. `*` is any text; case does not
count, and `-` and blanks count as `_`."""

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


def hides(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name that a contract would open is personal by the patterns of its card, or by default.

    One with `*` is, whatever it says: nobody can tell what it would open. Without patterns nothing is.
    """
    return bool(patterns) and ("*" in name or _any_matches([name], (*patterns, *PERSONAL)))


def _any_matches(paths: Sequence[str], patterns: tuple[str, ...]) -> bool:
    matches = _pattern(patterns).match
    return any(matches(_folded(path)) for path in paths)


@lru_cache(maxsize=256)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all of them: hundreds of paths are judged by the second."""
    return re.compile("|".join(translate(_folded(pattern)) for pattern in patterns) or r"(?!)")


def _folded(path: str) -> str:
    """A path as it is compared: reports write `buyer-name` and `Order ID`."""
    return path.casefold().replace("-", "_").replace(" ", "_")


def split(events: pa.Table, contract: Contract) -> tuple[pa.Table, pa.Table]:
    """The open part of events, and the personal, row for row: `id` and a column per personal path.

    Leftovers (`rest`, JSON) are looked through to their leaves, those of lists too, whose elements have the path of
    their list; what is personal there goes as the column `rest`. Both parts of a list have all its places, null where
    the part has nothing.
    """
    named = [name for name in events.column_names if "." in name and not name.startswith("identifiers.")]
    paths = [name for name in named if is_personal(name, contract)]  # identifiers become numbers, whoever they name
    personal = events.select(["id", *paths])
    kept = events.drop_columns(paths)
    if "rest" in kept.column_names:
        open_rest, personal_rest = _split_leftovers(kept["rest"].to_pylist(), contract)
        kept = kept.set_column(kept.column_names.index("rest"), "rest", pa.array(open_rest, pa.string()))
        personal = personal.append_column("rest", pa.array(personal_rest, pa.string()))
    return kept, personal


def _split_leftovers(documents: list[str | None], contract: Contract) -> tuple[list[str | None], list[str | None]]:
    divider = Divider(partial(is_personal, contract=contract))
    parts = [(None, None) if said is None else divider.divide(said) for said in documents]
    return [kept for kept, _ in parts], [gone for _, gone in parts]
