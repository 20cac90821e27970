"""XES read: every whole event goes in, whatever else the file holds; what is broken is set apart with its reason."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import msgspec
import pytest

from cxminute.collect.logs.mapping import log_again, log_source, read_log
from cxminute.collect.logs.xes import DESCRIBED, read
from cxminute.collect.rows import Rows
from cxminute.collect.source import Source
from cxminute.model.errors import BadData
from tests.collect.logs.logged import XES

SOURCE = log_source(Source("log", "xes", "UTC"))
EVENT = (
    '<event><string key="concept:name" value="{}"/><date key="time:timestamp" value="2024-01-01T00:00:00Z"/></event>'
)


def told(text: str | bytes, size: int = 1_000) -> list[Rows]:
    """Chunks of rows of a file."""
    return list(read(io.BytesIO(text.encode() if isinstance(text, str) else text), SOURCE, name="a.xes", size=size))


def column(chunks: list[Rows], name: str) -> list[object]:
    """A column over all chunks."""
    return [cell for rows in chunks for cell in rows.table[name].to_pylist()]


def reasons(chunks: list[Rows]) -> list[tuple[int, str]]:
    """Position and reason of what was set apart."""
    return [(row["position"], row["reason"]) for rows in chunks for row in rows.rejects.to_pylist()]


def test_every_event_has_its_case_name_time_and_attributes() -> None:
    """Names, cases, times as instants, types: a trace without a name goes by its place among the traces."""
    chunks = told(XES)
    assert column(chunks, "event") == ["Submitted", "Checked", "Accepted", "Later", "Earlier", "Of no case", DESCRIBED]
    assert column(chunks, "identifiers.case_id") == ["case 1"] * 3 + ["2"] * 2 + [None, None]
    assert [str(at) for at in column(chunks, "at")[:4]] == [
        "2011-09-30 22:38:44.546000+00:00",
        "2011-09-30 22:38:44.546000+00:00",
        "2011-09-30 22:38:44.546000+00:00",
        "2011-10-03 10:00:00+00:00",
    ]
    rest = chunks[0].rest
    assert rest is not None
    first = msgspec.json.decode(rest[0].as_py())["properties"]
    assert (first["cost"], first["large"], first["fast"], first["resource"]) == (5.0, 9007199254740993, True, "112")
    assert first["case"] == {"AMOUNT": 5000.0, "REG_DATE": "2011-10-01T00:38:44.546+02:00"}
    assert first["xes"]["types"] == {"identity:id": "id", "due": "date"}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_the_same_events_come_in_chunks_of_any_size(size: int) -> None:
    """Cut anywhere, a log has the same events at the same places; chunks hold as many events as was asked."""
    whole, chunks = told(XES), told(XES, size)
    for name in ("record", "ordinal", "event", "at", "identifiers.case_id"):
        assert column(chunks, name) == column(whole, name)
    assert [int(place) for rows in chunks for place in rows.positions] == list(range(7))
    assert sum(rows.count for rows in chunks) == 6
    assert [rows.count for rows in chunks[:-1]] == [min(size, 6)] * (len(chunks) - 1)


def test_broken_events_are_set_apart_with_their_reason_and_the_rest_goes_in() -> None:
    """No name, no time, a time that is none: three reasons; an event beside them is not touched."""
    broken = (
        EVENT.format(" "),
        '<event><string key="concept:name" value="a"/></event>',
        EVENT.format("b").replace("2024-01-01T", "2024-13-01T"),
        EVENT.format("good"),
    )
    chunks = told(f"<log><trace>{''.join(broken)}</trace></log>")
    assert reasons(chunks) == [(0, "no_name"), (1, "no_time"), (2, "bad_time")]
    assert column(chunks, "event") == ["good", DESCRIBED]


def test_a_time_at_the_end_of_the_calendar_is_none() -> None:
    """Times that are written alike are read at once, and what no zone can show is refused there, too."""
    chunks = told(
        f"<log><trace>{EVENT.format('a')}{EVENT.format('b').replace('2024-01-01', '9999-12-31')}</trace></log>"
    )
    assert reasons(chunks) == [(1, "bad_time")]


def test_what_was_set_apart_is_read_again_once_it_is_mended() -> None:
    """A row of the quarantine holds the whole event: with its time mended it has its case and its attributes."""
    text = '<string key="concept:name" value="c"/>' + EVENT.format("b").replace("2024-01-01T", "2024-13-01T")
    rejects = told(f"<log><trace>{text}{EVENT.format('a')}</trace></log>")[0].rejects
    row = rejects["row"][0].as_py()
    assert reasons([log_again(rejects, SOURCE)]) == [(0, "bad_time")]
    mended = rejects.set_column(4, rejects.schema.field("row"), [[row.replace("2024-13-01T", "2024-12-01T")]])
    rows = log_again(mended, SOURCE)
    assert rows.table.select(["event", "identifiers.case_id"]).to_pylist() == [
        {"event": "b", "identifiers.case_id": "c"}
    ]
    assert rows.rejects.num_rows == 0


def test_half_a_file_gives_its_whole_events() -> None:
    """Cut off anywhere after an event, the events before it go in, and the break is a reject of the file's own."""
    whole = f"<log><trace><string key='concept:name' value='c'/>{EVENT.format('a')}{EVENT.format('b')}</trace></log>"
    ends = whole.index("</event>") + len("</event>")
    for end in range(ends, len(whole) - len("</log>")):
        chunks = told(whole[:end])
        assert column(chunks, "event")[0] == "a"
        assert column(chunks, "identifiers.case_id")[0] == "c"
        assert reasons(chunks) == [(-1, "file_truncated")]


def test_a_compressed_file_that_was_cut_off_gives_what_it_held(tmp_path: Path) -> None:
    """Of half a .xes.gz the events that can be inflated go in; of one that is none at all nothing does."""
    whole = "".join(EVENT.format(f"event {n} {n * 7919 % 10007}") for n in range(5_000))
    packed = gzip.compress(f"<log><trace>{whole}</trace></log>".encode())
    path = tmp_path / "a.xes.gz"
    path.write_bytes(packed[: len(packed) // 2])
    chunks = list(read_log(path, SOURCE, 1_000))
    assert 1_000 < len(column(chunks, "event")) < 5_000
    assert reasons(chunks) == [(-1, "file_truncated")]
    path.write_bytes(b"plain")
    with pytest.raises(BadData, match="not compressed"):
        list(read_log(path, SOURCE, 1_000))


def test_a_file_that_is_no_xml_from_a_line_on_gives_what_came_before() -> None:
    """A wrong tag in the middle: the events before it go in, the rest does not, and that is said."""
    chunks = told(f"<log>\n<trace>{EVENT.format('a')}\n</event>{EVENT.format('b')}</trace></log>")
    assert column(chunks, "event") == ["a", DESCRIBED]
    [reject] = chunks[0].rejects.to_pylist()
    assert (reject["reason"], "line 3" in reject["detail"]) == ("file_damaged", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no XML"),
        ("orders;total\n1;2\n", "no XML"),
        ("<html><body/></html>", "<html>"),
        ("<log></log>", "no event"),
        ("<log><trace><event>", "no XML"),
    ],
)
def test_what_is_no_log_is_refused(text: str, said: str) -> None:
    """Nothing of it is collected, and the message says why."""
    with pytest.raises(BadData, match=said):
        told(text)


def test_entities_are_refused_before_they_grow() -> None:
    """A file that makes entities, or fetches some from elsewhere, is refused: nothing is inflated or read."""
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 30))
    for declared in (f'<!ENTITY e0 "ha">{bomb}', '<!ENTITY e0 SYSTEM "file:///etc/passwd">', '<!ENTITY % p "x">'):
        with pytest.raises(BadData, match="entities"):
            told(f"<!DOCTYPE log [{declared}]><log><trace>{EVENT.format('&e0;')}</trace></log>")


def test_attributes_without_end_within_one_another_are_set_apart() -> None:
    """A thousand attributes within one another make a reject of their event, not a crash, and leave the others."""
    deep = '<string key="a" value="x">' * 1_000 + "</string>" * 1_000
    event = EVENT.format("deep").replace("</event>", f"{deep}</event>")
    chunks = told(f"<log><trace>{event}{EVENT.format('plain')}</trace></log>")
    assert reasons(chunks) == [(0, "too_deep")]
    assert column(chunks, "event") == ["plain", DESCRIBED]
    assert chunks[0].count == 2
    assert reasons([log_again(chunks[0].rejects, SOURCE)]) == [(0, "too_deep")]


def test_a_prefix_before_the_names_of_elements_changes_nothing() -> None:
    """`<x:event>` is an event."""
    text = f"<log><trace>{EVENT.format('a')}</trace></log>"
    prefixed = text.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    assert column(told(prefixed), "event") == column(told(text), "event")


def test_the_same_event_twice_is_two_events(tmp_path: Path) -> None:
    """Events that say the same in one case are told apart by how often they came, from file to file alike."""
    path = tmp_path / "a.xes"
    path.write_text(f"<log><trace>{EVENT.format('a') * 3}</trace></log>", "utf-8")
    [rows] = read_log(path, SOURCE, 100)
    assert rows.table["ordinal"].to_pylist()[:3] == ["0", "1", "2"]
    assert len(set(rows.table["record"].to_pylist()[:3])) == 1
