"""What could have stood where a text cannot be read, in words: for the error's `allowed`, and its nearest word."""

from __future__ import annotations

from typing import Final

from cxminute.model.errors import nearest

_WORDS: Final = {
    "THEN": "->",
    "NEXT": "=>",
    "WHERE": "where",
    "WITHIN": "within",
    "AFTER": "after",
    "WITHOUT": "without",
    "OPTIONAL": "?",
    "TIMES": "a number of times such as {2}",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
    "IN": "in",
    "IS": "is",
    "MISSING": "missing",
    "PRESENT": "present",
    "TRUE": "true",
    "FALSE": "false",
    "OPEN": "(",
    "CLOSE": ")",
    "COLON": "a label's ':'",
    "COMMA": ",",
    "DOT": ".",
    "NAME": "a bare name",
    "STRING": 'a "quoted text"',
    "ANY": "any",
    "JOURNEY": "journey",
    "JOURNEY_NAME": "the name of a journey",
    "ENDING": "completed, broken or expired",
    "PATH": "a path",
    "NUMBER": "a number",
    "TIMESTAMP": "a time such as 2015-02-14",
    "UNIT": "seconds, minutes, hours, days or weeks",
    "OPERATOR": "one of = != < <= > >=",
    "$END": "the end",
}
_UNITS: Final = ("seconds", "minutes", "hours", "days", "weeks")
_KEYWORDS: Final = frozenset(word for word in _WORDS.values() if word.isalpha())

_MEANT: Final = {
    "then": "->", "followed": "->", "before": "->", ">": "->", "\u2192": "->", ",": "->",
    "directly": "=>", "next": "=>", "|": "or", "&": "and", "null": "missing",
}  # fmt: skip
"""What people write in other languages, and how it is said in this one."""

RESERVED: Final = _KEYWORDS | set(_UNITS) | {unit.removesuffix("s") for unit in _UNITS}
"""Words of the grammar: no bare name, neither of an event nor of a label."""


def expected_words(terminals: set[str]) -> str | None:
    """The terminals of the grammar in words, in the order in which a pattern would hold them."""
    return "; ".join(said for name, said in _WORDS.items() if name in terminals) or None


def near_word(word: str, terminals: set[str]) -> str | None:
    """The word of the language nearest to one that was misspelt, among those that may stand here."""
    allowed = {_WORDS[name] for name in terminals & set(_WORDS)}
    if _MEANT.get(word.lower()) in allowed:
        return _MEANT[word.lower()]
    known = allowed & _KEYWORDS
    if "UNIT" in terminals:
        known |= set(_UNITS)
    return nearest(word, known) if word else None
