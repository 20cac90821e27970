"""The grammar of the journey language, and texts turned into its trees; what cannot be read is shown with its place.

`language` is the page to read first: it says what the words mean. The grammar is wider than the language in a few
places (a label on a bracket, `{1}`), so that `reading` can refuse what people are likely to write with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Final, Literal

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from cxminute.journeys.syntax.expected import RESERVED, expected_words, near_word
from cxminute.model.errors import BadPattern

Node = Tree[Token]
Start = Literal["pattern", "step", "either"]

GRAMMAR: Final = r"""
pattern: chain (OR chain)*
chain: _part ((THEN | NEXT) _part)*
_part: single | group | brackets
brackets: label? OPEN pattern CLOSE (OPTIONAL | TIMES)? timing*
single: label? step (OPTIONAL | TIMES)? timing*
group: label? OPEN step (AND step)+ CLOSE (OPTIONAL | TIMES)? timing*
label: NAME COLON
step: event (WHERE where)?
event: STRING | NAME | ANY | JOURNEY (JOURNEY_NAME | STRING) DOT ENDING
timing: WITHIN duration | AFTER duration | WITHOUT guard
guard: step | OPEN step (OR step)* CLOSE
duration: NUMBER UNIT
where: comparison | OPEN either CLOSE
either: both (OR both)*
both: _term (AND _term)*
_term: negation | comparison | OPEN either CLOSE
negation: NOT _term
comparison: PATH OPERATOR literal | PATH IN OPEN literal (COMMA literal)* CLOSE | PATH IS (MISSING | PRESENT)
literal: NUMBER | STRING | TRUE | FALSE | TIMESTAMP

OR.2: /or\b/
AND.2: /and\b/
NOT.2: /not\b/
WHERE.2: /where\b/
WITHIN.2: /within\b/
AFTER.2: /after\b/
WITHOUT.2: /without\b/
ANY.2: /any\b/
JOURNEY.2: /journey\b/
IN.2: /in\b/
IS.2: /is\b/
MISSING.2: /missing\b/
PRESENT.2: /present\b/
TRUE.2: /true\b/
FALSE.2: /false\b/
UNIT.2: /(?:second|minute|hour|day|week)s?\b/
THEN.2: "->"
NEXT.2: "=>"
OPEN: "("
CLOSE: ")"
COLON: ":"
COMMA: ","
DOT: "."
OPTIONAL: "?"
TIMES: /\{[^{}\n]*\}/
OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">"
STRING: /"(?:\\.|[^"\\\n])*"/
TIMESTAMP.2: /\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?/
NUMBER: /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/
PATH: /(?:[^\W\d]\w*|`[^`\n]+`)(?:\.(?:\w+|`[^`\n]+`))*/
NAME: /[^\W\d]\w*/
JOURNEY_NAME.-1: /\w+(?:-+\w+)*/
ENDING.-1: /[^\W\d]\w*/
%ignore /\s+/
"""

_ARROW = re.compile(r"[-=]>")
_HALF = re.compile("[\ud800-\udfff]")
"""Surrogates without their other half, as JSON may bring them: nothing that can be written down again."""
_WORDS_BEFORE = re.compile(r"(?:^|[^\w\"`.])([^\W\d]\w*)[ \t]+$")


@cache
def _grammar() -> Lark:
    return Lark(GRAMMAR, parser="lalr", start=["pattern", "step", "either"])


def tree_of(text: str, start: Start) -> Node:
    """The tree of a text; BadPattern with line, column, what was expected and the nearest word where it has none."""
    if half := _HALF.search(text):
        before = text[: half.start()]
        what = "Half a sign of UTF-16 stands here, which no text of an event can hold."
        raise _bad(_HALF.sub("?", text), before.count("\n") + 1, len(before) - before.rfind("\n"), what, ())
    try:
        return _grammar().parse(text, start=start)
    except UnexpectedToken as fault:
        expected = fault.accepts or fault.expected
        token = fault.token
        if token.type == "$END":
            last = lines_of(text.rstrip())
            what = "The text ends too early." if text.strip() else "The text is empty."
            raise _bad(text, len(last), len(last[-1]) + 1, what, expected) from None
        near = near_word(token, expected)
        said = f"'{token}' cannot stand here."
        hint = "" if near else _hint(text[: token.start_pos or 0], token, start)
        raise _bad(text, token.line or 1, token.column or 1, said + hint, expected, near) from None
    except UnexpectedCharacters as fault:
        sign = text[fault.pos_in_stream or 0]
        said = f"'{sign}' cannot stand here."
        if sign == '"':
            said = 'A text begins here and does not end: its closing " is missing.'
        elif sign == "'":
            said = 'Texts and names stand in double quotes: "Product Viewed".'
        accepted = _accepted(text, start)
        raise _bad(text, fault.line, fault.column, said, accepted, near_word(sign, accepted)) from None


def lines_of(text: str) -> list[str]:
    """The lines of a text as the grammar counts them, at least one."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def _hint(before: str, token: Token, start: Start) -> str:
    """What was probably meant where a word cannot stand, for the commonest slips."""
    here = _ARROW.split(before)[-1]
    if token.type in {"AND", "OR", "OPERATOR", "IS", "IN"} and start != "either" and "where" in here:
        return " Compound conditions stand in parentheses."
    if token.type == "AND":
        return ' Steps in any order stand in parentheses: ("A" and "B").'
    if token.type == "COLON":
        return " A label is one bare word, and no word of the language."
    word = _WORDS_BEFORE.search(before)
    if token.isidentifier() and token not in RESERVED and word and word[1] not in RESERVED:
        return f' A name of several words stands in quotes: "{word[1]} {token}".'
    return ""


def _accepted(text: str, start: Start) -> set[str]:
    """What could stand where the text's first unreadable sign stands: the lexer alone allows more than that."""
    reader = _grammar().parse_interactive(text, start=start)
    with suppress(UnexpectedCharacters):
        reader.exhaust_lexer()
    return {str(name) for name in reader.accepts()}  # type: ignore[no-untyped-call]  # lark leaves it so


def _bad(text: str, line: int, column: int, what: str, expected: Iterable[str], near: str | None = None) -> BadPattern:
    lines = lines_of(text)
    return BadPattern(
        what,
        text=lines[min(line, len(lines)) - 1],
        column=column,
        line=line,
        allowed=expected_words(set(expected)),
        nearest=near,
    )
