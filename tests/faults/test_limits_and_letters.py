"""Items beyond each limit, and letters that databases differ over: one rule, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import pytest

from benchmarks.running import Door, new_project
from cxminute.collect.calls.limits import (
    DEEPEST,
    LARGEST_BODY,
    LARGEST_EVENT,
    LONGEST_MESSAGE_ID,
    MOST_EVENTS,
    MOST_KEYS,
)
from tests.faults.telling import body, events_of, item, memory, quarantine

Case = tuple[str, bytes, int, str]
"""A name; a body; the status; and of 200 the reason of what is set apart ('' where all is taken), else the code."""

CAFE: Final = "caf\u00e9"


def sized(size: int, **more: Any) -> dict[str, Any]:
    """An item of exactly so many bytes of JSON."""
    one = item(f"sized-{size}", properties={"filler": ""}, **more)
    one["properties"]["filler"] = "x" * (size - len(json.dumps(one)))
    return one


def deep(depth: int) -> bytes:
    """An item whose innermost object lies so deep, itself counted."""
    inner = depth - 2  # the item and its properties
    start = json.dumps(item(f"deep-{depth}"))[:-1].encode()
    return b'{"batch": [' + start + b', "properties": {"a":' + b'{"a":' * inner + b"1" + b"}" * inner + b"}}]}"


def wide(keys: int) -> list[dict[str, Any]]:
    """An item with so many keys, all counted."""
    one = item(f"wide-{keys}", properties={})
    one["properties"] = {f"k{number}": number for number in range(keys - len(one))}
    return [one]


def saying(name: str, text: bytes) -> bytes:
    """A batch of one item with a property as it stands."""
    start = json.dumps(item(name))[:-1].encode()
    return b'{"batch": [' + start + b', "properties": {"said": ' + text + b"}}]}"


def own_keys() -> list[dict[str, Any]]:
    """Two thousand items, each with ten keys that no other has."""
    return [item(f"own-{row}", properties={f"k{row}_{place}": place for place in range(10)}) for row in range(2_000)]


def padded(size: int) -> bytes:
    """A good batch of so many bytes, the last of them blanks."""
    start = body([item("padded")])
    return start + b" " * (size - len(start))


LIMITS: Final[tuple[Case, ...]] = (
    ("largest body", padded(LARGEST_BODY), 200, ""),
    ("a byte more", padded(LARGEST_BODY + 1), 413, "body_too_large"),
    ("most events", body([item(f"most-{n}") for n in range(MOST_EVENTS)]), 200, ""),
    ("one more", body([item(f"more-{n}") for n in range(MOST_EVENTS + 1)]), 413, "too_many_events"),
    ("largest event", body([sized(LARGEST_EVENT)]), 200, ""),
    ("a byte more than that", body([sized(LARGEST_EVENT + 1)]), 200, "event_too_large"),
    ("deepest", deep(DEEPEST), 200, ""),
    ("one deeper", deep(DEEPEST + 1), 200, "too_deep"),
    ("depth 5,000", deep(5_000), 200, "too_deep"),
    ("depth 100,000", deep(100_000), 400, "too_deep"),
    ("widest", body(wide(MOST_KEYS)), 200, ""),
    ("one key more", body(wide(MOST_KEYS + 1)), 200, "too_wide"),
    ("10,001 properties", body(wide(10_001)), 200, "event_too_large"),
    ("longest message id", body([item(0, messageId="i" * LONGEST_MESSAGE_ID)]), 200, ""),
    ("one letter more", body([item(0, messageId="i" * (LONGEST_MESSAGE_ID + 1))]), 200, "message_id_too_long"),
    ("1e400", saying("huge", b"1e400"), 200, "number_too_large"),
    ("400 digits", saying("digits", b"9" * 400), 200, "number_too_large"),
    ("beyond 64 bits", saying("beyond", b"18446744073709551616"), 200, ""),
    ("NaN", saying("nan", b"NaN"), 200, "not_a_number"),
    ("duplicate keys", saying("twice", b'1, "said": 2'), 200, ""),
    ("invalid UTF-8", saying("bytes", b'"\xff\xfe"'), 400, "wrong_encoding"),
    ("empty", b"", 400, "bad_json"),
    ("only blanks", b" " * 1_000, 400, "bad_json"),
    ("no object", b"[1, 2]", 400, "not_an_object"),
    ("broken off", body([item("broken")])[:-3], 400, "bad_json"),
    ("keys of their own", body(own_keys()), 200, ""),
)
LETTERS: Final[tuple[Case, ...]] = (
    ("NUL", saying("nul", b'"a\\u0000b"'), 200, "nul_character"),
    ("lone surrogate", saying("lone", b'"\\ud800"'), 200, "lone_surrogate"),
    ("pair", saying("pair", b'"\\ud83d\\ude00"'), 200, ""),
    ("right to left", body([item("rtl", event="Order \u202edetelpmoC")]), 200, ""),
    ("emoji", body([item("emoji", event="😀 added", userId="👩‍🚀")]), 200, ""),
    ("composed", body([item("nfc", userId=unicodedata.normalize("NFC", CAFE))]), 200, ""),
    ("decomposed", body([item("nfd", userId=unicodedata.normalize("NFD", CAFE))]), 200, ""),
    ("a formula", body([item("formula", event="=1+1", properties={"a": "@SUM(1)", "b": "-2"})]), 200, ""),
    ("NUL in an id", body([item("nulid", userId="a\0b")]), 200, "nul_character"),
    ("NUL in a name", body([item("nulname", event="a\0b")]), 200, "nul_character"),
    ("a mark first", b"\xef\xbb\xbf" + body([item("bom")]), 200, ""),
    ("blanks around an id", body([item("blank", userId="  u9 ")]), 200, ""),
)


@pytest.fixture
def doors(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Door, Door]]:
    """A door over each database."""
    monkeypatch.setenv("CXM_FAULTS_STATE", postgres_url)
    settings = ("", 'state = "env:CXM_FAULTS_STATE"\n')
    roots = [tmp_path / name for name in ("sqlite", "postgresql")]
    one, other = (Door([root], new_project(root, said)) for root, said in zip(roots, settings, strict=True))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(Door.start, (one, other)))
    yield one, other
    one.kill()
    other.kill()


@pytest.mark.outside("postgresql")
def test_one_rule_on_both_databases(doors: tuple[Door, Door]) -> None:
    """Each limit and a step beyond it, and every odd letter, is answered as published, alike on both databases."""
    before = [memory(door) for door in doors]
    expected: list[str] = []
    for name, sent, status, code in LIMITS + LETTERS:
        began = perf_counter()
        one, other = (door.post(sent) for door in doors)
        took = perf_counter() - began
        assert (one.status, one.told) == (other.status, other.told), name
        assert one.status == status, (name, one)
        if status != 200:
            assert one.told["code"] == code, name
        else:
            assert one.told["rejected"] == (1 if code else 0), (name, one.told)
            expected += [code] * bool(code)
        assert took < 3, name
    for door, first in zip(doors, before, strict=True):
        assert memory(door) < first + 100
        assert door.drained()
    roots = [door.roots[0] for door in doors]
    told = [events_of(root) for root in roots]
    assert told[0] == told[1]
    apart = [quarantine(root) for root in roots]
    assert [of["reason"] for of in apart[0]] == expected
    assert [(of["reason"], of["detail"]) for of in apart[0]] == [(of["reason"], of["detail"]) for of in apart[1]]
    assert told[0]["m-nfc"]["user_id"] == told[0]["m-nfd"]["user_id"] == CAFE
    assert told[0]["m-blank"]["user_id"] == "u9"
    assert told[0]["m-twice"]["rest"]["properties"]["said"] == 2
    assert told[0]["m-rtl"]["name"] == "Order \u202edetelpmoC"
    size = sum(len(of) for _, of, status, _ in LIMITS + LETTERS if status == 200)
    assert sum(path.stat().st_size for path in (roots[0] / ".cxm" / "log").rglob("*.parquet")) < size
