"""Endings as events: streams to which the ends of passages through other journeys are added."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.syntax.printing import print_condition
from cxminute.model.errors import BadData
from cxminute.model.steps import Condition, Step
from cxminute.model.tables import ENDINGS, MOMENT, PASSAGE
from cxminute.store.protocols import Streams

Ints = NDArray[np.int64]

ENDED = ENDINGS[:-1]
"""How a passage can end: what a step may wait for."""
OWNER = "owner"
JOURNEY = "journey"
DEPTH = "depth"
AT = "at"
ENDING = "ending"
SUBJECT = "subject"
OPENED = "opened"
"""Columns of a table of endings, beside `holds CONDITION` and paths: what is known of the event that opened."""

_MOST = np.iinfo(np.uint16).max + 1


def truth_of(where: Condition) -> str:
    """The column of a table of endings that says whether the condition is true of the opening event."""
    return f"holds {print_condition(where)}"


class WithEndings:
    """Streams with the endings of other journeys' passages among their events, as letters of their own.

    Within one millisecond endings stand after all events, children before those that wait for them, then by the name of
    the journey, the number of its subject, and the opening of the passage. A condition on an ending, and a path of it,
    are of the event that opened its passage; as columns, `source` and `name` are null: an ending has none of its own.

    streams: to add to
    endings: a table with the columns above; `owner` is the place of the stream that it goes to, `journey` a text,
             `depth` how many journeys stand below it, `ending` a place in ENDINGS, times are UTC milliseconds
    """

    def __init__(self, streams: Streams, endings: pa.Table) -> None:
        self._whole = streams
        self._endings = endings.take(pa.array(_order(endings)))
        owners, moments = _ints(self._endings, OWNER), _ints(self._endings, AT)
        after = _after(streams, owners, moments)
        count = len(streams.times)
        self.subjects: Ints = np.asarray(streams.subjects, np.int64)
        added = np.searchsorted(owners, np.arange(len(self.subjects) + 1))
        self.offsets: Ints = np.asarray(streams.offsets, np.int64) + added
        self.times: Ints = np.insert(np.asarray(streams.times, np.int64), after, moments)
        self._places: Ints = np.insert(np.arange(count, dtype=np.int64), after, -1)
        self._ordinals: Ints = np.insert(np.full(count, -1, np.int64), after, np.arange(len(moments)))
        letters, codes = _letters(self._endings, len(streams.alphabet))
        self.alphabet: tuple[Step | None, ...] = (*streams.alphabet, *letters)
        self.codes: NDArray[np.uint16] = np.insert(streams.codes, after, codes)

    def holds(self, where: Condition, places: Ints) -> NDArray[np.bool_]:
        """For the events at these places, whether the condition is true; of an ending, of what opened its passage."""
        whole, ordinals = self._places[places], self._ordinals[places]
        truth = np.zeros(len(places), np.bool_)
        events = whole >= 0
        truth[events] = self._whole.holds(where, whole[events])
        if not events.all():
            known = self._endings[truth_of(where)].to_numpy()
            truth[~events] = known[ordinals[~events]]
        return truth

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """For each event, whether it is the step's."""
        covered = np.array([step.covers(letter) for letter in self.alphabet], np.bool_)
        hits = covered[self.codes]
        if step.where is not None:
            found = np.flatnonzero(hits)
            hits[found] = self.holds(step.where, found)
        return hits

    def column(self, path: str) -> pa.Array:
        """The path's value for each event; of an ending where the table of endings has the path, as text then."""
        values = self._whole.column(path).take(pa.array(self._places, mask=self._places < 0))
        if path in ("source", "name") or path not in self._endings.column_names:
            return values
        of_opening = self._endings[path].combine_chunks()
        if of_opening.null_count == len(of_opening):
            return values
        shown = of_opening.take(pa.array(self._ordinals, mask=self._ordinals < 0)).cast(pa.string())
        return pc.coalesce(values.cast(pa.string()), shown).dictionary_encode()

    def children(self, rows: int, touched: Ints) -> pa.Array:
        """For each of so many passages, the child passages whose endings moved it, as PASSAGE has them.

        touched: pairs (row, event), by event
        """
        touched = touched[np.argsort(touched[:, 0], kind="stable")]
        ended = self._endings.take(pa.array(self._ordinals[touched[:, 1]]))
        names = pa.array(ENDINGS, pa.string())
        moments = (ended[column].combine_chunks().cast(pa.int64()).cast(MOMENT) for column in (OPENED, AT))
        kind = PASSAGE.field("children").type
        told = pa.StructArray.from_arrays(
            [
                ended[JOURNEY].combine_chunks().cast(pa.string()),
                names.take(ended[ENDING].combine_chunks()),
                ended[SUBJECT].combine_chunks(),
                *moments,
            ],
            fields=list(kind.value_type),
        )
        ends = np.cumsum(np.bincount(touched[:, 0], minlength=rows)) if rows else np.empty(0, np.int64)
        return pa.ListArray.from_arrays(pa.array(np.append(0, ends).astype(np.int32)), told).cast(kind)


def _order(endings: pa.Table) -> Ints:
    """Endings by stream and time, then as the language has it for one millisecond."""
    codes, names = _named(endings)
    ranks = np.argsort(np.argsort(names))[codes] if names else codes
    owner, at, depth, subject, opened = (_ints(endings, name) for name in (OWNER, AT, DEPTH, SUBJECT, OPENED))
    keys = [key for key in (opened, subject, ranks, depth, at, owner) if key.size and key.min() < key.max()]
    return np.lexsort(keys) if keys else np.arange(len(endings))  # stable: rows settle ties


def _after(streams: Streams, owners: Ints, moments: Ints) -> Ints:
    """For each ending the place behind the last event of its stream that came no later: a search in all at once."""
    low, high = np.asarray(streams.offsets, np.int64)[owners], np.asarray(streams.offsets, np.int64)[owners + 1]
    while (apart := low < high).any():
        middle = (low + high) // 2
        earlier = apart.copy()
        earlier[apart] = streams.times[middle[apart]] <= moments[apart]
        low = np.where(earlier, middle + 1, low)
        high = np.where(apart & ~earlier, middle, high)
    return low


def _letters(endings: pa.Table, first: int) -> tuple[list[Step], NDArray[np.uint16]]:
    """The bare steps that these endings are, and for each ending its code."""
    codes, names = _named(endings)
    said, letters = np.unique(codes * len(ENDED) + _ints(endings, ENDING), return_inverse=True)
    if first + len(said) > _MOST:
        raise BadData(
            f"{first:,} pairs of source and event name leave no room for {len(said)} endings of journeys.",
            allowed=f"up to {_MOST:,} of both",
        )
    steps = [Step(f"{names[pair // len(ENDED)]}.{ENDED[pair % len(ENDED)]}", kind="ending") for pair in said.tolist()]
    return steps, (first + letters).astype(np.uint16)


def _named(endings: pa.Table) -> tuple[Ints, list[str]]:
    """The names of journeys, and for each ending the place of its own among them."""
    words = pa.chunked_array([endings[JOURNEY].cast(pa.string()).combine_chunks()]).combine_chunks().dictionary_encode()
    return np.asarray(words.indices.to_numpy(), np.int64), words.dictionary.to_pylist()


def _ints(endings: pa.Table, column: str) -> Ints:
    return np.asarray(endings[column].to_numpy(), np.int64)
