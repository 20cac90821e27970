"""Identifiers as people type them and as they are shown: a user id as it stands, an address by its first letters.

Values by which people are recognised are personal: they are shown shortened, with the number by which they can be named
again (`#17`), so that no answer, no shell history and no log holds them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

import numpy as np

from cxminute.app.people.recognising import PREVIOUS
from cxminute.app.project import Project
from cxminute.model.errors import CxmError, UnknownName, WrongUse
from cxminute.privacy.permits import Permit
from cxminute.resolve.guards import normalised
from cxminute.store.vault import APART, ERASED, LINKING, PERSON_KINDS, UNREADABLE, is_of_person

if TYPE_CHECKING:  # brings the whole way to the map of people
    from cxminute.app.people.identity import Identity

NUMBER: Final = "#"
"""Begins an identifier that is named by its number."""


class UnknownPerson(UnknownName):
    """Nobody has this identifier, as far as the permit shows. It names no other's: an id is no word to be guessed."""

    def __init__(self, kinds: Iterable[str]) -> None:
        """kinds: those that were looked through, as the log calls them."""
        said = " or ".join(dict.fromkeys(kind.removeprefix(LINKING) for kind in kinds)) or "identifier"
        CxmError.__init__(
            self,
            f"Nobody has that {said}, in what may be read for this purpose.",
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


def kinds_asked(project: Project, kind: str | None) -> list[str]:
    """The kinds among which an identifier is looked for: the one that is named, else all that people have.

    raises: UnknownName
    """
    return [kind_asked(project, kind)] if kind else person_kinds(project)


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


def people_named(project: Project, leave: Permit, about: Mapping[str, Iterable[str]]) -> dict[int, str]:
    """The numbers of people's identifiers that somebody names, each with its kind, in the order in which they came.

    about:  identifiers by kind; '' for any kind that a person can have. Numbers of things are no people's: of a kind
            that only things have, nobody is found
    raises: UnknownPerson where none of them came; UnknownName for a kind that no source has; WrongUse for a number that
            cannot be read
    """
    kinds = {kind: [name for name in kinds_asked(project, kind) if is_of_person(name)] for kind in about}
    found: dict[int, str] = {}
    for kind, words in about.items():
        for word in words:
            for name, numbers in numbers_of(project, leave, word, kinds[kind]).items():
                found.update(dict.fromkeys(numbers, name))
    if not found:
        raise UnknownPerson(name for names in kinds.values() for name in names)
    return found


def person_of(known: Identity, numbers: Collection[int], *, allowed: str, then: str | None = None) -> int:
    """The one person whom identifiers are of.

    allowed: what may be named instead of an identifier that is nobody's; then: what becomes of the command
    raises:  WrongUse for an identifier that is nobody's, and for several people
    """
    if np.isin(known.nobody["number"].to_numpy(), list(numbers)).any():
        what = "That identifier is nobody's: many share it, and what stands under it is of all of them."
        raise WrongUse(what, allowed=allowed, then=then)
    persons = {known.person(number) for number in numbers}
    if len(persons) > 1:
        raise WrongUse(
            "That is an identifier of several people.",
            allowed="--kind, or #NUMBER of the one that is meant, as cxm person ID --why shows them",
            then=then,
        )
    return persons.pop()


def called(project: Project, numbers: Collection[int], kinds: Iterable[str] | None = None) -> dict[int, Called]:
    """What identifiers of people are called, by number; those that are none are left out.

    kinds: only of these; every kind by which people are recognised without it
    """
    asked = sorted({int(number) for number in numbers})
    known = project.vault.called_people(asked, person_kinds(project) if kinds is None else list(kinds))
    found: dict[int, Called] = {}
    for number, (kind, value) in known.items():
        source, _, said = value.rpartition(APART)
        if ERASED in value or UNREADABLE in value:
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
