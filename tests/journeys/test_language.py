"""What the journey language reads, and how it says that it cannot."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from textwrap import dedent

import pytest

from cxminute.journeys import language
from cxminute.journeys.definition import Chain, Group, Pattern, Single, Timing
from cxminute.journeys.language import journey, parse_condition, parse_journey, parse_pattern, parse_step
from cxminute.journeys.syntax.printing import print_condition
from cxminute.model.definitions import Document
from cxminute.model.steps import Both, Comparison, Either, Negation, Step
from cxminute.model.times import DAY, HOUR
from tests.conftest import ROOT

WHOLE = """\
name    = "first-purchase"
per     = ["person", "product_id"]
pattern = '''
    viewed: "Product Viewed"
 -> carted: "Product Added" within 2 days
 -> "Coupon Applied"?
 -> bought: "Order Completed" where (total > 0) within 7 days without "Product Removed"
'''
unless  = ['"Account Closed"']
window  = "14 days"
ignoring = '"Heartbeat"'
reentry = "always"
purpose = "service-personalisation"
kpi     = "repeat-purchase"
on_change = "migrate"
"""


def chain(*parts: Single | Group | Pattern) -> Pattern:
    """One way, its parts one after another."""
    return Pattern((Chain(parts, tuple("->" for _ in parts[1:])),))


def test_a_definition_file_is_read_whole() -> None:
    """Every key of a journey's file arrives in the definition, durations in milliseconds."""
    doc = Document("journeys/first-purchase.toml", WHOLE)
    found = parse_journey(doc)
    assert not doc.faults
    assert found is not None
    assert (found.name, found.window, found.reentry, found.on_change) == (
        "first-purchase",
        14 * DAY,
        "always",
        "migrate",
    )
    assert (found.per, found.space, found.held) == (("person", "product_id"), "person", ("properties.product_id",))
    assert (found.purpose, found.kpi) == ("service-personalisation", "repeat-purchase")
    assert (found.unless, found.ignoring) == ((Step("Account Closed"),), (Step("Heartbeat"),))
    paid = Step("Order Completed", Comparison("properties.total", ">", (0.0,)))
    assert found.pattern == chain(
        Single(Step("Product Viewed"), "viewed"),
        Single(Step("Product Added"), "carted", Timing(within=2 * DAY)),
        Single(Step("Coupon Applied"), optional=True),
        Single(paid, "bought", Timing(within=7 * DAY, without=(Step("Product Removed"),))),
    )


def test_what_a_file_leaves_out_has_a_default() -> None:
    """Name, pattern and window are all that a journey needs: it is then of persons, one passage at a time."""
    doc = Document("j.toml", 'name = "j"\npattern = "A"\nwindow = "1 day"\n')
    found = parse_journey(doc)
    assert found is not None
    assert (found.per, found.reentry, found.on_change, found.kpi) == (("person",), "after exit", "finish", None)
    assert (found.unless, found.ignoring, found.held) == ((), (), ())


def test_python_and_file_say_the_same() -> None:
    """`journey(...)` in Python gives the definition that a file with the same words gives."""
    doc = Document(
        "j.toml",
        'name = "j"\nper = "order_id"\npattern = "A => B within 36 hours"\nwindow = "2 days"\nreentry = "once"\n'
        "unless = [\"C\"]\nignoring = ['D', 'E where (x = 1)']\n",
    )
    assert parse_journey(doc) == journey(
        "A => B within 1.5 days",
        window="48 hours",
        name="j",
        per=["order_id"],
        unless="C",
        ignoring=("D", "E where x = 1"),
        reentry="once",
    )


A, B, C, D = (Single(Step(name)) for name in "ABCD")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("A => B -> C", Pattern((Chain((A, B, C), ("=>", "->")),))),
        ("A -> B or C", Pattern((Chain((A, B), ("->",)), Chain((C,), ())))),
        ("A -> (B or C => D) -> D", chain(A, Pattern((Chain((B,), ()), Chain((C, D), ("=>",)))), D)),
        ("(A or B) -> C", chain(Pattern((Chain((A,), ()), Chain((B,), ()))), C)),
        ("A -> B? -> C", chain(A, Single(Step("B"), optional=True), C)),
        ("A -> (B? -> C) -> D", chain(A, chain(Single(Step("B"), optional=True), C), D)),
        ("A{3} -> B{20} within 1 day", chain(Single(A.step, times=3), Single(B.step, None, Timing(DAY), times=20))),
        ("(A and B) within 2 hours -> C", chain(Group((A.step, B.step), None, 2 * HOUR), C)),
        ("both: (A and A) -> ((C))", chain(Group((A.step, A.step), "both"), chain(chain(C)))),
        ("A -> x: (B and C and D) within 1 day", chain(A, Group((B.step, C.step, D.step), "x", DAY))),
        ('any -> "any"', chain(Single(Step("any", kind="any")), Single(Step("any")))),
        (
            "journey first-purchase.completed -> journey b2b.expired after 1 hour",
            chain(
                Single(Step("first-purchase.completed", kind="ending")),
                Single(Step("b2b.expired", kind="ending"), None, Timing(after=HOUR)),
            ),
        ),
        (
            'journey "to pay. later".broken where (total > 0)',
            chain(Single(Step("to pay. later.broken", Comparison("properties.total", ">", (0.0,)), "ending"))),
        ),
        (
            "A -> B within 2 hours after 2 hours without (C or any where (x is missing) or journey d-e.broken)",
            chain(
                A,
                Single(
                    B.step,
                    None,
                    Timing(
                        2 * HOUR,
                        2 * HOUR,
                        (
                            C.step,
                            Step("any", Comparison("properties.x", "missing"), "any"),
                            Step("d-e.broken", kind="ending"),
                        ),
                    ),
                ),
            ),
        ),
        ("A where x = 1 or B", Pattern((Chain((Single(parse_step("A where (x = 1)")),), ()), Chain((B,), ())))),
        ("(A where (x = 1) and B)", chain(Group((parse_step("A where x = 1"), B.step)))),
    ],
)
def test_every_form_of_a_pattern_is_read(text: str, meant: Pattern) -> None:
    """Arrows, ways, brackets, groups, optional and repeated steps, endings, any and timing mean what the page says."""
    assert parse_pattern(text) == meant


def test_steps_of_unless_and_ignoring_may_be_any_kind() -> None:
    """An entry of `unless` or `ignoring` is one step: an event, an ending of another journey, or any event."""
    found = journey("A", window="1 day", unless=["journey delivery.broken", "any where (refund = true)"])
    assert [step.kind for step in found.unless] == ["ending", "any"]


def test_conditions_bind_as_people_read_them() -> None:
    """`not` binds tighter than `and`, `and` tighter than `or`; parentheses decide otherwise."""
    x, y, z = (Comparison(f"properties.{name}", "present") for name in "xyz")
    told = "x is present or not y is present and z is present"
    assert parse_condition(told) == Either((x, Both((Negation(y), z))))
    assert parse_condition("(x is present or y is present) and z is present") == Both((Either((x, y)), z))
    assert parse_step(f"E where (not ({told}))") == Step("E", Negation(Either((x, Both((Negation(y), z))))))


def test_paths_are_bare_dotted_or_in_backticks() -> None:
    """A bare path is a property, a dotted one is as written, `source` and `name` are themselves."""
    told = {"total": "properties.total", "traits.plan": "traits.plan", "source": "source", "name": "name"}
    told |= {"`Unit Price`": "properties.Unit Price", "properties.`Unit Price`": "properties.Unit Price"}
    for said, meant in told.items():
        assert parse_condition(f"{said} is missing") == Comparison(meant, "missing")


def test_columns_of_a_file_keep_their_names() -> None:
    """For conditions on a file's columns, bare names stay as they are; others are quoted."""
    found = parse_condition("Quantity < 0 and `Unit Price` >= 1.5 and a.b = true", bare="")
    assert found == Both(
        (
            Comparison("Quantity", "<", (0.0,)),
            Comparison("Unit Price", ">=", (1.5,)),
            Comparison("a.b", "=", (True,)),
        )
    )


def test_literals_keep_their_type() -> None:
    """Numbers, texts with escapes, flags and times are told apart; a time without an offset is UTC."""
    found = parse_condition(r'x in (-2, 1.5e3, "say \"a\\b\"", true, 2015-01-01, 2015-01-01T10:30+02:00)')
    assert found == Comparison(
        "properties.x",
        "in",
        (-2.0, 1500.0, 'say "a\\b"', True, datetime(2015, 1, 1, tzinfo=UTC), datetime(2015, 1, 1, 8, 30, tzinfo=UTC)),
    )
    assert parse_condition(print_condition(found)) == found


def test_spaces_and_lines_do_not_matter() -> None:
    """A pattern over several lines is the pattern on one."""
    assert parse_pattern('a:"A"->"B" within 2days') == parse_pattern('\n  a : "A"\n  ->  "B"\n  within 2 days\n')


PAGE = (ROOT / "docs" / "reference" / "journeys.md").read_text("utf-8")


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_the_definitions_that_the_reference_shows_are_read(text: str) -> None:
    """Each definition file on the page is one without a fault, and has the name of its file."""
    doc = Document(text.splitlines()[0].removeprefix("# "), text)
    found = parse_journey(doc)
    assert doc.faults == []
    assert found is not None
    assert doc.file == f"journeys/{found.name}.toml"


def test_the_reference_shows_the_grammar_of_the_specification() -> None:
    """The grammar on the page is the one in the specification, sign for sign."""
    (shown,) = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert shown == dedent((language.__doc__ or "").split("Grammar\n")[1].split("\n\n")[0])


def test_the_reference_explains_every_key() -> None:
    """Each key that a journey's file may have stands in the page's table."""
    doc = Document("j.toml", "zzz = 1\n")
    parse_journey(doc)
    (unknown,) = [fault for fault in doc.faults if "'zzz'" in fault.what]
    keys = set((unknown.allowed or "").split(", "))
    assert keys == set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
