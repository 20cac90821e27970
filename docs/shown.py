"""Runs what a guide shows. `python docs/shown.py GUIDE.md DATA FOLDER` writes what its commands print into the page.

A guide's ```sh blocks hold `cxm` commands, `cd`, pipes into `head`, `tail`, `grep -E` and `cut -c`, and `> FILE`, as a
shell would run them, and `cat` of a file; its ```sql blocks are run by DuckDB. What they print stands in the ```text
block that follows. A ```toml block whose first line is a file's name (`# sources/orders.toml`) is written into it.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from cxminute.app.cli import run

_BLOCK = re.compile(r"```(sh|sql|toml)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
_FIGURE = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_UNSAID = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|^\d+\. ", re.DOTALL | re.MULTILINE)  # code, addresses, list marks


@dataclass
class Stage:
    """Where a guide is played: a folder with its data, then the project folder that it makes there."""

    folder: Path
    data: Path
    pictures: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The data lies beside the project, under its own name."""
        (self.folder / self.data.name).symlink_to(self.data)

    def play(self, kind: str, source: str) -> str:
        """What a block prints, without blank edges."""
        if kind == "toml":
            return self._file(source)
        said = self._table(source) if kind == "sql" else "".join(self._line(line) for line in source.splitlines())
        return "\n".join(line.rstrip() for line in said.splitlines()).strip("\n")

    def _line(self, line: str) -> str:
        line, _, into = line.partition(" > ")
        command, *filters = _pipe(line)
        arguments: list[str]
        match command:
            case ["cd", name]:
                self.folder /= name
                return ""
            case ["cat", name]:
                arguments = []
                heard = io.StringIO((self.folder / name).read_text("utf-8"))
            case ["cxm", *arguments]:
                with chdir(self.folder), redirect_stdout(io.StringIO()) as heard:
                    code = run(arguments)
                if code:
                    raise RuntimeError(f"{line}: exit code {code}")
            case _:
                raise ValueError(f"A guide runs cxm, cd and cat, not '{line}'.")
        if "--chart" in arguments:
            self.pictures.append(self.folder / arguments[arguments.index("--chart") + 1])
        said = heard.getvalue().splitlines()
        for used in filters:
            said = _filtered(said, used)
        if into:
            (self.folder / into).write_text("\n".join(said), "utf-8")
            return ""
        return "".join(f"{text}\n" for text in said)

    def _file(self, text: str) -> str:
        """A definition that says which file it is becomes that file; another is one that is there already."""
        name = text.splitlines()[0].removeprefix("# ")
        if name.endswith(".toml") and text.startswith("# "):
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text, "utf-8")
        return ""

    def _table(self, query: str) -> str:
        with chdir(self.folder), duckdb.connect() as connection:
            found = connection.execute(query)
            names = [column[0] for column in found.description or ()]
            rows = found.fetchall()
        cells = [names, *([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
        numeric = [all(isinstance(row[place], int | float) for row in rows) for place in range(len(names))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            )
            for row in cells
        )


def blocks(page: str) -> Iterator[tuple[str, str, str | None]]:
    """Each block that runs: its kind, what runs, and what it is shown to print, None where nothing is."""
    for found in _BLOCK.finditer(page):
        yield found[1], found[2], None if found[3] is None else found[3].strip("\n")


def figures(text: str) -> list[str]:
    """The numbers in a text, as they are written."""
    return [found.rstrip(",") for found in _FIGURE.findall(text)]


def prose(page: str) -> str:
    """What a page says in its own words: without blocks, code and addresses."""
    return _UNSAID.sub(" ", page)


def refreshed(page: str, stage: Stage) -> str:
    """The page with every shown output as it is printed now."""

    def again(found: re.Match[str]) -> str:
        said = stage.play(found[1], found[2])
        block = f"```{found[1]}\n{found[2]}```"
        return block if found[3] is None else f"{block}\n\n```text\n{said}\n```"

    return _BLOCK.sub(again, page)


def main(page: Path, data: Path, folder: Path) -> None:
    """Refreshes a page, and the pictures beside it."""
    stage = Stage(folder, data.resolve())
    text = refreshed(page.read_text("utf-8"), stage)
    page.write_text(text, "utf-8")
    for picture in stage.pictures:
        (page.parent / picture.name).write_text(picture.read_text("utf-8"), "utf-8")


def _pipe(line: str) -> list[list[str]]:
    """The commands of a line with their words; a bar in quotes is a word's own."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|")
    words.whitespace_split = True
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _filtered(lines: list[str], used: Sequence[str]) -> list[str]:
    match used:
        case ["head", count]:
            return lines[: int(count.removeprefix("-"))]
        case ["tail", count]:
            return lines[-int(count.removeprefix("-")) :]
        case ["grep", "-E", pattern]:
            return [line for line in lines if re.search(pattern, line)]
        case ["cut", "-c", span]:
            return [line[: int(span.removeprefix("1-"))] for line in lines]
        case _:
            raise ValueError(f"A guide pipes into head, tail, grep -E and cut -c, not '{shlex.join(used)}'.")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
