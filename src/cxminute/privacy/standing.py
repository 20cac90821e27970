"""Where identifiers of people stand in a text: a row in quarantine, a page, a table that was put aside.

Most identifiers are unlike any other word, and one that stands alone is theirs. A short number is not: 7 is also a
count. Of such a one only a field that holds identifiers is taken for theirs.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterable
from typing import Final

FORGOTTEN: Final = "(forgotten)"
"""Stands in a text in place of who was forgotten."""
FIELDS: Final = (
    "userId", "user_id", "anonymousId", "anonymous_id", "previousId", "previous_id", "distinct_id", "customer",
    "customer_id", "customerId",
)  # fmt: skip
"""What fields that hold an identifier are called, beside those that a mapping names."""
_TELLING: Final = 4
_DIGITS: Final = 7
_CELL: Final = re.compile(r"[,;\t|\n]")


def is_telling(word: str) -> bool:
    """Whether a word is unlike any other: of four characters at least, and of seven where all are digits."""
    return len(word) >= (_DIGITS if word.isdigit() else _TELLING)


class Fields:
    """What stands in fields that hold identifiers: there a short word is one, too.

    names: what columns or keys that hold identifiers are called, beside FIELDS; of a path, its end counts, too
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self._value = re.compile(_before(names) + r'(?:"((?:[^"\\]|\\.)*)"|([^\s",}\]]+))', re.IGNORECASE)

    def said_in(self, text: str, *, raw: bool = False) -> set[str]:
        """The values of these fields in a text; raw: a line of a file, in which any cell may hold an identifier."""
        found = {value or bare for value, bare in self._value.findall(text)}
        if raw:
            found.update(cell.strip().strip('"') for cell in _CELL.split(text))
        return {word for word in found if word.strip()}


class Words:
    """Identifiers, looked for in texts; case does not count.

    fields: what columns or keys that hold identifiers are called, beside FIELDS
    """

    def __init__(self, words: Iterable[str], fields: Collection[str] = ()) -> None:
        said = {word for word in words if word.strip()}
        self._said = frozenset(word.casefold() for word in said)
        telling = {form for word in said if is_telling(word) for form in _forms(word)}
        short = {form for word in said if not is_telling(word) for form in _forms(word)}
        parts = []
        if telling:
            parts.append(rf"(?<!\w)(?:{_any(telling)})(?!\w)")
        if short:  # the lookbehind of Python has one length, so the field is matched, too
            parts.append(rf'{_before(fields)}"?(?:{_any(short)})(?![\w.])')
        self._telling = re.compile(parts[0], re.IGNORECASE) if telling else None
        self._any = re.compile("|".join(parts), re.IGNORECASE) if parts else None
        self._cell = (
            re.compile(rf'(?:^|[,;\t|])\s*"?(?:{_any(short)})"?\s*(?:$|[,;\t|])', re.MULTILINE) if short else None
        )

    def are(self, value: str) -> bool:
        """Whether a value is one of them, and nothing else."""
        return value.strip().casefold() in self._said

    def stand_in(self, text: str, *, raw: bool = False) -> bool:
        """Whether one of them stands in a text; raw: a line of a file, in which any cell may hold an identifier."""
        if self._any is not None and self._any.search(text):
            return True
        return raw and self._cell is not None and self._cell.search(text) is not None

    def without(self, text: str) -> tuple[str, int]:
        """The text with FORGOTTEN in place of each that is unlike any other word, and how many there were."""
        return (text, 0) if self._telling is None else self._telling.subn(FORGOTTEN, text)


def _before(names: Collection[str]) -> str:
    """What stands before the value of a field that holds identifiers, as a pattern."""
    keys = {*FIELDS, *names, *(name.rpartition(".")[2] for name in names)}
    return rf'"(?:{_any(keys)})"\s*:\s*'


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def _forms(word: str) -> set[str]:
    """A word as texts, pages and JSON write it."""
    return {word, html.escape(word), json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]}
