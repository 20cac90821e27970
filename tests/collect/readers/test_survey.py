"""Laws of surveys: an answer is told on its scale, once for each metric, and nothing that lies off it."""

from __future__ import annotations

import io
import re

import pytest

from cxminute.collect.readers.canon import IDENTIFIERS
from cxminute.collect.readers.facts import Record
from cxminute.collect.readers.survey import READER
from cxminute.collect.readers.telling import implied, read
from cxminute.collect.receive import receive
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.model.errors import UnknownName
from cxminute.store.conditions import evaluate
from tests.collect.readers.asked import asked, sample, story

_HEADER = "response_id,submitted_at,customer_id,email,metric,score,scale,comment"


def _rows(*rows: str, header: str = _HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def _scores(records: list[Record]) -> list[tuple[object, object, object]]:
    properties = [record.facts[0].properties for record in records]
    return [(one.get("metric"), one.get("score"), one.get("scale")) for one in properties]


def test_answers_are_told_on_the_scale_of_their_metric() -> None:
    """NPS on ten, CSAT on five and CES on seven, where no column says another."""
    records, refused = asked("survey", sample("survey/answers.csv"))
    assert refused == []
    assert _scores(records) == [("NPS", 9.0, 10.0), ("CSAT", 4.0, 5.0), ("CES", 6.0, 7.0), ("CSAT", 87.0, 100.0)]
    assert records[0].facts[0].properties["survey"] == "After delivery"
    assert records[0].rest == {"Store": "Ghent"}


def test_two_metrics_of_one_response_are_two_answers() -> None:
    """A response that is told in two rows, or in two columns of one row, keeps both answers."""
    long, _ = asked("survey", sample("survey/answers.csv"))
    assert len({record.key for record in long}) == len(long)
    wide, _ = asked(
        "survey", _rows("r1,2026-02-01T10:00:00Z,9,4", header="response_id,submitted_at,NPS score,csat_score")
    )
    assert _scores(wide) == [("NPS", 9.0, 10.0), ("CSAT", 4.0, 5.0)]


@pytest.mark.parametrize(
    ("metric", "score", "scale"),
    [
        ("NPS", "11", ""), ("NPS", "-1", ""), ("NPS", "7.5", ""), ("NPS", "5", "5"), ("CSAT", "0", ""),
        ("CSAT", "6", ""), ("CSAT", "101", "100"), ("CES", "8", ""), ("CSAT", "1", "0"),
    ],
)  # fmt: skip
def test_a_score_off_its_scale_is_set_apart(metric: str, score: str, scale: str) -> None:
    """An 11 of ten is no enthusiasm but a mistake: the row goes to quarantine."""
    records, refused = asked("survey", _rows(f"r1,2026-02-01T10:00:00Z,C-1,,{metric},{score},{scale},"))
    assert records == []
    assert [reason for reason, _ in refused] == ["bad_score"]


def test_an_address_is_no_name() -> None:
    """Whoever answered with an e-mail address alone is nobody's number: the address is personal, and only that."""
    records, _ = asked("survey", _rows("r1,2026-02-01T10:00:00Z,,ada@customer.example,NPS,9,,"))
    assert records[0].identifiers == {}
    assert "ada@" not in records[0].key
    assert records[0].facts[0].properties["email"] == "ada@customer.example"
    assert "email" not in IDENTIFIERS


def test_an_answer_without_a_number_is_named_by_what_it_is_about() -> None:
    """Its time and its customer name it; where nothing does, it is set apart."""
    records, refused = asked("survey", _rows(",2026-02-01T10:00:00Z,C-1,,NPS,9,,", ",2026-02-01T10:00:00Z,,,NPS,9,,"))
    assert [record.key for record in records] == ["answer 2026-02-01T10:00:00Z C-1 NPS"]
    assert [reason for reason, _ in refused] == ["no_key"]


def test_nobody_s_number_stands_in_an_event_s_id() -> None:
    """An answer that only its customer names: the id of its event says neither the customer nor their address."""
    rows = _rows("2026-02-01T10:00:00Z,ada@example.com,9", header="submitted_at,customer_id,NPS score")
    source = implied(Source("answers", "survey", "UTC"), READER)
    (read_rows,) = read(io.BytesIO(rows), READER, source, name="answers.csv", size=10)
    events = receive(read_rows, source, secret=b"s", evaluate=evaluate, seen=Seen()).events
    assert events["identifiers.user_id"].to_pylist() == ["ada@example.com"]
    (name,) = events["id"].to_pylist()
    assert re.fullmatch(r"[0-9a-f]{32}#[0-9]+", name)
    assert read_rows.changed == {}


def test_who_did_not_answer_is_no_answer() -> None:
    """A row without score and comment is set apart; a comment alone is an answer without a score."""
    records, refused = asked(
        "survey", _rows("r1,2026-02-01T10:00:00Z,C-1,,NPS,,,", "r2,2026-02-01T10:00:00Z,C-1,,NPS,,,Fine")
    )
    assert [reason for reason, _ in refused] == ["no_event"]
    assert "score" not in records[0].facts[0].properties


def test_a_word_that_is_no_metric_is_set_apart() -> None:
    """Nobody guesses what a score measures."""
    _, refused = asked("survey", _rows("r1,2026-02-01T10:00:00Z,C-1,,delight,9,,", "r2,2026-02-01T10:00:00Z,C-1,,,9,,"))
    assert [reason for reason, _ in refused] == ["bad_shape", "bad_shape"]


def test_columns_in_another_language_are_named_in_the_source() -> None:
    """A German export is refused with the way out, and read, umlauts and all, when its columns are named."""
    german = sample("survey/bewertungen.csv")
    with pytest.raises(UnknownName, match=r"\[columns\]"):
        asked("survey", german)
    called = {"NPS score": "Bewertung", "customer_id": "Kunde", "comment": "Kommentar"}
    records, refused = asked("survey", german, zone="Europe/Berlin", called=called)
    assert refused == []
    assert _scores(records) == [("NPS", 10.0, 10.0), ("NPS", 3.0, 10.0)]
    assert records[0].facts[0].properties["comment"] == "Schnell und günstig"


def test_scores_without_a_metric_are_refused_with_both_ways_out() -> None:
    """Where no column says what was measured, the message says how to name that column, or the metric itself."""
    bare = _rows("r1,2026-02-01T10:00:00Z,9", header="response_id,submitted_at,score")
    with pytest.raises(UnknownName, match=r'"NPS score" = "score".*\[columns\] "metric"'):
        asked("survey", bare)
    records, _ = asked("survey", bare, called={"NPS score": "score"})
    assert _scores(records) == [("NPS", 9.0, 10.0)]


def test_a_clock_without_a_zone_is_of_the_source_and_one_with_a_zone_is_its_own() -> None:
    """Ten o'clock in Brussels is nine in UTC, whichever way it is written."""
    rows = _rows("r1,2026-02-01 10:00,C-1,,NPS,9,,", "r2,2026-02-01T10:00:00+01:00,C-1,,NPS,9,,")
    records, _ = asked("survey", rows, zone="Europe/Brussels")
    assert {at for _, at in story(records)} == {"2026-02-01T09:00:00.000Z"}
    _, refused = asked("survey", _rows("r1,first of May,C-1,,NPS,9,,", "r2,,C-1,,NPS,9,,"))
    assert [reason for reason, _ in refused] == ["bad_time", "no_time"]


def test_half_a_file_ends_in_quarantine() -> None:
    """The row that breaks off is set apart, and those before it stand."""
    records, refused = asked("survey", sample("survey/answers.csv")[:-20])
    assert len(records) == 3
    assert [reason for reason, _ in refused] == ["ragged_row"]
