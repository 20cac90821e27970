"""`cxm journeys NAME` and its questions, and the commands about all that subjects did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cxminute.app.cli import run
from tests.app.small_shop import HEADER, SOURCE

ORDERS = f"""{HEADER}
1,a,2026-01-05T10:00,2026-01-07,2026-01-06T10:00,x
2,b,2026-01-06T10:00,2026-01-08,2026-01-09T10:00,y
3,c,2026-01-13T10:00,2026-01-15,,x
4,a,2026-01-14T10:00,2026-01-15,2026-01-15T10:00,x
5,b,2026-01-16T10:00,2026-01-18,2026-01-17T10:00,
6,d,2026-02-20T10:00,2026-02-22,2026-02-21T10:00,y
"""
ORDER = """name = "order"
per = "order_id"
pattern = 'placed: "Ordered" -> got: "Delivered" within 2 days'
window = "2 days"
"""
LOYAL = """name = "loyal"
per = "person"
pattern = '''
    journey order.completed -> again: "Ordered" without journey order.expired
 -> journey order.completed where (carrier = "x")
'''
window = "20 days"
"""
CARRIER = """name = "carrier"
per = ["person", "carrier"]
pattern = '"Ordered" -> "Ordered"'
window = "20 days"
"""
SAME = """name = "same"
per = ["person", "order_id"]
pattern = '"Ordered" -> any'
window = "20 days"
"""
VIEWS = ["--plan", "--curve", "--times", "--flows", "--off-path", "--children"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of six orders and four people, collected."""
    root = tmp_path_factory.mktemp("journeys")
    for name, text in {
        "cxm.toml": 'name = "shop"\n', "orders.csv": ORDERS, "sources/orders.toml": SOURCE,
        "journeys/order.toml": ORDER, "journeys/loyal.toml": LOYAL, "journeys/carrier.toml": CARRIER,
        "journeys/same.toml": SAME,
    }.items():  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    assert run(["collect", str(root / "orders.csv"), "--project", str(root)]) == 0
    return root


def answer(project: Path, capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    """The one document that a command prints."""
    capsys.readouterr()
    assert run([*command, "--json", "--project", str(project)]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refusal(project: Path, capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command that is used wrongly says."""
    capsys.readouterr()
    assert run([*command, "--project", str(project)]) == 2
    return capsys.readouterr().err


def ended(document: Any) -> dict[str, int]:
    """How the passages of the one journey ended."""
    told = document["journeys"][0]["endings"]
    return {key: told[key] for key in ("opened", "completed", "broken", "expired", "open")}


def test_a_person_sees_how_his_orders_ended(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A parent per person takes the endings of orders: a opened with the first, came again, and completed."""
    counts = ended(answer(project, capsys, "journeys", "loyal"))
    assert counts == {"opened": 3, "completed": 1, "broken": 0, "expired": 1, "open": 1}


def test_children_are_told_with_what_became_of_the_parents(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For each child ending: how many had it, how long the children took, and how those ended."""
    [told] = answer(project, capsys, "journeys", "loyal", "--children")["journeys"]
    [completed, none] = told["children"]
    assert (completed["journey"], completed["ending"], completed["passages"]) == ("order", "completed", 3)
    assert (completed["children"], completed["completed"]) == (4, 1)
    assert completed["median_ms"] == 24 * 3_600_000
    assert (none["journey"], none["passages"]) == (None, 0)
    assert "waits for no other" in refusal(project, capsys, "journeys", "order", "--children")


def test_what_is_held_constant_splits_a_person(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the carrier held, who ordered again by another has not; orders without one are left out, and counted."""
    counts = ended(answer(project, capsys, "journeys", "carrier"))
    assert (counts["opened"], counts["completed"]) == (4, 1)
    capsys.readouterr()
    run(["journeys", "carrier", "--project", str(project)])
    assert "1 events of its steps that have no properties.carrier" in capsys.readouterr().err


def test_an_identifier_may_be_held_constant(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person with one order is a subject of its own: the next event is of that order."""
    counts = ended(answer(project, capsys, "journeys", "same"))
    assert (counts["opened"], counts["completed"]) == (6, 5)


def test_a_span_counts_passages_whose_time_was_up(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The week of an order is the one in which its two days were over; the curve counts by opening."""
    assert ended(answer(project, capsys, "journeys", "order", "--week", "2026-W02"))["opened"] == 2
    [told] = answer(project, capsys, "journeys", "order", "--curve", "--since", "2026-01-16")["journeys"]
    assert told["curve"][0]["at_risk"] == 2


def test_counting_subjects_takes_one_passage_of_each(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Endings stay those of passages; the steps are of subjects, each by the passage that came furthest."""
    [told] = answer(project, capsys, "journeys", "carrier", "--count", "subjects", "--by", "carrier")["journeys"]
    assert [row["reached"] for row in told["funnel"]] == [4, 1]
    assert {row["value"]: row["reached"] for row in told["groups"] if row["step"] == 1} == {"x": 2, "y": 2}


@pytest.mark.parametrize("option", ["", "--curve", "--times", "--off-path"])
def test_answers_are_split_by_a_property(project: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    """Each value of the opening event's property has rows of its own."""
    command = ["journeys", "order", *([option] if option else []), "--by", "carrier"]
    [told] = answer(project, capsys, *command)["journeys"]
    rows = next(told[key] for key in ("groups", "curve", "steps", "off_path") if key in told)
    assert {row["value"] for row in rows} == {"x", "y", None}
    assert run([*command, "--project", str(project)]) == 0
    assert "properties.carrier" in capsys.readouterr().out


@pytest.mark.parametrize("option", VIEWS)
def test_every_question_has_a_table(project: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    """Each is answered for people too, under the journey's name."""
    capsys.readouterr()
    assert run(["journeys", "loyal" if option != "--flows" else "order", option, "--project", str(project)]) == 0
    said = capsys.readouterr().out
    assert ("Ordered" if option == "--flows" else "loyal") in said


def test_the_plan_is_drawn(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is waited for, in which order, who may open and complete, and which journeys must be found first."""
    [told] = answer(project, capsys, "journeys", "loyal", "--plan")["journeys"]
    assert [place["label"] for place in told["positions"]][1] == "again"
    assert [(edge["from"], edge["to"]) for edge in told["edges"]] == [(1, 2), (2, 3)]
    assert told["edges"][0]["without"] == ["journey order.expired"]
    assert told["waits_for"] == ["order"]


def test_flows_look_from_a_label(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Around a step of a journey, per its own kind of subject."""
    [told] = answer(project, capsys, "journeys", "order", "--flows", "--anchor", "got", "--direction", "backwards")[
        "journeys"
    ]
    assert (told["per"], told["anchor"]) == ("order_id", "Delivered")
    assert [(row["from"], row["to"], row["count"]) for row in told["flows"]] == [("Ordered", "Delivered", 5)]


def test_flows_of_everything(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Per person by default, with starts and ends; a span holds nothing from before or after it."""
    counts = {(row["from"], row["to"]): row["count"] for row in answer(project, capsys, "flows")["flows"]}
    assert counts[None, "Ordered"] == 4
    assert counts["Delivered", "Ordered"] == 2
    week = answer(project, capsys, "flows", "--week", "2026-W02", "--anchor", '"Ordered" where (carrier = "x")')
    assert [(row["to"], row["count"]) for row in week["flows"]] == [("Delivered", 1)]


def test_retention_by_cohort(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the two who first ordered in the first week one came back to order in the next, and the other too."""
    command = ("retention", "--start", "Ordered", "--back", "Ordered", "--periods", "1", "--until", "2026-01-12")
    rows = answer(project, capsys, *command)["retention"]
    assert [(row["cohort"], row["size"], row["period"], row["returned"]) for row in rows] == [
        (None, 2, 0, 2), (None, 2, 1, 2), ("2026-01-05", 2, 0, 2), ("2026-01-05", 2, 1, 2),
    ]  # fmt: skip


def test_lifecycle_and_stickiness(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weeks tell who was new and who returned; months on how many days the active were active."""
    rows = answer(project, capsys, "lifecycle", "--active", "Ordered", "--until", "2026-01-19")["lifecycle"]
    assert [(row["active"], row["new"], row["returning"]) for row in rows] == [(2, 2, 0), (3, 1, 2)]
    [month] = answer(project, capsys, "stickiness", "--until", "2026-02-01")["stickiness"]
    assert month["active"] == 3
    assert month["mean_days"] == pytest.approx(9 / 3)
    month_of_orders = answer(project, capsys, "stickiness", "--per", "order_id", "--until", "2026-02-01")
    assert {row["days"]: row["subjects"] for row in month_of_orders["days"]} == {1: 1, 2: 4}


def test_what_no_journey_explains(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The delivery that came after the order had expired, and whatever no journey was open for."""
    told = answer(project, capsys, "events", "--unexplained", "--per", "order_id")
    assert set(told["journeys"]) == {"order", "loyal", "carrier", "same"}
    rows = {row["name"]: row["unexplained"] for row in told["unexplained"]}
    assert rows == {None: 1, "Delivered": 1, "Ordered": 0}


@pytest.mark.parametrize(
    "command",
    [
        ["journeys", "order"], *(["journeys", "order", view] for view in VIEWS[:-1]), ["flows"], ["lifecycle"],
        ["retention"], ["stickiness"], ["events", "--unexplained"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_pictures_are_drawn(project: Path, tmp_path: Path, command: list[str]) -> None:
    """Each answer that has a picture writes it as an SVG file that stands by itself."""
    assert run([*command, "--chart", str(tmp_path / "a.svg"), "--project", str(project)]) == 0
    root = ET.parse(tmp_path / "a.svg").getroot()  # noqa: S314 -- written a moment ago by ourselves
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_plan_is_a_page_or_pixels_too(project: Path, tmp_path: Path) -> None:
    """The file's name says the form."""
    for name, begins in (("a.png", b"\x89PNG"), ("a.html", b"<!doctype html>")):
        command = ["journeys", "loyal", "--plan", "--chart", str(tmp_path / name), "--project", str(project)]
        assert run(command) == 0
        assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["journeys", "--plan"], "asked of one journey"),
        (["journeys", "order", "--plan", "--curve"], "two questions"),
        (["journeys", "order", "--depth", "2"], "options of --flows"),
        (["journeys", "order", "--plan", "--by", "carrier"], "not split"),
        (["journeys", "order", "--count", "people"], "passages, subjects"),
        (["journeys", "ordr"], "'order'"),
        (["journeys", "loyal", "--flows"], "no event of a stream"),
        (["retention", "--start", "journey order.completed"], "no event of a stream"),
        (["journeys", "order", "--chart", "a.pdf"], ".svg, .png, .html"),
        (["journeys", "--chart", "a.svg"], "no picture"),
        (["flows", "--anchor", "Orderd"], "'Ordered'"),
        (["flows", "--anchor", '"Ordered" where (carier = "x")'], "properties.carrier"),
        (["flows", "--anchor", '"Ordered'], "closing"),
        (["flows", "--only", "Orderd"], "'Ordered'"),
        (["flows", "--depth", "2"], "anchor"),
        (["flows", "--direction", "sideways", "--anchor", "Ordered"], "forwards, backwards, both"),
        (["flows", "--limit", "0"], "1 or more"),
        (["flows", "--per", "order"], "order_id"),
        (["retention", "--period", "year"], "day, week, month"),
        (["stickiness", "--period", "day"], "week, month"),
        (["events", "--per", "order_id"], "--unexplained"),
    ],
)  # fmt: skip
def test_wrong_questions_are_refused_with_what_is_right(
    project: Path, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    """One line, exit code 2, and what would be right."""
    assert said in refusal(project, capsys, *command)


def test_reading_takes_the_log_as_it_was(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Closed at a moment, a child that had not ended by then has no ending for its parent."""
    [told] = answer(project, capsys, "journeys", "loyal", "--as-of", "2100-01-01")["journeys"]
    assert told["endings"]["open"] == 0
