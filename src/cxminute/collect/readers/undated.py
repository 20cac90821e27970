"""What a source tells without a moment: a status alone, and when the order was last changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cxminute.collect.readers.facts import Fact, Record

LATEST: Final = "at the latest"


def by_then(
    key: str, identifiers: Mapping[str, str], event: str, changed_at: int, properties: Mapping[str, object]
) -> Record:
    """Something that had happened when the order was last changed, and may have happened before.

    The event stands at that time and carries `moment` = 'at the latest'. The earliest telling stands, whatever comes
    in whatever order: the sooner it was seen, the nearer it is to the truth, while each later change of the order (a
    refund, an invoice) would only move it away. Hence the record of its own, newer the earlier its time.
    """
    fact = Fact(event, changed_at, {**properties, "moment": LATEST})
    return Record(key, identifiers, (fact,), changed_at=-changed_at)
