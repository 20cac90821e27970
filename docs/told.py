"""Writes what sources can tell into docs/reference/sources.md, out of the readers themselves: `python docs/told.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from cxminute.collect.readers.canon import EVENTS, IDENTIFIERS, PROPERTIES
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.facts import Reader
from cxminute.collect.source import READERS

PAGE: Final = Path(__file__).parent / "reference" / "sources.md"
PROMISES: Final = ("ship_by", "deliver_from", "deliver_by", "reply_by", "solve_by")
_PART: Final = re.compile(r"(<!-- told: (\w+) -->\n).*?(<!-- /told -->)", re.DOTALL)


def readers() -> Iterator[Reader]:
    """All of them, in the order of the catalogue."""
    return (reader_of(name) for name in READERS)


def matrix() -> list[str]:
    """Which reader tells which event, and the promises that it carries there."""
    names = [reader.name for reader in readers()]
    told = [reader.tells for reader in readers()]
    rows = [[event, *(_cell(tells.get(event)) for tells in told)] for event in EVENTS]
    return _table(["event", *names], rows)


def events() -> list[str]:
    """What each event means."""
    return _table(["event", "means"], [[name, means] for name, means in EVENTS.items()])


def properties() -> list[str]:
    """What each property means, and who tells it."""
    rows = []
    for name, (kind, means) in PROPERTIES.items():
        tell = [reader.name for reader in readers() if any(name in told for told in reader.tells.values())]
        rows.append([f"`{name}`", kind, means, ", ".join(tell) or "nobody yet"])
    return _table(["property", "type", "means", "told by"], rows)


def identifiers() -> list[str]:
    """What each kind of identifier names, and who tells it."""
    rows = []
    for kind, means in IDENTIFIERS.items():
        tell = [reader.name for reader in readers() if kind in reader.identifiers]
        rows.append([f"`{kind}`", means, ", ".join(tell) or "process logs"])
    return _table(["identifier", "names", "told by"], rows)


def silent() -> list[str]:
    """What each source cannot tell: a promise that none of its documents has, and what its forms say of themselves."""
    lines = []
    for reader in readers():
        page = PAGE.parent / "sources" / f"{reader.name}.md"
        title = f"[{reader.title}](sources/{page.name})" if page.exists() else reader.title
        lines.append(f"- **{title}** (`{reader.name}`){_lacking(reader)}")
        said: dict[str, str] = {form.name: form.says for form in reader.forms if form.says}
        lines += [f"  - {name}: {says}" for name, says in said.items()]
    return lines


PARTS: Final[Mapping[str, Callable[[], list[str]]]] = {
    "events": events,
    "matrix": matrix,
    "properties": properties,
    "identifiers": identifiers,
    "silent": silent,
}


def written(page: str) -> str:
    """The page with every part as it is told now."""
    return _PART.sub(lambda found: "\n".join([found[1], *PARTS[found[2]](), "", found[3]]), page)


def _cell(told: frozenset[str] | None) -> str:
    if told is None:
        return ""
    return ", ".join(f"`{name}`" for name in PROMISES if name in told) or "yes"


def _lacking(reader: Reader) -> str:
    told = set().union(*reader.tells.values())
    kept = [name for name in PROMISES if name in told]
    return f" can tell {_listed(kept)}." if kept else " states no promise."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([part for part in (", ".join(f"`{name}`" for name in names[:-1]), f"`{names[-1]}`") if part])


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
