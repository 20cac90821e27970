"""Consent as it is asked for and recorded: of one person, of all, by hand, and from a file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from cxminute.app.collecting import WAIT, quiet
from cxminute.app.people.counted import recognised
from cxminute.app.people.identity import identity
from cxminute.app.people.naming import NUMBER, called, people_named, person_kinds
from cxminute.app.people.recognising import compared
from cxminute.app.project import Project
from cxminute.app.rights.consenting import Ints, said_by
from cxminute.app.small.cells import ELSEWHERE, Cells, smallest_told
from cxminute.model.errors import BadData, BadDefinition, UnknownName, WrongUse, nearest
from cxminute.model.times import from_ms, instant
from cxminute.privacy.consent import ANSWERS, BROWSER, DENIED, GRANTED, SAID, Consent, changes, settle
from cxminute.privacy.contracts import Contract
from cxminute.privacy.permits import REASONS, Permit, verdicts
from cxminute.privacy.purposes import Purposes
from cxminute.resolve.guards import is_placeholder
from cxminute.store.consents import ALL, Saying
from cxminute.store.vault import APART, LINKING, PERSON_KINDS

WHOLE: Final = ("denied", "withdrawn", "objected", "restricted", "lifted")
"""What can be said of all purposes at once."""
_BY_ANSWER: Final = {"browser": "denied"}
_WHOLE: Final = 10.0
"""How much dearer it is to hide how many people said anything than how many gave one answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose consent: the profiles of one person, and the person's number."""

    person: int
    profiles: Ints


def who(project: Project, leave: Permit, identifier: str, kind: str | None, as_of: int | None = None) -> Asked:
    """Whose an identifier is, with all that belongs to them; UnknownPerson where it never came."""
    numbers = numbers_named(project, leave, identifier, kind)
    known = identity(project, as_of)
    persons = sorted({known.person(number) for number in numbers})
    return Asked(persons[0], np.concatenate([known.profiles(person) for person in persons]))


def numbers_named(project: Project, leave: Permit, identifier: str, kind: str | None) -> list[int]:
    """The numbers that an identifier has among those of people: where some are everybody's, only these.

    What a source of its own calls by the same name is another person: it is asked for by its number.

    raises: UnknownPerson where it has none; WrongUse where only sources of their own know it, and several do
    """
    numbers = sorted(people_named(project, leave, {kind or "": [identifier]}))
    names = called(project, numbers)
    ours = [number for number in numbers if not names[number].apart]
    if ours or len(numbers) == 1:
        return ours or numbers
    among = ", ".join(f"{NUMBER}{number} (source '{names[number].apart}')" for number in numbers)
    raise WrongUse("Several sources know that identifier, each for itself.", allowed=among)


def of_person(project: Project, asked: Asked, as_of: int | None, *, history: bool = False) -> dict[str, Any]:
    """What one person said of each purpose, and what it comes to.

    keys: person, purposes (purpose, basis, answer, allowed, reason, since, known_since, source, how), and with
          history: at, known_at, purpose, said, how, source, why, profile, each saying, the oldest first
    """
    zone, purposes = project.settings.zone, project.settings.purposes
    facts = project.consents.facts(asked.profiles.tolist(), as_of)
    told = said_by(project, facts, asked.profiles)
    number = np.array([int(asked.profiles.min())], np.int64)
    sayings = changes(facts).to_pylist()
    sayings.sort(key=lambda row: (row["at"], row["known_at"]))
    rows = []
    for name, purpose in purposes.items():
        code = int(told.of(name, number)[0])
        reason = list(REASONS)[int(verdicts(purposes, name)[code])]
        found = _deciding(sayings, ANSWERS[code], (*purposes.line(name), ALL)) or {}
        rows.append(
            {
                "purpose": name, "basis": purpose.basis, "answer": ANSWERS[code],
                "allowed": reason in ("granted", "basis"), "reason": reason,
                "since": _moment(found.get("at"), zone), "known_since": _moment(found.get("known_at"), zone),
                "source": found.get("source") or None, "how": found.get("how"),
            }
        )  # fmt: skip
    document: dict[str, Any] = {"person": asked.person, "purposes": rows}
    if history:
        document["history"] = [
            {
                "at": _moment(row["at"], zone), "known_at": _moment(row["known_at"], zone), "purpose": row["purpose"],
                "said": row["said"], "how": row["how"], "source": row["source"] or None, "why": row["why"] or None,
                "profile": row["profile"],
            }
            for row in sayings
        ]  # fmt: skip
    return document


def counted(project: Project, as_of: int | None) -> dict[str, Any]:
    """How many people gave which answer to each purpose; of groups that a contract does not let be shown, nothing.

    The answers to each purpose add up to the people who said anything; these and those who said nothing, to all people,
    whom `cxm people` counts: as of now, whatever moment is asked of here. Who answers a parent answers its parts as
    heavily, so what these have more is known, too. What is said by hand, or came in a file, is of people of whom other
    sources tell: what is too few is said by the strictest contract of a source that told of anybody.

    keys: people (who said anything at all), purposes (purpose, basis, parent, says, dpv, fides, answers: answer -> how
          many of them), hidden (how many rows have counts that are not shown: None), smallest (that may be shown)
    """
    known = identity(project, as_of)
    facts = project.consents.facts(as_of=as_of)
    told = settle(facts, project.settings.purposes, known.persons if known.merged else None)
    rows: list[dict[str, Any]] = []
    for name, purpose in project.settings.purposes.items():
        rows.append(
            {
                "purpose": name, "basis": purpose.basis, "parent": purpose.parent or None, "says": purpose.says,
                "dpv": purpose.dpv or None, "fides": purpose.fides or None, "answers": _answers(told, name),
            }
        )  # fmt: skip
    smallest = smallest_told(project)
    cells = Cells(smallest)
    found: dict[str, Any] = {"people": len(told.people), "purposes": rows}
    whole = cells.count(found, "people", weight=_WHOLE)
    if smallest > 1:
        everybody = recognised(project, known if as_of is None else identity(project)).people
        cells.rest(cells.known(everybody, weight=ELSEWHERE), whole)
    places = {row["purpose"]: [cells.count(row["answers"], answer) for answer in ANSWERS] for row in rows}
    for answers in places.values():
        cells.adds(whole, answers)
    _nest(cells, places, project.settings.purposes)
    marked = cells.hide({})  # takes out of the rows what is not shown
    return {**found, "hidden": marked, "smallest": smallest}


def record(project: Project, numbers: list[int], purpose: str, said: str, at: int, now: int, why: str) -> None:
    """Records by hand what somebody said.

    numbers: of the identifier that it was said of
    purpose: one of the project's, or '*' for all
    raises:  UnknownName for a purpose or a word that there is not; WrongUse for a yes to everything, for a moment that
             is not yet, and without a reason
    """
    check_said(project, purpose, said)
    if not why.strip():
        raise WrongUse("Why is not said.", allowed="--because TEXT, without personal data")
    if at > now:
        raise WrongUse("That moment is not yet.", allowed="--at with a time that has been")
    project.consents.say([Saying(number, purpose, said, "hand", at, why=why.strip()) for number in numbers], now)


def check_said(project: Project, purpose: str, said: str) -> None:
    """Refuses a purpose that the project has not, and a word that cannot be said of it."""
    if purpose != ALL and purpose not in project.settings.purposes:
        raise UnknownName("purpose", purpose, project.settings.purposes)
    if said not in SAID:
        raise UnknownName("answer", said, SAID)
    if purpose == ALL and said not in WHOLE:
        raise WrongUse("Nobody says yes to everything.", allowed=f"a purpose; of all: {', '.join(WHOLE)}")


def take_file(project: Project, path: Path, source: str, now: int) -> Counter[str]:
    """Records what a CSV file says people said; returns how many rows said what, and `new`, how many were not known.

    The file has a column for one kind of identifier (user_id, anonymous_id, email, ...), and `purpose`, `said`, `at`.
    All of it or nothing.

    raises: UnknownName for a source; BadData with the row, counted from 1 without the header, where one cannot be read
    """
    contract = project.definitions.contracts[project.source(source).name]
    kind, rows = _rows(project, path)
    zone = project.settings.zone
    counted: Counter[str] = Counter()
    words: list[str] = []
    sayings: list[tuple[str, str, int]] = []
    for number, row in enumerate(rows, start=1):
        try:
            check_said(project, row["purpose"], row["said"])
            at = instant(row["at"], zone)
        except (BadDefinition, WrongUse) as fault:
            raise BadData(
                fault.what, file=path.name, row=number, allowed=fault.allowed, nearest=fault.nearest
            ) from fault
        if at > now:
            raise BadData("Its time is not yet.", file=path.name, row=number)
        words.append(row[kind.removeprefix(LINKING)])
        sayings.append((row["purpose"], row["said"], at))
        counted[row["said"]] += 1
    spelled = _spelled(project, kind, words, contract, path)
    # Whoever removes what nobody told of must not meet a number that is not used yet; who is forgotten meanwhile is not
    # to be numbered again; and nobody else numbers the same people at once.
    with quiet(project, WAIT):
        project.suppressions.now()
        gone = project.suppressions.hits(kind, list(dict.fromkeys(spelled)), project.vault.digests)
        stays = [place for place, word in enumerate(spelled) if word not in gone]
        counted["forgotten"] = len(spelled) - len(stays)
        numbers = project.vault.intern(kind, pa.chunked_array([[spelled[place] for place in stays]], pa.string()))
        told = [
            Saying(number, *sayings[place][:2], "import", sayings[place][2], source)
            for place, number in zip(stays, numbers.to_pylist(), strict=True)
        ]
        counted["new"] = project.consents.say(told, now) if told else 0
    return counted


# -- inside ------------------------------------------------------------------------------------------------------------


def _rows(project: Project, path: Path) -> tuple[str, list[dict[str, str]]]:
    """The kind of identifier of a file, as the log calls it, and its rows."""
    if not path.is_file():
        raise BadData("There is no such file.", file=str(path), then="Nothing was recorded.")
    kinds = {name.removeprefix(LINKING): name for name in person_kinds(project)}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        mine = [name for name in columns if name in kinds]
        needed = {"purpose", "said", "at"} - set(columns)
        if len(mine) != 1 or needed:
            missing = sorted(needed) or [f"one of {', '.join(kinds)}"]
            raise BadData(
                f"The columns are not those of a file of consent: it lacks {', '.join(missing)}.",
                file=path.name,
                allowed=f"{' | '.join(kinds)}, purpose, said, at",
                nearest=nearest(missing[0], columns),
            )
        rows = []
        for number, row in enumerate(reader, start=1):
            if None in row or any(
                row[name] is None or not row[name].strip() for name in (mine[0], "purpose", "said", "at")
            ):
                raise BadData("A cell is empty, or there are too many.", file=path.name, row=number)
            rows.append({name: value.strip() for name, value in row.items()})
    return kinds[mine[0]], rows


def _spelled(project: Project, kind: str, words: list[str], contract: Contract, path: Path) -> list[str]:
    """Identifiers as they are numbered."""
    unique = list(dict.fromkeys(words))
    if kind in PERSON_KINDS:
        forms = {word: None if is_placeholder(kind, word) else word for word in unique}
    else:
        said = next(one for one in project.settings.kinds.values() if one.column == kind)
        made = compared(said, pa.array(unique, pa.string()), contract, Counter())
        forms = dict(zip(unique, made.to_pylist(), strict=True))
    for number, word in enumerate(words, start=1):
        if not forms[word]:
            raise BadData(f"That is nobody's {kind.removeprefix(LINKING)}.", file=path.name, row=number)
    found = [str(forms[word]) for word in words]
    return found if contract.link else [f"{contract.source}{APART}{word}" for word in found]


def _nest(cells: Cells, places: Mapping[str, Sequence[int]], purposes: Purposes) -> None:
    """Ties the answers to a purpose to those to its parents: as `privacy.consent` hands them down.

    places: of each purpose those of its counts, in the order of ANSWERS, which is that of their weight
    """
    for name, answers in places.items():
        inherited = DENIED if purposes[name].gpc else GRANTED
        for parent in purposes.line(name)[1:]:
            for code in range(int(inherited), len(ANSWERS)):
                mine, theirs = (cells.whole(some[code:], weight=0.0) for some in (answers, places[parent]))
                cells.rest(mine, theirs)


def _answers(told: Consent, name: str) -> dict[str, int]:
    codes = told.answers[told.purposes.place[name]]
    found = np.bincount(codes, minlength=len(ANSWERS)).tolist()
    return dict(zip(ANSWERS, found, strict=True))


def _deciding(sayings: Sequence[Mapping[str, Any]], answer: str, line: tuple[str, ...]) -> Mapping[str, Any] | None:
    """The newest saying that an answer comes from, of the purpose itself where it is one."""
    said, by_browser = _BY_ANSWER.get(answer, answer), answer == "browser"
    found = (
        row
        for name in line
        for row in reversed(sayings)
        if row["purpose"] == name and row["said"] == said and (row["how"] == BROWSER) == by_browser
    )
    return next(found, None)


def _moment(at: int | None, zone: ZoneInfo) -> Any:
    return None if at is None else from_ms(at).astimezone(zone)
