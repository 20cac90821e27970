"""A picture for each table of this stage: its title states the finding, its axes their units.

`chart` knows a table by its columns. What it gives is an altair chart: notebooks show it, `save` writes it; `svg`,
`png` and `html` are for pages, mail and files, without a browser or an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa

from cxminute.journeys.pictures import figures as pictures
from cxminute.journeys.pictures.figures import Picture
from cxminute.model.errors import BadData

INK: Final = "#1f2933"
CALM: Final = "#7f8c99"

KINDS: Final[dict[str, tuple[frozenset[str], Callable[[pa.Table], Picture]]]] = {
    "funnel": (frozenset({"step", "label", "reached", "share"}), pictures.funnel),
    "completion over time": (frozenset({"at_ms", "at_risk", "completed", "left"}), pictures.curve),
    "times to endings": (frozenset({"ending", "passages", "median_ms", "p90_ms"}), pictures.times),
    "flows": (frozenset({"depth", "from", "to", "count", "share"}), pictures.flows),
    "direct successions": (frozenset({"from", "to", "count"}), pictures.successions),
    "retention": (frozenset({"cohort", "size", "period", "share"}), pictures.retention),
    "lifecycle": (frozenset({"period", "new", "returning", "resurrected", "dormant"}), pictures.lifecycle),
    "days active": (frozenset({"period", "days", "subjects", "share"}), pictures.days),
    "stickiness": (frozenset({"period", "daily", "stickiness"}), pictures.stickiness),
    "off-path": (frozenset({"path", "passages", "completed_share", "difference"}), pictures.off_path),
    "unexplained": (frozenset({"name", "events", "unexplained", "of_all"}), pictures.unexplained),
}
"""Each kind of table with the columns that it is known by, and what draws it; the first that fits."""


def chart(table: pa.Table, *, ink: str = INK) -> Any:
    """The picture of a table, as an altair chart.

    table:  a funnel, a curve, times, flows, retention, lifecycle, stickiness, days active, off-path or unexplained
            share, with or without `by`
    ink:    the colour of text; 'currentColor' for the inside of a page
    raises: BadData for a table that is none of these, or has no row
    """
    for name, (columns, draw) in KINDS.items():
        if columns <= set(table.column_names):
            if not len(table):
                raise BadData(f"The table of {name} is empty: there is nothing to draw.")
            picture = draw(table)
            return _dressed(picture, ink)
    raise BadData("There is no picture for a table of these columns.", allowed=f"a table of {', '.join(KINDS)}")


def svg(drawn: Any) -> str:
    """A chart as SVG for the inside of a page: without names of namespaces, which a page does not need."""
    import vl_convert  # noqa: PLC0415 -- heavy, and only pictures need it

    return re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", str(vl_convert.vegalite_to_svg(drawn.to_dict())))


def png(drawn: Any, *, scale: float = 2.0) -> bytes:
    """A chart as PNG, on white; scale: pixels for each point."""
    import vl_convert  # noqa: PLC0415 -- as above

    specification = drawn.properties(background="white").to_dict()
    specification["config"]["background"] = "white"
    return bytes(vl_convert.vegalite_to_png(specification, scale=scale))


def html(drawn: Any) -> str:
    """A chart as a page of its own, a megabyte that holds all it needs; it opens from a file, without an address."""
    import vl_convert  # noqa: PLC0415 -- as above

    return str(vl_convert.vegalite_to_html(drawn.to_dict(), bundle=True))


def _dressed(picture: Picture, ink: str) -> Any:
    """The picture under its title, in one ink, on no ground."""
    import altair as alt  # noqa: PLC0415 -- as above

    axes = {"labelColor": ink, "titleColor": ink, "domainColor": CALM, "tickColor": CALM, "gridColor": CALM}
    said = picture.title[:1].upper() + picture.title[1:] if picture.title.startswith("half") else picture.title
    heading = alt.TitleParams(said, anchor="start", color=ink, fontSize=14, offset=12, limit=900)
    return (
        picture.drawn.properties(title=heading)
        .configure(background="transparent", font="system-ui, sans-serif")
        .configure_axis(**axes, gridOpacity=0.25, labelLimit=260)
        .configure_legend(labelColor=ink, titleColor=ink, labelLimit=260)
        .configure_header(labelColor=ink, titleColor=ink)
        .configure_text(color=ink)
        .configure_view(stroke=None)
    )
