"""Kinds of identifier by which people are recognised: how strong each is, which is first, how many a person may have.

```toml
[identity.email]
strength = "strong"                 # certain, strong or weak
priority = 2                        # 1 is looked at first where limits make links compete
most     = 5                        # of the kind, in one person
shared   = 4                        # known with more people than this, it is nobody's
paths    = ["traits.email", "properties.email"]
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

STRENGTHS: Final = ("certain", "strong", "weak")
"""certain: names one person, who has been identified; strong: is one person's as a rule; weak: a thing people use."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of identifier.

    name:     'email'; in the log its column is '@email', but of `user_id` and `anonymous_id`, which are themselves
    strength: one of STRENGTHS
    priority: rank among kinds, from 1
    most:     of the kind in one person; 0 without a limit
    shared:   how many certain or strong identifiers of other kinds it may be known with before it is nobody's; 0: any
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
        return self.name if self.name in ("user_id", "anonymous_id") else f"@{self.name}"


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
                "phone", "strong", 3, most=5, shared=4,
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
