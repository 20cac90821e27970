"""What the journey language reads, and how it says that it cannot."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cxminute.journeys.definition import Pattern, Single, Timing
from cxminute.journeys.language import journey, parse_condition, parse_journey, parse_pattern, parse_step
from cxminute.journeys.printing import print_condition, print_duration, print_pattern
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, BadPattern
from cxminute.model.steps import Both, Comparison, Either, Negation, Step
from cxminute.model.times import DAY, HOUR, duration

WHOLE = """\
name    = "first-purchase"
per     = "person"
pattern = '''
    viewed: "Product Viewed"
 -> carted: "Product Added" within 2 days
 -> bought: "Order Completed" where (total > 0) within 7 days without "Product Removed"
'''
unless  = ['"Account Closed"']
window  = "14 days"
reentry = "after exit"
purpose = "service-personalisation"
kpi     = "repeat-purchase"
"""


def test_a_definition_file_is_read_whole() -> None:
    """Every key of a journey's file arrives in the definition, durations in milliseconds."""
    doc = Document("journeys/first-purchase.toml", WHOLE)
    found = parse_journey(doc)
    assert not doc.faults
    assert found is not None
    assert (found.name, found.per, found.window, found.reentry) == ("first-purchase", "person", 14 * DAY, "after exit")
    assert (found.purpose, found.kpi, found.unless) == (
        "service-personalisation",
        "repeat-purchase",
        (Step("Account Closed"),),
    )
    paid = Step("Order Completed", Comparison("properties.total", ">", (0.0,)))
    assert found.pattern == Pattern(
        (
            Single(Step("Product Viewed"), "viewed"),
            Single(Step("Product Added"), "carted", Timing(within=2 * DAY)),
            Single(paid, "bought", Timing(within=7 * DAY, without=(Step("Product Removed"),))),
        )
    )


def test_python_and_file_say_the_same() -> None:
    """`journey(...)` in Python gives the definition that a file with the same words gives."""
    doc = Document("j.toml", 'name = "j"\npattern = "A -> B within 36 hours"\nwindow = "2 days"\nreentry = "once"\n')
    assert parse_journey(doc) == journey("A -> B within 1.5 days", window="48 hours", name="j", reentry="once")


def test_all_faults_of_a_file_are_told_at_once() -> None:
    """A misspelt word, an unknown key, a wrong choice and a bad step: each has its line and its nearest right name."""
    doc = Document(
        "journeys/j.toml",
        'name = "j"\npattern = \'"A" -> "B" withn 2 days\'\nunles = []\nunless = [\'"C" where\']\n'
        'window = "2 fortnights"\nreentry = "allways"\nignoring = []\non_change = "stop"\n',
    )
    assert parse_journey(doc) is None
    assert {fault.line: fault.nearest for fault in doc.faults} == {
        2: "within",
        3: "unless",
        4: None,
        5: None,
        6: "always",
        7: None,
        8: None,
    }


@pytest.mark.parametrize("text", ['name = "j"\nwindow = "1 day"\n', 'name = "j"\nwindow = "1 day"\npattern = ""\n'])
def test_a_journey_needs_a_pattern(text: str) -> None:
    """Without a pattern, or with an empty one, there is a fault and no journey."""
    doc = Document("j.toml", text)
    assert parse_journey(doc) is None
    assert len(doc.faults) == 1


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ('"A" => "B"', 5, "'=>'"),
        ('"A" or "B"', 5, "'or'"),
        ('"A" -> "B"?', 11, "'?'"),
        ('"A" -> "B"{3}', 11, "'{n}'"),
        ('("A" and "B") within 2 days', 1, "group"),
        ('"A" -> ("B" -> "C")', 8, "bracket"),
        ("any", 1, "'any'"),
        ('"A" -> journey delivery.broken', 8, "'journey"),
    ],
)
def test_what_is_not_supported_yet_is_refused_by_name(text: str, column: int, word: str) -> None:
    """Words of the language that this version cannot run are named at their column, not mistaken for slips."""
    with pytest.raises(BadPattern, match="not supported yet by this version") as raised:
        parse_pattern(text)
    assert raised.value.column == column
    assert word in raised.value.what


@pytest.mark.parametrize(
    ("text", "line", "column", "near"),
    [
        ('"A" -> "B" withn 2 days', '"A" -> "B" withn 2 days', 12, "within"),
        ('"A"\n -> "B" within 2 dayz', ' -> "B" within 2 dayz', 18, "days"),
        ('"A" where x is mising', '"A" where x is mising', 16, "missing"),
        ('"A" -> within', '"A" -> within', 8, None),
        ('"A', '"A', 1, None),
        ("'A'", "'A'", 1, None),
        ("", "", 1, None),
        ('"A" ->\n', '"A" ->', 7, None),
        ('"A" within 2 days', '"A" within 2 days', 5, None),
        ('"A" -> "B" within 2 days within 3 days', '"A" -> "B" within 2 days within 3 days', 26, None),
        ('"A" -> "B" within 1 day after 2 days', '"A" -> "B" within 1 day after 2 days', 8, None),
        ("x: A -> x: B", "x: A -> x: B", 9, None),
        ("days", "days", 1, None),
        ('"A" where t > 2015-02-30', '"A" where t > 2015-02-30', 15, None),
        ('"A" where t = "\\q"', '"A" where t = "\\q"', 15, None),
        ('"A" -> "B" within 99999999999999 weeks', '"A" -> "B" within 99999999999999 weeks', 19, None),
        ('"A" -> "B" within -2 days', '"A" -> "B" within -2 days', 19, None),
    ],
)
def test_a_fault_shows_its_line_column_and_nearest_word(text: str, line: str, column: int, near: str | None) -> None:
    """What cannot be read is shown on its own line with the column, and the word that was probably meant."""
    with pytest.raises(BadPattern) as raised:
        parse_pattern(text)
    fault = raised.value
    assert (fault.text, fault.column, fault.nearest) == (line, column, near)


@pytest.mark.parametrize("word", ["and", "or"])
def test_conditions_joined_without_parentheses_are_told_so(word: str) -> None:
    """The commonest slip has its own hint: two comparisons of one step need parentheses around them."""
    with pytest.raises(BadPattern, match="Compound conditions stand in parentheses"):
        parse_pattern(f'"A" where x = 1 {word} y = 2')
    assert parse_pattern(f'"A" where (x = 1 {word} y = 2)').parts[0].step.where is not None


def test_what_is_expected_names_only_what_can_be_run() -> None:
    """The words offered after a slip are those that this version supports."""
    with pytest.raises(BadPattern) as raised:
        parse_pattern('"A" ; "B"')
    assert raised.value.allowed == "->; where; within; after; without; the end"


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


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 1_001, 90_000, 36 * HOUR, 14 * DAY, 14 * DAY + 1])
def test_a_printed_duration_is_exact(milliseconds: int) -> None:
    """No duration loses a millisecond when it is written out."""
    assert duration(print_duration(milliseconds)) == milliseconds


def test_spaces_and_lines_do_not_matter() -> None:
    """A pattern over several lines is the pattern on one."""
    assert parse_pattern('a:"A"->"B" within 2days') == parse_pattern('\n  a : "A"\n  ->  "B"\n  within 2 days\n')


def test_print_pattern_is_one_canonical_line() -> None:
    """However it was written, a pattern is printed in one form."""
    assert print_pattern(parse_pattern("A->x:B where n=1 without (C or D) within 24 hours")) == (
        '"A" -> x: "B" where properties.n = 1 within 1 day without ("C" or "D")'
    )


def test_a_wrong_reentry_or_window_is_refused_in_python_too() -> None:
    """Bad words are told in Python as they are in files."""
    with pytest.raises(BadDefinition, match="always"):
        journey("A", window="1 day", reentry="allways")  # type: ignore[arg-type]  # the wrong word is the test
    with pytest.raises(BadDefinition, match="holds no journey"):
        journey("A", window="0 days")
