"""A picture into a file: SVG, PNG or a page, by how the file's name ends."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

import pyarrow as pa

from cxminute.model.errors import WrongUse

ENDS: Final = (".svg", ".png", ".html")
_SVG: Final = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
_PAGE: Final = '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{}</title>\n{}</html>\n'


def check_chart(path: Path | None) -> None:
    """Refuses a file whose name says no form of a picture, or whose folder is not there: before anything is computed.

    raises: WrongUse
    """
    if path is not None and not path.parent.is_dir():
        raise WrongUse(f"There is no folder '{path.parent}' to draw '{path.name}' into.")
    if path is not None and path.suffix.lower() not in ENDS:
        raise WrongUse(f"'{path.name}' says no form of a picture.", allowed=f"a name that ends in {', '.join(ENDS)}")


def draw(picture: pa.Table | str, path: Path) -> None:
    """Writes the picture of a table, or one that is SVG already, in the form that the file's name ends in."""
    check_chart(path)
    if isinstance(picture, str):
        _write(path, picture)
        return
    from cxminute.journeys.pictures import charts  # noqa: PLC0415 -- heavy, and only pictures need it

    drawn = charts.chart(picture)
    match path.suffix.lower():
        case ".png":
            path.write_bytes(charts.png(drawn))
        case ".html":
            path.write_text(charts.html(drawn), "utf-8")
        case _:
            path.write_text(charts.svg(drawn).replace("<svg ", _SVG, 1), "utf-8")


def _write(path: Path, svg: str) -> None:
    match path.suffix.lower():
        case ".png":
            import vl_convert  # noqa: PLC0415 -- as above

            path.write_bytes(bytes(vl_convert.svg_to_png(svg, scale=2.0)))
        case ".html":
            path.write_text(_PAGE.format(escape(path.stem), svg), "utf-8")
        case _:
            path.write_text(svg, "utf-8")
