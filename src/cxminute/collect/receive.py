"""The verb of this room: rows of a file, by the mapping of their source, become events; what cannot is set apart whole.

received = events' rows + rows set apart, always: `Received.counts` balances what was merely repeated or left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.calls.limits import LONGEST_ID
from cxminute.collect.cells import Cells
from cxminute.collect.digests import digests, hexadecimal, lines_of
from cxminute.collect.rejects import in_order, rejected
from cxminute.collect.rows import Rows
from cxminute.collect.seen import Seen
from cxminute.collect.source import KINDS, Rule, Source
from cxminute.collect.values import plain, trimmed
from cxminute.model.errors import WrongUse
from cxminute.model.identifiers import APART
from cxminute.model.placeholders import PATTERN as NOBODYS
from cxminute.model.steps import Condition
from cxminute.model.tables import EVENT, WORD

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
"""Spreads a number over 64 bits."""

Evaluate = Callable[[Condition, Callable[[str], pa.Array], int], NDArray[np.bool_]]
"""Which rows a condition holds for: (condition, column by name, number of rows)."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a chunk of rows.

    events:  model.tables.EVENT, `identifiers.KIND`, property paths, and for NDJSON `rest`; in the order of the rows.
             A path without a declared type that holds nothing in the whole chunk is left out
    rejects: model.tables.REJECT, in order of position, those of the reader among them
    counts:  rows (all that the chunk covers), events, rejects, `repeated` (events of a key that only says again, all of
             it, what it said last; left out), `nobody` (ids such as 'guest', taken as absent)
    """

    events: pa.Table
    rejects: pa.Table
    counts: dict[str, int] = field(default_factory=dict)


def receive(
    rows: Rows,
    source: Source,
    *,
    secret: bytes,
    evaluate: Evaluate,
    seen: Seen | None,
    personal_columns: frozenset[str] = frozenset(),
) -> Received:
    r"""Events of a chunk of rows, and its rejects.

    secret:           of the project: ids and digests are keyed by it, so that nobody else can guess a row from them
    evaluate:         answers conditions over columns (`when`)
    seen:             of this file, handed to every chunk in order; None for what came through the door: there the log
                      itself knows what repeats
    personal_columns: columns that the contract calls personal: as part of a key they are hashed

    A row id is the declared key: one column as it stands, several joined with '|' (with '\' before '|' and '\' within
    them); without a key, a keyed hash of the row and its ordinal among identical rows. An event id is the row id, '#'
    and the place of its [[events]] table, or what `place_from` says in its stead. An event told `once` is no row's own:
    its id is a keyed hash of the identifier and its kind, '~' and the place, so that no row told again without it takes
    it away. What came through the door is its own event: its id is the message id as it stands. A row is set apart
    whole with the first fault found: key, then types, then times. An event without any identifier is allowed: a guest's
    purchase is told apart, not refused.

    raises: UnknownName for a column that the mapping needs and the rows do not have
    """
    source.check_columns(tuple(rows.table.column_names))
    cells = Cells(rows.table, source)
    length = rows.table.num_rows
    if seen is None and not source.at_door:
        raise WrongUse("Rows of a file are received with what was seen of it.")
    ids = _row_ids(rows, source, cells, secret, seen or Seen(), personal_columns)
    identifiers, nobody = _identifiers(source, cells)
    cells.read_properties()
    told = [_told(rule, cells, evaluate) for rule in source.rules]
    cells.check_text()
    happened = reduce(or_, told, np.zeros(length, dtype=np.bool_))
    cells.fault("no_event", ~happened, _silence(source))
    sound = ~cells.bad
    parts = []
    for place, rule in enumerate(source.rules):
        chosen = told[place] & sound
        number = cells.column(rule.place_from) if rule.place_from else str(place)
        named = ids if source.at_door else pc.binary_join_element_wise(ids, number, "#")
        if rule.once and seen is not None:
            named = _once_ids(rule.once, identifiers[rule.once], place, secret)
            chosen &= _first(named, identifiers[rule.once], chosen, seen)
        parts.append(_events(place, chosen, rows, source, cells, named, identifiers))
    events = _ordered(pa.concat_tables(parts), source, secret)
    repeated = np.zeros(len(events), dtype=np.bool_)
    if source.key and seen is not None:
        repeated = _said_again(events, source, seen)
        events = events.filter(pa.array(~repeated)) if repeated.any() else events
    rejects = in_order(rows.rejects, _rejects(rows, source, cells))
    counts = {
        "rows": rows.count,
        "events": events.num_rows,
        "rejects": rejects.num_rows,
        "repeated": int(repeated.sum()) + rows.stale,
        "nobody": nobody,
    }
    return Received(events, rejects, counts)


def _row_ids(rows: Rows, source: Source, cells: Cells, secret: bytes, seen: Seen, personal: frozenset[str]) -> pa.Array:
    if not rows.table.num_rows:
        return pa.array([], pa.string())
    if not source.key:
        lines = (
            pa.array(rows.lines)
            if rows.lines
            else lines_of({name: cells.column(name) for name in rows.table.column_names})
        )
        hashes = digests(plain(lines), secret, size=16)
        ordinals = seen.rows.ordinals(hashes.view("<u8").reshape(-1, 2)[:, 0].copy())
        return pc.binary_join_element_wise(hexadecimal(hashes), pc.cast(pa.array(ordinals), pa.string()), ".")
    keys = [trimmed(plain(rows.table[column])) for column in source.key]
    for column, key in zip(source.key, keys, strict=True):
        cells.fault(
            "no_key", ~pc.is_valid(key).to_numpy(zero_copy_only=False), f"Column '{column}' of the key is empty."
        )
    joined = pc.fill_null(joined_text(keys), "")
    hidden = source.hides_key or source.is_log  # what tells events of a log apart is all that they say
    if hidden or personal & set(source.key):
        return hexadecimal(digests(joined, secret, size=16))
    return joined


def joined_text(parts: list[pa.Array]) -> pa.Array:
    """Texts joined so that no two different lists of them look alike; null where one is."""
    if len(parts) == 1:
        return parts[0]
    marked = [pc.replace_substring(pc.replace_substring(part, "\\", "\\\\"), "|", "\\|") for part in parts]
    return pc.binary_join_element_wise(*marked, "|")


def _identifiers(source: Source, cells: Cells) -> tuple[dict[str, pa.Array], int]:
    made: dict[str, pa.Array] = {}
    nobody = 0
    for kind, columns in source.identifiers.items():
        values = joined_text([trimmed(cells.column(column)) for column in columns])
        if kind in {"user_id", "anonymous_id"}:
            named = pc.match_substring_regex(values, NOBODYS)
            nobody += int(pc.sum(named).as_py() or 0)
            values = pc.if_else(named, None, values)
        reserved = pc.fill_null(pc.match_substring(values, APART), False).to_numpy(zero_copy_only=False)
        cells.fault("bad_id", reserved, f"Identifier '{kind}' holds the separator U+001F.")
        if source.at_door:  # a database that indexes no such text would refuse the whole stretch
            long = pc.fill_null(pc.greater(pc.utf8_length(values), LONGEST_ID), False).to_numpy(zero_copy_only=False)
            cells.fault("id_too_long", long, f"Identifier '{kind}' has more than {LONGEST_ID} characters.")
        made[kind] = values
    return made, nobody


def _told(rule: Rule, cells: Cells, evaluate: Evaluate) -> NDArray[np.bool_]:
    """Which rows tell of the rule's event; what is wrong with their times, names and kinds becomes the rows' fault."""
    applies = np.ones(cells.length, dtype=np.bool_)
    if rule.when is not None:
        applies = evaluate(rule.when, cells.for_condition(rule.when), cells.length)
    at = cells.time(rule.at, applies)
    told: NDArray[np.bool_] = applies & pc.is_valid(at).to_numpy(zero_copy_only=False)
    if rule.not_before:
        start = cells.time(rule.not_before, told)
        early = pc.fill_null(pc.less(at, start), False).to_numpy(zero_copy_only=False)
        cells.fault("ends_before_it_begins", told & early, f"'{rule.at}' lies before '{rule.not_before}'.")
    if rule.name_from:
        nameless = pc.is_null(trimmed(cells.column(rule.name_from))).to_numpy(zero_copy_only=False)
        cells.fault("no_name", told & nameless, f"Column '{rule.name_from}' is empty.")
    if rule.kind_from:
        words = pc.fill_null(trimmed(cells.column(rule.kind_from)), KINDS[0])
        known = pc.is_in(words, pa.array(KINDS)).to_numpy(zero_copy_only=False)
        cells.fault("bad_kind", told & ~known, f"Column '{rule.kind_from}' holds none of {', '.join(KINDS)}.")
    return told


def _once_ids(kind: str, values: pa.Array, place: int, secret: bytes) -> pa.Array:
    """Ids of events told once; without '#' and a number at their end, which the log takes for a row's."""
    told = pc.binary_join_element_wise(kind, pc.fill_null(values, ""), "=")  # no kind holds '=': (kind, value) is clear
    return pc.binary_join_element_wise(hexadecimal(digests(told, secret, size=16)), str(place), "~")


def _first(named: pa.Array, values: pa.Array, chosen: NDArray[np.bool_], seen: Seen) -> NDArray[np.bool_]:
    """Which of the chosen rows are the first of the file with their identifier; rows without one are none."""
    among = chosen & pc.is_valid(values).to_numpy(zero_copy_only=False)
    words = _words(named.filter(pa.array(among)))
    first = np.zeros(len(chosen), dtype=np.bool_)
    first[np.flatnonzero(among)] = seen.once.ordinals(words) == 0
    return first


def _silence(source: Source) -> str:
    columns = ", ".join(dict.fromkeys(rule.at for rule in source.rules))
    asked = " and no `when` holds" if all(rule.when for rule in source.rules) else ""
    return f"No event: {columns} empty{' or' + asked.removeprefix(' and') if asked else ''}."


def _events(
    place: int,
    told: NDArray[np.bool_],
    rows: Rows,
    source: Source,
    cells: Cells,
    ids: pa.Array,
    identifiers: dict[str, pa.Array],
) -> pa.Table:
    rule = source.rules[place]
    mask = pa.array(told)
    size = int(told.sum())
    made: dict[str, pa.Array] = {
        "id": ids.filter(mask),
        "position": pa.array(rows.positions[told]),
        "kind": _words_of(rule.kind, rule.kind_from, cells, mask),
        "name": _words_of(rule.name, rule.name_from, cells, mask),
        "at": cells.time(rule.at).filter(mask),
    }
    for kind, values in identifiers.items():
        made[f"identifiers.{kind}"] = values.filter(mask)
    for path, values in cells.properties.items():
        made[path] = values.filter(mask) if path in rule.properties else pa.nulls(size, values.type)
    if rows.rest is not None and rows.rest.null_count < len(rows.rest):
        made["rest"] = rows.rest.filter(mask)
    return pa.table(made)


def _words_of(constant: str, column: str, cells: Cells, mask: pa.Array) -> pa.Array:
    if column:
        return pc.fill_null(trimmed(cells.column(column)).filter(mask), KINDS[0])  # only a kind may be empty: track
    return pa.repeat(pa.scalar(constant, pa.string()), pc.sum(mask).as_py() or 0)


def _ordered(events: pa.Table, source: Source, secret: bytes) -> pa.Table:
    """Events in the order of their rows and rules, with their digests, as EVENT has the columns."""
    if len(source.rules) > 1:
        events = events.take(pa.array(np.argsort(events["position"].to_numpy(), kind="stable")))
    events = events.combine_chunks()
    told = set(events.column_names) - {"id", "position"}
    hashed = np.zeros(0, dtype=np.uint64)
    if events.num_rows:
        lines = lines_of({column: events[column] for column in told})
        hashed = digests(lines, b"event" + secret, size=8).view("<u8")
    columns = {
        **{column: plain(events[column]) for column in events.column_names},
        "source": pa.DictionaryArray.from_arrays(np.zeros(len(events), dtype=np.int32), pa.array([source.name])),
        "digest": pa.array(hashed, pa.uint64()),
    }
    fields = [found for found in EVENT if found.name != "rest"]
    made = [_as_word(columns[found.name]) if found.type == WORD else columns[found.name] for found in fields]
    extra = [name for name in events.column_names if name not in EVENT.names]
    schema = pa.schema([*fields, *(pa.field(name, columns[name].type) for name in extra)], metadata=EVENT.metadata)
    return pa.Table.from_arrays([*made, *(columns[name] for name in extra)], schema=schema)


def _said_again(events: pa.Table, source: Source, seen: Seen) -> NDArray[np.bool_]:
    """Which events belong to a row that says just what the last with its key said.

    A row of several events is one telling: of one that says something new, no event is left out, since the log takes
    what a row says no more for withdrawn.
    """
    ids, said = events["id"], events["digest"].to_numpy()
    words = _words(ids)
    if len(source.rules) == 1 and not source.rules[0].place_from:
        return seen.said.repeats(words, said)
    keys = _words(pc.replace_substring_regex(ids, "#[0-9]+$", ""))
    telling = keys ^ (events["position"].to_numpy().astype(np.uint64) * _ODD)
    _, first, of = np.unique(telling, return_index=True, return_inverse=True)
    whole = np.zeros(len(first), dtype=np.uint64)
    np.add.at(whole, of, (words ^ said) * _ODD)
    order = np.argsort(first)
    again = np.empty(len(first), dtype=np.bool_)
    again[order] = seen.said.repeats(keys[first[order]], whole[order])
    repeats: NDArray[np.bool_] = again[of]
    return repeats


def _as_word(column: pa.Array) -> pa.Array:
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode().cast(WORD)


def _words(ids: pa.Array | pa.ChunkedArray) -> NDArray[np.uint64]:
    """A hash of each id, for this process only."""
    return np.fromiter(map(hash, ids.to_pylist()), dtype=np.int64, count=len(ids)).view(np.uint64)


def _rejects(rows: Rows, source: Source, cells: Cells) -> pa.Table:
    places = np.flatnonzero(cells.bad)
    reasons, details = cells.reasons(places)
    texts = rows.texts(places)
    return rejected(source.name, rows.positions[places].tolist(), reasons, details, texts)
