"""XES written: a log's own part, then trace after trace, so that any number of them takes no memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TextIO
from xml.sax.saxutils import quoteattr

from cxminute.collect.logs.attributes import HOLDING, SIMPLE, Tree, given_out

_LOG: Final = MappingProxyType(
    {
        "xes.version": "1849-2016",
        "xes.features": "nested-attributes",
        "xmlns": "http://www.xes-standard.org/",
    }
)
_EXTENSIONS: Final = tuple(
    {"name": name, "prefix": prefix, "uri": f"http://www.xes-standard.org/{file}.xesext"}
    for name, prefix, file in (
        ("Concept", "concept", "concept"),
        ("Time", "time", "time"),
        ("Lifecycle", "lifecycle", "lifecycle"),
        ("Organizational", "org", "org"),
    )
)
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_KNOWN: Final = frozenset((*SIMPLE, *HOLDING))


@dataclass(slots=True)
class Head:
    """What a log says of itself; empty where it says nothing: then it is a log of ours.

    log:         XML attributes of the log
    globals:     each {scope, attributes, types}; traces: those without events, each {case, attributes, types}
    attributes:  of the log
    """

    log: dict[str, str] = field(default_factory=dict)
    extensions: list[Mapping[str, str]] = field(default_factory=list)
    globals: list[Mapping[str, Any]] = field(default_factory=list)
    classifiers: list[Mapping[str, str]] = field(default_factory=list)
    traces: list[Mapping[str, Any]] = field(default_factory=list)
    attributes: list[Tree] = field(default_factory=list)

    def add(self, notes: Mapping[str, Any], attributes: Iterable[Tree]) -> None:
        """One more log's own part: what both say alike, is said once."""
        self.log.update(notes.get("log") or {})
        for mine, name in (
            (self.extensions, "extensions"),
            (self.globals, "globals"),
            (self.classifiers, "classifiers"),
            (self.traces, "traces"),
        ):
            mine.extend(found for found in notes.get(name) or () if found not in mine)
        known = {key for _, key, *_ in self.attributes}
        self.attributes.extend(found for found in attributes if found[1] not in known)


class Writer:
    """A log on its way into a text file; `end` closes the log, not the file."""

    def __init__(self, out: TextIO, head: Head) -> None:
        self._write = out.write
        self._write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._write(f"<log{_said(head.log or _LOG)}>\n")
        for extension in head.extensions or (_EXTENSIONS if not head.log else ()):
            self._write(f"<extension{_said(extension)}/>\n")
        for found in head.globals:
            scope = {key: value for key, value in found.items() if key not in {"attributes", "types"}}
            self._write(f"<global{_said(scope)}>")
            self._attributes(given_out(found.get("attributes") or {}, found.get("types") or {}))
            self._write("</global>\n")
        for classifier in head.classifiers:
            self._write(f"<classifier{_said(classifier)}/>\n")
        self._attributes(head.attributes)
        self._write("\n")

    def trace(self, attributes: Sequence[Tree], events: Iterable[Sequence[Tree]]) -> None:
        """One case."""
        self._write("<trace>")
        self._attributes(attributes)
        self._write("\n")
        for event in events:
            self.event(event)
        self._write("</trace>\n")

    def event(self, attributes: Sequence[Tree]) -> None:
        """One event; of no case, where it is called between traces."""
        self._write("<event>")
        self._attributes(attributes)
        self._write("</event>\n")

    def end(self) -> None:
        """The end of the log."""
        self._write("</log>\n")

    def _attributes(self, attributes: Iterable[Tree]) -> None:
        self._write("".join(map(_element, attributes)))


def _element(tree: Tree) -> str:
    kind, key, value, within = tree
    kind = kind if kind in _KNOWN else "string"
    start = f"<{kind} key={_quoted(key)}"
    if kind not in HOLDING or value:
        start += f" value={_quoted(value)}"
    inner = "".join(map(_element, within))
    if kind == "list":
        inner = f"<values>{inner}</values>"
    return f"{start}>{inner}</{kind}>" if inner else f"{start}/>"


def _said(found: Mapping[str, str]) -> str:
    return "".join(f" {key}={_quoted(str(value))}" for key, value in found.items())


def _quoted(text: str) -> str:
    """Text between quotes; what XML cannot hold becomes the sign for what is unreadable."""
    return quoteattr(_NO_XML.sub("\ufffd", text))
