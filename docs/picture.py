"""Draws docs/brief.svg: the brief of the demo shop as a terminal shows it. `python docs/picture.py PROJECT`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from cxminute.app.analysis import view
from cxminute.app.brief import tell_week
from cxminute.app.options import Reading
from cxminute.minute.terminal import terminal

_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {height}" role="img">
<title>The brief of the demo shop</title>
<style>
text, tspan {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="{terminal_width}" height="{height}" rx="8" fill="#1b1d21"/>
<g transform="translate(24, 12)">{backgrounds}{matrix}</g>
</svg>
"""


def main(project: Path) -> str:
    """The SVG of a project's last whole week."""
    told = tell_week(view(Reading(project=project)))
    console = Console(record=True, width=104, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(terminal(told.brief, details=False))
    frame = _FRAME.replace("{height}", "{terminal_height}")
    text = console.export_svg(title="", code_format=frame, unique_id="brief")
    width, height = re.findall(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', text)[0]
    wide, high = (f"{float(side) + 48:.1f}" for side in (width, height))  # rich counts the text alone
    text = text.replace(f'0 0 {width} {height}"', f'0 0 {wide} {high}"')
    text = text.replace(f'width="{width}" height="{height}" rx', f'width="{wide}" height="{high}" rx')
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "brief.svg").write_text(main(Path(sys.argv[1])), "utf-8")
