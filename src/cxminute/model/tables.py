"""The tables that stages hand to one another, as Arrow schemas with the meaning of every column, in order of the path.

Every column carries its meaning as field metadata (`meaning`), every table its version as schema metadata. All times
are UTC milliseconds. Tables may carry more columns than are named here: properties (`properties.NAME`) and dimensions.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

MOMENT: Final = pa.timestamp("ms", tz="UTC")
WORD: Final = pa.dictionary(pa.int32(), pa.string())


def _table(name: str, version: int, *columns: tuple[str, pa.DataType, bool, str]) -> pa.Schema:
    """A schema from (column, type, may it be empty, meaning)."""
    fields = [
        pa.field(column, kind, nullable=empty, metadata={"meaning": meaning})
        for column, kind, empty, meaning in columns
    ]
    return pa.schema(fields, metadata={"table": name, "version": str(version)})


EVENT: Final = _table(
    "event",
    1,
    (
        "id",
        pa.string(),
        False,
        "the sender's message id; of files the row's key, '#' (`once`: a hash, '~') and a place",
    ),
    ("source", WORD, False, "the source that told of it"),
    ("position", pa.int64(), False, "place in its file or batch, from 0"),
    ("kind", WORD, False, "track, identify, page, screen, group or alias"),
    ("name", WORD, False, "what happened, in the source's words"),
    ("at", MOMENT, False, "when it happened"),
    ("digest", pa.uint64(), False, "keyed hash of all that the event says: tells a repeated event from a changed one"),
)
"""An event as `collect.receive` hands it over. Beside these columns it carries: one text column `identifiers.KIND` per
kind of identifier (`identifiers.user_id`, `identifiers.order_id`); one column per property path (`properties.total`),
each float64, string, bool or MOMENT; and `rest`, JSON text of what else came, or null. `known_at` and `seq` belong to
the collect, not to the event: the log adds them when it is read."""

REJECT: Final = _table(
    "reject",
    1,
    ("source", WORD, False, "the source whose row it is"),
    ("position", pa.int64(), False, "place in its file or batch, from 0; -1 where the file itself is at fault"),
    ("reason", WORD, False, "one of the typed reasons of `collect.rejects`"),
    ("detail", pa.string(), False, "what was wrong and what is allowed; names columns, never quotes a person's data"),
    ("row", pa.string(), False, "the whole row as JSON, or the raw line where it could not be parsed"),
)
"""What could not become an event, whole, so that it can be replayed after the mapping is mended."""

PASSAGE: Final = _table(
    "passage",
    1,
    ("journey", WORD, False, "name of the journey"),
    ("subject", pa.int64(), False, "number of the subject in its space (person, order, request)"),
    ("opened_at", MOMENT, False, "when it opened"),
    ("closed_at", MOMENT, True, "when it ended; empty while it is open"),
    ("ending", WORD, False, "completed, broken, expired or open"),
    ("deepest", pa.int32(), False, "largest number of positions ever reached on any one way"),
    ("reached_at", pa.list_(MOMENT), False, "for each step, when it was first reached; empty where it was not"),
    ("left_truncated", pa.bool_(), False, "opened within one window of the log's start: may have begun before it"),
    ("plan", WORD, False, "hash of the definition that it opened under"),
    (
        "children",
        pa.list_(
            pa.struct(
                [
                    ("journey", pa.string()),
                    ("ending", pa.string()),
                    ("subject", pa.int64()),
                    ("opened_at", MOMENT),
                    ("closed_at", MOMENT),
                ]
            )
        ),
        False,
        "passages through other journeys whose endings moved it, in order; empty where there are none",
    ),
)
"""One subject's one trip through a journey. Dimensions (of the opening event) stand beside, named by their path."""

LEDGER: Final = _table(
    "ledger",
    1,
    ("promise", WORD, False, "name of the promise"),
    ("subject", pa.int64(), False, "number of the subject in its space (person, order, request)"),
    ("made_at", MOMENT, False, "when it was made"),
    ("first_due_at", MOMENT, True, "when it was due as first promised; empty where nothing was promised"),
    ("due_at", MOMENT, True, "when it is due now"),
    ("moved_by", WORD, True, "who moved the due time last: us, partner or customer; empty where nobody did"),
    ("outcome_at", MOMENT, True, "when the outcome came; empty while it has not"),
    ("state", WORD, False, "kept, late, overdue, pending, void or none, against the due time that counts now"),
    ("first_state", WORD, False, "the same against the first due time; moved by the customer, against theirs"),
)
"""One row per promise, and per event that could have carried one (`none`). Dimension columns of the making event
stand beside, named by their path."""

TALLY: Final = _table(
    "tally",
    1,
    ("about", WORD, False, "what is counted: 'promise delivery', 'journey checkout'"),
    ("measure", WORD, False, "'late' (share of due promises broken), 'completed' (share of ended passages), 'volume'"),
    ("day", pa.date32(), False, "the day in the project's zone: due, opened or happened"),
    ("dimension", WORD, False, "the path that splits it; '' for the whole"),
    ("value", WORD, False, "its value; '' for the whole"),
    ("hits", pa.float64(), False, "how many of them"),
    ("n", pa.float64(), False, "of how many; equal to hits for volumes"),
)
"""Daily counts that add: what synthesis looks for news in."""

_PART: Final = (
    ("dimension", pa.string()),
    ("value", pa.string()),
    *((name, pa.float64()) for name in ("share", "mix", "rate", "n", "hits")),
)
"""What is told of one value's part of a change or a difference."""

INSIGHT: Final = _table(
    "insight",
    1,
    ("id", pa.string(), False, "stable over weeks: about, measure and direction"),
    ("week", pa.string(), False, "ISO week it speaks of"),
    ("about", pa.string(), False, "as in tally"),
    ("measure", pa.string(), False, "as in tally"),
    ("direction", pa.string(), False, "'up' or 'down'"),
    ("good", pa.bool_(), False, "whether the change is for the better"),
    ("value", pa.float64(), False, "the week's figure: a share in 0..1, or a count"),
    ("expected", pa.float64(), False, "what the weeks before let one expect"),
    ("low", pa.float64(), False, "lower bound of what they let one expect (99 %)"),
    ("high", pa.float64(), False, "upper bound of the same"),
    ("strength", pa.float64(), False, "distance from expectation in its own standard errors, ragged series honest"),
    ("n", pa.float64(), False, "how many promises, passages or events stand behind the figure"),
    ("since", pa.date32(), False, "the first day of the change"),
    (
        "where",
        pa.list_(pa.struct(_PART)),
        False,
        "contributions to the change, largest first, split into mix and rate",
    ),
    ("seen", pa.int32(), False, "in how many independent times it was seen, this one included"),
    ("grade", pa.string(), False, "once, pattern (twice) or trend (three independent times)"),
    ("action", pa.string(), False, "what deserves a decision"),
    ("command", pa.string(), False, "the command that shows the figure"),
)
"""What changed, how strong, how often seen, where it comes from and what to do."""

COMPARISON: Final = _table(
    "comparison",
    1,
    ("about", pa.string(), False, "as in tally"),
    ("measure", pa.string(), False, "as in tally"),
    ("market", pa.string(), False, "the source of the marketplace"),
    ("own", pa.string(), False, "the own shop's source, or 'own shops' for several together"),
    ("first", pa.date32(), False, "the first day that is compared"),
    ("last", pa.date32(), False, "the last"),
    ("value", pa.float64(), False, "the marketplace's share"),
    ("own_value", pa.float64(), False, "the own shop's share in the same days"),
    ("difference", pa.float64(), False, "value - own_value"),
    ("low", pa.float64(), False, "lower bound of the difference, all comparisons of the table taken into account"),
    ("high", pa.float64(), False, "upper bound of the same"),
    ("strength", pa.float64(), False, "the difference in its own standard errors"),
    ("n", pa.float64(), False, "how many stand behind the marketplace's share"),
    ("own_n", pa.float64(), False, "how many behind the own shop's"),
    (
        "where",
        pa.list_(pa.struct([*_PART, ("own_n", pa.float64()), ("own_hits", pa.float64())])),
        False,
        "parts of the difference by the dimension that tells most of it, largest first, split into mix and rate",
    ),
)
"""Where a marketplace differs from the own shop in the same days, beyond chance, and where that comes from."""

TABLES: Final = {
    "event": EVENT,
    "reject": REJECT,
    "passage": PASSAGE,
    "ledger": LEDGER,
    "tally": TALLY,
    "insight": INSIGHT,
    "comparison": COMPARISON,
}

ENDINGS: Final = ("completed", "broken", "expired", "open")
STATES: Final = ("kept", "late", "overdue", "pending", "void", "none")
