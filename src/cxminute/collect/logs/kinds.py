"""Types of objects in a process log, and the kinds of identifier that they are here.

What both sides know has one name on each: an `order` there is an `order_id` here. A person is a customer as others call
them (`user_id`), and so is numbered with all persons. Any other type is a kind by its own name, made fit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from cxminute.model.tables import EVENT

KINDS: Final = MappingProxyType(
    {
        "order": "order_id",
        "package": "package_id",
        "return": "return_id",
        "ticket": "ticket_id",
        "case": "case_id",
        "person": "user_id",
    }
)
"""Type of object -> kind of identifier, where both have a name of their own."""

TYPES: Final = MappingProxyType({kind: name for name, kind in KINDS.items()})

MOST: Final = 256
"""Types of objects that one log may have: each is a column of the log."""

_TAKEN: Final = frozenset(
    (*EVENT.names, "profile", "rest", "seq", "known_at", "anonymous_id", "filename", "file_row_number")
)
"""Columns of the log, and those that a reader of its files sees beside them."""
_UNFIT: Final = re.compile(r"[^a-z0-9]+")


def kind_of(name: str) -> str:
    """The kind of identifier that a type of object is, by its name alone: 'Purchase Order' is purchase_order."""
    if name in KINDS:
        return KINDS[name]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = _UNFIT.sub("_", plain).strip("_")[:60] or "object"
    if made[0].isdigit():
        made = f"type_{made}"
    return f"{made}_" if made in _TAKEN or made in TYPES or made in KINDS else made


def type_of(kind: str) -> str:
    """The type of object that a kind is, where nothing says otherwise: order_id is 'order', purchase_order itself."""
    return TYPES.get(kind, "person" if kind == "anonymous_id" else kind)


def kinds_of(names: Iterable[str]) -> dict[str, str]:
    """Of each type its kind; where two would be one, the later has a number at its end."""
    made: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        base = kind = kind_of(name)
        count = 1
        while kind in taken:
            count += 1
            kind = f"{base}_{count}"
        taken.add(kind)
        made[name] = kind
    return made
