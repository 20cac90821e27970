"""A source file (sources/*.toml): how a row of other people's data becomes events. Its contract is for privacy."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal, TypeVar, cast

from cxminute.model.definitions import Document
from cxminute.model.errors import UnknownName, nearest
from cxminute.model.steps import Condition, paths_of
from cxminute.model.times import zone_of

Type = Literal["number", "text", "flag", "time"]

TABULAR: Final = ("csv", "tsv", "ndjson", "parquet", "excel", "sql")
"""Formats that say nothing of what a row means: the source's file does."""
READERS: Final = (
    "amazon", "shopify", "woocommerce", "ebay", "mirakl", "mercadolibre", "etsy", "zendesk", "survey", "reviews",
)  # fmt: skip
"""Documents of known origins: a reader (collect.readers) knows what they mean, and the source's file need not say."""
SENDING: Final = ("shopify", "woocommerce", "ebay")
"""Those of them that send webhooks with a signature."""
LOGS: Final = ("xes", "ocel")
"""Process logs (collect.logs): every event says itself what it is."""
FORMATS: Final = (*TABULAR, "http", *READERS, *LOGS)
TYPES: Final = ("number", "text", "flag", "time")
KINDS: Final = ("track", "identify", "page", "screen", "group", "alias")
ENCODINGS: Final = ("utf-8", "cp1252", "latin-1", "utf-16", "shift_jis", "gb18030")
EPOCHS: Final = ("epoch seconds", "epoch milliseconds")
ROOTS: Final = ("properties.", "traits.", "context.")
DOOR: Final = "http"
"""The format of events that come through the door: their form is known, so the file need not describe it."""
BUILT_IN: Final = MappingProxyType({"user_id": "userId", "anonymous_id": "anonymousId", "group_id": "groupId"})
"""The identifiers that every event of the door has a place for."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_OF_FORMAT: Final = {
    "sheet": ("excel",),
    "delimiter": ("csv", "tsv", *READERS),
    "query": ("sql",),
    "url": ("sql",),
}
_TAKEN: Final = ("id", "source", "position", "kind", "name", "at", "digest", "profile", "rest", "seq", "known_at")


@dataclass(frozen=True, slots=True)
class Property:
    """One property path of the events, the column that it comes from, and its type (None: as the file has it)."""

    path: str
    column: str
    type: Type | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One [[events]] table: the event that a row tells of.

    name, kind:  what happened; with `name_from`, `kind_from` the columns that say it for each row
    at:          column of the time; no such event where it is empty
    not_before:  column of a time that `at` may not lie before
    when:        condition over columns of the row
    place_from:  column of the number that tells the row's events apart, in place of the rule's own
    once:        kind of identifier: one event of all rows with the same (the lines of an order), at the first of them
    properties:  paths that it carries
    """

    name: str
    at: str
    kind: str = "track"
    name_from: str = ""
    kind_from: str = ""
    not_before: str = ""
    when: Condition | None = None
    once: str = ""
    place_from: str = ""
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hooks:
    """How a source's webhooks prove that they are genuine.

    secrets:  names in the environment of the secrets that are valid: two while one takes the other's place
    endpoint: the URL that the sender was given, where its challenge asks for it
    """

    secrets: tuple[str, ...]
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A source as its file defines it; every text is '' and every tuple empty where the file is silent."""

    name: str
    format: str
    zone: str
    encoding: str = "utf-8"
    times: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    properties: tuple[Property, ...] = ()
    rules: tuple[Rule, ...] = ()
    sheet: str = ""
    delimiter: str = ""
    query: str = ""
    url: str = ""
    called: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Of a report: the reader's name of a column -> what it is called in these files."""
    hooks: Hooks | None = None
    hides_key: bool = False
    """Whether its key may hold what names a person, so that events' ids have a keyed hash of it."""

    @property
    def has_reader(self) -> bool:
        """Whether a reader knows what its documents mean."""
        return self.format in READERS

    @property
    def is_log(self) -> bool:
        """Whether it is a process log."""
        return self.format in LOGS

    def mapped(
        self,
        *,
        key: tuple[str, ...],
        identifiers: Mapping[str, tuple[str, ...]],
        properties: tuple[Property, ...],
        rules: tuple[Rule, ...],
    ) -> Source:
        """The same with this mapping in place of its own."""
        return replace(self, key=key, identifiers=identifiers, properties=properties, rules=rules)

    @property
    def at_door(self) -> bool:
        """Whether its events come through the door, not out of files."""
        return self.format == DOOR

    def naming(self, paths: Iterable[str]) -> Source:
        """The same, carrying also these property paths; only what comes through the door has any that nobody declared.

        Of paths that differ only in case, the first counts, a declared one before all: to databases they are one.
        """
        if not self.at_door:
            return self
        taken = {found.path.casefold() for found in self.properties}
        more = []
        for path in sorted(paths):
            if path.startswith(ROOTS) and path.casefold() not in taken:
                taken.add(path.casefold())
                more.append(Property(path, path))
        properties = (*self.properties, *more)
        carried = tuple(found.path for found in properties)
        rules = tuple(replace(rule, properties=carried) for rule in self.rules)
        return replace(self, properties=properties, rules=rules)

    @property
    def paths(self) -> dict[str, Type | None]:
        """Every property path that its events carry, with the declared type; text for csv and tsv without one."""
        plain: Type | None = "text" if self.format in {"csv", "tsv"} else None
        return {found.path: found.type or plain for found in self.properties}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping needs, each once, in order of appearance."""
        asked = [*self.key, *(column for columns in self.identifiers.values() for column in columns)]
        asked += [found.column for found in self.properties]
        for rule in self.rules:
            asked += [rule.at, rule.not_before, rule.name_from, rule.kind_from, rule.place_from, *paths_of(rule.when)]
        return tuple(dict.fromkeys(column for column in asked if column))

    def personal_columns(self, is_personal: Callable[[str], bool]) -> frozenset[str]:
        """Columns behind what a contract calls personal: property paths, `identifiers.KIND`, key columns by name."""
        named = {found.column for found in self.properties if is_personal(found.path)}
        for kind, columns in self.identifiers.items():
            if is_personal(f"identifiers.{kind}"):
                named.update(columns)
        return frozenset(named | {column for column in self.key if is_personal(column)})

    def check_columns(self, known: tuple[str, ...], *, file: str | None = None, line: int | None = None) -> None:
        """Raises UnknownName for the first column that the mapping needs and the file does not have."""
        for column in self.columns:
            if column not in known:
                raise UnknownName(
                    "column",
                    column,
                    known,
                    file=file,
                    line=line,
                    then=f"Nothing of this file was collected: mend the mapping of source '{self.name}'.",
                )


def parse_source(doc: Document, *, zone: str, parse_condition: Callable[[str], Condition]) -> Source | None:
    """The source that a file defines; None where it has faults, which are all in `doc.faults`.

    zone:            the project's, for times without an offset where the file names none
    parse_condition: reads the text of `when`, leaving bare names as they are: they are columns
    """
    before = len(doc.faults)
    name = doc.text("name")
    if name and not _NAME.fullmatch(name):
        doc.fault(f"'{name}' is not a name.", key="name", allowed="small letters, digits and dashes")
    kind = doc.text("format", allowed=FORMATS)
    doc.parsed("zone", zone_of, zone)
    at_door = kind == DOOR
    known = kind in READERS or kind in LOGS
    identifiers = _identifiers(doc.section("identifiers"), BUILT_IN if at_door else {})
    properties = _properties(doc.section("properties"), at_door=at_door)
    key = _of_files(doc, "key", doc.texts("key", ()), kind)
    rules: tuple[Rule, ...]
    if at_door:
        key, rules = ("messageId",), (_implied(properties),)
        for part in [*doc.sections("events")][:1] or [doc] * ("events" in doc):
            allowed = "no [[events]]: each event says itself what it is and when"
            part.fault("What comes through the door has its names and times with it.", allowed=allowed)
    elif known:
        rules = ()
        for section in ("identifiers", "properties", "events", "key"):
            if section in doc:
                allowed = "[columns], where a column has another name than the reader's"
                doc.fault(f"The reader '{kind}' knows what its documents mean.", key=section, allowed=allowed)
    else:
        rules = tuple(_rule(table, properties, identifiers, parse_condition) for table in doc.sections("events"))
        if not rules:
            doc.fault(
                "A source without events tells nothing.", allowed="at least one [[events]] table with name and at"
            )
    source = Source(
        name=name,
        format=kind,
        zone=doc.text("zone", zone),
        encoding=_of_files(doc, "encoding", _encoding(doc), kind),
        times=_times(doc),
        key=key,
        identifiers=MappingProxyType(identifiers),
        properties=properties,
        rules=rules,
        sheet=_of_format(doc, "sheet", kind),
        delimiter=_of_format(doc, "delimiter", kind),
        query=_of_format(doc, "query", kind),
        url=_of_format(doc, "url", kind),
        called=_called(doc),
        hooks=parse_hooks(doc),
    )
    if len(source.delimiter) > 1 or source.delimiter in ('"', "\n", "\r"):
        doc.fault("The delimiter is not one character.", key="delimiter", allowed="one character, such as ; or |")
    for section, allowing in (("columns", READERS), ("pull", READERS), ("hooks", SENDING)):
        doc.raw(section)
        if section in doc and kind not in allowing:
            doc.fault(f"'{section}' is not for {kind}.", key=section, allowed=f"{section} with {', '.join(allowing)}")
    doc.raw("contract")
    doc.done()
    return source if len(doc.faults) == before else None


def _of_format(doc: Document, key: str, kind: str) -> str:
    allowed = _OF_FORMAT[key]
    if key in doc and kind in FORMATS and kind not in allowed:
        doc.fault(f"'{key}' is not for {kind}.", key=key, allowed=f"{key} with format {' or '.join(allowed)}")
    return doc.text(key, None if kind == "sql" and key in {"query", "url"} else "")


def parse_hooks(doc: Document) -> Hooks | None:
    """The [hooks] of a source's file; None where it has none, and so takes no webhooks."""
    if "hooks" not in doc:
        return None
    part = doc.section("hooks")
    named = part.texts("secret")
    if "secret" in part and not named:
        part.fault("No secret is named.", key="secret", allowed='secret = "env:NAME"')
    for name in named:
        if not name.startswith("env:") or name == "env:":
            part.fault("A secret stands in the environment, never in a file.", key="secret", allowed='"env:NAME"')
    hooks = Hooks(tuple(name.removeprefix("env:") for name in named), part.text("endpoint", ""))
    part.done()
    return hooks


def _called(doc: Document) -> Mapping[str, str]:
    """The [columns] of a reader's source."""
    part = doc.section("columns")
    return MappingProxyType({name: part.text(name) for name in part.keys})


_T = TypeVar("_T")


def _of_files(doc: Document, key: str, found: _T, kind: str) -> _T:
    """What a key says; a fault where the source has no files."""
    if key in doc and kind == DOOR:
        doc.fault(f"'{key}' is not for {kind}.", key=key, allowed=f"{key} with the formats of files")
    return found


def _implied(properties: tuple[Property, ...]) -> Rule:
    """The one rule of the door: every item is an event, which says its name, its kind and its time itself."""
    carried = tuple(found.path for found in properties)
    return Rule(name="", at="at", name_from="name", kind_from="type", properties=carried)


def _encoding(doc: Document) -> str:
    encoding = doc.text("encoding", "utf-8")
    try:
        codecs.lookup(encoding)
    except LookupError:
        doc.unknown("encoding", encoding, ENCODINGS, key="encoding")
    return encoding


def _times(doc: Document) -> tuple[str, ...]:
    times = doc.texts("times", ())
    for form in times:
        if form not in EPOCHS and "%" not in form:
            allowed = f"a format such as %d.%m.%Y %H:%M, or {' or '.join(EPOCHS)}"
            doc.fault(f"'{form}' is not a format of times.", key="times", allowed=allowed)
    return times


def _identifiers(doc: Document, built_in: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    kinds: dict[str, tuple[str, ...]] = {kind: (column,) for kind, column in built_in.items()}
    for kind in doc.keys:
        if kind in built_in:
            allowed = "kinds of identifier beside user_id, anonymous_id and group_id"
            doc.fault(f"'{kind}' is always {built_in[kind]} at the door.", key=kind, allowed=allowed)
        columns = doc.texts(kind)
        if not _KIND.fullmatch(kind) or kind in _TAKEN or kind == "person":
            doc.fault(f"'{kind}' cannot name a kind of identifier.", key=kind, allowed="user_id, order_id and the like")
        if not columns or not all(columns):
            doc.fault(f"'{kind}' names no column.", key=kind, allowed="a column, or a list of columns")
        kinds[kind] = columns
    return kinds


def _properties(doc: Document, *, at_door: bool = False) -> tuple[Property, ...]:
    found = []
    for name in doc.keys:
        path = name if name.startswith(ROOTS) else f"properties.{name}"
        if isinstance(doc.raw(name), dict):
            inner = _inline(doc, name, ("from", "type"), default=path if at_door else "")
            kind = inner.get("type")
            if kind is not None and kind not in TYPES:
                doc.unknown("type", kind, TYPES, key=name)
            found.append(Property(path, inner.get("from", ""), cast("Type", kind) if kind else None))
        else:
            found.append(Property(path, doc.text(name)))
    _differ_in_more_than_case(doc, {name: found.path for name, found in zip(doc.keys, found, strict=True)})
    return tuple(found)


def _differ_in_more_than_case(doc: Document, paths: Mapping[str, str]) -> None:
    """Notes names whose paths, or what they lie in, are one but for case: to databases they would be one column."""
    known: dict[str, tuple[str, str]] = {}
    for name, path in paths.items():
        ends = [place for place, letter in enumerate(path) if letter == "."] + [len(path)]
        for outer in (path[:end] for end in ends):
            before, other = known.setdefault(outer.casefold(), (outer, name))
            if before != outer or (other != name and path == paths[other]):
                allowed = "names that differ in more than case"
                doc.fault(f"'{name}' and '{other}' are one name to a database.", key=name, allowed=allowed)
                break


def _rule(
    doc: Document,
    known: tuple[Property, ...],
    kinds: Mapping[str, tuple[str, ...]],
    parse_condition: Callable[[str], Condition],
) -> Rule:
    paths = {found.path.removeprefix("properties."): found.path for found in known}
    if "properties" in doc:
        chosen = [name.removeprefix("properties.") for name in doc.texts("properties")]
        for name in chosen:
            if name not in paths:
                doc.unknown("property", name, paths, key="properties")
        carried = tuple(paths[name] for name in chosen if name in paths)
    else:
        carried = tuple(paths.values())
    name, name_from = _named(doc, "name", None)
    kind, kind_from = _named(doc, "kind", "track")
    if not kind_from and kind not in KINDS:
        doc.unknown("kind of event", kind, KINDS, key="kind")
    once = doc.text("once", "")
    if "once" in doc and once not in kinds:
        doc.unknown("kind of identifier", once, kinds, key="once")
    rule = Rule(
        name=name,
        at=doc.text("at"),
        kind=kind,
        name_from=name_from,
        kind_from=kind_from,
        not_before=doc.text("not_before", ""),
        when=doc.parsed("when", parse_condition, ""),
        once=once,
        properties=carried,
    )
    doc.done()
    return rule


def _named(doc: Document, key: str, default: str | None) -> tuple[str, str]:
    """A text, or { from = column }: (text, '') or ('', column)."""
    if isinstance(doc.raw(key), dict):
        return "", _inline(doc, key, ("from",)).get("from", "")
    return doc.text(key, default), ""


def _inline(doc: Document, key: str, allowed: tuple[str, ...], *, default: str = "") -> dict[str, str]:
    """The texts of an inline table such as { from = "column" }; what is wrong with it is a fault of the key's line."""
    found = doc.raw(key)
    inner = {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    if default and isinstance(found, dict) and "from" not in found:
        inner["from"] = default
    if not inner.get("from"):
        doc.fault(f"'{key}' names no column.", key=key, allowed='{ from = "column" }')
    for name in found if isinstance(found, dict) else ():
        if name not in allowed:
            near = nearest(name, allowed)
            doc.fault(f"Unknown key '{name}' in '{key}'.", key=key, allowed=", ".join(allowed), near=near)
        elif name not in inner:
            doc.fault(f"'{name}' of '{key}' is not text.", key=key, allowed="text")
    return inner
