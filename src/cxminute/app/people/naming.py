"""Identifiers as people type them and as they are shown: a user id as it stands, an address by its first letters.

Values by which people are recognised are personal: they are shown shortened, with the number by which they can be named
again (`#17`), so that no answer, no shell history and no log holds them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from cxminute.app.people.recognising import PREVIOUS
from cxminute.app.project import Project
from cxminute.model.errors import CxmError, UnknownName, WrongUse
from cxminute.privacy.permits import Permit
from cxminute.resolve.guards import normalised
from cxminute.store.vault import APART, ERASED, LINKING, PERSON_KINDS, UNREADABLE, is_of_person

NUMBER: Final = "#"
"""Begins an identifier that is named by its number."""


class UnknownPerson(UnknownName):
    """Nobody has this identifier, as far as the permit shows. It names no other's: an id is no word to be guessed."""

    def __init__(self, kinds: str) -> None:
        CxmError.__init__(
            self,
            f"Nobody has that {kinds}, in what may be read for this purpose.",
            allowed="an identifier just as its source wrote it, or #NUMBER",
        )


@dataclass(frozen=True, slots=True)
class Called:
    """One identifier of a person.

    kind:  as people call it: user_id, email
    said:  what it says, as it may be shown; of one that was forgotten, so
    apart: the one source that knows it; '' for all
    """

    number: int
    kind: str
    said: str
    apart: str = ""

    @property
    def text(self) -> str:
        """In a sentence: its kind, what it says, and the number where that is shortened."""
        number = "" if self.kind in PERSON_KINDS else f" {NUMBER}{self.number}"
        return f"{self.kind} {self.said}{number}"

    @property
    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return {"number": self.number, "kind": self.kind, "id": self.said, "apart": self.apart or None}


def person_kinds(project: Project) -> list[str]:
    """The kinds of identifier that people are recognised by, as the log calls them."""
    return [*PERSON_KINDS, *(kind.column for kind in project.settings.kinds.values() if kind.name not in PERSON_KINDS)]


def linking_columns(project: Project) -> list[str]:
    """The columns of the log that hold numbers of people's identifiers, of whichever kind."""
    return [*person_kinds(project), *PREVIOUS]


def kind_asked(project: Project, kind: str) -> str:
    """A kind of identifier as the log calls it: `email` is '@email', unless a source calls one of its own so.

    raises: UnknownName
    """
    known = {*project.kinds, *PERSON_KINDS}
    if kind in known or kind in person_kinds(project):
        return kind
    if f"{LINKING}{kind}" in person_kinds(project):
        return f"{LINKING}{kind}"
    raise UnknownName(
        "kind of identifier", kind, known | {name.removeprefix(LINKING) for name in person_kinds(project)}
    )


def numbers_of(project: Project, leave: Permit, identifier: str, kinds: Iterable[str]) -> dict[str, list[int]]:
    """The numbers that an identifier has in each of these kinds, empty where it never came.

    leave: of its sources that may not be linked, an identifier is looked for as theirs too
    raises: WrongUse for a number that cannot be read
    """
    if identifier.startswith(NUMBER):
        kinds = list(kinds)
        found = called(project, [_numbered(identifier)], [kind for kind in kinds if is_of_person(kind)])
        of = {one.kind: [one.number] for one in found.values()}
        return {kind: of.get(kind.removeprefix(LINKING), []) for kind in kinds}
    apart = [name for name in sorted(leave.sources) if not project.definitions.contracts[name].link]
    return {kind: _spelled(project, kind, _words(kind, identifier), apart, leave) for kind in kinds}


def called(project: Project, numbers: Collection[int], kinds: Iterable[str] | None = None) -> dict[int, Called]:
    """What identifiers of people are called, by number; those that are none are left out.

    kinds: only of these; every kind by which people are recognised without it
    """
    asked = sorted({int(number) for number in numbers})
    found: dict[int, Called] = {}
    for kind in person_kinds(project) if kinds is None else kinds:
        for number, value in project.vault.called(kind, asked).items() if asked else ():
            source, _, said = value.rpartition(APART)
            if value.partition(ERASED)[1] or value.partition(UNREADABLE)[1]:
                source, said = value.partition(APART)[0], "(forgotten)"
            name = kind.removeprefix(LINKING)
            found[number] = Called(number, name, said if kind in PERSON_KINDS else shortened(name, said), source)
    return found


def shortened(kind: str, value: str) -> str:
    """A personal value by so much of it as tells it from its neighbours: 'a...@e...' or '...47'."""
    if not value or value.startswith("("):
        return value
    if kind == "email":
        name, _, domain = value.partition("@")
        return f"{name[:1]}...@{domain[:1]}..."
    return f"...{value[-2:]}" if kind == "phone" else f"{value[:4]}..."


def _numbered(identifier: str) -> int:
    digits = identifier.removeprefix(NUMBER)
    if not digits.isdecimal() or len(digits) > 18:
        raise WrongUse(f"'{identifier}' is no number of an identifier.", allowed="#17, as cxm person shows it")
    return int(digits)


def _words(kind: str, identifier: str) -> list[str]:
    """How an identifier may have been written down: as given, as the door keeps it, as values are compared."""
    plain = normalize("NFC", identifier.strip())
    words = [normalised(kind.removeprefix(LINKING), plain)] if kind.startswith(LINKING) else [identifier, plain]
    return [word for word in dict.fromkeys(words) if word]


def _spelled(project: Project, kind: str, words: list[str], apart: list[str], leave: Permit) -> list[int]:
    sources = sorted(leave.sources) if kind.startswith(LINKING) else apart  # relay addresses are any source's own
    spellings = [*words, *(f"{name}{APART}{word}" for name in sources for word in words)]
    found = (project.vault.number(kind, spelling) for spelling in spellings)
    return list(dict.fromkeys(number for number in found if number is not None))
