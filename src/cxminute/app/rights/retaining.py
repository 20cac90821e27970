"""Retention: personal data whose term is over, and that of people who asked, is removed, and a proof written.

What happened stays, with its numbers: no count, journey or promise changes. Whoever runs this brings the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec

from cxminute.app.collecting import WAIT, quiet
from cxminute.app.project import Project
from cxminute.model.times import DAY, said
from cxminute.privacy.contracts import Contract
from cxminute.privacy.dividing import Divider
from cxminute.privacy.personal import is_personal
from cxminute.store import clocks, destroying, removal, scrubbing
from cxminute.store.clocks import Term
from cxminute.store.forgetting import past_law
from cxminute.store.proofs import Proofs
from cxminute.store.removal import Due
from cxminute.store.requests import REMOVING, Request
from cxminute.store.vault import PERSON_KINDS

_TABLES: Final = ("personal", "identifiers", "rejects")


@dataclass(frozen=True, slots=True)
class Counted:
    """How much personal data of a source: values of events, identifiers of people, rows in quarantine."""

    values: int = 0
    identifiers: int = 0
    quarantine: int = 0

    @classmethod
    def of(cls, due: Due) -> Counted:
        """What of it is to be removed."""
        return cls(len(due.personal), len(due.people), len(due.rejects))

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.values or self.identifiers or self.quarantine)

    def document(self) -> dict[str, int]:
        """By name."""
        return {"values": self.values, "identifiers": self.identifiers, "quarantine": self.quarantine}


@dataclass(slots=True)
class Retained:
    """What became of a source whose contract has a term, or of whose people one asked.

    clause:   by which it is removed; clock: how its time is counted
    found:    what was over; left: what still is, once all was done
    kept:     identifiers that stay since other sources know the same people; lawful: values that a law orders to keep
    older:    events beyond the term of the rest: counted, and not removed; 0 where nobody looked
    open:     paths in the log that the contract calls personal, though it did not when they were written; None where
              nobody looked
    proof:    file below .cxm/proofs; '' where nothing was over
    """

    source: str
    clause: str
    clock: str
    found: Counted
    left: Counted = field(default_factory=Counted)
    kept: int = 0
    lawful: int = 0
    older: int = 0
    open: tuple[str, ...] | None = None
    proof: str = ""


@dataclass(slots=True)
class Retention:
    """One run: what came of each source; what became of the databases' bytes, by file; sources that no file defines."""

    sources: list[Retained] = field(default_factory=list)
    bytes: dict[str, str] = field(default_factory=dict)
    orphans: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether all that was over is gone, to the last byte that is ours to clear."""
        return not any(one.left or one.open for one in self.sources) and self.is_clear

    @property
    def is_clear(self) -> bool:
        """Whether the databases' bytes are cleared, as far as they are ours."""
        return set(self.bytes.values()) <= {scrubbing.DONE, scrubbing.FREED, scrubbing.NOT_THERE}


def retain(project: Project, now: int, *, dry_run: bool = False, look: bool = True, wait: float = WAIT) -> Retention:
    """Removes what is over by the contracts, and what open requests ask to be removed.

    now:     UTC ms
    dry_run: says what is over, and changes nothing
    look:    also looks through the log for what is beyond the term of the rest, and for what a contract calls
             personal, which takes a second for 100,000 events
    wait:    seconds for whoever writes the log
    raises:  BrokenStore where somebody writes it for longer: nothing was removed, try again
    """
    if not project.folder.exists():
        return Retention()
    if not dry_run:
        destroying.carry_out(project.log.state, project.keyring)  # what a kill left
    terms = _terms(project)
    limited = [term for term in terms if term.keep is not None]
    asked = [request for request in project.requests.list(still_open=True) if request.kind in REMOVING]
    proofs = Proofs(project.folder / "proofs")
    done = Retention(orphans=_orphans(project) if look else ())
    lawful = [one for one in project.definitions.contracts.values() if one.keep_by_law_for is not None]
    if not limited and not asked and not lawful and not proofs.begun():
        return done
    with quiet(project, wait):
        due = removal.due(project.log, terms, now)
        contracts = project.definitions.contracts
        jobs = [_Job(_by_term(contracts[name], due[name]), _term(terms, name), due[name]) for name in due]
        jobs += [job for request in asked if (job := _asked(project, request, terms, now)) is not None]
        jobs += [job for contract in lawful if (job := _past_law(project, contract, terms, now)).due]
        for job in jobs if look else ():
            contract = contracts[job.term.source]
            if contract.keep_rest is not None:
                job.said.older = clocks.older(project.log, contract.source, now - round(contract.keep_rest * DAY))
            job.said.open = open_paths(project, contract)
        done.sources = [job.said for job in jobs]
        if not dry_run:
            _carry_out(project, jobs, terms, proofs, done, now)
    return done


@dataclass(slots=True)
class _Job:
    said: Retained
    term: Term
    due: Due
    request: Request | None = None


def _carry_out(
    project: Project, jobs: Sequence[_Job], terms: Sequence[Term], proofs: Proofs, done: Retention, now: int
) -> None:
    """Notes, removes, clears the bytes, looks again, proves; in this order, so that a kill anywhere is made good."""
    begun = proofs.begun()
    owed: list[dict[str, Any]] = [{**body, "interrupted": True} for body in begun.get("proofs", ())]  # by a kill
    for body in owed:
        body.pop("removed", None)  # how much of it that one removed, nobody knows; what is left, all can see
    acting = [job for job in jobs if job.due or job.request is not None]
    if not acting and not begun:
        return
    bodies = [_body(job) for job in acting]
    proofs.begin({"proofs": [*owed, *bodies]})
    for job in acting:
        removal.remove(project.log, job.due)
        if job.request is not None:
            project.requests.forget(job.request.id)
    done.bytes = {"state": project.scrub(), "inbox": scrubbing.scrub_inbox(project.folder / "inbox.sqlite")}
    again = removal.due(project.log, terms, now)
    for body in owed:
        proofs.write(
            now, body["source"], {**body, "left": _left(again, body["source"]).document(), "files": done.bytes}
        )
    for job, body in zip(acting, bodies, strict=True):
        job.said.left = _left(again, job.term.source) if job.request is None else Counted()
        body = {**body, "left": job.said.left.document(), "files": done.bytes}  # noqa: PLW2901 -- the same, completed
        job.said.proof = proofs.write(now, job.term.source, body)
        if job.request is not None:
            project.requests.done(job.request.id, now, job.said.proof)
    if done.is_clear:
        proofs.end()
    else:  # the bytes are to be cleared again, and nothing more to be proved
        proofs.begin({"proofs": []})


def _body(job: _Job) -> dict[str, Any]:
    said_of_log = "not looked through" if job.said.open is None else {"personal paths": list(job.said.open)}
    return {
        "source": job.said.source,
        "why": "term" if job.request is None else f"request {job.request.id} ({job.request.kind})",
        "clause": job.said.clause,
        "clock": job.said.clock,
        "searched": {"tables": list(_TABLES), "files": ["state", "inbox"], "log": said_of_log},
        "removed": job.said.found.document(),
        "kept": {
            "identifiers that other sources know": job.said.kept,
            **({"values that a law orders to keep": job.said.lawful} if job.said.lawful else {}),
        },
    }


def _left(due: Mapping[str, Due], source: str) -> Counted:
    return Counted.of(due[source]) if source in due else Counted()


def _by_term(contract: Contract, due: Due) -> Retained:
    return Retained(contract.source, clause_of_term(contract), clock_of(contract), Counted.of(due))


def _past_law(project: Project, contract: Contract, terms: Sequence[Term], now: int) -> _Job:
    """What a law ordered to keep of people who were forgotten, and orders no longer."""
    kept = round((contract.keep_by_law_for or 0) * DAY)
    due = Due(past_law(project.log, contract.source, contract.keep_by_law, now - kept))
    clock = f"{said(kept)} after each {', '.join(contract.keep_by_law)}"
    term = _term(terms, contract.source)
    return _Job(Retained(contract.source, f"law: {contract.law}", clock, Counted.of(due)), term, due)


def _asked(project: Project, request: Request, terms: Sequence[Term], now: int) -> _Job | None:
    """What a request asks to be removed; None where no file defines its source any more: then it stays open."""
    if request.source not in project.definitions.contracts:
        return None
    term = _term(terms, request.source)
    if request.kind == "closing":
        due = removal.everything(project.log, term, terms, now)
    else:
        due = removal.of_whom(project.log, project.vault, term, request.about, terms, now)
    asked = f"request {request.id}: {request.kind}"
    said = Retained(request.source, asked, "at once", Counted.of(due), kept=len(due.kept), lawful=len(due.lawful))
    return _Job(said, term, due, request)


def clause_of_term(contract: Contract) -> str:
    """By which clause a source's personal data is removed: 'amazon: personal-life'."""
    named = contract.card is not None and "personal-life" in contract.card.clauses
    return f"{contract.card.name if contract.card and named else contract.source}: personal-life"


def clock_of(contract: Contract) -> str:
    """How long a source's personal data is kept, and from when, as people say it."""
    if contract.keep_personal is None:
        return "kept without a term"
    kept = said(round(contract.keep_personal * DAY))
    if not contract.starts:
        return f"{kept} after each event"
    first, *others = contract.starts
    instead = f"without it: {', '.join(others)}; " if others else ""
    none = f"{said(round(contract.wait * DAY))} after its first event" if contract.wait else "its first event"
    return f"{kept} after the last {first} of the order ({instead}without any: counted from {none})"


def open_paths(project: Project, contract: Contract) -> tuple[str, ...]:
    """Paths in the log of a source that its contract calls personal: none, unless it was tightened since."""
    found = {path for path in clocks.columns_of(project.log, contract.source) if is_personal(path, contract)}
    divider = Divider(partial(is_personal, contract=contract))
    for document in clocks.leftovers(project.log, contract.source):
        hidden = divider.divide(document)[1]
        if hidden is not None:
            found.update(_leaves(msgspec.json.decode(hidden), ""))
    return tuple(sorted(found))


def _leaves(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    elif value is not None:
        yield path


def _terms(project: Project) -> list[Term]:
    kinds = project.definitions.kinds - set(PERSON_KINDS)
    return [
        Term(
            contract.source,
            None if contract.keep_personal is None else round(contract.keep_personal * DAY),
            contract.starts,
            round(contract.wait * DAY),
            not contract.link,
            frozenset(kind for kind in kinds if is_personal(f"identifiers.{kind}", contract)),
            frozenset(contract.keep_by_law),
            None if contract.keep_by_law_for is None else round(contract.keep_by_law_for * DAY),
        )
        for contract in project.definitions.contracts.values()
    ]


def _term(terms: Sequence[Term], source: str) -> Term:
    return next(term for term in terms if term.source == source)


def _orphans(project: Project) -> tuple[str, ...]:
    return tuple(sorted(removal.sources_in_vault(project.log) - set(project.definitions.contracts)))
