"""Our events as process logs: XES of one kind of subject, OCEL of all; as a permit allows, and nothing personal.

What came from a process log goes out as it came. Of what other sources told, properties are attributes. A person is a
number, as in the log; an order, a ticket or a case has its own name, unless a contract calls that personal.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TextIO, cast

from cxminute.app.activity_answers import default_per
from cxminute.app.analysis import View
from cxminute.app.exporting_objects import write_objects
from cxminute.app.leaving import Leaving, flat, leaving, properties_of
from cxminute.collect.logs.attributes import Tree, given_out, key_of, plain
from cxminute.collect.logs.xes_writing import Head, Writer
from cxminute.model.errors import WrongUse
from cxminute.model.times import from_ms
from cxminute.store.whole import Whole

OF_CASES: Final = (".xes", ".xes.gz")
OF_OBJECTS: Final = (".json", ".jsonocel", ".sqlite")
_AT_ONCE: Final = 1_000  # cases whose names are asked for together


@dataclass(slots=True)
class Exported:
    """What was written: how many events, of how many cases or objects; and how many events are of no such subject."""

    file: str
    events: int = 0
    subjects: int = 0
    left_out: int = 0
    per: str | None = None

    @property
    def document(self) -> dict[str, object]:
        """As JSON has it."""
        what = {"cases": self.subjects, "per": self.per} if self.per else {"objects": self.subjects}
        return {"file": self.file, "events": self.events, **what, "left_out": self.left_out}

    @property
    def sentence(self) -> str:
        """For people."""
        of = f"{self.subjects:,} {'cases' if self.per else 'objects'}"
        left = f" {self.left_out:,} events have no {self.per} and were left out." if self.left_out else ""
        return f"Wrote {self.file}: {self.events:,} events of {of}.{left}"


def export(seen: View, file: Path, per: str | None = None) -> Exported:
    """Writes a log, whole or not at all, in the form that the end of its name says: .xes, .xes.gz, .json, .sqlite.

    per:    of XES, what a case is: person, or a kind of identifier; OCEL has them all
    raises: WrongUse for another ending; UnknownName for a kind of subject that there is not
    """
    name = file.name.lower()
    if not name.endswith((*OF_CASES, *OF_OBJECTS)):
        raise WrongUse(f"'{file.name}' ends in no kind of log.", allowed=", ".join((*OF_CASES, *OF_OBJECTS)))
    if name.endswith(OF_OBJECTS) and per is not None:
        raise WrongUse("OCEL has all kinds of objects at once.", allowed="--per with a name that ends in .xes")
    if name.endswith(OF_CASES) and per is None:
        per = default_per(seen)
    out = leaving(seen, per)
    done = Exported(file.name, per=out.per)
    with _settled(file) as temporary:
        if name.endswith(OF_CASES):
            with _text(temporary, compressed=name.endswith(".gz")) as text:
                _write_cases(out, text, done)
        else:
            done.events, done.subjects = write_objects(out, temporary, database=name.endswith(".sqlite"))
    return done


@contextmanager
def _settled(file: Path) -> Iterator[Path]:
    """A file beside it that takes its place once it is written; gone where that fails."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        yield temporary
        temporary.replace(file)
    except OSError as fault:
        what = f"{file} cannot be written: {fault.strerror or fault}."
        raise WrongUse(what, allowed="a file in a folder that is there") from fault
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _text(path: Path, *, compressed: bool) -> Iterator[TextIO]:
    if compressed:
        with gzip.open(path, "wt", encoding="utf-8", newline="\n") as file:
            yield cast("TextIO", file)
    else:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file


# -- XES ---------------------------------------------------------------------------------------------------------------


def _write_cases(out: Leaving, text: TextIO, done: Exported) -> None:
    head = Head()
    for found in out.described():
        notes = out.notes(found, "xes")
        if "log" in notes:
            own = {name: value for name, value in properties_of(found).items() if name != "xes"}
            head.add(notes, given_out(own, notes.get("types") or {}))
    writer = Writer(text, head)
    batch: list[tuple[int, list[Whole]]] = []
    for subject, events in groupby(out.events(), key=lambda found: found.subject):
        if subject is None:  # the last of all
            _write_batch(out, writer, batch, done)
            batch = []
            _write_free(out, writer, events, done)
            continue
        batch.append((subject, [found for found in events if not out.is_record(found)]))
        if len(batch) == _AT_ONCE:
            _write_batch(out, writer, batch, done)
            batch = []
    _write_batch(out, writer, batch, done)
    for empty in head.traces:
        about = given_out(empty.get("attributes") or {}, empty.get("types") or {})
        named = [plain("concept:name", empty.get("name", empty["case"]))] if "case" in empty else []
        writer.trace([*_unless(named, about), *about], ())
        done.subjects += 1
    writer.end()


def _write_batch(out: Leaving, writer: Writer, batch: Sequence[tuple[int, list[Whole]]], done: Exported) -> None:
    names = out.names(out.per or "", [subject for subject, _ in batch])
    for subject, events in batch:
        if events:
            writer.trace(*_trace(out, names[subject], events))
            done.events += len(events)
            done.subjects += 1


def _write_free(out: Leaving, writer: Writer, events: Iterable[Whole], done: Exported) -> None:
    """Events of no subject: those of an XES log that were in no case there go out so."""
    for found in events:
        if out.is_record(found):
            continue
        if out.form_of(found) == "xes" and out.per == "case_id":
            writer.event(_event(out, found))
            done.events += 1
        else:
            done.left_out += 1


def _trace(out: Leaving, name: str, events: list[Whole]) -> tuple[list[Tree], Iterator[list[Tree]]]:
    """A case's attributes and events, in the order of their log where that is not the order of time."""
    attributes: dict[str, Any] = {}
    about: dict[str, Any] = {}
    places: list[Any] = []
    for found in events:
        notes = out.notes(found, "xes")
        if out.form_of(found) == "xes":
            attributes.update(properties_of(found).get("case") or {})
        about.update(notes.get("case") or {})
        places.append(notes.get("place"))
    if len({found.source for found in events}) == 1 and None not in places:
        events = [found for _, found in sorted(zip(places, events, strict=True), key=lambda pair: pair[0])]
    trees = given_out(attributes, about.get("types") or {})
    named = [] if about.get("nameless") else [plain("concept:name", about.get("name", name))]
    return [*_unless(named, trees), *trees], (_event(out, found) for found in events)


def _event(out: Leaving, found: Whole) -> list[Tree]:
    notes = out.notes(found, "xes")
    own: list[Tree] = [plain("concept:name", notes.get("name", found.name))]
    at = from_ms(found.at).isoformat(timespec="milliseconds")
    own.append(plain("time:timestamp", notes.get("time", at), "date"))
    if out.form_of(found) == "xes":
        there = {name: value for name, value in properties_of(found).items() if name not in {"case", "xes"}}
        trees = given_out(there, notes.get("types") or {})
        return [*_unless(own, trees), *trees, *_others(found, properties=False)]
    return [*own, *_others(found, properties=True), plain("source", found.source)]


def _others(found: Whole, *, properties: bool) -> list[Tree]:
    """Attributes of what no log of others brought: a property by its name, all else by its path."""
    return [
        plain(key_of(path.removeprefix("properties.")) if path.startswith("properties.") else path, value, kind)
        for path, value, kind in flat(found)
        if properties or not path.startswith("properties.")
    ]


def _unless(own: list[Tree], trees: Collection[Tree]) -> list[Tree]:
    """Our own attributes, but for those that are there already, with a type of their own."""
    there = {key for _, key, *_ in trees}
    return [tree for tree in own if tree[1] not in there]
