"""Trees of the grammar into nodes: everything that a text can say, and each refusal with its reason and its place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from lark import Token, Tree

from cxminute.journeys.definition import Arrow, Chain, Group, Part, Pattern, Single, Timing
from cxminute.journeys.syntax.expected import RESERVED
from cxminute.journeys.syntax.grammar import Node, lines_of, tree_of
from cxminute.model.errors import BadDefinition, BadPattern, nearest
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Operator, Step, Value
from cxminute.model.times import duration

LONGEST_MS: Final = 2**50
"""No duration is longer: about 35,000 years, and exact to the millisecond however it is written."""
MOST_TIMES: Final = 20
MOST_IN_GROUP: Final = 6
CHILD_ENDINGS: Final = ("completed", "broken", "expired")
"""How a passage ends, as `journey NAME.ENDING` names it; one that is open has not ended."""

_MOST_DEEP: Final = 50  # brackets and `not` inside one another: what lies deeper was not written by a person
_PATH_WORD = re.compile(r"`[^`\n]+`|\w+")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_ITSELF: Final = ("source", "name")


def read_pattern(text: str) -> Pattern:
    """The pattern that the text says, or BadPattern."""
    return _Reader(text, "properties").pattern(tree_of(text, "pattern"))


def read_step(text: str) -> Step:
    """The step that the text says, or BadPattern."""
    return _Reader(text, "properties").step(tree_of(text, "step"))


def read_condition(text: str, bare: str) -> Condition:
    """The condition that the text says, bare paths under `bare`, or BadPattern."""
    return _Reader(text, bare).either(tree_of(text, "either"))


class _Reader:
    """Trees of one text into nodes; holds the text, so that a fault can show its line.

    bare: what a path without dots belongs to; '' leaves it as it is
    """

    def __init__(self, text: str, bare: str) -> None:
        self._lines = lines_of(text)
        self._bare = bare
        self._labels: set[str] = set()
        self._depth = 0

    def pattern(self, tree: Node, *, first: bool = True, last: bool = True) -> Pattern:
        """The ways of a pattern; first, last: whether it begins or ends the whole (in brackets it may do neither)."""
        return Pattern(tuple(self._chain(chain, first=first, last=last) for chain in _trees(tree, "chain")))

    def step(self, tree: Node) -> Step:
        """The event that a step names, with its condition."""
        (event,) = _trees(tree, "event")
        where = next(_trees(tree, "where"), None)
        word = _first(event)
        match word.type:
            case "STRING":
                found = Step(self._string(word))
            case "NAME":
                found = Step(self._bare_name(word, "event"))
            case "ANY":
                found = Step("any", kind="any")
            case _:
                found = Step(self._ending(event), kind="ending")
        return Step(found.name, self._term(where.children), found.kind) if where else found

    def either(self, tree: Node) -> Condition:
        """A boolean expression: comparisons with and, or, not."""
        parts = tuple(self._both(part) for part in _trees(tree, "both"))
        return parts[0] if len(parts) == 1 else Either(parts)

    def _chain(self, tree: Node, *, first: bool, last: bool) -> Chain:
        trees = [child for child in tree.children if isinstance(child, Tree)]
        end = len(trees) - 1
        parts: list[Part] = []
        for place, part in enumerate(trees):
            begins, ends = first and place == 0, last and place == end
            if part.data == "single":
                parts.append(self._single(part, first=begins, last=ends))
            elif part.data == "group":
                parts.append(self._group(part))
            else:
                parts.append(self._brackets(part, first=begins, last=ends))
        if all(isinstance(part, Single) and part.optional for part in parts):
            what = "Every step of this chain is optional: it would be passed without any event."
            raise self._fault(_first(tree), what, "one step or more without '?'")
        arrows: list[Arrow] = []
        for place, arrow in enumerate(_tokens(tree, "THEN", "NEXT")):
            direct = arrow.type == "NEXT"
            if direct and not trees[place].data == trees[place + 1].data == "single":
                raise self._fault(arrow, "'=>' stands between two single steps, not beside a group or a bracket.", "->")
            arrows.append("=>" if direct else "->")
        return Chain(tuple(parts), tuple(arrows))

    def _single(self, tree: Node, *, first: bool, last: bool) -> Single:
        (step,) = _trees(tree, "step")
        label = self._label(tree)
        read = self.step(step)
        optional = next(_tokens(tree, "OPTIONAL"), None)
        if optional and first:
            raise self._fault(optional, "The first step opens the passage: it cannot be optional.")
        if optional and last:
            what = "The last step completes the passage: an optional one would never be waited for."
            raise self._fault(optional, what)
        for timing in _trees(tree, "timing"):
            if first:
                what = "The first step opens the passage: nothing comes before it to be timed."
                raise self._fault(_first(timing), what)
        return Single(read, label, self._timing(tree), optional is not None, self._times(tree))

    def _group(self, tree: Node) -> Group:
        label = self._label(tree)
        self._refuse_marks(tree, "A group")
        steps = list(_trees(tree, "step"))
        if len(steps) > MOST_IN_GROUP:
            what = f"This group has {len(steps)} steps."
            raise self._fault(_first(steps[MOST_IN_GROUP]), what, f"2 to {MOST_IN_GROUP} steps")
        read = tuple(self.step(step) for step in steps)
        for timing in _trees(tree, "timing"):
            word = _first(timing)
            if word.type != "WITHIN":
                # a guard or a wait would have to say for which of its marks it counts
                raise self._fault(word, f"'{word}' cannot be said of a group.", "within")
        return Group(read, label, self._timing(tree).within)

    def _brackets(self, tree: Node, *, first: bool, last: bool) -> Pattern:
        (inside,) = _trees(tree, "pattern")
        labels = list(_trees(tree, "label"))
        extra = [_first(timing) for timing in _trees(tree, "timing")]
        if (labels or extra) and _is_one_step(inside):
            raise self._fault(_first(tree), "A group has two steps or more.", '("A" and "B"), or one step by itself')
        if labels:
            raise self._fault(_first(tree), "A label names a step or a group, not a bracketed pattern.")
        self._refuse_marks(tree, "A bracketed pattern")
        self._deeper(_first(tree))
        read = self.pattern(inside, first=first, last=last)
        self._depth -= 1
        if extra:
            what = f"'{extra[0]}' is said of a step, not of a bracketed pattern."
            raise self._fault(extra[0], what, "timing inside the brackets, on the steps that it is meant for")
        return read

    def _refuse_marks(self, tree: Node, what: str) -> None:
        for word in _tokens(tree, "OPTIONAL", "TIMES"):
            raise self._fault(word, f"{what} takes no '{word}': that is said of single steps.")

    def _label(self, tree: Node) -> str | None:
        for named in _trees(tree, "label"):
            word = _first(named)
            label = self._bare_name(word, "label")
            if label in self._labels:
                raise self._fault(word, f"The label '{label}' is given twice.")
            self._labels.add(label)
            return label
        return None

    def _times(self, single: Node) -> int:
        for word in _tokens(single, "TIMES"):
            said = word[1:-1].strip()
            if not (said.isascii() and said.isdigit() and len(said) < 9 and 2 <= int(said) <= MOST_TIMES):
                raise self._fault(word, f"'{word}' is no number of times.", f"{{2}} to {{{MOST_TIMES}}}")
            return int(said)
        return 1

    def _timing(self, part: Node) -> Timing:
        within: int | None = None
        after: int | None = None
        without: tuple[Step, ...] = ()
        seen: set[str] = set()
        for timing in _trees(part, "timing"):
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
        return Timing(within, after, without)

    def _duration(self, timing: Node) -> int:
        (tree,) = _trees(timing, "duration")
        number, unit = _tokens(tree, "NUMBER", "UNIT")
        try:
            found = duration(f"{number} {unit}")
        except BadDefinition as fault:
            raise self._fault(number, fault.what, fault.allowed) from None
        except OverflowError:  # a number of more than 308 digits
            found = LONGEST_MS + 1
        if found > LONGEST_MS:
            raise self._fault(number, f"'{number} {unit}' is longer than a clock can count.")
        return found

    def _ending(self, event: Node) -> str:
        """NAME.ENDING of another journey's passage."""
        (journey,) = _tokens(event, "STRING", "JOURNEY_NAME")
        (ending,) = _tokens(event, "ENDING")
        allowed = ", ".join(CHILD_ENDINGS)
        if ending == "open":
            raise self._fault(ending, "'open' is no ending: such a passage has not ended yet.", allowed)
        if ending not in CHILD_ENDINGS:
            raise self._fault(ending, f"'{ending}' is no ending.", allowed, nearest(ending, CHILD_ENDINGS))
        return f"{self._string(journey) if journey.type == 'STRING' else journey}.{ending}"

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

    def _term(self, children: Sequence[Node | Token]) -> Condition:
        """A comparison, a negation, or what stands between parentheses."""
        (tree,) = [child for child in children if isinstance(child, Tree)]
        if tree.data == "comparison":
            return self._comparison(tree)
        self._deeper(_first(tree))
        found = Negation(self._term(tree.children)) if tree.data == "negation" else self.either(tree)
        self._depth -= 1
        return found

    def _comparison(self, tree: Node) -> Comparison:
        path = self._path(_first(tree))
        values = tuple(self._literal(_first(literal)) for literal in _trees(tree, "literal"))
        (word,) = _tokens(tree, "OPERATOR", "IN", "MISSING", "PRESENT")
        operator: Operator = str(word)  # type: ignore[assignment]  # the grammar lets nothing else through
        return Comparison(path, operator, values)

    def _path(self, word: Token) -> str:
        words = [part.strip("`") for part in _PATH_WORD.findall(word)]
        if len(words) > 1 and self._bare and words[0].startswith("."):
            raise self._fault(word, f"{word} begins with a dot: it names no place that properties lie in.")
        if len(words) > 1 or not self._bare or words[0] in _ITSELF:
            return ".".join(words)
        return f"{self._bare}.{words[0]}"

    def _literal(self, word: Token) -> Value:
        match word.type:
            case "NUMBER":
                if math.isinf(float(word)):
                    raise self._fault(word, f"'{word}' is larger than any number.")
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
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError) as fault:
            raise self._fault(word, f"'{word}' is not a time: {fault}.") from None

    def _string(self, word: Token) -> str:
        inside = str(word)[1:-1]
        for escape in _ESCAPE.finditer(inside):
            if escape[1] not in _ESCAPED:
                raise self._fault(word, f"'{escape[0]}' is no escape.", '\\" \\\\ \\n \\t')
        return _ESCAPE.sub(lambda escape: _ESCAPED[escape[1]], inside)

    def _bare_name(self, word: Token, kind: str) -> str:
        if str(word) in RESERVED:
            said = 'the event in "quotes"' if kind == "event" else "another bare word"
            raise self._fault(word, f"'{word}' is a word of the language, not a bare name.", said)
        return str(word)

    def _deeper(self, word: Token) -> None:
        self._depth += 1
        if self._depth > _MOST_DEEP:
            raise self._fault(word, f"More than {_MOST_DEEP} brackets and 'not' stand inside one another.")

    def _fault(self, word: Token, what: str, allowed: str | None = None, near: str | None = None) -> BadPattern:
        line, column = word.line or 1, word.column or 1
        text = self._lines[line - 1]
        return BadPattern(what, text=text, column=column, line=line, allowed=allowed, nearest=near)


def _is_one_step(pattern: Node) -> bool:
    """Whether a pattern in brackets is one step and nothing else."""
    (chain, *others) = _trees(pattern, "chain")
    return not others and len(chain.children) == 1 and len(list(_trees(chain, "single"))) == 1


def _trees(tree: Node, kind: str) -> Iterator[Node]:
    return (child for child in tree.children if isinstance(child, Tree) and child.data == kind)


def _tokens(tree: Node, *kinds: str) -> Iterator[Token]:
    return (child for child in tree.children if isinstance(child, Token) and child.type in kinds)


def _first(tree: Node) -> Token:
    """The token that a tree begins with."""
    return next(iter(tree.scan_values(lambda _: True)))
