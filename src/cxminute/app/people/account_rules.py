"""What cxm.toml says of accounts: where an event tells a member's role, what kind of group it is, and its money.

```toml
[accounts]
role     = ["properties.role"]                       # what a member is in an account
kind     = ["properties.group_type"]                 # account, household, partner ...: what the group is
given    = ["properties.total of Order Completed"]   # what accounts give us
received = ["properties.amount of Order Refunded"]   # what they receive
```

A path that a contract calls personal lies in the vault and tells nothing here: traits of groups are, unless the
contract of their source has `open = ["traits.role"]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cxminute.model.definitions import Document

OF: Final = " of "
ACCOUNT: Final = "account"
"""What a group is that no event says anything else of."""
ROLES: Final = ("traits.role", "properties.role")
KINDS: Final = ("traits.group_type", "properties.group_type")


@dataclass(frozen=True, slots=True)
class Money:
    """A number that events of one name carry: `properties.total of Order Completed`."""

    path: str
    event: str


@dataclass(frozen=True, slots=True)
class AccountRules:
    """What holds of accounts.

    role, kind: paths, the first that an event has a text under counts
    given:      what accounts give us; received: what they receive
    """

    role: tuple[str, ...] = ROLES
    kind: tuple[str, ...] = KINDS
    given: tuple[Money, ...] = ()
    received: tuple[Money, ...] = ()

    @property
    def named(self) -> frozenset[str]:
        """Those that cxm.toml names, and that the log therefore keeps as typed columns; others are back-filled."""
        return self.paths - frozenset((*ROLES, *KINDS))

    @property
    def paths(self) -> frozenset[str]:
        """Every path that is read."""
        return frozenset((*self.role, *self.kind, *(money.path for money in (*self.given, *self.received))))


def parse_accounts(doc: Document) -> AccountRules:
    """The section [accounts]; faults are noted in the document."""
    found = AccountRules(
        role=_paths(doc, "role", ROLES),
        kind=_paths(doc, "kind", KINDS),
        given=_money(doc, "given"),
        received=_money(doc, "received"),
    )
    doc.done()
    return found


def _paths(doc: Document, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    said = doc.texts(key, default)
    if not all(name.strip() for name in said):
        doc.fault("A blank names no path.", key=key, allowed="paths, such as properties.role")
    return tuple(map(_path, said))


def _money(doc: Document, key: str) -> tuple[Money, ...]:
    found = []
    for said in doc.texts(key, ()):
        path, of, event = said.partition(OF)
        if of and path.strip() and event.strip():
            found.append(Money(_path(path.strip()), event.strip()))
        else:
            doc.fault(
                f"'{said}' does not say whose number it is.", key=key, allowed='"properties.total of Order Completed"'
            )
    return tuple(found)


def _path(name: str) -> str:
    return name if "." in name else f"properties.{name}"
