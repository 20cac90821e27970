"""Definitions printed back: whatever the language can say is printed as a text that says it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxminute.journeys.definition import Arrow, Chain, Group, Part, Pattern, Single, Timing
from cxminute.journeys.language import journey, parse_condition, parse_pattern, parse_step
from cxminute.journeys.syntax.expected import RESERVED
from cxminute.journeys.syntax.printing import canonical, print_condition, print_duration, print_pattern, print_step
from cxminute.journeys.syntax.reading import LONGEST_MS
from cxminute.model.errors import BadPattern
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step
from cxminute.model.times import DAY, HOUR, duration

quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
printed = st.characters(exclude_categories=["Cs"], exclude_characters="\n")
names = st.text(printed | st.sampled_from('"\\\n\t'), max_size=12)
durations = st.one_of(st.integers(0, LONGEST_MS), st.sampled_from([0, 1, HOUR, 3 * DAY]))
words = st.from_regex(r"[A-Za-z_]\w{0,6}", fullmatch=True)
spoken = st.text(printed.filter(lambda sign: sign != "`"), min_size=1, max_size=6)
bare_words = words.filter(lambda word: word not in RESERVED)

literals = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**60), 2**60).map(float),
    names,
    st.booleans(),
    st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=at.microsecond // 1_000 * 1_000)),
)
paths = st.one_of(
    st.sampled_from(["source", "name", "traits.plan", "context.page.2nd"]),
    (words | spoken | st.sampled_from(sorted(RESERVED))).map("properties.{}".format),
    st.lists(words | spoken, min_size=1, max_size=2).map(lambda found: ".".join(["context", *found])),
)
comparisons = st.one_of(
    st.builds(Comparison, paths, st.sampled_from(["missing", "present"])),
    st.builds(Comparison, paths, st.just("in"), st.lists(literals, min_size=1, max_size=3).map(tuple)),
    st.builds(Comparison, paths, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.tuples(literals)),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(Negation, inner),
        st.builds(Both, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Either, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)
journey_names = st.one_of(st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,2}", fullmatch=True), names)
endings = st.tuples(journey_names, st.sampled_from(["completed", "broken", "expired"])).map(".".join)
steps = st.one_of(
    st.builds(Step, names, st.none() | conditions),
    st.builds(Step, endings, st.none() | conditions, st.just("ending")),
    st.builds(Step, st.just("any"), st.none() | conditions, st.just("any")),
)


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    """Any timing; `after` may be longer than `within`, for they count from other times of the origin."""
    return Timing(draw(st.none() | durations), draw(st.none() | durations), tuple(draw(st.lists(steps, max_size=2))))


@st.composite
def parts(draw: st.DrawFn, depth: int, *, first: bool, last: bool) -> Part:
    """A single step, a group, or while there is depth left a bracketed pattern; its label comes later."""
    kind = draw(st.integers(0, 3 if depth else 2))
    if kind == 3:
        return draw(patterns(depth - 1, first=first, last=last))
    if kind == 2:
        return Group(tuple(draw(st.lists(steps, min_size=2, max_size=6))), None, draw(st.none() | durations))
    timing = Timing() if first else draw(timings())
    optional = not (first or last) and draw(st.booleans())
    return Single(draw(steps), None, timing, optional, 1 if optional else draw(st.sampled_from([1, 1, 2, 20])))


@st.composite
def patterns(draw: st.DrawFn, depth: int = 2, *, first: bool = True, last: bool = True) -> Pattern:
    """Any pattern of the language; first, last: whether it begins or ends the whole."""
    ways = []
    for _ in range(draw(st.integers(1, 2))):
        size = draw(st.integers(1, 3))
        found = tuple(
            draw(parts(depth, first=first and place == 0, last=last and place == size - 1)) for place in range(size)
        )
        head = found[0]
        if isinstance(head, Single) and all(isinstance(part, Single) and part.optional for part in found):
            found = (replace(head, optional=False), *found[1:])
        ways.append(Chain(found, tuple(draw(arrows(*pair)) for pair in pairwise(found))))
    return Pattern(tuple(ways))


def arrows(before: Part, behind: Part) -> st.SearchStrategy[Arrow]:
    """`=>` stands between single steps only."""
    direct = isinstance(before, Single) and isinstance(behind, Single)
    return st.sampled_from(["->", "=>"]) if direct else st.just("->")


def labelled(pattern: Pattern, labels: list[str]) -> Pattern:
    """The pattern with labels on its first steps and groups, each given once."""
    ways = []
    for way in pattern.ways:
        found: list[Part] = []
        for part in way.parts:
            if isinstance(part, Pattern):
                found.append(labelled(part, labels))
            else:
                found.append(replace(part, label=labels.pop() if labels else None))
        ways.append(replace(way, parts=tuple(found)))
    return Pattern(tuple(ways))


@settings(quick, max_examples=200)
@given(patterns(), st.lists(bare_words, unique=True, max_size=6))
def test_a_printed_pattern_says_the_same(pattern: Pattern, labels: list[str]) -> None:
    """Brackets, groups, labels, marks, timing and conditions: nothing is lost or changed by printing and reading."""
    said = labelled(pattern, labels)
    assert parse_pattern(print_pattern(said)) == said


@quick
@given(steps)
def test_a_printed_step_says_the_same(step: Step) -> None:
    """Any name and any condition survive: quotes, backslashes, lines and reserved words among them."""
    assert parse_step(print_step(step)) == step


@settings(quick, max_examples=300)
@given(st.text("AB(){}?:->=>\"'` andorwithinjourney.x1\n", max_size=30))
def test_no_text_is_fallen_over(text: str) -> None:
    """Whatever is typed is read, and printed back, or refused with a place in it."""
    refused = None
    try:
        found = parse_pattern(text)
    except BadPattern as fault:
        refused = fault
    if refused is None:
        assert parse_pattern(print_pattern(found)) == found
    else:
        lines = text.split("\n")
        assert refused.line is not None
        assert 1 <= refused.line <= len(lines)
        assert 1 <= refused.column <= len(lines[refused.line - 1]) + 1


@quick
@given(durations)
def test_a_printed_duration_is_exact(milliseconds: int) -> None:
    """No duration loses a millisecond when it is written out."""
    assert duration(print_duration(milliseconds)) == milliseconds


def test_columns_of_a_file_are_printed_as_they_are_called() -> None:
    """Conditions on a file's columns are printed with the names of the columns, in backticks where these need it."""
    for text in ("`Unit Price` >= 1.5", "`St.` = 1", "`not` is missing", "`..` = true", "Quantity in (1, 2)"):
        found = parse_condition(text, bare="")
        assert print_condition(found) == text
    at = Comparison("at", "<", (datetime(2015, 1, 1, tzinfo=UTC),))
    assert print_condition(at) == "at < 2015-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "A->x:B where n=1 without (C or D) within 24 hours",
            '"A" -> x: "B" where properties.n = 1 within 1 day without ("C" or "D")',
        ),
        ("A=>B?=>C{ 2 }or(D)", '"A" => "B"? => "C"{2} or ("D")'),
        ("x:(A and any)within 1.5 days->journey b-2.broken", 'x: ("A" and any) within 36 hours -> journey b-2.broken'),
        ('"any" -> journey "a b".expired', '"any" -> journey "a b".expired'),
    ],
)
def test_a_pattern_is_printed_in_one_canonical_line(text: str, shown: str) -> None:
    """However it was written, a pattern is printed in one form."""
    assert print_pattern(parse_pattern(text)) == shown


def test_the_canonical_text_holds_what_decides_the_passages() -> None:
    """Pattern, keys, window, reentry, unless and ignoring name the plan; purpose, kpi and on_change do not."""
    plain = journey("A => B", window="1 day")
    assert canonical(plain) == ('name journey\nper person\npattern "A" => "B"\nwindow 86400000 ms\nreentry after exit')
    others = [
        journey("A => B", window="1 day", ignoring="C"),
        journey("A => B", window="1 day", unless="C"),
        journey("A => B", window="1 day", per=["person", "sku"]),
        journey("A => B", window="2 days"),
        journey("A => B", window="1 day", reentry="once"),
        journey("A -> B", window="1 day"),
    ]
    assert len({canonical(definition) for definition in (plain, *others)}) == len(others) + 1
    same = replace(plain, purpose="marketing", kpi="loyalty", on_change="stop")
    assert canonical(same) == canonical(plain)
