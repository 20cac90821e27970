"""Forgetting people: everything that is held on them goes, in every place, and a proof is written.

In this order, so that a kill anywhere is made good by the next: who they are is noted, by number; what comes of them
from now on is refused; what waits in the inbox is taken in as ever; rows in quarantine, files and events are looked
for; one commit removes all that the state and the log hold; keys, old files and old bytes go; what is left is counted
again; the proof. Whoever runs this brings the clock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import normalize

import numpy as np

from cxminute.app.collecting import WAIT, quiet
from cxminute.app.people.identity import Identity, identity
from cxminute.app.people.naming import UnknownPerson, kind_asked, people_named, person_kinds, person_of
from cxminute.app.project import Project
from cxminute.app.rights.leaving_out import THINGS
from cxminute.app.rights.places import NOTE, clear, fields_of, pages_with, rows_of
from cxminute.model.errors import WrongUse
from cxminute.privacy.rights import for_the_person
from cxminute.privacy.standing import Words
from cxminute.resolve.guards import normalised
from cxminute.store import destroying, failpoints, forgetting, rewriting, scrubbing
from cxminute.store.arrays import settle_folder, write_whole
from cxminute.store.backups import drop_links
from cxminute.store.facts import alone
from cxminute.store.forgetting import Removal
from cxminute.store.identity import note, noted
from cxminute.store.index import let_go
from cxminute.store.log import collecting
from cxminute.store.proofs import Proofs
from cxminute.store.rewriting import Mine
from cxminute.store.vault import APART, ERASED, LINKING, UNREADABLE, is_of_person

SOURCE: Final = "forgotten"
"""What a proof of forgetting bears in place of a source."""
_ORDER: Final = "order_id"
_STRETCHES: Final = 1_000  # of the inbox at most: then somebody sends faster than it can be read
_BACKUPS: Final = (
    "sealed: no backup holds keys of identifiers, and these keys are destroyed; one that holds the project's own key "
    "still lets a guessed identifier be tried"
)


@dataclass(frozen=True, slots=True)
class Person:
    """One person to be forgotten: their identifiers, by number in the space 'person'."""

    profiles: tuple[int, ...]


@dataclass(slots=True)
class Forgotten:
    """What became of some people.

    people:   how many
    found:    by place, how much of theirs there was
    left:     by place, how much there still is, once all was done; empty where nothing was done
    segments: how many of the log's hold events of theirs, and of how many
    kept:     how many of their events stay, since a law orders it
    pages:    by file below `.cxm`, how often an identifier stood in it
    bytes:    what became of the databases' bytes
    proof:    file below .cxm/proofs; '' where nothing was done, or something is left, which goes with the next call
    """

    people: int
    found: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    segments: tuple[int, int] = (0, 0)
    kept: int = 0
    pages: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, str] = field(default_factory=dict)
    proof: str = ""

    @property
    def is_clear(self) -> bool:
        """Whether nothing of theirs is left, to the last byte that is ours to clear."""
        clear = set(self.bytes.values()) <= {scrubbing.DONE, scrubbing.FREED, scrubbing.SEALED, scrubbing.NOT_THERE}
        return not any(self.left.values()) and clear

    @property
    def is_done(self) -> bool:
        """Whether nothing is left, and a proof says so."""
        return bool(self.proof) and self.is_clear


def who_is(
    project: Project, identifier: str, kind: str | None = None, *, only: bool = False, known: Identity | None = None
) -> Person:
    """The person that an identifier is of: all that is theirs by what is known now.

    kind:   None for any kind that a person can have
    only:   this one identifier, whoever else it was taken for
    known:  who is who now, for who asks of many; looked up without it
    raises: UnknownPerson; UnknownName for a kind that no source has; WrongUse for an identifier of several people, or
            of nobody
    """
    every = for_the_person(project.definitions.contracts.values())
    found = people_named(project, every, {kind or "": [identifier]})
    if only:
        return Person(tuple(sorted(found)))
    known = known or identity(project)
    instead = "an identifier of one person, or --only-this-identifier"
    person = person_of(known, found, allowed=instead, then="Nothing was forgotten.")
    return Person(tuple(known.profiles(person).tolist()))


def asked_by(project: Project, number: int) -> list[Person]:
    """The people whom a request for erasure is about.

    raises: UnknownName where there is none of that number; WrongUse where it asks for something else, is closed, or
            nobody has checked who asks; UnknownPerson where nobody has such an identifier
    """
    request = project.requests.get(number)
    if request.kind != "erasure" or request.done_at is not None:
        what = f"Request {number} is closed." if request.done_at else f"Request {number} asks for {request.kind}."
        raise WrongUse(what, allowed="an open request for erasure", then="Nothing was forgotten.")
    if not request.is_proven:
        raise WrongUse(
            f"Nobody has checked who asks in request {number}.",
            allowed=f"cxm requests check {number}, then this again",
            then="Nothing was forgotten.",
        )
    theirs = [(kind, word) for kind, words in request.about.items() for word in words if _is_personal(project, kind)]
    if not theirs:
        raise UnknownPerson(())
    known = identity(project)
    people = {who_is(project, word, kind, known=known).profiles for kind, word in theirs}
    return [Person(profiles) for profiles in sorted(people)]


def _is_personal(project: Project, kind: str) -> bool:
    """Whether a kind as a request names it is one of people's identifiers."""
    return is_of_person(kind) or f"{LINKING}{kind}" in person_kinds(project)


def preview(project: Project, people: Sequence[Person]) -> Forgotten:
    """What would go; nothing is changed."""
    profiles = _profiles(people)
    mine = rewriting.find(project.log, profiles, _by_law(project))
    words = _words(project, profiles, mine)
    removal = Removal(profiles, rows_of(project, words))
    found = forgetting.count(project.log, removal, mine)
    return Forgotten(len(people), found, segments=_segments(project, mine), kept=len(mine.kept),
                     pages=pages_with(project, words))  # fmt: skip


def forget(
    project: Project, people: Sequence[Person], now: int, *, why: str = "by hand", wait: float = WAIT
) -> Forgotten:
    """Forgets people, wherever anything of theirs is held; what was begun before and killed is completed first.

    Where something of those of before is still left, that is what is told, and nobody else is begun.

    now:    UTC ms
    why:    what the proof names as the reason: by hand, or a request
    wait:   seconds for whoever writes the log
    raises: BrokenStore where somebody writes it for longer, or a segment cannot be read: what was begun goes on when
            it is called again
    """
    done = Forgotten(0)
    if begun := _begun(project):
        done = _through(project, [Person(tuple(one)) for one in begun["people"]], begun, now, wait)
    if not people or (begun and not done.is_done):
        return done
    underway = {
        "people": [list(one.profiles) for one in people],
        "why": why,
        "about": _about(project, people),
        "found": {},
        "requests": [],
    }
    return _through(project, people, underway, now, wait)


def is_begun(project: Project) -> bool:
    """Whether a forgetting was begun and stopped half-way: `forget` of nobody completes it."""
    return bool(_begun(project))


def lift(project: Project, identifier: str, kind: str | None = None) -> int:
    """Takes back the suppression of an identifier, of somebody who comes again; returns how many it was under."""
    return project.suppressions.lift(digest for _, digest in _spelled(project, identifier, kind))


def proofs_of(project: Project, identifier: str, kind: str | None = None) -> list[str]:
    """Proofs that are of a forgetting of whoever had this identifier: only who holds the project's secret can tell."""
    digests = {digest for _, digest in _spelled(project, identifier, kind)}
    return [
        name
        for name, about in _proofs(project)
        if not {_commitment(about["salt"], digest) for digest in digests}.isdisjoint(about["commitments"])
    ]


# -- inside ------------------------------------------------------------------------------------------------------------


def _through(project: Project, people: Sequence[Person], underway: dict[str, Any], now: int, wait: float) -> Forgotten:
    """All steps, from the first on: those that were done before a kill find nothing to do."""
    with quiet(project, wait):  # all that was read by the rules of before is in the log
        _put(project, underway)
        failpoints.at("forgetting.noted")
        forgetting.suppress_all(project.log, _profiles(people), now)
        failpoints.at("forgetting.suppressed")
    _drain(project, now)
    with quiet(project, wait):
        return _carry_out(project, people, underway, now)


def _carry_out(project: Project, people: Sequence[Person], underway: dict[str, Any], now: int) -> Forgotten:
    """Removes, clears the bytes, looks again, proves. Both locks are held."""
    log, profiles = project.log, _profiles(people)
    words = Words(())
    first = forgetting.unproved(log.state) is None or "state" not in underway["found"]
    if first or underway.get("left"):
        mine = rewriting.find(log, profiles, _by_law(project))
        words = _words(project, profiles, mine)
        records, files = forgetting.records(log.state, words.are), forgetting.files(log, words.without)
        removal = Removal(profiles, rows_of(project, words), records, files)
        if first:
            underway["found"] = {
                "state": forgetting.count(log, removal, mine), "segments": _segments(project, mine),
                "kept": len(mine.kept),
                "clear": bool(records),
                "pages": {**underway["found"].get("pages", {}), **pages_with(project, words)},
            }  # fmt: skip
            underway["requests"] = _requests_of(project, words)
            _put(project, underway)
        clear(project, words)
        rewritten = rewriting.rewrite(log, mine.rows)
        failpoints.at("forgetting.rewritten")
        refused = forgetting.digests(log.state, _orders(mine))
        many = len(people) if first else 0  # they are counted once
        forgetting.remove(log, removal, mine, rewritten, at=now, people=many, refused=refused)
    destroying.carry_out(log.state, project.keyring)
    forgetting.sweep(log)
    drop_links(project.folder)
    log.publish()
    _let_go_of_derived(project, profiles)
    failpoints.at("forgetting.swept")
    done = _told(underway, len(people))
    done.bytes = _cleared(project, whole=underway["found"].get("clear", True))
    again = rewriting.find(log, profiles, _by_law(project))
    done.left = forgetting.count(log, Removal(profiles, rows_of(project, words)), again)
    if not done.is_clear:  # the note stays: what is left goes when this is called again
        _put(project, {**underway, "left": any(done.left.values())})
        return done
    salt = underway["about"]["salt"]
    written = [name for name, about in _proofs(project) if about["salt"] == salt]  # before a kill
    done.proof = written[0] if written else Proofs(project.folder / "proofs").write(now, SOURCE, _body(done, underway))
    failpoints.at("forgetting.proved")
    _answer(project, underway["requests"], now, done.proof)
    while (erasure := forgetting.unproved(log.state)) is not None:
        forgetting.prove(log.state, erasure, done.proof)
    (project.folder / NOTE).unlink()
    settle_folder(project.folder)
    return done


def _cleared(project: Project, *, whole: bool) -> dict[str, str]:
    """What became of the databases' bytes. A large state is not rewritten for what lay sealed in it.

    whole: something that did not is gone from it, too: a name of events, of a record, a reason in somebody's words
    """
    state = project.scrub() if whole or scrubbing.is_small(project.log.state) else scrubbing.settle(project.log.state)
    return {"state": state, "inbox": scrubbing.scrub_inbox(project.folder / "inbox.sqlite")}


def _told(underway: Mapping[str, Any], people: int) -> Forgotten:
    found = underway["found"]
    touched, every = found["segments"]
    return Forgotten(people, dict(found["state"]), segments=(touched, every), kept=found["kept"],
                     pages=dict(found["pages"]))  # fmt: skip


def _body(done: Forgotten, underway: Mapping[str, Any]) -> dict[str, object]:
    return {
        "why": underway["why"],
        "clause": "GDPR 17",
        "people": done.people,
        "about": underway["about"],
        "searched": {
            "log": f"{done.segments[1]} segments, also of collects that were corrected or taken back",
            "tables": sorted(done.found),
            "files": ["inbox", "index", "identity", "pages and archives below .cxm"],
        },
        "found": {**done.found, "segments": done.segments[0], "files": sum(done.pages.values())},
        "left": done.left,
        "kept by law": done.kept,
        "backups": _BACKUPS,
        "files": done.bytes,
    }


def _profiles(people: Sequence[Person]) -> tuple[int, ...]:
    return tuple(sorted({number for one in people for number in one.profiles}))


def _by_law(project: Project) -> dict[str, frozenset[str]]:
    return {name: frozenset(one.keep_by_law) for name, one in project.definitions.contracts.items() if one.keep_by_law}


def _segments(project: Project, mine: Mine) -> tuple[int, int]:
    return len(mine.rows), len(rewriting.segments(project.log))


def _orders(mine: Mine) -> list[tuple[str, int]]:
    """Orders of theirs: what comes of these later is about them, whatever else it names."""
    return [(_ORDER, number) for number in mine.things.get(_ORDER, ())]


def _words(project: Project, profiles: Collection[int], mine: Mine) -> Words:
    """What the identifiers say, as far as their keys are there."""
    said = {word for _, word in project.vault.called_people(sorted(profiles)).values()}
    for kind, numbers in mine.things.items():
        said.update(project.vault.called(kind, sorted(numbers)).values())
    said.update(forgetting.spoken(project.log, profiles, _linking_paths(project)))
    words = {word.rpartition(APART)[2] for word in said if ERASED not in word and UNREADABLE not in word}
    return Words(words, fields_of(project))


def _linking_paths(project: Project) -> frozenset[str]:
    """Paths of values by which people are recognised, as they were sent: vault and log spell them otherwise."""
    return frozenset(path for kind in project.settings.kinds.values() for path in kind.paths)


def _spelled(project: Project, identifier: str, kind: str | None) -> Iterator[tuple[str, str]]:
    """Kind and digest of every way in which an identifier may be numbered."""
    plain = normalize("NFC", identifier.strip())
    for name in [kind_asked(project, kind)] if kind else [*person_kinds(project), _ORDER]:
        is_value = name.startswith(LINKING)
        words = {normalised(name.removeprefix(LINKING), plain)} if is_value else {identifier, plain}
        apart = [f"{source}{APART}{word}" for source in project.definitions.contracts for word in words]
        yield from ((name, digest) for digest in project.vault.digests(name, [*filter(None, words), *apart]))


def _about(project: Project, people: Sequence[Person]) -> dict[str, Any]:
    """A commitment to whom a proof is about: with the project's secret it can be shown, without it nobody can tell."""
    salt = os.urandom(16).hex()
    found = forgetting.digests(project.log.state, [("person", number) for number in _profiles(people)])
    return {"salt": salt, "commitments": sorted({_commitment(salt, digest) for digest in found})}


def _proofs(project: Project) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of each proof of forgetting, and to whom it is committed."""
    for path in sorted((project.folder / "proofs").glob("*.json")):
        about = json.loads(path.read_bytes()).get("about")
        if isinstance(about, dict) and "commitments" in about:
            yield path.name, about


def _commitment(salt: str, digest: str) -> str:
    return hashlib.sha256(f"{salt} {digest}".encode()).hexdigest()


def _let_go_of_derived(project: Project, profiles: Collection[int]) -> None:
    """Removes what is derived and holds what has gone; it is made again when it is asked for."""
    pieces, codes = project.log.pieces(()), project.log.codes()
    shutil.rmtree(project.folder / "index" / "past", ignore_errors=True)
    for folder in sorted((project.folder / "index").glob("*")):
        if folder.is_dir():
            let_go(folder, pieces, codes)
    _part(project, profiles)


def _part(project: Project, profiles: Collection[int]) -> None:
    """Remembers each of their identifiers as a person of its own, so that no unmerge of theirs is noticed later."""
    folder = project.folder / "identity"
    if not folder.exists():
        return
    with alone(folder):
        number, before = noted(folder)
        gone = np.array([one for one in profiles if one < before.size], np.int64)
        persons = before.copy()
        persons[gone] = gone
        note(folder, number, persons)
    shutil.rmtree(folder / "past", ignore_errors=True)
    shutil.rmtree(folder / THINGS, ignore_errors=True)


def _drain(project: Project, now: int) -> None:
    """Takes in what waits, so that it is in the log, or refused; what cannot be taken in now goes on waiting, sealed.

    One of those who are forgotten is refused from here on; nobody else's call is touched.
    """
    if (
        project.settings.state_url(project.folder).startswith("sqlite")
        and not (project.folder / "inbox.sqlite").exists()
    ):
        return
    from cxminute.app.door.draining import Drain  # noqa: PLC0415 -- most projects have no door

    with collecting(project.folder, wait=WAIT):  # no attempt of a worker is under way
        drain = Drain(project)
    for _ in range(_STRETCHES):
        if not drain.once(now).events:
            return


def _requests_of(project: Project, words: Words) -> list[int]:
    """Open requests that are about somebody whom the words name."""
    return [
        one.id
        for one in project.requests.list(still_open=True)
        if any(words.are(value) for values in one.about.values() for value in values)
    ]


def _answer(project: Project, numbers: Collection[int], now: int, proof: str) -> None:
    """Closes requests for erasure, which this is the answer to, and lets go of whom others are about."""
    for one in project.requests.list(still_open=True):
        if one.id not in numbers:
            continue
        if one.kind == "erasure":
            project.requests.done(one.id, now, proof)
        else:
            project.requests.forget(one.id)


def _begun(project: Project) -> dict[str, Any]:
    path = project.folder / NOTE
    return json.loads(path.read_bytes()) if path.exists() else {}


def _put(project: Project, underway: Mapping[str, Any]) -> None:
    """Puts the note on disk, durably. It holds numbers and counts."""
    write_whole(project.folder / NOTE, json.dumps(underway).encode())
