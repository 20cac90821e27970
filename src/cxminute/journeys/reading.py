"""The grammar of the whole language, and its trees turned into nodes; what this version cannot run is refused by name.

`language` is the page to read first: it says what the words mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Final

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from cxminute.journeys.definition import Pattern, Single, Timing
from cxminute.journeys.expected import RESERVED, expected_words, near_word
from cxminute.model.errors import BadDefinition, BadPattern
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Operator, Step, Value
from cxminute.model.times import duration

Node = Tree[Token]

GRAMMAR: Final = r"""
pattern: chain (OR chain)*
chain: _part ((THEN | NEXT) _part)*
_part: single | group | brackets
brackets: OPEN pattern CLOSE
single: label? step (OPTIONAL | TIMES)? timing*
group: label? OPEN step (AND step)+ CLOSE (WITHIN duration)?
label: NAME ":"
step: event (WHERE where)?
event: STRING | NAME | ANY | JOURNEY NAME "." NAME
timing: WITHIN duration | AFTER duration | WITHOUT guard
guard: step | OPEN step (OR step)* CLOSE
duration: NUMBER UNIT
where: comparison | OPEN either CLOSE
either: both (OR both)*
both: _term (AND _term)*
_term: negation | comparison | OPEN either CLOSE
negation: NOT _term
comparison: PATH OPERATOR literal | PATH IN OPEN literal ("," literal)* CLOSE | PATH IS (MISSING | PRESENT)
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
OPTIONAL: "?"
TIMES: /\{\s*\d+\s*\}/
OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">"
STRING: /"(?:\\.|[^"\\\n])*"/
TIMESTAMP.2: /\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?/
NUMBER: /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/
PATH: /(?:[^\W\d]\w*|`[^`\n]+`)(?:\.(?:\w+|`[^`\n]+`))*/
NAME: /[^\W\d]\w*/
%ignore /\s+/
"""

LONGEST_MS: Final = 2**52
"""No duration is longer: about 142,000 years, far below where milliseconds would overflow."""

_PATH_WORD = re.compile(r"`[^`\n]+`|\w+")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_ITSELF: Final = ("source", "name")


def read_pattern(text: str) -> Pattern:
    """The pattern that the text says, or BadPattern."""
    return _Reader(text, "properties").pattern(_parse(text, "pattern"))


def read_step(text: str) -> Step:
    """The step that the text says, or BadPattern."""
    return _Reader(text, "properties").step(_parse(text, "step"))


def read_condition(text: str, bare: str) -> Condition:
    """The condition that the text says, bare paths under `bare`, or BadPattern."""
    return _Reader(text, bare).either(_parse(text, "either"))


@cache
def _grammar() -> Lark:
    return Lark(GRAMMAR, parser="lalr", start=["pattern", "step", "either"])


def _parse(text: str, start: str) -> Node:
    try:
        return _grammar().parse(text, start=start)
    except UnexpectedToken as fault:
        expected = fault.accepts or fault.expected
        if fault.token.type == "$END":
            lines = text.splitlines() or [""]
            raise _bad(text, len(lines), len(lines[-1]) + 1, "The text ends too early.", expected, "") from None
        said = f"'{fault.token}' cannot stand here."
        if fault.token.type in {"AND", "OPERATOR", "IS", "IN"} and start != "either" and "where" in text:
            said += " Compound conditions stand in parentheses."
        raise _bad(text, fault.line, fault.column, said, expected, str(fault.token)) from None
    except UnexpectedCharacters as fault:
        sign = text[fault.pos_in_stream or 0]
        said = 'A text begins here and does not end: its closing " is missing.' if sign == '"' else ""
        said = said or f"'{sign}' cannot stand here."
        raise _bad(text, fault.line, fault.column, said, _accepted(text, start), "") from None


def _accepted(text: str, start: str) -> set[str]:
    """What could stand where the text's first unreadable sign stands: the lexer alone allows more than that."""
    reader = _grammar().parse_interactive(text, start=start)
    with suppress(UnexpectedCharacters):
        reader.exhaust_lexer()
    return {str(name) for name in reader.accepts()}  # type: ignore[no-untyped-call]  # lark leaves it so


def _bad(text: str, line: int, column: int, what: str, expected: Iterable[str], word: str) -> BadPattern:
    names = set(expected)
    lines = text.splitlines() or [""]
    return BadPattern(
        what,
        text=lines[min(line, len(lines)) - 1],
        column=column,
        allowed=expected_words(names),
        nearest=near_word(word, names),
    )


class _Reader:
    """Trees of one text into nodes; holds the text, so that a fault can show its line.

    bare: what a path without dots belongs to; '' leaves it as it is
    """

    def __init__(self, text: str, bare: str) -> None:
        self._lines = text.splitlines()
        self._bare = bare

    def pattern(self, tree: Node) -> Pattern:
        for word in _tokens(tree, "OR"):
            raise self._later(word, "'or' between patterns")
        (chain,) = _trees(tree, "chain")
        for word in _tokens(chain, "NEXT"):
            raise self._later(word, "'=>'")
        for several in (*_trees(chain, "group"), *_trees(chain, "brackets")):
            raise self._later(_first(several), "A group or bracket")
        singles = list(_trees(chain, "single"))
        parts = [self._single(single) for single in singles]
        if parts[0].timing != Timing():
            timing = next(_trees(singles[0], "timing"))
            raise self._fault(_first(timing), "The first step opens the passage: nothing comes before it to be timed.")
        labels: set[str] = set()
        for part, single in zip(parts, singles, strict=True):
            if part.label in labels:
                raise self._fault(_first(single), f"The label '{part.label}' is given twice.")
            labels |= {part.label} if part.label else set()
        return Pattern(tuple(parts))

    def step(self, tree: Node) -> Step:
        (event,) = _trees(tree, "event")
        where = next(_trees(tree, "where"), None)
        return Step(self._event(event), self._term(where.children) if where else None)

    def either(self, tree: Node) -> Condition:
        parts = tuple(self._both(part) for part in _trees(tree, "both"))
        return parts[0] if len(parts) == 1 else Either(parts)

    def _single(self, tree: Node) -> Single:
        for word in _tokens(tree, "OPTIONAL"):
            raise self._later(word, "'?'")
        for word in _tokens(tree, "TIMES"):
            raise self._later(word, "'{n}'")
        (step,) = _trees(tree, "step")
        label = None
        for named in _trees(tree, "label"):
            label = self._bare_name(_first(named), "label")
        return Single(self.step(step), label, self._timing(tree))

    def _timing(self, single: Node) -> Timing:
        within: int | None = None
        after: int | None = None
        without: tuple[Step, ...] = ()
        seen: set[str] = set()
        for timing in _trees(single, "timing"):
            word = _first(timing)
            if word.type in seen:
                raise self._fault(word, f"'{word}' is said twice of one step.")
            seen.add(word.type)
            if word.type == "WITHOUT":
                (guard,) = _trees(timing, "guard")
                without = tuple(self.step(step) for step in _trees(guard, "step"))
            elif word.type == "WITHIN":
                within = self._duration(timing)
            else:
                after = self._duration(timing)
        if within is not None and after is not None and after > within:
            raise self._fault(_first(single), "'after' is longer than 'within': no event can come between them.")
        return Timing(within, after, without)

    def _duration(self, timing: Node) -> int:
        (tree,) = _trees(timing, "duration")
        number, unit = _tokens(tree, "NUMBER", "UNIT")
        try:
            found = duration(f"{number} {unit}")
        except BadDefinition as fault:
            raise self._fault(number, fault.what, fault.allowed) from None
        if found > LONGEST_MS:
            raise self._fault(number, f"'{number} {unit}' is longer than a clock can count.")
        return found

    def _event(self, tree: Node) -> str:
        word = _first(tree)
        match word.type:
            case "STRING":
                return self._string(word)
            case "NAME":
                return self._bare_name(word, "event")
            case "ANY":
                raise self._later(word, "'any'")
            case _:
                raise self._later(word, "'journey NAME.ENDING'")

    def _both(self, tree: Node) -> Condition:
        parts: list[Condition] = []
        held: list[Node | Token] = []
        for child in (*tree.children, Token("AND", "and")):
            if isinstance(child, Token) and child.type == "AND":
                parts.append(self._term(held))
                held = []
            else:
                held.append(child)
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _term(self, children: list[Node | Token]) -> Condition:
        """A comparison, a negation, or what stands between parentheses."""
        (tree,) = [child for child in children if isinstance(child, Tree)]
        if tree.data == "comparison":
            return self._comparison(tree)
        return Negation(self._term(tree.children)) if tree.data == "negation" else self.either(tree)

    def _comparison(self, tree: Node) -> Comparison:
        path = self._path(_first(tree))
        values = tuple(self._literal(_first(literal)) for literal in _trees(tree, "literal"))
        (word,) = _tokens(tree, "OPERATOR", "IN", "MISSING", "PRESENT")
        operator: Operator = str(word)  # type: ignore[assignment]  # the grammar lets nothing else through
        return Comparison(path, operator, values)

    def _path(self, word: Token) -> str:
        words = [part.strip("`") for part in _PATH_WORD.findall(word)]
        if len(words) > 1 or not self._bare or words[0] in _ITSELF:
            return ".".join(words)
        return f"{self._bare}.{words[0]}"

    def _literal(self, word: Token) -> Value:
        match word.type:
            case "NUMBER":
                return float(word)
            case "STRING":
                return self._string(word)
            case "TIMESTAMP":
                return self._timestamp(word)
            case _:
                return word.type == "TRUE"

    def _timestamp(self, word: Token) -> datetime:
        try:
            moment = datetime.fromisoformat(word)
        except ValueError as fault:
            raise self._fault(word, f"'{word}' is not a time: {fault}.") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)

    def _string(self, word: Token) -> str:
        inside = str(word)[1:-1]
        for escape in _ESCAPE.finditer(inside):
            if escape[1] not in _ESCAPED:
                raise self._fault(word, f"'{escape[0]}' is no escape.", '\\" \\\\ \\n \\t')
        if not inside:
            return inside
        return _ESCAPE.sub(lambda escape: _ESCAPED[escape[1]], inside)

    def _bare_name(self, word: Token, kind: str) -> str:
        if str(word) in RESERVED:
            raise self._fault(word, f"'{word}' is a word of the language, not a bare name.", f'the {kind} in "quotes"')
        return str(word)

    def _later(self, word: Token, what: str) -> BadPattern:
        return self._fault(word, f"{what} is not supported yet by this version.")

    def _fault(self, word: Token, what: str, allowed: str | None = None) -> BadPattern:
        return BadPattern(what, text=self._lines[(word.line or 1) - 1], column=word.column or 1, allowed=allowed)


def _trees(tree: Node, kind: str) -> Iterator[Node]:
    return (child for child in tree.children if isinstance(child, Tree) and child.data == kind)


def _tokens(tree: Node, *kinds: str) -> Iterator[Token]:
    return (child for child in tree.children if isinstance(child, Token) and child.type in kinds)


def _first(tree: Node) -> Token:
    """The token that a tree begins with."""
    return next(iter(tree.scan_values(lambda _: True)))
