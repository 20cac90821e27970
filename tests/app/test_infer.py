"""`cxm events --infer`: a tracking plan from what was sent; what it says fits what it was taken from."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxminute.app.analysis import view
from cxminute.app.cli import run
from cxminute.app.inferring import infer
from cxminute.app.options import Reading
from cxminute.app.plans import enforce
from cxminute.app.project import Project
from cxminute.collect.receive import Received
from cxminute.collect.rows import Rows
from tests.collect.plans import SITE, sent
from tests.collect.sources import json_rows, received

COLUMNS = 'total = "properties.total"\ncity = "properties.address.city"'


def make(root: Path, events: list[dict[str, object]], named: str = COLUMNS, contract: str = "") -> Path:
    """A project whose site sent these events."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "shop"\n[log]\nsegment_rows = 7\n', "utf-8")
    (root / "sources" / "site.toml").write_text(SITE.format(properties=named) + contract, "utf-8")
    path = root / "sent.ndjson"
    path.write_text("\n".join(json.dumps(event) for event in events) + "\n", "utf-8")
    if not events:
        return root
    assert run(["collect", str(path), "--source", "site", "--project", str(root)]) == 0
    return root


def proposed(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """The plan that is proposed, as TOML reads it."""
    capsys.readouterr()
    assert run(["events", "--infer", *options, "--project", str(root)]) == 0
    return tomllib.loads(capsys.readouterr().out)


def received_again(root: Path, events: list[dict[str, object]]) -> tuple[Received, Rows]:
    """What the site's source makes of events."""
    source = Project(root).source("site")
    [rows] = json_rows("\n".join(json.dumps(event) for event in events).encode(), source)
    return received(rows, source), rows


ORDERS = [
    sent(
        number,
        "Order Completed",
        {
            "order_id": f"o{number}",
            "total": number if number % 2 else f"{number}.5",
            "email": f"canary{number}@example.org",
            "tier": "free" if number % 3 else "pro",
            "due": "2026-03-04T10:00:00+01:00",
            "items": [{"sku": "canary"}],
            "address": {"city": "Rome"},
            **({"gift": True} if number else {}),
        },
    )
    for number in range(30)
]
VIEWS = [sent(100 + number, "Viewed", {"page": "canary", "seconds": number}) for number in range(19)]


def test_names_types_and_what_is_always_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each event with its properties, named or left over, open or personal; required is what every one of 20 had."""
    plan = proposed(make(tmp_path / "p", [*ORDERS, *VIEWS]), capsys)
    assert (plan["source"], plan["unknown"], plan["faults"]) == ("site", "flag", "flag")
    assert plan["events"] == {
        "Order Completed": {
            "required": ["address", "due", "email", "items", "order_id", "tier", "total"],
            "properties": {
                "address": "object",
                "due": "time",
                "email": "text",
                "gift": "flag",
                "items": "list",
                "order_id": "text",
                "tier": "text",
                "total": "text",
            },
        },
        "Viewed": {"properties": {"page": "text", "seconds": "number"}},
    }


def test_no_value_stands_in_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names and types only; with --values the few texts of a property that is not personal, and no others."""
    root = make(tmp_path / "p", [*ORDERS, *VIEWS])
    assert "canary" not in str(proposed(root, capsys))
    assert "pro" not in str(proposed(root, capsys)["events"]["Order Completed"]["properties"]["tier"])
    told = proposed(root, capsys, "--values")
    order = told["events"]["Order Completed"]["properties"]
    assert order["tier"] == {"type": "text", "one_of": ["free", "pro"]}
    assert order["email"] == "text"
    assert "o1" not in str(order["order_id"])
    assert told["events"]["Viewed"]["properties"]["page"] == {"type": "text", "one_of": ["canary"]}


def test_a_personal_value_is_never_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the contract calls personal is named with its type and nothing else, however few its values are."""
    root = make(tmp_path / "p", ORDERS, contract='personal = ["tier"]\n')
    assert proposed(root, capsys, "--values")["events"]["Order Completed"]["properties"]["tier"] == "text"


def test_a_plan_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--write makes plans/site.toml, which checks; a plan that is there is replaced only by --force."""
    root = make(tmp_path / "p", ORDERS)
    write = ["events", "--infer", "--write", "--project", str(root)]
    assert run(write) == 0
    text = (root / "plans" / "site.toml").read_text("utf-8")
    assert run(["check", "--project", str(root)]) == 0
    assert "1 plan" in capsys.readouterr().out
    assert run(write) == 2
    assert "--force" in capsys.readouterr().err
    (root / "plans" / "site.toml").write_text('source = "site"\n', "utf-8")
    assert run([*write, "--force"]) == 0
    assert (root / "plans" / "site.toml").read_text("utf-8") == text


def test_what_the_contract_forbids_is_not_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without leave for the purpose, nothing is proposed, not even a name."""
    root = make(tmp_path / "p", ORDERS)
    capsys.readouterr()
    assert run(["events", "--infer", "--purpose", "marketing", "--project", str(root)]) == 1
    told = capsys.readouterr()
    assert "does not allow 'marketing'" in told.err
    assert "Order Completed" not in told.out


@pytest.mark.parametrize(
    "options", [["--source", "sit"], ["--since", "2030-01-01"], ["--unexplained"], ["--force"]], ids=" ".join
)
def test_a_question_without_an_answer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    """An unknown source, a span without events and options that do not fit are told, and nothing is written."""
    root = make(tmp_path / "p", ORDERS)
    capsys.readouterr()
    assert run(["events", "--infer", *options, "--project", str(root)]) == 2
    assert capsys.readouterr().out == ""


def test_names_that_look_like_data_stay_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that writes ids or addresses as names of properties puts none of them into the plan."""
    events = [
        sent(number, "Seen", {"x": 1, f"user{number:07d}": 1, f"u{number}@example.org": 2}) for number in range(25)
    ]
    root = make(tmp_path / "p", events)
    assert proposed(root, capsys)["events"]["Seen"]["properties"] == {"x": "number"}
    assert run(["events", "--infer", "--project", str(root)]) == 0
    assert "Left out: 50 names" in capsys.readouterr().out


def test_former_names_are_proposed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What an earlier plan renamed is proposed with its former name, so that old senders stay understood."""
    root = tmp_path / "p"
    (root / "sources").mkdir(parents=True)
    (root / "plans").mkdir()
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (root / "sources" / "site.toml").write_text(SITE.format(properties=""), "utf-8")
    (root / "plans" / "site.toml").write_text('source = "site"\n[events.Bought]\naliases = ["buy"]\n', "utf-8")
    (root / "a.ndjson").write_text("\n".join(json.dumps(sent(n, "buy", {})) for n in range(3)) + "\n", "utf-8")
    assert run(["collect", str(root / "a.ndjson"), "--source", "site", "--project", str(root)]) == 0
    assert proposed(root, capsys)["events"] == {"Bought": {"aliases": ["buy"]}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abä ,[{}]\"'\\0", max_size=5)
    | st.sampled_from(["2026-01-01", "2026-01-01T10:00:00Z", "2026-13-01 10:00", "12", '{"a": 1}', "[1]", "{}", " "]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "city"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
NAMES = ("order_id", "total", "address", "email", "a.b", "traits.x", "ü b", 'q"', "x")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["Order", 'v1.2 "Seen"', "é"]),
        st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5),
        st.dictionaries(st.sampled_from(NAMES), JSON, max_size=2),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS)
def test_what_was_sent_fits_the_plan_that_is_inferred_from_it(
    told: list[tuple[str, dict[str, object], dict[str, object]]],
) -> None:
    """Infer a plan from a log, then judge the same events by it: nothing is flagged, and nothing set apart."""
    events = [
        sent(number, name, properties) | {"traits": traits} for number, (name, properties, traits) in enumerate(told)
    ]
    with TemporaryDirectory() as folder:
        root = make(Path(folder) / "p", events)
        source, text = infer(view(Reading(project=root)), None)
        (root / "plans").mkdir()
        (root / "plans" / f"{source}.toml").write_text(text, "utf-8")
        definitions = Project(root).definitions
        before, rows = received_again(root, events)
        after = enforce(definitions, "site", before, rows)
        assert (after.counts["flagged"], after.counts["rejects"]) == (0, 0), text
        assert after.events.num_rows == len(events)


def test_what_a_plan_sets_apart_is_kept_whole(tmp_path: Path) -> None:
    """Events that stay and rows set apart add up; what is set apart is the line as it was sent, with its reason."""
    root = make(tmp_path / "p", ORDERS)
    (root / "plans").mkdir()
    plan = 'source = "site"\nunknown = "quarantine"\n[events.Viewed.properties]\npage = "text"\n'
    (root / "plans" / "site.toml").write_text(plan, "utf-8")
    before, rows = received_again(root, [*VIEWS[:2], *ORDERS[:3]])
    after = enforce(Project(root).definitions, "site", before, rows)
    assert after.counts | {"repeated": 0} == {
        "rows": 5, "events": 0, "rejects": 5, "repeated": 0, "nobody": 0, "flagged": 0, "renamed": 0,
    }  # fmt: skip
    assert set(after.rejects["reason"].to_pylist()) == {"not_in_plan"}
    assert [json.loads(row) for row in after.rejects["row"].to_pylist()] == [*VIEWS[:2], *ORDERS[:3]]
    assert after.rejects["detail"].to_pylist()[0] == "Property 'seconds' is not planned."
    assert after.rejects["detail"].to_pylist()[2] == "Event 'Order Completed' is not planned."


def test_a_project_without_plans_is_as_it_was(tmp_path: Path) -> None:
    """Without a plan, what was received goes on untouched."""
    root = make(tmp_path / "p", VIEWS)
    before, rows = received_again(root, VIEWS)
    assert enforce(Project(root).definitions, "site", before, rows) is before


@pytest.mark.parametrize(
    ("text", "line", "near"),
    [
        ('unknown = "flag"\nsource = "sit"\n', 2, "site"),
        ('source = "site"\n\n[events.Viewed.properties]\npage = "txt"\n', 4, "text"),
        ('source = "site"\n[events.A]\naliases = ["B"]\n[events.B]\n', 3, None),
        ('source = "site"\n[events.A]\naliases = ["C"]\n[events.B]\naliases = ["C"]\n', 5, None),
        ('source = "site"\n[event.A]\n', 2, "events"),
    ],
)
def test_check_tells_what_is_wrong_with_a_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: int, near: str | None
) -> None:
    """`cxm check` names the plan's file, the line and the nearest right name; one mistake is one fault."""
    root = make(tmp_path / "p", VIEWS)
    (root / "plans").mkdir()
    (root / "plans" / "site.toml").write_text(text, "utf-8")
    capsys.readouterr()
    assert run(["check", "--json", "--project", str(root)]) == 1
    [fault] = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["file"], fault["line"], fault["nearest"]) == ("plans/site.toml", line, near)
    assert fault["allowed"]


def test_a_source_has_one_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two plans for one source are a fault: nobody could say which one holds."""
    root = make(tmp_path / "p", VIEWS)
    (root / "plans").mkdir()
    for name in ("a", "b"):
        (root / "plans" / f"{name}.toml").write_text('source = "site"\n', "utf-8")
    capsys.readouterr()
    assert run(["check", "--project", str(root)]) == 1
    assert "plans/b.toml:1: Source 'site' has a plan in plans/a.toml already." in capsys.readouterr().out


def test_a_new_plan_corrects_what_is_collected_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is collected again under a plan that renames replaces those events, and repeats the others."""
    root = make(tmp_path / "p", [*ORDERS[:3], *VIEWS[:4]])
    (root / "plans").mkdir()
    plan = 'source = "site"\nunknown = "flag"\n[events.Bought]\naliases = ["Order Completed"]\n'
    named = ("order_id", "total", "email", "tier", "due", "items", "address", "gift")
    plan += "[events.Bought.properties]\n" + "".join(f'{name} = "any"\n' for name in named)
    (root / "plans" / "site.toml").write_text(
        plan + "[events.Viewed.properties]\npage = 'any'\nseconds = 'any'\n", "utf-8"
    )
    capsys.readouterr()
    assert run(["collect", str(root / "sent.ndjson"), "--source", "site", "--json", "--project", str(root)]) == 0
    [collect] = json.loads(capsys.readouterr().out)["collects"]
    assert (collect["corrected"], collect["repeated"], collect["added"]) == (3, 4, 0)
    assert run(["events", "--json", "--project", str(root)]) == 0
    counted = {event["name"]: event["events"] for event in json.loads(capsys.readouterr().out)["events"]}
    assert counted == {"Bought": 3, "Viewed": 4}


def test_a_journey_may_ask_for_the_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is a plan, definitions may name `context.plan.fault`, and tell sound events from flagged ones."""
    root = make(tmp_path / "p", [])
    (root / "journeys").mkdir()
    journey = 'name = "view"\nwindow = "1 day"\npattern = "Viewed where (context.plan.fault is missing)"\n'
    (root / "journeys" / "view.toml").write_text(journey, "utf-8")
    assert run(["check", "--project", str(root)]) == 1
    (root / "plans").mkdir()
    plan = (
        'source = "site"\n[events.Viewed.properties]\nseconds = { type = "number", one_of = [3, 4] }\npage = "text"\n'
    )
    (root / "plans" / "site.toml").write_text(plan, "utf-8")
    capsys.readouterr()
    assert run(["check", "--project", str(root)]) == 0, capsys.readouterr().out
    views = [event | {"userId": f"u{number}"} for number, event in enumerate(VIEWS)]
    (root / "views.ndjson").write_text("\n".join(json.dumps(event) for event in views) + "\n", "utf-8")
    assert run(["collect", str(root / "views.ndjson"), "--source", "site", "--project", str(root)]) == 0
    capsys.readouterr()
    assert run(["journeys", "view", "--json", "--project", str(root)]) == 0
    [answer] = json.loads(capsys.readouterr().out)["journeys"]
    assert answer["endings"]["opened"] == 2


def test_values_of_who_restricted_their_use_are_not_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A property that only they sent is in no plan; nothing of theirs is opened."""
    events = [sent(number, "Viewed", {"page": "x", **({} if number else {"secret_wish": "pony"})}) for number in (0, 1)]
    events = [{**event, "userId": f"u{number}"} for number, event in enumerate(events)]
    root = make(tmp_path / "p", events)
    assert "secret_wish" in proposed(root, capsys)["events"]["Viewed"]["properties"]
    words = ["consent", "set", "u0", "*", "restricted", "--because", "asked by letter"]
    assert run([*words, "--project", str(root)]) == 0
    found = proposed(root, capsys)["events"]["Viewed"]["properties"]
    assert ("page" in found, "secret_wish" in found) == (True, False)
