"""The brief as Markdown: for chats, tickets and mails that render it; what comes from data stays text."""

from __future__ import annotations

import re
from itertools import chain

from cxminute.minute.brief import Brief, Detail, Line

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&!$@])")
_LEADING = re.compile(r"^(\d{1,9})([.)])|^([-+=])")


def markdown(brief: Brief) -> str:
    """The brief as Markdown (CommonMark with tables), the details after a rule."""
    said = [f"# {escape(brief.title)}", "", f"**{escape(brief.headline.text)}**  ", code(brief.headline.command), ""]
    for title, lines in brief.sections():
        said += [f"## {title}", "", *chain.from_iterable(_item(line) for line in lines), ""]
    if brief.details:
        said += ["---", "", *chain.from_iterable(_table(detail) for detail in brief.details)]
    return "\n".join(said).rstrip() + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it stands: no emphasis, link, tag, mention, list or table begins in it."""
    shown = _SPECIAL.sub(r"\\\1", text)
    # A bare address would become a link: a word joiner that is not seen keeps it text.
    shown = re.sub(r"(?i)(://|www\.)", lambda found: f"{found[0][0]}\u2060{found[0][1:]}", shown)
    return _LEADING.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", shown)


def code(text: str) -> str:
    """Text as code, fenced by more backticks than it holds in a row."""
    if not text:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _item(line: Line) -> list[str]:
    return [f"- {escape(line.text)}  ", f"  {code(line.command)}"]


def _table(detail: Detail) -> list[str]:
    """A detail as a table; a bar inside code would end the cell, so commands stand as text."""
    head = " | ".join(escape(column) for column in detail.columns)
    rows = [f"| {' | '.join(escape(cell) for cell in row)} |" for row in detail.rows]
    return [f"### {escape(detail.title)}", "", f"| {head} |", "|" + " --- |" * len(detail.columns), *rows, ""]
