"""The end of an order that will not be fulfilled, where not every document says when that was."""

from __future__ import annotations

from collections.abc import Mapping

from cxminute.collect.readers.facts import Fact, Record, Unfit
from cxminute.collect.readers.undated import by_then


def cancellation(
    order: str, identifiers: Mapping[str, str], at: int | None, changed: int | None, properties: Mapping[str, object]
) -> Record:
    """An order's cancellation, a record of its own.

    at:      when it was cancelled, UTC ms; None where the document is silent: then the order's last change says it, at
             the latest, until a document knows better
    changed: when the order was last changed, UTC ms
    raises:  Unfit where neither is there
    """
    key = f"cancellation {order}"
    if at is not None:
        return Record(key, identifiers, (Fact("Order Cancelled", at, properties),), changed)
    if changed is None:
        raise Unfit("no_time", "The order is cancelled, and neither that nor its last change has a time.")
    return by_then(key, identifiers, "Order Cancelled", changed, properties)
