"""Kinds of identifier by which people are recognised: how strong each is, which is first, how many a person may have.

```toml
[identity.email]
strength = "strong"                 # certain, strong or weak
priority = 2                        # 1 is looked at first where limits make links compete
most     = 5                        # of the kind, in one person
shared   = 4                        # known with more than this of another kind, it is nobody's
paths    = ["traits.email", "properties.email"]
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from cxminute.model.definitions import Document

STRENGTHS: Final = ("certain", "strong", "weak")
"""certain: names one person, who has been identified; strong: is one person's as a rule; weak: a thing that people use,
which joins nobody with another who has an identifier of the same certain or strong kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of identifier.

    name:     'email'; in the log its column is '@email', but of `user_id` and `anonymous_id`, which are themselves
    strength: one of STRENGTHS
    priority: rank among kinds, from 1
    most:     of the kind in one person; 0 without a limit
    shared:   with how many identifiers of any one other kind, certain or strong, it may be known; with more it is
              nobody's; 0: with any number
    paths:    where events carry it
    """

    name: str
    strength: str
    priority: int
    most: int = 0
    shared: int = 0
    paths: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """Its column in the log."""
        return self.name if self.name in THEMSELVES else f"@{self.name}"


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("user_id", "certain", 1, most=1, shared=100),
            Kind(
                "email", "strong", 2, most=5, shared=4,
                paths=("traits.email", "properties.email", "context.traits.email"),
            ),
            Kind(
                "phone", "weak", 3, most=5, shared=4,  # half of a household answers the same one: python -m soaks city
                paths=("traits.phone", "properties.phone", "context.traits.phone"),
            ),
            Kind("anonymous_id", "weak", 4, shared=4),
            Kind(
                "device_id", "weak", 5, shared=4,
                paths=("context.device.id", "context.device.advertisingId"),
            ),
        )
    }
)  # fmt: skip
"""What holds where cxm.toml says nothing."""

NAME: Final = r"[a-z][a-z0-9_]*"
"""How a kind may be called."""
HIGHEST: Final = 99
"""The last priority."""
MOST: Final = 10_000
"""The highest limit."""

THEMSELVES: Final = ("user_id", "anonymous_id")
"""Kinds that stand in every event under their own names: they have no paths."""


def parse_kinds(doc: Document) -> Mapping[str, Kind]:
    """The kinds of a project: the tables [identity.KIND] of cxm.toml over the defaults, in the order of priority.

    A key that a table leaves out is as in KINDS; of a kind that is not there, as in `Kind` with strength strong, shared
    4 and a priority after all others. `enabled = false` leaves a kind out: none of its identifiers are linked.
    Faults are noted in the document, and defaults stand in for what is wrong.
    """
    identity = doc.section("identity")
    found = dict(KINDS)
    for name in identity.keys:
        table = identity.section(name)
        if not re.fullmatch(NAME, name):
            identity.fault(f"'{name}' cannot be the name of a kind.", key=name, allowed="small letters, digits and _")
        kind = _read(table, found.get(name) or Kind(name, "strong", _after(found), shared=4), known=name in KINDS)
        if table.flag("enabled", default=True):
            found[name] = kind
        else:
            found.pop(name, None)
        table.done()
    identity.done()
    order = sorted(found.values(), key=lambda kind: (kind.priority, kind.name))
    return MappingProxyType({kind.name: kind for kind in order})


def _after(kinds: Mapping[str, Kind]) -> int:
    return min(HIGHEST, max((kind.priority for kind in kinds.values()), default=0) + 1)


def _read(table: Document, kind: Kind, *, known: bool) -> Kind:
    """One kind as its table says, and as `kind` where it says nothing."""
    paths = tuple(name if "." in name else f"properties.{name}" for name in table.texts("paths", kind.paths))
    if kind.name in THEMSELVES and "paths" in table:
        table.fault(f"'{kind.name}' stands in every event under its own name.", key="paths", allowed="no paths")
        paths = ()
    elif not all(path.strip() for path in table.texts("paths", kind.paths)):
        table.fault("A path is empty.", key="paths", allowed='paths = ["traits.NAME"]')
        paths = kind.paths
    elif not paths and ("paths" in table or not known):
        table.fault(f"Nothing says where events carry '{kind.name}'.", allowed='paths = ["traits.NAME"]')
    return replace(
        kind,
        strength=table.text("strength", kind.strength, allowed=STRENGTHS),
        priority=int(table.number("priority", kind.priority, low=1, high=HIGHEST)),
        most=int(table.number("most", kind.most, high=MOST)),
        shared=int(table.number("shared", kind.shared, high=MOST)),
        paths=paths,
    )
