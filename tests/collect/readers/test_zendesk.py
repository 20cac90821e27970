"""Laws of tickets: what a desk's exports and API tell, and what they cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.collect.readers.facts import Record
from cxminute.model.errors import BadData, UnknownName
from tests.collect.readers.asked import SAMPLES, asked, sample, story


def _ticket(**fields: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "id": 1, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z", "status": "open",
        "requester_id": 5, "subject": "Hello",
    }  # fmt: skip
    return {**plain, **fields}


_SOLVED = {"field_name": "status", "previous_value": "open", "value": "solved"}


def _only(records: list[Record], event: str) -> Mapping[str, object]:
    found = [fact for record in records for fact in record.facts if fact.event == event]
    assert len(found) == 1
    return found[0].properties


def test_a_ticket_with_all_its_parts_is_the_story_of_a_request() -> None:
    """Opened, answered, solved, written again, opened again, answered and solved: each once, and at its own moment."""
    records, refused = asked("zendesk", sample("zendesk/ticket_export.json"))
    assert refused == []
    assert story(records) == [
        ("Ticket Opened", "2026-03-02T09:15:20.000Z"),
        ("Ticket Replied", "2026-03-02T10:00:41.000Z"),
        ("Ticket Solved", "2026-03-02T10:00:41.000Z"),
        ("Message Received", "2026-03-04T18:02:11.000Z"),
        ("Ticket Reopened", "2026-03-04T18:02:11.000Z"),
        ("Ticket Replied", "2026-03-05T16:20:02.000Z"),
        ("Ticket Solved", "2026-03-05T16:20:02.000Z"),
    ]
    assert {record.identifiers["user_id"] for record in records} == {"C-17"}
    replies = [fact.properties["first"] for record in records for fact in record.facts if "first" in fact.properties]
    assert replies == [True, False]


def test_an_internal_note_is_no_message() -> None:
    """What the desk writes to itself is not told: the customer never saw it."""
    records, _ = asked("zendesk", sample("zendesk/ticket_export.json"))
    assert "Ask the depot" not in json.dumps([[dict(fact.properties) for fact in r.facts] for r in records])


def test_comments_of_audits_tell_what_comments_tell() -> None:
    """A ticket whose comments lie in its audits tells the same replies under the same names."""
    whole = json.loads(sample("zendesk/ticket_export.json"))
    comments = [comment for comment in whole["comments"] if comment["public"]]
    audits = [
        {
            "id": 800 + c["id"],
            "author_id": c["author_id"],
            "created_at": c["created_at"],
            "events": [{**c, "type": "Comment"}],
        }
        for c in comments
    ]
    apart = {key: value for key, value in whole.items() if key != "comments"} | {"audits": audits}
    kept = ("Ticket Replied", "Message Received")
    first, second = (
        [(r.key, f.event, f.at) for r in asked("zendesk", one)[0] for f in r.facts if f.event in kept]
        for one in (whole, apart)
    )
    assert first == second != []


def test_the_same_first_reply_and_solution_told_by_metrics_are_the_same_records() -> None:
    """A ticket, its metrics and a report name one first reply, and solutions of one minute alike."""
    whole = json.loads(sample("zendesk/ticket_export.json"))
    told = {record.key for record in asked("zendesk", whole)[0]}
    measured = {
        record.key for record in asked("zendesk", {**whole["metric_set"], "created_at": whole["created_at"]})[0]
    }
    report, _ = asked("zendesk", sample("zendesk/tickets.csv"), zone="Europe/Brussels")
    assert measured == {"ticket 812 first reply", "ticket 812 solved 2026-03-05 16:20"}
    assert measured <= told
    assert {record.key for record in report if record.identifiers["ticket_id"] == "812"} <= told


def test_an_audit_by_itself_tells_what_its_ticket_tells() -> None:
    """Solutions and reopenings are the same records wherever the audit lies."""
    whole = json.loads(sample("zendesk/ticket_export.json"))
    alone = {record.key for record in asked("zendesk", {"audits": whole["audits"]})[0]}
    assert alone == {"ticket 812 solved 2026-03-02 10:00", "audit 902", "ticket 812 solved 2026-03-05 16:20"}
    assert alone <= {record.key for record in asked("zendesk", whole)[0]}


def test_a_promise_stays_told_when_its_clock_has_stopped() -> None:
    """An export after the answer, which no longer says when it was due, tells nothing of it and takes nothing back."""
    records, _ = asked("zendesk", sample("zendesk/tickets_page.json"))
    due = {record.key: dict(record.facts[0].properties) for record in records if record.key.endswith("_by")}
    assert due == {
        "ticket 900 reply_by": {"reply_by": 1_772_539_200_000},
        "ticket 900 solve_by": {"solve_by": 1_772_697_600_000},
        "ticket 901 solve_by": {"solve_by": 1_772_647_200_000},
    }
    later = _ticket(slas={"policy_metrics": [{"metric": "first_reply_time", "stage": "achieved", "breach_at": None}]})
    assert [record.key for record in asked("zendesk", later)[0]] == ["ticket 1"]


def test_a_rating_is_an_answer_on_a_scale_of_one() -> None:
    """Good is 1 and bad is 0, with the word beside it; a rating that was offered and not given is no answer."""
    records, refused = asked("zendesk", sample("zendesk/satisfaction_ratings.json"))
    assert refused == []
    answers = [record.facts[0].properties for record in records]
    assert [(a["metric"], a["score"], a["scale"], a["answer"]) for a in answers] == [
        ("CSAT", 1.0, 1.0, "good"), ("CSAT", 0.0, 1.0, "bad"),
    ]  # fmt: skip
    _, refused = asked("zendesk", {"id": 1, "ticket_id": 2, "score": "splendid", "created_at": "2026-03-02T09:00:00Z"})
    assert [reason for reason, _ in refused] == ["bad_score"]


def test_a_report_is_read_by_the_clock_of_its_account() -> None:
    """Times without an offset are of the source's zone; marks that stand for nothing are nothing."""
    records, refused = asked("zendesk", sample("zendesk/tickets.csv"), zone="Europe/Brussels")
    assert refused == []
    opened = [record for record in records if record.facts[0].event == "Ticket Opened"]
    assert [record.facts[0].at for record in opened] == [1_772_442_900_000, 1_772_866_800_000]
    assert "priority" not in opened[1].facts[0].properties
    assert opened[1].identifiers == {"ticket_id": "905", "user_id": "zendesk:6005"}
    assert opened[0].rest["Region"] == "North"


def test_the_order_stands_in_whatever_field_the_source_names() -> None:
    """A column of a report, or the number of a custom field of the API."""
    named = {"order_id": "Order number [txt]"}
    report, _ = asked("zendesk", sample("zendesk/tickets.csv"), called=named)
    assert report[0].identifiers["order_id"] == "902-1845936"
    whole, _ = asked("zendesk", sample("zendesk/ticket_export.json"), called={"order_id": "360001"})
    assert whole[0].identifiers["order_id"] == "902-1845936"
    assert "order_id" not in asked("zendesk", sample("zendesk/ticket_export.json"))[0][0].identifiers


def test_a_number_of_the_desk_is_nobody_else() -> None:
    """Without a number of your own the customer has the desk's, marked as such: it is no number of the shop."""
    records, _ = asked("zendesk", _ticket())
    assert records[0].identifiers["user_id"] == "zendesk:5"
    records, _ = asked("zendesk", _ticket(requester={"id": 5, "external_id": "C-5"}))
    assert records[0].identifiers["user_id"] == "C-5"


def test_what_people_wrote_stands_under_the_names_that_are_personal() -> None:
    """Name, address, subject and text are told as such, so that the contract keeps them in the vault."""
    records, _ = asked("zendesk", sample("zendesk/ticket_export.json"))
    opened = _only(records, "Ticket Opened")
    assert {"name", "email", "subject", "comment"} <= set(opened)
    assert not {"requester", "description", "raw_subject", "via", "comments"} & set(records[0].rest)


def test_a_first_message_of_the_desk_is_a_message_and_no_reply() -> None:
    """Who is called by the desk has not been answered by it."""
    written = {"id": 1, "author_id": 77, "public": True, "created_at": "2026-03-02T09:00:00Z", "body": "We call you."}
    records, _ = asked("zendesk", _ticket(comments=[written]))
    assert [event for event, _ in story(records)] == ["Message Sent", "Ticket Opened"]


@pytest.mark.parametrize(
    "parts",
    [
        {"metric_set": {"solved_at": "2026-03-01T09:00:00Z"}},
        {"audits": [{"id": 1, "created_at": "2026-03-01T09:00:00Z", "events": [_SOLVED]}]},
        {"comments": [{"id": 1, "author_id": 7, "created_at": "2026-03-01T09:00:00Z"}]},
    ],
)  # fmt: skip
def test_a_ticket_solved_before_it_was_opened_is_set_apart(parts: dict[str, object]) -> None:
    """Nobody answers or solves what has not begun: the ticket goes to quarantine whole."""
    records, refused = asked("zendesk", _ticket(**parts))
    assert records == []
    assert [reason for reason, _ in refused] == ["ends_before_it_begins"]


def test_half_an_export_is_refused_and_half_a_report_ends_in_quarantine() -> None:
    """A JSON document that breaks off is not read at all; a report loses the row that breaks off, and says so."""
    with pytest.raises(BadData, match="not JSON"):
        asked("zendesk", sample("zendesk/tickets_page.json")[:900])
    records, refused = asked("zendesk", sample("zendesk/tickets.csv")[:-60])
    assert [reason for reason, _ in refused] == ["ragged_row"]
    assert {record.identifiers["ticket_id"] for record in records} == {"812"}


def test_a_changed_header_is_refused_with_the_way_out() -> None:
    """A report without its column is not read; named in the source, the column is found under its new name."""
    changed = sample("zendesk/tickets.csv").replace(b"Created at", b"Erstellt am")
    with pytest.raises(UnknownName, match=r'\[columns\] "Created at"'):
        asked("zendesk", changed)
    again, _ = asked("zendesk", changed, called={"Created at": "Erstellt am"})
    assert again[0].facts == asked("zendesk", sample("zendesk/tickets.csv"))[0][0].facts


_DESK = """name = "desk"
format = "zendesk"
zone = "Europe/Brussels"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
_REPLY = """name = "reply"
per = "ticket_id"
made = '"Ticket Updated" where (reply_by is present)'
due = "properties.reply_by"
kept = '"Ticket Replied" where (first = true)'
"""


def test_a_late_answer_is_a_promise_that_was_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was promised while the clock ran is held against the first reply, whichever document tells of either."""
    for name, text in {"cxm.toml": 'name = "p"\n', "sources/desk.toml": _DESK, "promises/reply.toml": _REPLY}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    late = {"ticket_id": 900, "created_at": "2026-03-03T08:00:00Z", "reply_time_in_minutes": {"calendar": 300}}
    (tmp_path / "metrics.json").write_text(json.dumps({"ticket_metrics": [late]}), "utf-8")
    ended = {"policy_metrics": [{"metric": "first_reply_time", "stage": "achieved", "breach_at": None}]}
    answered = _ticket(id=900, created_at="2026-03-03T08:00:00Z", updated_at="2026-03-04T08:00:00Z", slas=ended)
    (tmp_path / "later.json").write_text(json.dumps(answered), "utf-8")
    page, whole = SAMPLES / "zendesk/tickets_page.json", SAMPLES / "zendesk/ticket_export.json"
    files = [page, tmp_path / "metrics.json", tmp_path / "later.json", whole]
    for file in files:
        assert run(["collect", str(file), "--source", "desk", "--project", str(tmp_path)]) == 0
    capsys.readouterr()
    assert run(["promises", "reply", "--json", "--project", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)["promises"][0]
    assert {name: found[name] for name in ("made", "late", "kept")} == {"made": 1, "late": 1, "kept": 0}
    log = b"".join(path.read_bytes() for path in (tmp_path / ".cxm" / "log").rglob("*") if path.is_file())
    assert [
        word for word in (b"ada@customer", b"Where is my parcel", b"Quick, thanks", b"on Friday") if word in log
    ] == []
