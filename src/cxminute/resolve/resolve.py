"""Whose stream an event belongs to: the profile of the strongest identifier that it carries. The verb: `resolve`."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.resolve.kinds import KINDS, THEMSELVES, Kind


def resolve(events: pa.Table, kinds: Mapping[str, Kind] = KINDS) -> pa.Table:
    """The events with a column `profile` (int64): the number of the first identifier of a person that an event has.

    events: any table; the columns of the kinds (`user_id`, `anonymous_id`, `@email`) hold numbers of the space
            'person' and may be absent
    kinds:  the user's own id comes first, then the visitor's, then values that link, each by its kind's priority

    Which profiles are one person is not said here: that is known later, and may change; a profile never does.
    """
    known = [events[column] for column in columns_of(kinds) if column in events.column_names]
    profile = pc.coalesce(*known) if known else pa.nulls(events.num_rows, pa.int64())
    return events.append_column(pa.field("profile", pa.int64()), profile.cast(pa.int64()))


def columns_of(kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """The columns by which a profile is chosen, the first first."""
    linking = [kind for kind in kinds.values() if kind.name not in THEMSELVES]
    return (*THEMSELVES, *(kind.column for kind in sorted(linking, key=lambda kind: (kind.priority, kind.name))))
