"""How a definition that is wrong is refused: what, where, what was expected, and what was probably meant."""

from __future__ import annotations

import pytest

from cxminute.journeys.language import journey, parse_condition, parse_journey, parse_pattern, parse_step
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, BadPattern


def test_all_faults_of_a_file_are_told_at_once() -> None:
    """A misspelt word, an unknown key, a wrong choice and a bad step: each has its line and its nearest right name."""
    doc = Document(
        "journeys/j.toml",
        'name = "j"\npattern = \'"A" -> "B" withn 2 days\'\nunles = []\nunless = [\'"C" where\']\n'
        'window = "2 fortnights"\nreentry = "allways"\nignoring = ["A -> B"]\non_change = "finsh"\n',
    )
    assert parse_journey(doc) is None
    assert {fault.line: fault.nearest for fault in doc.faults} == {
        2: "within",
        3: "unless",
        4: None,
        5: None,
        6: "always",
        7: None,
        8: "finish",
    }


@pytest.mark.parametrize("text", ['name = "j"\nwindow = "1 day"\n', 'name = "j"\nwindow = "1 day"\npattern = ""\n'])
def test_a_journey_needs_a_pattern(text: str) -> None:
    """Without a pattern, or with an empty one, there is a fault and no journey."""
    doc = Document("j.toml", text)
    assert parse_journey(doc) is None
    assert len(doc.faults) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('per = []\nwindow = "1 day"', "'per' is empty"),
        ('per = ""\nwindow = "1 day"', "'per' is empty"),
        ('per = ["person", "sku", "sku"]\nwindow = "1 day"', "'sku' is given twice"),
        ('per = ["person", "sku", "properties.sku"]\nwindow = "1 day"', "given twice"),
        ('per = 3\nwindow = "1 day"', "'per' is not text or a list of texts"),
        ("", "'window' is missing"),
        ('window = "0 days"', "A window of '0 days' holds no journey"),
        ('window = "-2 days"', "'-2 days' is not a duration"),
        (f'window = "{"9" * 400} days"', "holds no journey"),
        ("window = 14", "'window' is not text"),
        ('window = "1 day"\nunless = [3]', "unless holds something else than text"),
    ],
)
def test_every_key_is_checked(text: str, said: str) -> None:
    """Keys of a subject that are none or given twice, and windows that hold nothing, are one clear fault each."""
    doc = Document("j.toml", f'name = "j"\npattern = "A"\n{text}\n')
    assert parse_journey(doc) is None
    (fault,) = doc.faults
    assert said in fault.what


@pytest.mark.parametrize(
    ("text", "line", "column", "near"),
    [
        ('"A" -> "B" withn 2 days', '"A" -> "B" withn 2 days', 12, "within"),
        ('"A"\n -> "B" within 2 dayz', ' -> "B" within 2 dayz', 18, "days"),
        ('"A"\r\n -> "B" within 2 dayz\r\n', ' -> "B" within 2 dayz', 18, "days"),
        ('"A" where x is mising', '"A" where x is mising', 16, "missing"),
        ('"A" -> within', '"A" -> within', 8, None),
        ('"A" -> jurney x.broken', '"A" -> jurney x.broken', 15, None),
        ("A -> journey x.compleet", "A -> journey x.compleet", 16, "completed"),
        ("A then B", "A then B", 3, "->"),
        ("A \u2192 B", "A \u2192 B", 3, "->"),
        ("A > B", "A > B", 3, "->"),
        ("A -> B | C", "A -> B | C", 8, "or"),
        ("A where x is null", "A where x is null", 14, "missing"),
        ('"A', '"A', 1, None),
        ("'A'", "'A'", 1, None),
        ("", "", 1, None),
        ('"A" ->\n', '"A" ->', 7, None),
        ('"A" -> "B" within 2 days within 3 days', '"A" -> "B" within 2 days within 3 days', 26, None),
        ("days", "days", 1, None),
        ('"A" where t > 2015-02-30', '"A" where t > 2015-02-30', 15, None),
        ('"A" where t > 0001-01-01T00:00+02:00', '"A" where t > 0001-01-01T00:00+02:00', 15, None),
        ('"A" where t > 1e999', '"A" where t > 1e999', 15, None),
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
    assert not line or str(fault).endswith(f"  {line}\n  {' ' * (column - 1)}^")


def test_a_fault_in_a_pattern_of_several_lines_tells_which() -> None:
    """In a text of several lines the number of the line is told; in a file, the line of the file."""
    with pytest.raises(BadPattern, match=r"Line 2:\n  -> B withn 1 day\n       \^"):
        parse_pattern("A\n-> B withn 1 day")
    doc = Document("j.toml", "name = 'j'\npattern = '''\n  A\n  -> B withn 1 day\n'''\nwindow = '1 day'\n")
    assert parse_journey(doc) is None
    assert str(doc.faults[0]).startswith("j.toml:4: 'withn' cannot stand here. Did you mean 'within'?")


@pytest.mark.parametrize("first", ["", "\n"])
def test_of_lines_that_are_alike_the_right_one_is_told(first: str) -> None:
    """A line that stands in another one, or twice, is not mistaken for it."""
    doc = Document("j.toml", f"name = 'j'\nwindow = '1 day'\npattern = '''{first}A\n -> B\n -> A\n -> B\nB\n'''\n")
    assert parse_journey(doc) is None
    assert doc.faults[0].line == (8 if first else 7)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("A?", 2, "first step opens the passage: it cannot be optional"),
        ("(A? -> B) -> C", 3, "first step opens the passage: it cannot be optional"),
        ("A -> B or C? -> D", 12, "first step opens the passage: it cannot be optional"),
        ("A within 2 days", 3, "nothing comes before it to be timed"),
        ("A{2} after 2 days", 6, "nothing comes before it to be timed"),
        ("(B or (A without C -> D)) -> E", 10, "nothing comes before it to be timed"),
        ("A -> B?", 7, "last step completes the passage"),
        ("A -> (B -> C?)", 13, "last step completes the passage"),
        ("A -> (B or (C -> D?))", 19, "last step completes the passage"),
        ("A -> (B? -> C?) -> D", 7, "Every step of this chain is optional"),
        ("A -> (B or C?) -> D", 12, "Every step of this chain is optional"),
        ("A => (B and C)", 3, "between two single steps"),
        ("(A and B) => C", 11, "between two single steps"),
        ("A -> (B -> C) => D", 15, "between two single steps"),
        ("A => (B)", 3, "between two single steps"),
        ("(A and B and C and D and E and F and G)", 38, "This group has 7 steps"),
        ("x: (A)", 1, "A group has two steps or more"),
        ("A -> (B) within 2 days", 6, "A group has two steps or more"),
        ("(A and B) after 2 days", 11, "'after' cannot be said of a group"),
        ("(A and B) without C", 11, "'without' cannot be said of a group"),
        ("(A and B) within 1 day within 2 days", 24, "said twice"),
        ("(A and B)?", 10, "A group takes no '?'"),
        ("A -> (B -> C){2} -> D", 14, "A bracketed pattern takes no '{2}'"),
        ("x: (A -> B)", 1, "not a bracketed pattern"),
        ("(A -> B) within 2 days", 10, "not of a bracketed pattern"),
        ("A{0}", 2, "'{0}' is no number of times"),
        ("A{1}", 2, "'{1}' is no number of times"),
        ("A{21}", 2, "'{21}' is no number of times"),
        ("A{2,}", 2, "'{2,}' is no number of times"),
        ("A{\u00b2}", 2, "is no number of times"),
        ("x: A -> x: B", 9, "The label 'x' is given twice"),
        ("x: A or x: (B and C)", 9, "The label 'x' is given twice"),
        ("A -> journey x.open", 16, "'open' is no ending"),
        ("A where x = 1 -> B and C", 20, "Steps in any order stand in parentheses"),
        ("A and B", 3, "Steps in any order stand in parentheses"),
        ("Product Viewed -> B", 9, 'stands in quotes: "Product Viewed"'),
        ("any: A", 4, "A label is one bare word, and no word of the language"),
        ("within: A", 1, "'within' is a word of the language"),
        ("A where x = 1 and y = 2", 15, "Compound conditions stand in parentheses"),
        ("A where x = 1 or y = 2", 20, "Compound conditions stand in parentheses"),
        ("A where `.x`.y = 1", 9, "begins with a dot"),
        ("A -> 'Product Viewed'", 6, "stand in double quotes"),
        (" ", 1, "The text is empty"),
    ],
)
def test_what_no_pattern_can_say_is_refused_with_its_reason(text: str, column: int, said: str) -> None:
    """Each rule of the language has its own words, at the place where it is broken: also through brackets and `or`."""
    with pytest.raises(BadPattern) as raised:
        parse_pattern(text)
    assert said in raised.value.what
    assert (raised.value.line, raised.value.column) == (1, column)


@pytest.mark.parametrize("text", ["(" * 999 + "A" + ")" * 999, f"A where ({'not ' * 999}x = 1)"])
def test_what_lies_too_deep_is_refused(text: str) -> None:
    """A thousand brackets inside one another are refused, not fallen over."""
    with pytest.raises(BadPattern, match="stand inside one another"):
        parse_pattern(text)


def test_what_is_expected_is_told_in_words() -> None:
    """What could stand at the place is listed, and nothing else."""
    with pytest.raises(BadPattern) as raised:
        parse_pattern('"A" ; "B"')
    assert raised.value.allowed == (
        "->; =>; where; within; after; without; ?; a number of times such as {2}; or; the end"
    )
    with pytest.raises(BadPattern) as raised:
        parse_pattern('"A" -> journey delivery.')
    assert raised.value.allowed == "completed, broken or expired"


@pytest.mark.parametrize("text", ["A -> B", "x: A", "A within 2 days", "A{2}", "(A)", "A?"])
def test_a_step_is_one_step(text: str) -> None:
    """What belongs to patterns (labels, arrows, timing, marks) is no step of `unless`, `ignoring` or a promise."""
    with pytest.raises(BadPattern):
        parse_step(text)


def test_a_condition_alone_is_refused_alike() -> None:
    """Conditions of mappings are refused with the same clarity."""
    with pytest.raises(BadPattern, match=r"'=' cannot stand here\."):
        parse_condition("Quantity = = 3", bare="")


def test_python_refuses_as_files_do() -> None:
    """Bad words are told in Python as they are in files."""
    with pytest.raises(BadDefinition, match="Did you mean 'always'"):
        journey("A", window="1 day", reentry="allways")  # type: ignore[arg-type]  # the wrong word is the test
    with pytest.raises(BadDefinition, match="holds no journey"):
        journey("A", window="0 days")
    with pytest.raises(BadDefinition, match="'window' holds something else than text"):
        journey("A", window=14)  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(BadDefinition, match="'unless' holds something else than text"):
        journey("A", window="1 day", unless=("B", None))  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(BadDefinition, match="'per' is empty"):
        journey("A", window="1 day", per=())


def test_half_a_sign_is_told_and_can_be_shown() -> None:
    """What no text can hold is refused where it stands, in words that can be printed."""
    with pytest.raises(BadPattern) as told:
        parse_pattern('A\n -> "B\ud83d"')
    assert (told.value.line, told.value.column) == (2, 7)
    assert '-> "B?"' in str(told.value)
    assert str(told.value).encode()
