"""Tracking plans as files: what they may say, and what is told when they say something else."""

from __future__ import annotations

import pytest

from cxminute.collect.plan import CHOICES, PLANNED_TYPES, parse_plan
from cxminute.model.definitions import Document
from tests.collect.plans import PLAN, plan_of
from tests.conftest import ROOT


def faults_of(text: str) -> list[tuple[int | None, str, str | None]]:
    """(line, fault, nearest right name) of a plan file."""
    doc = Document("plans/site.toml", text)
    plan = parse_plan(doc, ["site", "app"])
    assert (plan is None) == bool(doc.faults)
    return [(fault.line, fault.what, fault.nearest) for fault in doc.faults]


def test_a_plan_says_what_it_says() -> None:
    """Events with their former names, what they must have, and of which type each property is."""
    plan = plan_of(unknown="flag", faults="quarantine")
    order = plan.events["Order Completed"]
    assert (plan.source, plan.unknown, plan.faults) == ("site", "flag", "quarantine")
    assert order.required == ("properties.order_id", "properties.total")
    assert plan.names["Purchase"] is plan.names["order_completed"] is order
    assert order.terms["properties.tier"].one_of == ("free", "pro")
    assert plan.events["Opened"].terms == {}


def test_a_plan_is_mild_where_it_is_silent() -> None:
    """Without a word on it, what the plan does not name is taken, and what breaks it is flagged: nothing is lost."""
    plan = plan_of('source = "site"')
    assert (plan.unknown, plan.faults, dict(plan.events)) == ("accept", "flag", {})
    assert set(CHOICES) == {"accept", "flag", "quarantine"}


@pytest.mark.parametrize(
    ("right", "wrong", "said", "near"),
    [
        ('"site"', '"sit"', "There is no source 'sit'.", "site"),
        ('"{unknown}"', '"flagg"', "'flagg' is not a unknown.", "flag"),
        ("faults  =", "fault  =", "Unknown key 'fault'.", "faults"),
        ('total    = "number"', 'total    = "numbr"', "There is no type 'numbr'.", "number"),
        ('total    = "number"', "total    = 3", "'total' has no type.", None),
        ('["order_id", "total"]', '["order_id", "totl"]', "There is no property 'totl'.", "total"),
        ('"Purchase"]', '"Opened"]', "'Opened' is an event of the plan, and no former name", None),
        ("[events.Opened]", '[events.Opened]\naliases = ["Purchase"]', "'Purchase' is a former name of 'Order", None),
        ('"Purchase"]', '"order_completed"]', "'order_completed' is a former name of 'Order", None),
        ("required =", "requird =", "Unknown key 'requird'.", "required"),
        ("one_of = [", "oneof = [", "Unknown key 'oneof' in 'tier'.", "one_of"),
        ('["free", "pro"]', "[]", "one_of of 'tier' is no list of text values.", None),
        ('["free", "pro"]', '["free", 3]', "one_of of 'tier' is no list of text values.", None),
        ('"text", one_of', '"list", one_of', "'tier' is list, of which no list of values is kept.", None),
        ('"object"', '"object"\n"items.sku" = "text"', "'items.sku' lies in 'items', which is planned as list.", None),
    ],
)
def test_each_mistake_is_told_where_it_stands(right: str, wrong: str, said: str, near: str | None) -> None:
    """A fault of a plan has its file, its line and the nearest right name."""
    text = PLAN.replace(right, wrong, 1)
    assert text != PLAN
    text = text.replace("{unknown}", "flag").replace("{faults}", "flag").replace("{{", "{").replace("}}", "}")
    found = faults_of(text)
    assert [what for _, what, _ in found if what.startswith(said)], found
    [(line, _, told)] = [fault for fault in found if fault[1].startswith(said)]
    assert told == near
    assert line is not None
    shown = wrong.splitlines()[-1] if "\n" in wrong else wrong
    assert shown in text.splitlines()[line - 1] or "Opened" in said


def test_a_property_in_another_is_planned_with_it() -> None:
    """What lies in an object may be planned beside the object, and below what is planned as anything."""
    text = 'source = "site"\n[events.A.properties]\nbox = "object"\n"box.size" = "number"\n'
    assert sorted(plan_of(text).events["A"].terms) == ["properties.box", "properties.box.size"]


def test_the_plan_that_the_reference_shows_is_well_defined() -> None:
    """What docs/reference/plans.md shows is a plan, and each of its types is explained there."""
    page = (ROOT / "docs" / "reference" / "plans.md").read_text("utf-8")
    text = page.split("```toml\n")[1].split("```")[0]
    doc = Document("plans/website.toml", text)
    assert parse_plan(doc, ["website"]) is not None, doc.faults
    assert [kind for kind in PLANNED_TYPES if f"| `{kind}` |" not in page] == []
    assert [choice for choice in CHOICES if f"| `{choice}` |" not in page] == []
