"""What could have stood where a text cannot be read, in words: for the error's `allowed`, and its nearest word."""

from __future__ import annotations

from typing import Final

from cxminute.model.errors import nearest

_WORDS: Final = {
    "THEN": "->",
    "WHERE": "where",
    "WITHIN": "within",
    "AFTER": "after",
    "WITHOUT": "without",
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
    "NAME": "a bare name",
    "STRING": 'a "quoted text"',
    "PATH": "a path",
    "NUMBER": "a number",
    "TIMESTAMP": "a time such as 2015-02-14",
    "UNIT": "seconds, minutes, hours, days or weeks",
    "OPERATOR": "one of = != < <= > >=",
    "$END": "the end",
}
_UNITS: Final = ("seconds", "minutes", "hours", "days", "weeks")
_KEYWORDS: Final = frozenset(word for word in _WORDS.values() if word.isalpha())

RESERVED: Final = _KEYWORDS | {"any", "journey"} | set(_UNITS) | {unit.removesuffix("s") for unit in _UNITS}
"""Words of the grammar: no bare name, neither of an event nor of a label."""


def expected_words(terminals: set[str]) -> str | None:
    """The terminals of the grammar in words, without those that this version refuses."""
    shown = [said for name, said in _WORDS.items() if name in terminals and name not in _hidden(terminals)]
    return "; ".join(shown) or None


def near_word(word: str, terminals: set[str]) -> str | None:
    """The word of the language nearest to one that was misspelt, among those that may stand here."""
    known = {_WORDS[name] for name in (terminals & set(_WORDS)) - _hidden(terminals)} & _KEYWORDS
    if "UNIT" in terminals:
        known |= set(_UNITS)
    return nearest(word, known) if word else None


def _hidden(terminals: set[str]) -> set[str]:
    """Where a chain may go on, `or` and `and` would be those between patterns; where an event begins, '(' a group's."""
    hidden = {"OR", "AND"} if "THEN" in terminals else set()
    return hidden | ({"OPEN"} if "ANY" in terminals else set())
