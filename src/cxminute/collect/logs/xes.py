"""XES (IEEE 1849): traces and events as they stream out of the file, one chunk of rows at a time.

expat reads; of the file only what an unfinished trace holds stays in memory. Entities of the file's own, and entities
that lie elsewhere, are refused: they are how a small file becomes a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from cxminute.collect.compressed import damage_of, nothing_in
from cxminute.collect.logs.attributes import DEEPEST, HOLDING, SIMPLE, Tree, taken_in
from cxminute.collect.logs.told import APART, DEEP, FINE, Told, encode, rows_of
from cxminute.collect.rows import Rows
from cxminute.collect.seen import Counts
from cxminute.collect.source import Source
from cxminute.model.errors import BadData
from cxminute.model.times import from_ms

DESCRIBED: Final = "Log Described"
"""The event that keeps what a log says of itself: its attributes, extensions, globals, classifiers, empty traces."""

_BLOCK: Final = 1 << 18
_NAME: Final = "concept:name"
_TIME: Final = "time:timestamp"
_MAKING: Final = MappingProxyType({_NAME: "string", _TIME: "date"})
"""The attributes that make an event, and their types."""
_CUT: Final = frozenset(
    expat.errors.codes[said]
    for said in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
_ATTRIBUTES: Final = frozenset((*SIMPLE, *HOLDING))

Said = tuple[str | None, str | None, str | None, dict[str, Any]]
"""An event: name and time as written, JSON of its own properties (None: they lie too deep), and notes beside them."""


def read(file: BinaryIO, source: Source, *, name: str, size: int) -> Iterator[Rows]:
    """Chunks of `size` events of an XES file, the last one fewer; the last has also what the log says of itself.

    file:   plain bytes (compressed.open_compressed), at their start
    name:   the file as people know it, for messages
    raises: BadData where it is no XES, holds no event, or has entities of its own
    """
    reader = _Reader(name)
    counts = Counts()
    first, earliest, damage, block = 0, None, "", b" "
    while block and not damage:
        block = file.read(_BLOCK)
        damage = reader.feed(block)
        while len(reader.told) > size:  # what is left is never nothing: the log's own event goes with the last
            part = reader.told.cut(size)
            earliest = part.earliest(source, earliest)
            yield rows_of(part, source, first, part.covers, counts)
            first += part.covers
    damage = damage_of(file) or damage
    if damage:
        reader.break_off()
    if not reader.seen:
        raise _nothing(file, name, reader, damage)
    told = reader.told
    if damage:
        what = f"{name} breaks off at line {reader.line:,}; the events before it went in."
        told.refused.append((-1, damage, what, ""))
    covers, earliest = told.covers, told.earliest(source, earliest)
    if earliest is not None:  # else no event has a time, and nothing says when the log was
        reader.describe(from_ms(earliest).isoformat(timespec="milliseconds"))
    yield rows_of(told, source, first, covers, counts)


class _Reader:
    """Elements of the file into events."""

    def __init__(self, name: str) -> None:
        self.told = Told(identifiers={"case_id": []})
        self.seen = 0
        self._position = 0
        self._file = name
        self._stack: list[list[Any]] = []
        self._trace: list[Said] = []
        self._traces = 0
        self._log: dict[str, Any] = {}
        self._attributes: Sequence[Tree] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._handlers()
        self._parser.EntityDeclHandler = self._entity
        self._parser.ExternalEntityRefHandler = self._entity

    @property
    def line(self) -> int:
        """Where the parser is in the file."""
        return self._parser.CurrentLineNumber

    def feed(self, block: bytes) -> str:
        """Takes a block of the file, b"" at its end; the reason where it breaks off."""
        try:
            self._parser.Parse(block, not block)
        except expat.ExpatError as fault:
            return "file_truncated" if not block and fault.code in _CUT else "file_damaged"
        return ""

    def break_off(self) -> None:
        """The file ends within a trace: its whole events are told."""
        opened = next((node for node in self._stack if node[0] == "trace"), None)
        if opened is not None:
            self._close_trace(opened[3] or [])

    def describe(self, at: str) -> None:
        """Adds the event that keeps what the log says of itself."""
        properties, types = taken_in(self._attributes)
        notes = {**({"types": types} if types else {}), **self._log}
        said = encode({"properties": {**properties, "xes": notes}}).decode()
        self._tell(said, DESCRIBED, at, said, None)
        self.told.kinds[-1] = "group"

    # -- what expat calls ------------------------------------------------------------------------------------------

    def _handlers(self) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]]:
        """What is called at the start and the end of each element: of attributes, millions of times.

        An element that is open is a list: of an attribute its type, key, value, and those within it or None; of
        another its name, its XML attributes, None, and the attributes within it.
        """
        stack, local = self._stack, dict.fromkeys(_ATTRIBUTES, True)
        push, pop = stack.append, stack.pop

        def start(tag: str, found: dict[str, str]) -> None:
            if local.get(tag):
                push([tag, found.get("key", ""), found.get("value", ""), None])
            else:
                self._opened(tag, found, local)

        def end(_: str) -> None:
            node = pop()
            if node[2] is None:
                self._closed(node)
                return
            holder = stack[-1]
            if holder[3] is None:
                holder[3] = [node]
            else:
                holder[3].append(node)

        return start, end

    def _opened(self, tag: str, found: dict[str, str], known: dict[str, bool]) -> None:
        """An element that is no attribute, or one with a prefix before its name."""
        bare = tag.rpartition(":")[2]
        if bare in _ATTRIBUTES:
            self._stack.append([bare, found.get("key", ""), found.get("value", ""), None])
            return
        known[tag] = False
        if not self._stack:
            if bare != "log":
                what = f"This is no XES: it begins with <{bare[:40]}>."
                raise BadData(what, file=self._file, allowed="<log>", then="Nothing was collected.")
            self._log["log"] = found
        self._stack.append([bare, found, None, None])

    def _closed(self, node: list[Any]) -> None:
        """The end of an element that is no attribute."""
        tag, found, _, held = node
        within = held or []
        if tag == "event":
            self._event(within)
        elif tag == "trace":
            self._close_trace(within)
        elif tag == "values":
            holder = self._stack[-1]
            holder[3] = [*(holder[3] or ()), *within]
        elif tag in {"extension", "classifier"}:
            self._log.setdefault(f"{tag}s", []).append(found)
        elif tag == "global":
            properties, types = _judged(within) or ({}, {})
            self._log.setdefault("globals", []).append({**found, "attributes": properties, "types": types})
        elif tag == "log":
            self._attributes = within

    def _entity(self, *_: object) -> int:
        raise BadData(
            "The file declares entities of its own, or names some that lie elsewhere.",
            file=self._file,
            allowed="XES without <!ENTITY>",
            then="Nothing more of it was collected.",
        )

    # -- events ----------------------------------------------------------------------------------------------------

    def _event(self, within: list[Tree]) -> None:
        self.seen += 1
        others: list[Tree] = []
        found: dict[str, str] = {}
        for attribute in within:
            kind, key, value, inner = attribute
            if key not in _MAKING or key in found:
                others.append(attribute)
                continue
            found[key] = value
            if inner or kind != _MAKING[key]:  # kept beside, as it is
                others.append(attribute)
        name, time = found.get(_NAME), found.get(_TIME)
        notes: dict[str, Any] = {}
        judged = _judged(others)
        if judged is None:
            said: Said = (name, time, None, notes)
        else:
            properties, types = judged
            if types:
                notes["types"] = types
            if name is not None and name != name.strip():
                notes["name"] = name
            if time is not None and len(time) > 23 and FINE.search(time):
                notes["time"] = time
            said = (name, time, encode(properties).decode(), notes)
        if self._stack[-1][0] == "trace":
            self._trace.append(said)
        else:
            self._take(said, None, "", {})

    def _close_trace(self, within: list[Tree]) -> None:
        self._traces += 1
        events, self._trace = self._trace, []
        named = next((attribute for attribute in within if attribute[1] == _NAME), None)
        about: dict[str, Any] = {}
        case = named[2].strip() if named is not None else ""
        if not case:
            case = str(self._traces)
            about["nameless"] = True
        elif named is not None and named[2] != case:
            about["name"] = named[2]
        plain = named is not None and named[0] == "string" and not named[3]
        judged = _judged([attribute for attribute in within if attribute is not named or not plain])
        properties, types = judged or ({}, {})
        if types:
            about["types"] = types
        if judged is None:
            events = [(name, time, None, notes) for name, time, _, notes in events]
        if not events:
            empty = {"attributes": properties, **about, **({} if "nameless" in about else {"case": case})}
            self._log.setdefault("traces", []).append(empty)
            return
        times = [time or "" for _, time, _, _ in events]
        in_order = all(times) and all(one <= other for one, other in pairwise(times))
        piece = f'"case":{encode(properties).decode()}' if properties else ""
        for place, said in enumerate(events):
            self._take(said, case, piece, about, None if in_order else place)

    def _take(self, said: Said, case: str | None, piece: str, about: dict[str, Any], place: int | None = None) -> None:
        """One event of a case, with what is said of the case, and its place there where times do not tell it."""
        name, time, own, notes = said
        if own is None:
            self._refuse(said, case)
            return
        if place is not None:
            notes = {**notes, "place": place}
        if about:
            notes = {**notes, "case": about}
        parts = [own[1:-1]] if len(own) > 2 else []
        if piece:
            parts.append(piece)
        if notes:
            parts.append(f'"xes":{encode(notes).decode()}')
        record = f"{case or ''}{APART}{name or ''}{APART}{time or ''}{APART}{own}"
        self._tell(record, name, time, f'{{"properties":{{{",".join(parts)}}}}}', case)

    def _tell(self, record: str, name: str | None, time: str | None, rest: str, case: str | None) -> None:
        told = self.told
        told.records.append(record)
        told.kinds.append(None)
        told.names.append(name)
        told.times.append(time)
        told.rests.append(rest)
        told.positions.append(self._position)
        self._position += 1
        told.identifiers["case_id"].append(case)

    def _refuse(self, said: Said, case: str | None) -> None:
        row = encode({DEEP: {"case_id": case, "name": said[0], "time": said[1]}}).decode()
        detail = f"Attributes lie more than {DEEPEST} deep within one another: they are not kept here."
        self.told.refused.append((self._position, DEEP, detail, row))
        self._position += 1


def _judged(within: list[Tree]) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Attributes as properties and their types; None where they lie too deep."""
    try:
        return taken_in(within)
    except RecursionError:
        return None


def _nothing(file: BinaryIO, name: str, reader: _Reader, damage: str) -> BadData:
    if damage:
        if damage_of(file):
            return nothing_in(file, name, "XES")
        what = f"The file is no XML from line {reader.line:,} on, and holds no whole event before."
        return BadData(what, file=name, allowed="a whole XES file", then="Nothing was collected.")
    return BadData("The log holds no event.", file=name, then="Nothing was collected.")
