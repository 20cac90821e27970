"""A project folder: its definitions, read and checked against one another, and what lies in `.cxm`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cxminute.app.allowing import Allowing
from cxminute.app.people.account_rules import AccountRules
from cxminute.app.settings import Settings, find_root, parse_settings
from cxminute.app.vocabulary import Vocabulary
from cxminute.app.waiting import check_waiting
from cxminute.balance.promises import Promise, parse_promise
from cxminute.collect.plan import FAULT, RENAMED, Plan, parse_plan
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.source import Source, parse_source
from cxminute.journeys.definition import JourneyDefinition, steps_in
from cxminute.journeys.language import parse_condition, parse_journey, parse_step
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, BrokenStore, UnknownName
from cxminute.model.steps import Step, paths_of
from cxminute.privacy.contracts import Contract, parse_contract
from cxminute.privacy.permits import Permit, permit
from cxminute.store.arrivals import Arrivals
from cxminute.store.bonds import Bonds
from cxminute.store.clear_values import is_clear, seal_clear
from cxminute.store.consents import Consents
from cxminute.store.cursors import Cursors
from cxminute.store.disclosures import Disclosures
from cxminute.store.holdings import Holdings
from cxminute.store.inbox import Inbox, open_inbox
from cxminute.store.keyring import Keyring
from cxminute.store.keys import WriteKeys
from cxminute.store.log import Declared, EventLog
from cxminute.store.merges import Merges
from cxminute.store.protocols import Subjects
from cxminute.store.requests import Requests
from cxminute.store.scrubbing import scrub
from cxminute.store.state import State, open_state
from cxminute.store.suppressions import Suppressions
from cxminute.store.vault import Vault
from cxminute.store.versions import Versions

if TYPE_CHECKING:  # most projects have none of these
    from cxminute.collect.pulls.settings import Pull
    from cxminute.execution.initiative import Initiative
    from cxminute.resolve.linkage.definition import Linkage

T = TypeVar("T")
FOLDERS: Final = ("sources", "journeys", "promises", "plans", "initiatives", "linkage")


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that people decided, read from the folder.

    plans:   tracking plans, by their source's name
    digests: of each source's file and plan, by its name: another mapping makes other events of the same rows
    faults:  all that is wrong with it, in the order of the files
    pulls:   what sources' files say of pulling, by the source's name
    initiatives: what we do, checked against the contracts
    linkages: whose records are compared, checked likewise
    """

    settings: Settings
    sources: Mapping[str, Source]
    contracts: Mapping[str, Contract]
    journeys: Mapping[str, JourneyDefinition]
    promises: Mapping[str, Promise]
    plans: Mapping[str, Plan]
    digests: Mapping[str, str]
    faults: tuple[BadDefinition, ...]
    pulls: Mapping[str, Pull] = field(default_factory=dict)
    initiatives: Mapping[str, Initiative] = field(default_factory=dict)
    linkages: Mapping[str, Linkage] = field(default_factory=dict)

    @property
    def declared(self) -> dict[str, Declared]:
        """By source, what it says of its values: the log reads by it what was collected before a path was named."""
        return {name: Declared(source.paths, source.zone) for name, source in self.sources.items()}

    @property
    def paths(self) -> frozenset[str]:
        """Every path that a source, a journey, a promise or a dimension names: what the log keeps as typed columns."""
        named = {*self.settings.dimensions, *self.settings.accounts.named}
        named.update(path for source in self.sources.values() for path in source.paths)
        for journey in self.journeys.values():
            named.update(path for path in journey.held if not path.startswith("identifiers."))
            for step in steps_of(journey):
                named.update(paths_of(step.where))
        for promise in self.promises.values():
            named.update(promise.paths)
        return frozenset(named - {"source", "name"})

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind of identifier that a source carries."""
        return frozenset(kind for source in self.sources.values() for kind in source.identifiers)


def steps_of(journey: JourneyDefinition) -> tuple[Step, ...]:
    """Every step that a journey names."""
    return (*steps_in(journey.pattern), *journey.unless, *journey.ignoring)


class Project:
    """One project folder, open. Opening reads and checks the definitions; the state opens when it is first used."""

    def __init__(self, root: Path) -> None:
        self.root = find_root(root.absolute())
        self.folder = self.root / ".cxm"
        self.definitions = read_definitions(self.root)
        if self.definitions.faults:
            first, *more = self.definitions.faults
            first.then = f"{len(more)} more: cxm check shows all." if more else None
            raise first

    @property
    def settings(self) -> Settings:
        """What cxm.toml says."""
        return self.definitions.settings

    @cached_property
    def _opened(self) -> State:
        self.folder.mkdir(exist_ok=True)
        return open_state(self.settings.state_url(self.folder))

    @cached_property
    def _state(self) -> State:
        if is_clear(self._opened):  # an older version kept what is personal as it came
            seal_clear(self._opened, self.keyring, self.secret)
        return self._opened

    @cached_property
    def keyring(self) -> Keyring:
        """The keys of identifiers, and of all else that lies sealed."""
        return Keyring(self.folder / "keys")

    @cached_property
    def log(self) -> EventLog:
        """The event log; what reads persons' events from it asks `subjects`, which asks for a permit."""
        log = EventLog(self.folder / "log", self._state)
        log.check_state()
        return log

    @cached_property
    def vault(self) -> Vault:
        """Identifiers and personal values."""
        return Vault(self._state, self.keyring, self.secret)

    @cached_property
    def suppressions(self) -> Suppressions:
        """Identifiers of people who were forgotten."""
        return Suppressions(self._state)

    @cached_property
    def versions(self) -> Versions:
        """When what readers told of was last changed."""
        return Versions(self._state, self.secret)

    @cached_property
    def cursors(self) -> Cursors:
        """How far its sources were pulled."""
        return Cursors(self._state)

    @cached_property
    def consents(self) -> Consents:
        """What people said of purposes."""
        return Consents(self._state, self.keyring)

    @cached_property
    def decided(self) -> dict[tuple[str, str, int | None], Any]:
        """What was worked out lately of who and what is left out (app.rights), with what it was worked out from."""
        return {}

    @cached_property
    def requests(self) -> Requests:
        """What people ask of their data, and by when it is due."""
        return Requests(self._state, self.keyring, self.settings.zone)

    @cached_property
    def bonds(self) -> Bonds:
        """What people say of two identifiers."""
        return Bonds(self._state, self.keyring)

    @cached_property
    def merges(self) -> Merges:
        """Merges and unmerges of people, as they were noticed."""
        return Merges(self._state)

    @cached_property
    def holdings(self) -> Holdings:
        """All that is held on a person, what is personal opened."""
        return Holdings(self._state, self.keyring)

    @cached_property
    def disclosures(self) -> Disclosures:
        """Who received what of whom."""
        return Disclosures(self._state)

    def scrub(self) -> str:
        """Makes unreadable what was deleted from the state; returns what became of its bytes (store.scrubbing)."""
        return scrub(self._state)

    @cached_property
    def keys(self) -> WriteKeys:
        """The write keys of its sources."""
        return WriteKeys(self._state)

    @cached_property
    def inbox(self) -> Inbox:
        """What the door accepted and no worker has read yet."""
        _ = self._state  # an inbox in PostgreSQL lies in its tables
        return open_inbox(self.settings.state_url(self.folder), self.folder)

    @cached_property
    def arrivals(self) -> Arrivals:
        """The way from the inbox into the log."""
        return Arrivals(self.log, self.folder, self.secret)

    @cached_property
    def secret(self) -> bytes:
        """The project's own key for digests: 32 random bytes in a file of their own, made at first use."""
        path = self.folder / "keys" / "digest.key"
        if not path.exists() and EventLog(self.folder / "log", self._opened).hashes():
            raise BrokenStore(
                "The key of the log's digests is lost: nothing could be told from what is there already.",
                file=str(path),
                then="Nothing was collected; restore the key from a backup.",
            )
        return self.keyring.secret(make=True)

    def close(self) -> None:
        """Lets go of connections to the state and the inbox; whoever uses them again opens them again."""
        if "inbox" in self.__dict__:
            self.inbox.close()
        if "_opened" in self.__dict__:
            self._opened.dispose()

    def bounds(self, as_of: int | None = None) -> tuple[int, int]:
        """When the first event of the log happened, and when the last: (0, 0) where there is none. UTC ms."""
        return self.log.bounds(as_of)

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind of identifier that a source carries; those of process logs as they have brought them."""
        known = self.definitions.kinds
        brought = any(source.is_log for source in self.definitions.sources.values())
        return known | self.vault.kinds() if brought else known

    def permit(self, purpose: str | None = None) -> Permit:
        """Leave to read for a purpose; the project's own where none is named."""
        asked = purpose or self.settings.purpose
        return permit(self.definitions.contracts.values(), asked, self.settings.purposes)

    def source(self, name: str) -> Source:
        """One source by name."""
        return _named("source", name, self.definitions.sources)

    def journey(self, name: str) -> JourneyDefinition:
        """One journey by name."""
        return _named("journey", name, self.definitions.journeys)

    def linkage(self, name: str) -> Linkage:
        """One linkage by name."""
        return _named("linkage", name, self.definitions.linkages)

    def promise(self, name: str) -> Promise:
        """One promise by name."""
        return _named("promise", name, self.definitions.promises)

    def subjects(
        self,
        per: str,
        leave: Permit,
        *,
        known_at: int | None = None,
        closes_at: int | None = None,
        paths: Collection[str] = (),
    ) -> Subjects:
        """All subjects of a kind, under a permit, as known at one moment (now) and closed at one (the last event)."""
        from cxminute.app.streams import open_subjects  # noqa: PLC0415 -- the index brings numba, which takes a while

        return open_subjects(self, per, leave, known_at=known_at, closes_at=closes_at, paths=paths)


def read_definitions(root: Path) -> Definitions:
    """Reads and checks every definition of a project folder; nothing is raised, all faults are listed."""
    main = Document("cxm.toml", (root / "cxm.toml").read_text("utf-8", errors="replace"))
    settings = parse_settings(main)
    documents = {folder: list(_documents(root, folder)) for folder in FOLDERS}
    contracts: dict[str, Contract] = {}
    pulls: dict[str, Pull] = {}

    def source_of(doc: Document) -> Source | None:
        if _unread(doc):
            return None
        zone = settings.zone.key
        found = parse_source(doc, zone=zone, parse_condition=lambda text: parse_condition(text, bare=""))
        found = found and _meant(found, doc, pulls)
        contract = parse_contract(doc, str(doc.raw("name") or ""), settings.purposes)
        contracts[contract.source] = contract
        return found

    sources = [(doc, source_of(doc)) for doc in documents["sources"]]
    journeys = [(doc, parse_journey(doc, settings.purpose)) for doc in documents["journeys"]]
    own = settings.purpose
    promises = [(doc, parse_promise(doc, parse_step=parse_step, purpose=own)) for doc in documents["promises"]]
    names = [str(doc.raw("name") or "") for doc in documents["sources"]]
    plans = _plans(documents["plans"], names)
    called = [str(doc.raw("name") or "") for doc in documents["journeys"]]
    initiatives = _initiatives(documents["initiatives"], names, called, settings.purposes)
    linkages = _linkages(documents["linkage"], names, settings.purposes)
    if not any(_unread(doc) for doc in documents["sources"]):
        told = Vocabulary.of(documents["sources"], contracts, documents["journeys"], settings.purposes)
        if plans:
            told = replace(told, paths=told.paths | {FAULT, RENAMED})
        for doc, _ in journeys:
            told.check(doc, ("pattern", "unless", "ignoring"))
        journeys = [(doc, found and replace(found, per=told.held(found.per))) for doc, found in journeys]
        for doc, promise in promises:
            told.check(doc, ("made", "kept", "void", "amended"))
            if promise is not None and isinstance(promise.due, str):
                told.check_due(doc, promise.due, [source for _, source in sources if source])
        for doc, source in sources:
            if source is not None:
                told.check_contract(doc, source)
                _check_clock(doc, told, contracts[source.name])
        for path in settings.dimensions:
            told.check_path(main.section("minute"), path, "dimensions")
        _check_money(main.section("accounts"), told, settings.accounts)
        sound = {source.name: contracts[source.name] for doc, source in sources if source and not doc.faults}
        known = [journey for _, journey in journeys]
        allowing = Allowing(sound, [source for _, source in sources], known, settings.purposes)
        _check_uses(allowing, journeys, promises, initiatives)
        _check_linkages(sound, linkages)
    check_waiting(journeys)
    digests = {source.name: _digest(root, doc, plans.get(source.name)) for doc, source in sources if source}
    found = (_by_name(sources), contracts, _by_name(journeys), _by_name(promises), _found(plans), digests)
    faults = [*main.faults, *(fault for folder in FOLDERS for doc in documents[folder] for fault in doc.faults)]
    return Definitions(settings, *found, tuple(faults), pulls, _by_name(initiatives), _by_name(linkages))


def _check_money(part: Document, told: Vocabulary, rules: AccountRules) -> None:
    """Notes money of accounts that no source tells of."""
    for key, listed in (("given", rules.given), ("received", rules.received)):
        for money in listed:
            told.check_path(part, money.path, key)
            if not told.open and money.event not in told.names:
                part.unknown("event", money.event, told.names, key=key)


def _check_clock(doc: Document, told: Vocabulary, contract: Contract) -> None:
    """Notes an event that is to start a clock of personal data, or to stay by law, and that no source tells of."""
    part = doc.section("contract")
    listed = {"from": contract.starts if "from" in part else (), "keep_by_law": contract.keep_by_law}
    for key, names in ({} if told.open else listed).items():
        for name in names:
            if name.strip() and name not in told.names:
                part.unknown("event", name, told.names, key=key)


def _check_uses(
    allowing: Allowing,
    journeys: list[tuple[Document, JourneyDefinition | None]],
    promises: list[tuple[Document, Promise | None]],
    initiatives: list[tuple[Document, Initiative | None]],
) -> None:
    """Notes every definition that would do with a source's data what its contract does not allow."""
    for doc, journey in journeys:
        if journey is not None:
            allowing.check_journey(doc, journey)
    for doc, promise in promises:
        if promise is not None:
            allowing.check_promise(doc, promise)
    for doc, initiative in initiatives:
        if initiative is not None:
            allowing.check_initiative(doc, initiative)


def _check_linkages(contracts: Mapping[str, Contract], linkages: list[tuple[Document, Linkage | None]]) -> None:
    """The same of every linkage."""
    for doc, linkage in linkages:
        if linkage is not None:
            from cxminute.resolve.linkage.allowed import check_linkage  # noqa: PLC0415 -- as below: most have none

            check_linkage(doc, linkage, contracts)


def _meant(source: Source, doc: Document, pulls: dict[str, Pull]) -> Source:
    """The source with the mapping that its format brings with it; what its file says of pulling goes to `pulls`."""
    if source.is_log:
        from cxminute.collect.logs.mapping import log_source  # noqa: PLC0415 -- takes a while, and most have no logs

        return log_source(source)
    if not source.has_reader:
        return source
    if "pull" in doc:
        from cxminute.collect.pulls.settings import parse_pull  # noqa: PLC0415 -- as above: most pull nothing

        if (pull := parse_pull(doc.section("pull"), source.format, source.zone)) is not None:
            pulls[source.name] = pull
    from cxminute.collect.readers.telling import implied  # noqa: PLC0415 -- as above: most have no reader

    return implied(source, reader_of(source.format))


def _initiatives(
    documents: list[Document], sources: Collection[str], journeys: Collection[str], purposes: Collection[str]
) -> list[tuple[Document, Initiative | None]]:
    if not documents:
        return []
    from cxminute.execution.initiative import parse_initiative  # noqa: PLC0415 -- as above: most have none

    return [
        (
            doc,
            None if _unread(doc) else parse_initiative(doc, sources=sources, journeys=journeys, purposes=purposes),
        )
        for doc in documents
    ]


def _linkages(
    documents: list[Document], sources: Collection[str], purposes: Collection[str]
) -> list[tuple[Document, Linkage | None]]:
    if not documents:
        return []
    from cxminute.resolve.linkage.definition import parse_linkage  # noqa: PLC0415 -- as above: most have none

    return [
        (doc, None if _unread(doc) else parse_linkage(doc, sources=sources, purposes=purposes)) for doc in documents
    ]


def _plans(documents: list[Document], sources: Collection[str]) -> dict[str, tuple[Document, Plan]]:
    """Tracking plans by source: each source has one at most."""
    plans: dict[str, tuple[Document, Plan]] = {}
    for doc in documents:
        plan = None if _unread(doc) else parse_plan(doc, sources)
        if plan is None:
            continue
        if plan.source in plans:
            doc.fault(f"Source '{plan.source}' has a plan in {plans[plan.source][0].file} already.", key="source")
        plans.setdefault(plan.source, (doc, plan))
    return plans


def _found(plans: Mapping[str, tuple[Document, Plan]]) -> dict[str, Plan]:
    return {name: plan for name, (_, plan) in plans.items()}


def _digest(root: Path, doc: Document, planned: tuple[Document, Plan] | None) -> str:
    """SHA-256 of a source's file; with a tracking plan, of both files."""
    digest = hashlib.sha256((root / doc.file).read_bytes())
    if planned is not None:
        digest.update((root / planned[0].file).read_bytes())
    return digest.hexdigest()


def _unread(doc: Document) -> bool:
    """Whether the file is no TOML: one fault, from which no other follows."""
    return not doc.keys and bool(doc.faults)


def _documents(root: Path, folder: str) -> Iterator[Document]:
    for path in sorted(path for path in (root / folder).glob("*.toml") if path.is_file()):
        yield Document(f"{folder}/{path.name}", path.read_text("utf-8", errors="replace"))


def _by_name(read: list[tuple[Document, T | None]]) -> dict[str, T]:
    named: dict[str, T] = {}
    for doc, thing in read:
        if thing is None:
            continue
        name: str = thing.name  # type: ignore[attr-defined]  # sources, journeys and promises all have one
        if name in named:
            doc.fault(f"The name '{name}' is taken by another file.", key="name")
        named.setdefault(name, thing)
    return named


def _named(kind: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise UnknownName(kind, name, known)
    return known[name]
