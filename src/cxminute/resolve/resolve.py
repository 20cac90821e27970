"""Whose stream an event belongs to. For now: the user's, else the anonymous visitor's; here identity will live."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def resolve(events: pa.Table) -> pa.Table:
    """The events with a column `profile` (int64): the number of `user_id`, else of `anonymous_id`, else null.

    events: any table; the two columns hold numbers of the space 'person' and may be absent
    """
    known = [events[kind] for kind in ("user_id", "anonymous_id") if kind in events.column_names]
    profile = pc.coalesce(*known) if known else pa.nulls(events.num_rows, pa.int64())
    return events.append_column(pa.field("profile", pa.int64()), profile.cast(pa.int64()))
