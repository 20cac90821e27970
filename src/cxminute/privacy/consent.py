"""What people's sayings come to: for each person and purpose one answer, as of one moment.

Of what is said of one purpose
- the newest yes or no holds, over all profiles of the person; of both at one moment the no,
- a browser's signal (Global Privacy Control) is a no until the person, later, says yes on a preference page or to
  somebody who records it: a dialogue's yes does not lift it, and that the signal stops does not either,
- an objection (Article 21) and a restriction (Article 18) of any profile hold until they are lifted,
- what was said of `*` holds for every purpose.

A yes to a parent is one to its children that have no answer of their own, but not to those that a browser's signal
denies; a no to a parent is a no to its children.
What goes on saying the same says nothing new (store.consents): a dialogue that still sends last month's yes does not
undo what its person withdrew by telephone today.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.privacy.purposes import Purposes
from cxminute.store.consents import ALL, GOING_ON
from cxminute.store.people import People

Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]

SAID: Final = ("granted", "denied", "withdrawn", "objected", "restricted", "lifted")
"""What can be said: `lifted` ends an objection or a restriction."""
HOWS: Final = ("consent object", "preference event", "gpc", "gpp", "import", "hand")
"""On which way it came."""
BROWSER: Final = "gpc"
EXPLICIT: Final = ("preference event", "hand")
"""Ways of a yes that lift what a browser's signal denied."""

ANSWERS: Final = ("unknown", "granted", "denied", "withdrawn", "browser", "objected", "restricted")
"""Answers by their codes, in order of weight: from `denied` on they are noes, of several the last holds."""
UNKNOWN, GRANTED, DENIED, WITHDRAWN, BY_BROWSER, OBJECTED, RESTRICTED = (np.uint8(code) for code in range(7))

_NEVER: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Consent:
    """Answers of people, by their numbers.

    purposes: of the project
    answers:  (purposes + 1, people who said anything) codes of ANSWERS; the last row is what was said of all purposes
    row:      for each number the place of its person in `answers`, -1 where that said nothing
    people:   the number of each person in `answers`, sorted
    """

    purposes: Purposes
    answers: Codes
    row: NDArray[np.int32]
    people: Ints

    def of(self, purpose: str, people: Ints) -> Codes:
        """The answer of each of some people to a purpose, as codes of ANSWERS."""
        line = np.append(self.answers[self.purposes.place[purpose]], UNKNOWN)  # the last is for those who said nothing
        if len(people) and int(people.min()) >= 0 and int(people.max()) < len(self.row):
            return np.asarray(line[self.row[people]], np.uint8)
        known = (people >= 0) & (people < len(self.row))
        return np.asarray(line[np.where(known, self.row[np.where(known, people, 0)], -1)], np.uint8)


def settle(facts: pa.Table, purposes: Purposes, persons: Ints | None = None) -> Consent:
    """The answers that what was said comes to.

    facts:   as of one moment: FACTS of store.consents
    persons: by number of a profile its person's number; None where nobody was recognised as another
    """
    said = _Said.of(changes(facts), purposes, persons)
    people, cell_of = np.unique(said.person, return_inverse=True)
    width = len(purposes) + 1
    answers = np.full((width, len(people)), UNKNOWN, np.uint8)
    _answer(answers, said, cell_of)
    _inherit(answers, purposes)
    size = int(people[-1]) + 1 if len(people) else 1
    row = np.full(size, -1, np.int32)
    row[people] = np.arange(len(people), dtype=np.int32)
    return Consent(purposes, answers, row, people)


def changes(facts: pa.Table) -> pa.Table:
    """Of the facts, in order, those that said something: repetitions, which are kept beside them, are left out."""
    count = facts.num_rows
    if not count:
        return facts
    profile, at, known_at = (np.asarray(facts[n].to_numpy(), np.int64) for n in ("profile", "at", "known_at"))
    purpose, how, said = (_codes(facts[name]) for name in ("purpose", "how", "said"))
    words = _words(facts["said"])
    rank = np.array([(word != "granted") * len(words) + place for place, word in enumerate(words)], np.int64)[said]
    whose = (profile * (int(purpose.max()) + 1) + purpose) * (int(how.max()) + 1) + how
    order = np.lexsort((known_at, rank, at, whose))  # of one moment a yes first
    again = np.zeros(count, np.bool_)
    again[1:] = (np.diff(whose[order]) == 0) & (np.diff(said[order]) == 0)
    ongoing = _among(facts["how"], GOING_ON)[order]
    return facts.take(pa.array(order[~(again & ongoing)]))


@dataclass(frozen=True, slots=True)
class _Said:
    """Sayings as arrays: the person, the purpose's place, and masks."""

    person: Ints
    place: Ints
    at: Ints
    masks: dict[str, NDArray[np.bool_]]

    @classmethod
    def of(cls, facts: pa.Table, purposes: Purposes, persons: Ints | None) -> _Said:
        """Those of the facts whose purposes the project still has."""
        place = {**purposes.place, ALL: len(purposes)}
        words = _words(facts["purpose"])
        places = np.array([place.get(word, -1) for word in words] or [-1], np.int64)[_codes(facts["purpose"])]
        facts, places = facts.filter(pa.array(places >= 0)), places[places >= 0]
        profile = np.asarray(facts["profile"].to_numpy(), np.int64)
        if persons is not None:
            profile = People(persons).owners(profile)
        masks = {word: _among(facts["said"], {word}) for word in SAID}
        masks["browser"] = _among(facts["how"], {BROWSER})
        masks["explicit"] = _among(facts["how"], set(EXPLICIT))
        return cls(profile, places, np.asarray(facts["at"].to_numpy(), np.int64), masks)


def _answer(answers: Codes, said: _Said, column: Ints) -> None:
    """What each person said of each purpose itself."""
    cells, cell = np.unique(said.place * answers.shape[1] + column, return_inverse=True)
    m = said.masks

    def newest(mask: NDArray[np.bool_]) -> Ints:
        found = np.full(cells.size, _NEVER, np.int64)
        np.maximum.at(found, cell[mask], said.at[mask])
        return found

    flat = np.full(cells.size, UNKNOWN, np.uint8)
    yes, withdrawn = newest(m["granted"] & ~m["browser"]), newest(m["withdrawn"] & ~m["browser"])
    no = np.maximum(newest(m["denied"] & ~m["browser"]), withdrawn)
    lifted = newest(m["lifted"])
    flat[(yes > no)] = GRANTED
    flat[(no >= yes) & (no > _NEVER)] = DENIED
    flat[(no >= yes) & (no > _NEVER) & (withdrawn == no)] = WITHDRAWN
    browser = newest(m["browser"] & ~m["granted"])
    flat[(browser > _NEVER) & (browser >= newest(m["granted"] & m["explicit"]))] = BY_BROWSER
    objected, restricted = newest(m["objected"]), newest(m["restricted"])
    flat[(objected > _NEVER) & (objected >= lifted)] = OBJECTED
    flat[(restricted > _NEVER) & (restricted >= lifted)] = RESTRICTED
    answers.reshape(-1)[cells] = flat


def _inherit(answers: Codes, purposes: Purposes) -> None:
    """What was said of all purposes, and of a parent, holds for each that it covers: of several the weightiest.

    What a browser's signal denies needs a yes of its own: nobody means it who says yes to letters (GDPR, recital 32).
    """
    whole = answers[-1]
    own = answers[:-1].copy()
    for name, place in purposes.place.items():
        for other in purposes.line(name)[1:]:
            above = own[purposes.place[other]]
            covered = np.where(above >= DENIED, above, UNKNOWN) if purposes[name].gpc else above
            np.maximum(answers[place], covered, out=answers[place])
        np.maximum(answers[place], np.where(whole >= DENIED, whole, UNKNOWN), out=answers[place])


def _codes(column: pa.ChunkedArray) -> Ints:
    return np.asarray(_coded(column).indices.to_numpy(), np.int64)


def _words(column: pa.ChunkedArray) -> list[str]:
    found: list[str] = _coded(column).dictionary.to_pylist()
    return found


def _among(column: pa.ChunkedArray, words: Collection[str]) -> NDArray[np.bool_]:
    """Which rows hold one of these words."""
    return np.array([word in words for word in _words(column)] or [False], np.bool_)[_codes(column)]


def _coded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):  # no chunk at all
        whole = pa.array([], column.type)
    return whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
