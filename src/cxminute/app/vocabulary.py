"""What the sources of a project can tell of: what definitions may name, and the nearest right name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cxminute.app.settings import path_of
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.source import BUILT_IN, DOOR, LOGS, READERS, ROOTS, Source
from cxminute.journeys.definition import steps_in
from cxminute.journeys.language import parse_pattern, parse_step
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition
from cxminute.model.steps import Step, paths_of
from cxminute.privacy.contracts import Contract
from cxminute.privacy.personal import is_personal
from cxminute.privacy.purposes import PURPOSES
from cxminute.store.memberships import GROUP
from cxminute.store.pieces import ACCOUNT
from cxminute.store.vault import PERSON_KINDS


@dataclass(frozen=True)
class Vocabulary:
    """Names that sources define. Read from the files' tables, so that one fault in a source does not hide another.

    kinds:    kinds of subject: person, and every kind of identifier that is a space of its own
    names:    events; `open` where a source takes their names from a column, so that any name may come
    door:     contracts of what comes through the door or a reader: such events carry any path, declared or not
    any_kind: whether a process log may bring kinds of subject that no file declares
    personal: path -> the source whose contract calls it personal
    journeys: names of all that have a file, be it faulty
    purposes: of the project
    """

    kinds: frozenset[str]
    names: frozenset[str]
    paths: frozenset[str]
    open: bool
    personal: Mapping[str, str]
    journeys: frozenset[str] = frozenset()
    door: tuple[Contract, ...] = ()
    any_kind: bool = False
    purposes: Collection[str] = tuple(PURPOSES)

    @classmethod
    def of(
        cls,
        sources: Sequence[Document],
        contracts: Mapping[str, Contract],
        journeys: Sequence[Document] = (),
        purposes: Collection[str] = tuple(PURPOSES),
    ) -> Vocabulary:
        """What these source files define, and the names of these journeys and purposes."""
        kinds, names, paths, personal, any_name = {"person"}, set(), {"source", "name"}, {}, False
        any_kind = False
        door = []
        for doc in sources:
            kinds.update(kind for kind in _keys(doc, "identifiers") if kind not in PERSON_KINDS)
            carried = {name if "." in name else f"properties.{name}" for name in _keys(doc, "properties")}
            paths |= carried
            for name in _event_names(doc):
                any_name |= name is None
                names.add(name or "")
            contract = contracts.get(str(doc.raw("name") or ""))
            form = doc.raw("format")
            if form in READERS:
                reader = reader_of(str(form))
                names.update(reader.tells)
                told = {f"properties.{name}" for known in reader.tells.values() for name in known}
                paths |= told
                carried |= told
                kinds.update(kind for kind in reader.identifiers if kind not in PERSON_KINDS)
                door += [contract] if contract is not None else []
            if form in LOGS:
                any_name = any_kind = True
                door += [contract] if contract is not None else []
            if doc.raw("format") == DOOR:
                any_name = True
                kinds.update(kind for kind in BUILT_IN if kind not in PERSON_KINDS)
                door += [contract] if contract is not None else []
            if contract is not None:
                personal.update({path: contract.source for path in carried if is_personal(path, contract)})
        called = frozenset(str(doc.raw("name")) for doc in journeys if doc.raw("name"))
        names.discard("")
        return cls(
            frozenset(kinds),
            frozenset(names),
            frozenset(paths),
            any_name,
            personal,
            called,
            tuple(door),
            any_kind,
            purposes,
        )

    def check(self, doc: Document, keys: Sequence[str]) -> None:
        """Notes what the steps under these keys, the purpose and the kind of subject name without it being defined."""
        self._check_per(doc)
        purpose = doc.raw("purpose")
        if isinstance(purpose, str) and purpose not in self.purposes:
            doc.unknown("purpose", purpose, self.purposes, key="purpose")
        for key in keys:
            for step in _steps(doc.raw(key)):
                self._check_name(doc, step, key)
                for path in paths_of(step.where):
                    self.check_path(doc, path, key)

    def held(self, per: Sequence[str]) -> tuple[str, ...]:
        """The keys of a subject, those after the first as paths.

        per: as written; a bare name is the kind of identifier that is a space of its own, or else a property
        """
        further = (f"identifiers.{key}" if key in self.kinds else path_of(key) for key in per[1:])
        return (*per[:1], *further)

    def _check_name(self, doc: Document, step: Step, key: str) -> None:
        """Notes an event that no source tells of, or a journey that no file defines."""
        if step.kind == "ending":
            name = step.name.rpartition(".")[0]
            if name not in self.journeys:
                doc.unknown("journey", name, self.journeys, key=key)
        elif step.kind == "event" and not self.open and step.name not in self.names:
            doc.unknown("event", step.name, self.names, key=key)

    def _check_per(self, doc: Document) -> None:
        """Notes a kind of subject, or a further key, that no event carries."""
        per = doc.raw("per")
        keys = [key for key in (per if isinstance(per, list) else [per]) if isinstance(key, str) and key]
        subjects = self.kinds | ({ACCOUNT} if GROUP in self.kinds else set())
        if keys and keys[0] not in subjects and not self.any_kind:
            doc.unknown("kind of subject", keys[0], subjects, key="per")
        for key, path in zip(keys[1:], self.held(keys)[1:], strict=True):
            if key in self.kinds:
                continue
            if self._carried(path):
                self.check_path(doc, path, "per")
            else:
                known = {*self.kinds, *(path.removeprefix("properties.") for path in self.paths)}
                doc.unknown("key of a subject", key, known, key="per")

    def check_path(self, doc: Document, path: str, key: str) -> None:
        """Notes a path that no source carries, or that may stand only in the vault."""
        hidden = self.personal.get(path) or self._hidden_at_door(path)
        if not self._carried(path):
            doc.unknown("path", path, self.paths, key=key)
        elif hidden:
            doc.fault(
                f"'{path}' is personal in source '{hidden}': its values stay in the vault.",
                key=key,
                allowed="a path that is not, or `open` in the source's contract",
            )

    def _carried(self, path: str) -> bool:
        """Whether events may have the path: a source declares it, or some come through the door."""
        return path in self.paths or bool(self.door and _is_property(path))

    def _hidden_at_door(self, path: str) -> str:
        """The source of the door whose contract calls the path personal; '' where none does, or it is no property."""
        hiding = (contract.source for contract in self.door if is_personal(path, contract))
        return next(hiding, "") if _is_property(path) else ""

    def check_due(self, doc: Document, path: str, sources: Sequence[Source]) -> None:
        """Notes a due path that no source carries, or that one carries as something else than a time."""
        self.check_path(doc, path, "due")
        for source in sources:
            undeclared = source.at_door and not any(path in other.paths for other in sources)
            kind = source.paths.get(path, "time") or ("text" if source.at_door else "time")
            if undeclared:
                doc.fault(
                    f"'{path}' is declared nowhere, so events of source '{source.name}' carry it as text.",
                    key="due",
                    allowed=f'{path.partition(".")[2]} = {{ type = "time" }} in that source',
                )
            elif kind != "time":
                doc.fault(
                    f"'{path}' is {kind} in source '{source.name}', and a due time is a time.",
                    key="due",
                    allowed=f'{path.partition(".")[2]} = {{ from = "...", type = "time" }} in that source',
                )

    def check_contract(self, doc: Document, source: Source) -> None:
        """Notes what a contract calls personal, or open, though the source carries no such path."""
        terms = doc.section("contract")
        known = {*source.paths, *(f"identifiers.{kind}" for kind in source.identifiers), *source.key}
        for key in ("personal", "open"):
            for name in terms.texts(key, ()):
                path = name if "." in name or "*" in name else f"properties.{name}"
                if "*" not in path and path not in known and source.format not in {"ndjson", DOOR, *READERS, *LOGS}:
                    terms.unknown("path", path, known, key=key)


def _is_property(path: str) -> bool:
    """Whether a path lies where what comes through the door has its properties, and names one."""
    return path.startswith(ROOTS) and bool(path.partition(".")[2].strip())


def _keys(doc: Document, key: str) -> tuple[str, ...]:
    table = doc.raw(key)
    return tuple(table) if isinstance(table, dict) else ()


def _event_names(doc: Document) -> Iterator[str | None]:
    """The name of each [[events]] table; None where a column gives it."""
    tables = doc.raw("events")
    for table in tables if isinstance(tables, list) else ():
        name = table.get("name") if isinstance(table, dict) else ""
        yield name if isinstance(name, str) else None


def _steps(written: object) -> Iterator[Step]:
    """The steps of a pattern or of single steps; none of what cannot be read, which is a fault already."""
    for text in written if isinstance(written, list) else [written]:
        if not isinstance(text, str):
            continue
        try:
            pattern = parse_pattern(text)
        except BadDefinition:
            try:
                yield parse_step(text)
            except BadDefinition:
                continue
        else:
            yield from steps_in(pattern)
