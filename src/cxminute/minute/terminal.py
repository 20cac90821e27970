"""The brief on a terminal: rich text that reads the same without colour."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cxminute.minute.brief import Brief, Detail, Line

TEXTS = {"action", "command"}
GRADES = {"once": "yellow", "pattern": "dark_orange", "trend": "red"}


def terminal(brief: Brief, *, details: bool = True) -> Group:
    """The brief as something a rich console prints; nothing that comes from data is read as markup.

    details: with the tables below the fold
    """
    parts: list[RenderableType] = [Rule(Text(brief.title, style="bold"), align="left")]
    parts.append(_said(brief.headline, bold=True))
    for title, lines in brief.sections():
        parts.append(Text(f"\n{title}", style="bold cyan"))
        parts += [Padding.indent(_said(line), 2) for line in lines]
    if details and brief.details:
        parts.append(Text(""))
        parts.append(Rule(Text("Details", style="dim"), align="left"))
        parts += [_table(detail) for detail in brief.details]
    return Group(*parts)


def text(brief: Brief, *, width: int = 100, colour: bool = False, details: bool = True) -> str:
    """The brief as a terminal of that width shows it, with escape codes only where colour is asked for."""
    console = Console(width=width, force_terminal=colour, color_system="256" if colour else None, record=False)
    with console.capture() as captured:
        console.print(terminal(brief, details=details))
    return "".join(f"{row.rstrip()}\n" for row in captured.get().splitlines())


def _said(line: Line, *, bold: bool = False) -> Text:
    """A line: its text with the figure set off, then its command on a line of its own."""
    said = Text(line.text, style="bold" if bold else "")
    place = line.text.find(line.figure) if line.figure else -1
    if place >= 0:
        said.stylize(f"bold {GRADES.get(line.grade, '')}".strip(), place, place + len(line.figure))
    if line.command:
        said.append("\n")
        said.append(line.command, style="dim")
    return said


def _table(detail: Detail) -> Group:
    """A detail with its title; columns of figures to the right."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, column in enumerate(detail.columns):
        table.add_column(Text(column), justify="left" if place == 0 or column in TEXTS else "right", overflow="fold")
    for row in detail.rows:
        table.add_row(*(Text(cell) for cell in row))
    return Group(Text(f"\n{detail.title}", style="bold"), table)
