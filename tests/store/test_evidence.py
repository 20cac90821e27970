"""Which identifiers stand in one event, read from segments: each link once, with when it was first told and by whom."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxminute.model.tables import MOMENT, WORD
from cxminute.resolve import links
from cxminute.store.arrays import open_batch
from cxminute.store.evidence import HOWS, Evidence, evidence_of, nothing, read_piece, united, unknown
from cxminute.store.identity import added, read_evidence
from cxminute.store.pieces import Piece

Row = dict[str, int | str | None]


def piece(folder: Path, rows: list[Row], source: str = "site", dropped: tuple[int, ...] = (), number: int = 1) -> Piece:
    """A segment of these rows: `at`, `kind`, and numbers by column."""
    kinds = sorted({name for row in rows for name in row} - {"at", "kind"})
    columns = {
        "at": pa.array([row["at"] for row in rows], pa.int64()).cast(MOMENT),
        "kind": pa.array([row.get("kind", "track") for row in rows], pa.string()).cast(WORD),
        "properties.total:number": pa.nulls(len(rows), pa.float64()),
        **{name: pa.array([row.get(name) for row in rows], pa.int64()) for name in kinds},
    }
    path = folder / f"{number}.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return Piece(path, len(rows), source, np.array(dropped, np.int64), number=number)


def told(found: Evidence) -> list[tuple[int, int, str, int, str]]:
    """Each link in words."""
    columns = (found.a, found.b, found.how, found.at, found.source)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(a, b, HOWS[how], at, found.sources[source]) for a, b, how, at, source in rows]


def test_identifiers_of_one_event_are_linked_once_as_first_told(tmp_path: Path) -> None:
    """However often two stand together, it is one link, of the first time; in an identify call another one."""
    rows: list[Row] = [
        {"at": 30, "user_id": 7, "anonymous_id": 3, "order_id": 1},
        {"at": 10, "user_id": 7, "anonymous_id": 3},
        {"at": 20, "user_id": 7, "anonymous_id": 3, "kind": "identify", "@email": 4},
        {"at": 5, "user_id": 7, "group_id": 9},
        {"at": 1, "anonymous_id": 3},
    ]
    assert told(read_piece(piece(tmp_path, rows))) == [
        (3, 4, "identify", 20, "site"),
        (3, 7, "identify", 20, "site"),
        (3, 7, "event", 10, "site"),
        (4, 7, "identify", 20, "site"),
    ]


def test_an_alias_says_which_name_was_the_former(tmp_path: Path) -> None:
    """The former name is linked with the user, or with the visitor where no user is named, and with nobody else."""
    rows: list[Row] = [
        {
            "at": 1,
            "kind": "alias",
            "user_id": 2,
            "anonymous_id": 5,
            "@previous_user_id": 8,
            "@previous_anonymous_id": 1,
        },
        {"at": 2, "kind": "alias", "anonymous_id": 5, "@previous_anonymous_id": 1},
    ]
    assert told(read_piece(piece(tmp_path, rows))) == [
        (1, 2, "alias", 1, "site"),
        (1, 5, "alias", 2, "site"),
        (2, 5, "event", 1, "site"),
        (2, 8, "aliased", 1, "site"),
    ]


def test_rows_that_were_corrected_link_nobody(tmp_path: Path) -> None:
    """What a row said that no longer stands is no evidence; nor is a lone identifier, nor the kind of an order."""
    rows: list[Row] = [{"at": 1, "user_id": 1, "anonymous_id": 2}, {"at": 2, "user_id": 3, "anonymous_id": 2}]
    assert told(read_piece(piece(tmp_path, rows, dropped=(0,)))) == [(2, 3, "event", 2, "site")]
    lone: list[Row] = [{"at": 1, "user_id": 1, "order_id": 2}, {"at": 2, "user_id": 3}]
    assert len(read_piece(piece(tmp_path, lone, number=2))) == 0


@pytest.mark.parametrize("seed", range(5))
def test_evidence_does_not_depend_on_how_it_was_cut(tmp_path: Path, seed: int) -> None:
    """The same events in one segment or in many, in any order and read twice, are the same evidence."""
    chance = random.Random(seed)  # noqa: S311 -- made-up events
    rows: list[Row] = [
        {
            "at": chance.randrange(50),
            "kind": chance.choice(["track", "identify"]),
            "user_id": chance.choice([None, *range(6)]),
            "anonymous_id": chance.choice([None, *range(6, 12)]),
            "@email": chance.choice([None, None, 12, 13]),
        }
        for _ in range(60)
    ]
    whole = read_piece(piece(tmp_path, rows))
    chance.shuffle(rows)
    cuts = [0, *sorted(chance.sample(range(1, 60), 4)), 60]
    parts = [
        piece(tmp_path, rows[low:high], number=10 + place) for place, (low, high) in enumerate(itertools.pairwise(cuts))
    ]
    read = read_evidence(tmp_path, [*parts, *parts[:2]])
    assert told(united([nothing(), *read])) == told(whole)
    names: tuple[str, ...] = ()
    for part in read:
        names = added(tmp_path, names, [part])
    assert told(united([evidence_of(open_batch(tmp_path / name)) for name in names])) == told(whole)
    assert told(united(read_evidence(tmp_path, parts))) == told(whole)  # as kept beside


def test_every_source_bears_witness_for_itself(tmp_path: Path) -> None:
    """What one source tells takes nothing from another: each has its own first moment, in whatever order they come."""
    one = read_piece(piece(tmp_path, [{"at": 9, "user_id": 1, "anonymous_id": 2}], "web"))
    other = read_piece(piece(tmp_path, [{"at": 5, "user_id": 1, "anonymous_id": 2}], "shop", number=2))
    third = read_piece(piece(tmp_path, [{"at": 3, "user_id": 1, "anonymous_id": 2}], "web", number=3))
    both = [(1, 2, "event", 5, "shop"), (1, 2, "event", 3, "web")]
    assert told(united([one, other, third])) == told(united([united([third, other]), one])) == both


def test_what_was_told_before_as_early_is_nothing_new(tmp_path: Path) -> None:
    """A link is news where no set tells it, where another source tells it, or where it turns out to be older."""
    rows: list[Row] = [{"at": 5, "user_id": who, "anonymous_id": 2} for who in (1, 3, 4)]
    known = [read_piece(piece(tmp_path, rows[:2], "web")), read_piece(piece(tmp_path, rows[2:], "app", number=2))]
    again: list[Row] = [{"at": at, "user_id": who, "anonymous_id": 2} for at, who in ((9, 1), (5, 3), (3, 4), (9, 5))]
    for source, fresh in (("web", [(2, 4, 3), (2, 5, 9)]), ("app", [(1, 2, 9), (2, 3, 5), (2, 4, 3), (2, 5, 9)])):
        found = unknown(known, read_piece(piece(tmp_path, again, source, number=len(source) + len(fresh))))
        assert told(found) == [(a, b, "event", at, source) for a, b, at in fresh]


def test_both_halves_code_the_ways_of_linking_alike() -> None:
    """What the store writes down as a way of linking is the one that stitching reads."""
    assert HOWS == links.HOWS


def test_numbers_beyond_a_packed_key_are_put_together_as_others(tmp_path: Path) -> None:
    """Hundreds of millions of identifiers change the way of sorting, and nothing else."""
    far = 1 << 30
    rows: list[Row] = [{"at": at, "user_id": far + who, "anonymous_id": 2} for at, who in ((4, 1), (3, 1), (2, 0))]
    assert told(read_piece(piece(tmp_path, rows))) == [(2, far, "event", 2, "site"), (2, far + 1, "event", 3, "site")]
