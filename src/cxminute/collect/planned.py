"""Received events judged by the tracking plan of their source: renamed, read as planned, flagged or set apart.

A value is read as the plan says where it can be (by the readers of `values` and `moments`, as a source's [properties]
are read); what cannot is a fault. The rule, type by type, stands in docs/reference/plans.md. Properties that
definitions name lie in columns and are judged a column at a time; the others in the leftovers: `leftovers`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.leftovers import JUDGED, Shape, look_through
from cxminute.collect.plan import FAULT, RENAMED, Expected, Plan, sent_paths
from cxminute.collect.source import TYPES, Source
from cxminute.collect.terms import Mask, Reading, faulty, is_present, misfit, not_one_of, unplanned
from cxminute.collect.values import arrow_type, plain
from cxminute.model.tables import WORD

_SHOWN: Final = 5  # faults of one event that are told
_LONGEST: Final = 80  # letters of a sender's name for an event that are told


@dataclass(frozen=True, slots=True)
class Judged:
    """What a plan makes of events.

    events:   those that stay, under their planned names and with values of their planned types
    rejected: positions of the rows to set apart, ascending, each once; details: why, one for each
    flagged:  how many that stay carry FAULT; renamed: how many carry RENAMED
    """

    events: pa.Table
    rejected: NDArray[np.int64]
    details: tuple[str, ...] = ()
    flagged: int = 0
    renamed: int = 0


@dataclass(frozen=True, slots=True)
class _Column:
    """A column read as the one type that it is planned as.

    good: where that could be done; present: where it holds anything
    """

    values: pa.Array
    good: Mask
    present: Mask


class Faults:
    """What is wrong with each row, in the order found; only rows with faults take room."""

    def __init__(self) -> None:
        self.found: dict[int, list[tuple[bool, str]]] = {}

    def note(self, row: int, text: str, *, unknown: bool = False) -> None:
        """One fault of one row; `unknown` where it is something that the plan does not name."""
        self.found.setdefault(row, []).append((unknown, text))

    def note_all(self, rows: Mask, text: str, *, unknown: bool = False) -> None:
        """The same fault of many rows."""
        for row in np.flatnonzero(rows).tolist():
            self.note(row, text, unknown=unknown)


def judge(events: pa.Table, plan: Plan, source: Source) -> Judged:
    """Events of a source as `receive` gives them, judged by its plan.

    Of several events of one row, one that is set apart takes the others with it: rows are set apart whole.
    """
    if not events.num_rows:
        return Judged(events, np.zeros(0, dtype=np.int64))
    expected, faults, reading = list(plan.events.values()), Faults(), Reading(source.times, source.zone)
    codes = _codes(events, plan, faults)
    there: dict[str, Mask] = {}
    made: dict[str, _Column] = {}
    for path, column in sent_paths(source, events.column_names):
        cells = plain(events[column])
        held = is_present(cells)
        found = _as_planned(path, cells, held, expected, codes, faults, reading)
        if found is not None and not column.startswith("identifiers."):
            made[column] = found
        there[path] = there[path] | held if path in there else held
    rest = look_through(
        plain(events["rest"]).to_pylist() if "rest" in events.column_names else None,
        codes,
        [Shape(found, there) for found in expected],
        there,
        faults,
        reading,
        unknown=plan.unknown != "accept",
    )
    apart, flags = _verdicts(plan, faults, events["position"].to_numpy())
    return _result(events, expected, codes, made, rest, apart, flags)


def _codes(events: pa.Table, plan: Plan, faults: Faults) -> NDArray[np.int64]:
    """Per row the place of its planned event, -1 where the plan names none."""
    encoded = plain(events["name"]).dictionary_encode()
    said: list[str] = encoded.dictionary.to_pylist()
    by_name, places = plan.names, {name: place for place, name in enumerate(plan.events)}
    alike = {_bare(name): name for name in by_name}
    meant = np.array([places[by_name[name].name] if name in by_name else -1 for name in said], dtype=np.int64)
    indices = encoded.indices.to_numpy()
    codes: NDArray[np.int64] = meant[indices]
    told = {place: _unplanned(name, alike.get(_bare(name))) for place, name in enumerate(said) if meant[place] < 0}
    for row in np.flatnonzero(codes < 0).tolist():
        faults.note(row, told[int(indices[row])], unknown=True)
    return codes


def _unplanned(name: str, near: str | None) -> str:
    """The fault of an event that the plan does not name; `near`: a name of the plan that is written nearly so."""
    return f"event '{name[:_LONGEST]}' is not planned" + (f" (did it mean '{near}'?)" if near is not None else "")


def _bare(name: str) -> str:
    """A name without what people write differently: 'order_completed' is 'Order Completed'."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _as_planned(
    path: str,
    column: pa.Array,
    there: Mask,
    expected: Sequence[Expected],
    codes: NDArray[np.int64],
    faults: Faults,
    reading: Reading,
) -> _Column | None:
    """Judges one column; what it is as planned, None where its events plan it differently or as no type of columns."""
    kinds = [found.terms[path].type if path in found.terms else "" for found in expected]
    covered = [bool(kind) or found.covers(path) for kind, found in zip(kinds, expected, strict=True)]
    if path.startswith(JUDGED):
        faults.note_all(there & ~np.array([*covered, True])[codes], unplanned(path), unknown=True)
    by_row = np.array([*kinds, ""])[codes]  # code -1, of no planned event, takes the last
    planned = sorted(set(by_row[there].tolist()) - {""})
    made = None
    for kind in planned:
        rows = there & (by_row == kind)
        read = reading.column(column if len(planned) == 1 else pc.if_else(pa.array(rows), column, None), kind)
        bad = faulty(read, there)
        faults.note_all(bad & rows, misfit(path, kind))
        for code, found in enumerate(expected):
            term = found.terms.get(path)
            if term is not None and term.one_of and term.type == kind:
                listed = pc.is_in(read.values, pa.array(term.one_of).cast(read.values.type))
                other = rows & ~bad & (codes == code) & ~listed.to_numpy(zero_copy_only=False)
                faults.note_all(other, not_one_of(path))
        if len(planned) == 1 and kind in TYPES:
            made = _Column(read.values.cast(arrow_type(kind)), there & ~bad, there)
    return made


def _verdicts(plan: Plan, faults: Faults, positions: NDArray[np.int64]) -> tuple[dict[int, str], dict[int, str]]:
    """(what is set apart: position -> why, what is flagged: row -> how it breaks the plan)."""
    apart: dict[int, str] = {}
    flags: dict[int, str] = {}
    choice = {True: plan.unknown, False: plan.faults}
    for row in sorted(faults.found):
        told = [(choice[unknown], text) for unknown, text in faults.found[row] if choice[unknown] != "accept"]
        said = _joined(dict.fromkeys(text for _, text in told))
        if any(chosen == "quarantine" for chosen, _ in told):
            apart.setdefault(int(positions[row]), f"{said[:1].upper()}{said[1:]}.")
        elif told:
            flags[row] = said
    return apart, flags


def _joined(texts: Iterable[str]) -> str:
    told = list(texts)
    more = len(told) - _SHOWN
    return "; ".join(told[:_SHOWN]) + (f"; {more} more" if more > 0 else "")


def _result(
    events: pa.Table,
    expected: Sequence[Expected],
    codes: NDArray[np.int64],
    made: Mapping[str, _Column],
    rest: pa.Array | None,
    apart: Mapping[int, str],
    flags: Mapping[int, str],
) -> Judged:
    stays = ~np.isin(events["position"].to_numpy(), np.array(list(apart), dtype=np.int64))
    for path, column in made.items():
        agreed = np.array_equal(column.good & stays, column.present & stays)
        if agreed and column.values.type != events.schema.field(path).type:
            events = _with(events, path, column.values)
    if rest is not None:
        events = _with(events, "rest", rest)
    came = plain(events["name"])
    names = came
    if expected:
        planned = pa.array([found.name for found in expected], pa.string()).take(pa.array(np.maximum(codes, 0)))
        names = pc.if_else(pa.array(codes >= 0), planned, came)
    renamed = pc.if_else(pc.equal(names, came), None, came)
    if renamed.null_count < len(renamed):
        events = _with(events, "name", names.dictionary_encode().cast(WORD))
    said = np.full(len(codes), None, dtype=object)
    for row, text in flags.items():
        said[row] = text
    for path, told in ((RENAMED, renamed), (FAULT, pa.array(said, pa.string()))):
        if told.null_count < len(told) or path in events.column_names:  # a sender has no say in it
            events = _with(events, path, told)
    if renamed.null_count < len(renamed) or flags:
        events = _with(events, "digest", _digests(events["digest"].to_numpy(), names, renamed, flags))
    kept = events if stays.all() else events.filter(pa.array(stays))
    positions = sorted(apart)
    return Judged(
        kept,
        np.array(positions, dtype=np.int64),
        tuple(apart[position] for position in positions),
        flagged=sum(bool(stays[row]) for row in flags),
        renamed=int(np.count_nonzero(stays & pc.is_valid(renamed).to_numpy(zero_copy_only=False))),
    )


def _digests(digests: NDArray[np.uint64], names: pa.Array, renamed: pa.Array, flags: Mapping[int, str]) -> pa.Array:
    """Digests of what the events say now: another plan makes a changed event, not a repeated one."""
    made = digests.copy()
    valid = pc.is_valid(renamed).to_numpy(zero_copy_only=False)
    for row in sorted({*np.flatnonzero(valid).tolist(), *flags}):
        said = f"{names[row].as_py() if valid[row] else ''}\0{flags.get(row, '')}"
        made[row] ^= np.frombuffer(blake2b(said.encode(), digest_size=8).digest(), "<u8")[0]
    return pa.array(made, pa.uint64())


def _with(events: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """The table with a column put in its place, or at the end."""
    if name not in events.column_names:
        return events.append_column(name, column)
    place = events.column_names.index(name)
    field = events.schema.field(place)
    return events.set_column(place, field.with_type(column.type), column)
