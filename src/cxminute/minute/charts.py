"""The brief's charts as SVG that stands in a page: no script, no address, colours that follow the page."""

from __future__ import annotations

import re
from typing import Any, Final

from cxminute.minute.brief import Brief
from cxminute.minute.sentences import COUNTED, is_part, subject
from cxminute.minute.words import day, plain

WEEKS: Final = 27  # weeks drawn: half a year and the week itself
PARTS: Final = 8
INK: Final = "currentColor"
BAND, WEEK_MARK, CALM = "#8aa4bf", "#d1495b", "#7f8c99"


def charts(brief: Brief) -> list[tuple[str, str]]:
    """(title, SVG) of each: the weekly series of all that is news, then where its change comes from.

    Empty where the brief carries no series. In a quiet week the series are drawn all the same, at most three.
    """
    rows = [row for row in brief.insights.to_pylist() if not is_part(row)]
    told = list(dict.fromkeys((row["about"], row["measure"]) for row in rows))
    weekly = [row for row in brief.series.to_pylist() if row["monday"] <= brief.monday and row["value"] is not None]
    if not told:
        told = list(dict.fromkeys((row["about"], row["measure"]) for row in weekly))[:3]
    drawn = []
    for about, measure in told:
        of_series = [row for row in weekly if (row["about"], row["measure"]) == (about, measure)][-WEEKS:]
        if of_series:
            title = f"{plain(about)}, {plain(measure)}: by week, with the range to be expected (99%)"
            drawn.append((title, _svg(weekly_chart(of_series))))
    for row in rows:
        if row["where"]:
            title = f"{subject(row)}, {plain(row['measure'])} {row['direction']}: where the change comes from"
            drawn.append((title, _svg(parts_chart(row))))
    for row in [] if brief.beside is None else brief.beside.to_pylist():
        if row["where"]:
            name = plain(row["where"][0]["dimension"].rpartition(".")[2])
            title = f"{plain(row['about'])} on {plain(row['market'])} and {plain(row['own'])}: broken by {name}"
            drawn.append((f"{title}; a larger point has more of the side", _svg(beside_chart(row))))
    return drawn


def weekly_chart(rows: list[dict[str, Any]]) -> Any:
    """One series by week, its band of expectation, the last week marked: an altair chart."""
    import altair as alt  # noqa: PLC0415 -- heavy, and only pages draw

    weeks = [{**row, "monday": day(row["monday"])} for row in rows]
    data, last = alt.InlineData(values=weeks), alt.InlineData(values=weeks[-1:])
    counted = rows[0]["measure"] == COUNTED
    axis = alt.Axis(labelAngle=0, labelOverlap=True, ticks=False, labelPadding=6)
    across = alt.X("monday:O", sort=[week["monday"] for week in weeks], title=None, axis=axis)
    scale = alt.Scale(zero=counted, nice=True)
    up = alt.Y("value:Q", title=None, axis=alt.Axis(format=",.0f" if counted else ".0%", tickCount=4), scale=scale)
    band = alt.Chart(data).transform_filter("isValid(datum.low)").mark_bar(color=BAND, opacity=0.3, width={"band": 1})
    line = alt.Chart(data).mark_line(stroke=INK, strokeWidth=1.6)
    news = alt.Chart(data).transform_filter("datum.news").mark_point(filled=True, size=40, color=WEEK_MARK, opacity=1)
    mark = WEEK_MARK if rows[-1]["news"] else INK
    ring = alt.Chart(last).mark_point(size=130, stroke=mark, strokeWidth=2, filled=False)
    layers = alt.layer(
        band.encode(across, alt.Y("low:Q", title=None, scale=scale), alt.Y2("high:Q")),
        *(chart.encode(across, up) for chart in (line, news, ring)),
    )
    return dressed(layers.properties(width=620, height=190))


def parts_chart(row: dict[str, Any]) -> Any:
    """The largest parts of the dimension that tells most, mix and rate apart: an altair chart."""
    import altair as alt  # noqa: PLC0415 -- heavy, and only pages draw

    dimension = row["where"][0]["dimension"]
    parts = [part for part in row["where"] if part["dimension"] == dimension][:PARTS]
    kinds = ("rate",) if row["measure"] == COUNTED else ("rate", "mix")
    values = [
        {"part": plain(part["value"], 40), "kind": kind, "moved": part[kind], "order": place}
        for place, part in enumerate(parts)
        for kind in kinds
    ]
    shape, title = ("+,.0f", "a week") if row["measure"] == COUNTED else ("+.0%", "points of the share")
    bars = alt.Chart(alt.InlineData(values=values)).mark_bar(height=14)
    encoded = bars.encode(
        alt.Y("part:N", sort=[plain(part["value"], 40) for part in parts], title=plain(dimension.rpartition(".")[2])),
        alt.X("moved:Q", axis=alt.Axis(format=shape, tickCount=5), title=title),
        alt.Color(
            "kind:N",
            scale=alt.Scale(domain=list(kinds), range=[WEEK_MARK, BAND][: len(kinds)]),
            legend=alt.Legend(title=None, orient="top") if len(kinds) > 1 else None,
        ),
    )
    return dressed(encoded.properties(width=480, height=22 * len(parts) + 10))


def beside_chart(row: dict[str, Any]) -> Any:
    """The parts of a comparison: how much of each was broken on either side, points as large as their weight there."""
    import altair as alt  # noqa: PLC0415 -- heavy, and only pages draw

    sides = (
        ("hits", "n", plain(row["market"], 40), row["n"]),
        ("own_hits", "own_n", plain(row["own"], 40), row["own_n"]),
    )
    parts = row["where"][:PARTS]
    values = [
        {"part": plain(part["value"], 40), "side": side, "broken": part[hits] / part[n], "weight": part[n] / total}
        for part in parts
        for hits, n, side, total in sides
        if part[n]
    ]
    points = alt.Chart(alt.InlineData(values=values)).mark_point(filled=True, opacity=0.85)
    colours = alt.Scale(domain=[side for _, _, side, _ in sides], range=[WEEK_MARK, BAND])
    encoded = points.encode(
        alt.X("broken:Q", axis=alt.Axis(format=".0%", tickCount=5), title="share broken"),
        alt.Y("part:N", sort=[plain(part["value"], 40) for part in parts], title=None),
        alt.Size("weight:Q", scale=alt.Scale(range=[20, 500]), legend=None),
        alt.Color("side:N", scale=colours, legend=alt.Legend(title=None, orient="top")),
    )
    return dressed(encoded.properties(width=480, height=30 * len(parts) + 10))


def dressed(chart: Any, *, ink: str = INK, ground: str = "transparent") -> Any:
    """The chart in the page's own ink on no ground, or in another's."""
    axes = {"labelColor": ink, "titleColor": ink, "domainColor": CALM, "tickColor": CALM, "gridColor": CALM}
    return (
        chart.configure(background=ground, font="system-ui, sans-serif")
        .configure_axis(**axes, gridOpacity=0.25, labelLimit=260)
        .configure_legend(labelColor=ink, titleColor=ink)
        .configure_view(stroke=None)
    )


def _svg(chart: Any) -> str:
    """The chart as SVG for the inside of a page: without names of namespaces, which a page does not need."""
    import vl_convert  # noqa: PLC0415 -- heavy, and only pages draw

    drawn = str(vl_convert.vegalite_to_svg(chart.to_dict()))
    return re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", drawn)
