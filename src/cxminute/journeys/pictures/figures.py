"""What each table looks like, and the sentence above it. Altair charts, not yet dressed; `charts` is the way in."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from math import isnan
from typing import Any, Final, NamedTuple

import pyarrow as pa

from cxminute.model.times import DAY, HOUR, MINUTE, SECOND, said

MOST: Final = 12
"""Rows, names or groups that a picture shows; the table has all."""
WIDE: Final = 560
BLUE, SKY, AMBER, RED, GREY = "#2b6cb0", "#7aa6d6", "#e0a13b", "#d1495b", "#8a8f98"
ENDING_COLOURS: Final = {"completed": BLUE, "broken": RED, "expired": GREY}
BEGIN, END = "(start)", "(end)"
Rows = list[dict[str, Any]]


class Picture(NamedTuple):
    """An altair chart, and the finding that stands above it."""

    drawn: Any
    title: str


def funnel(table: pa.Table) -> Picture:
    """A bar a step, the share of those that opened, with its interval; side by side where the table is split."""
    import altair as alt  # noqa: PLC0415 -- heavy, and only pictures need it

    rows = _few(_rows(table), "value")
    for row in rows:
        row["said"] = f"{row['reached']:,} ({row['share']:.0%})" if row["share"] is not None else f"{row['reached']:,}"
        row["step_label"] = f"{row['step']}. {row['label']}"
    labels = [row["step_label"] for row in _first_group(rows)]
    x = alt.X(
        "share:Q", title="share of those that opened", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1])
    )
    y = alt.Y("step_label:N", sort=labels, title=None)
    split = {"yOffset": _offset(rows), "color": _coloured(rows)} if "value" in rows[0] else {}
    base = alt.Chart(alt.InlineData(values=rows))
    bars = base.mark_bar(color=BLUE, opacity=0.8).encode(x, y, tooltip=_told(rows), **split)
    rule = base.mark_rule(strokeWidth=1.5, color=GREY)
    rules = rule.encode(alt.X("low:Q"), alt.X2("high:Q"), y, **{key: split[key] for key in split if key == "yOffset"})
    texts = base.mark_text(align="left", dx=4).encode(
        alt.X("high:Q"), y, text="said:N", **{key: split[key] for key in split if key == "yOffset"}
    )
    height = max(26 * len(labels) * max(1, len(_groups(rows))), 60)
    return Picture(alt.layer(bars, rules, texts).properties(width=WIDE, height=height), _funnel_said(rows))


def curve(table: pa.Table) -> Picture:
    """The share that came to each ending by a time, stepwise, completion with its interval."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = _few(_rows(table), "value")
    unit, size = _unit_of_time(max(row["at_ms"] for row in rows))
    split = "value" in rows[0]
    endings = ("completed",) if split else tuple(ENDING_COLOURS)
    lines = [
        {
            "ending": ending,
            "value": row.get("value"),
            "at": row["at_ms"] / size,
            "share": row[ending],
            "low": row[f"{ending}_low"],
            "high": row[f"{ending}_high"],
        }
        for row in rows
        for ending in endings
    ]  # fmt: skip -- one line of the curve
    x = alt.X("at:Q", title=f"{unit} since opening")
    y = alt.Y("share:Q", title="share of all that opened", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1]))
    if split:
        colour = _coloured(rows)
    else:
        scale = alt.Scale(domain=list(ENDING_COLOURS), range=list(ENDING_COLOURS.values()))
        colour = alt.Color("ending:N", scale=scale, legend=alt.Legend(title=None, orient="top", symbolOpacity=1))
    base = alt.Chart(alt.InlineData(values=lines))
    band = base.mark_area(interpolate="step-after", opacity=0.18)
    band = band.encode(x, alt.Y("low:Q", title="share of all that opened"), alt.Y2("high:Q"), color=colour)
    line = base.mark_line(interpolate="step-after", strokeWidth=1.8).encode(x, y, color=colour)
    return Picture(alt.layer(band, line).properties(width=WIDE, height=260), _curve_said(rows))


def times(table: pa.Table) -> Picture:
    """From the median to the ninth tenth, a line an ending."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = _few(_rows(table), "value")
    unit, size = _unit_of_time(max(row["p90_ms"] or 0 for row in rows))
    for row in rows:
        row["name"] = f"{row['ending']}, {row['value']}" if "value" in row else row["ending"]
        row["median"], row["p90"] = (row[key] and row[key] / size for key in ("median_ms", "p90_ms"))
    y = alt.Y("name:N", sort=[row["name"] for row in rows], title=None)
    x = alt.X("median:Q", title=f"{unit} from opening: median (point) to ninth tenth (bar's end)")
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y, tooltip=_told(rows))
    drawn = alt.layer(base.mark_rule(strokeWidth=3, color=SKY).encode(x, x2="p90:Q"), _points(base, x))
    first = rows[0]
    title = f"{_about(first)}half of the {first['passages']:,} {first['ending']} took up to {_long(first['median_ms'])}"
    return Picture(drawn.properties(width=WIDE, height=max(24 * len(rows), 50)), title)


def flows(table: pa.Table) -> Picture:
    """Without an anchor a map of successions; with one, positions from left to right with their most used links."""
    rows = _rows(table)
    return successions(table) if all(row["depth"] == 0 for row in rows) else _links(rows)


def successions(table: pa.Table) -> Picture:
    """Which follows which, darker the oftener; the names that take part in most."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = [{**row, "from": row["from"] or BEGIN, "to": row["to"] or END} for row in _rows(table)]
    weight: dict[str, int] = {}
    for row in rows:
        for name in {row["from"], row["to"]}:
            weight[name] = weight.get(name, 0) + row["count"]
    inner = [name for name in sorted(weight, key=lambda name: -weight[name]) if name not in (BEGIN, END)][:MOST]
    shown = [row for row in rows if row["from"] in (*inner, BEGIN) and row["to"] in (*inner, END)]
    base = alt.Chart(alt.InlineData(values=shown)).encode(
        alt.X("to:N", sort=[*inner, END], title="to", axis=alt.Axis(labelAngle=-40)),
        alt.Y("from:N", sort=[BEGIN, *inner], title="from"),
        tooltip=_told(shown),
    )
    colour = alt.Color("count:Q", scale=alt.Scale(scheme="blues", type="sqrt"), legend=alt.Legend(title="times"))
    drawn = base.mark_rect().encode(colour)
    between = [row for row in rows if row["from"] != BEGIN and row["to"] != END] or rows
    most = max(between, key=lambda row: row["count"])
    again = " again" if most["from"] == most["to"] else ""
    title = f"Most often {most['to']} comes{again} after {most['from']}: {most['count']:,} times"
    return Picture(drawn.properties(width=WIDE * 0.7, height=26 * (len(inner) + 1)), title)


def retention(table: pa.Table) -> Picture:
    """Cohorts by periods since, the share that came back in each; where split, a line a value over all cohorts."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = _few(_rows(table), "value")
    together = [row for row in rows if row["cohort"] is None and row["period"]]
    unit = _unit_of_dates([row["cohort"] for row in rows if row["cohort"]])
    x_title = f"{unit}s after the first"
    share = alt.Axis(format=".0%")
    if "value" in rows[0]:
        base = alt.Chart(alt.InlineData(values=_dated(together)))
        y = alt.Y("share:Q", axis=share, title="share that came back", scale=alt.Scale(zero=True))
        x = alt.X("period:O", title=x_title, axis=alt.Axis(labelAngle=0))
        line = base.mark_line(point=True).encode(x, y, color=_coloured(rows))
        drawn = line.properties(width=WIDE, height=260)
    else:
        cells = _dated([row for row in rows if row["cohort"] and row["share"] is not None and row["period"]])
        base = alt.Chart(alt.InlineData(values=cells)).encode(
            alt.X("period:O", title=x_title, axis=alt.Axis(labelAngle=0)),
            alt.Y("cohort:O", title=f"began in the {unit} of"),
            tooltip=_told(cells),
        )
        scale = alt.Scale(scheme="blues", domainMin=0)
        colour = alt.Color("share:Q", scale=scale, legend=alt.Legend(title="came back", format=".0%"))
        drawn = base.mark_rect().encode(colour)
        drawn = drawn.properties(width=WIDE * 0.8, height=max(18 * len({row["cohort"] for row in cells}), 40))
    if not together:
        return Picture(drawn, f"No {unit} after the first is over yet")
    first, last = together[0], [row for row in together if row.get("value") == together[0].get("value")][-1]
    title = f"{first['share']:.0%} came back in the {unit} after their first"
    title += f", {last['share']:.0%} in {unit} {last['period']}" if last is not first else ""
    return Picture(drawn, _about(first) + title)


def lifecycle(table: pa.Table) -> Picture:
    """By period the active, by where they come from, upwards; who went quiet, downwards."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = _dated(_rows(table))
    colours = {"new": BLUE, "returning": SKY, "resurrected": AMBER, "dormant": GREY}
    parts = [
        {"period": row["period"], "kind": kind, "subjects": -row[kind] if kind == "dormant" else row[kind]}
        for row in rows
        for kind in colours
        if row[kind]
    ]
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    base = (
        alt.Chart(alt.InlineData(values=parts))
        .mark_bar()
        .encode(
            alt.X("period:O", title=f"{_unit_of_dates([row['period'] for row in rows])} of", axis=_thin()),
            alt.Y("subjects:Q", title="subjects (below zero: gone quiet)", axis=alt.Axis(format=",.0f")),
            alt.Color(
                "kind:N", scale=scale, sort=list(colours), legend=alt.Legend(title=None, orient="top", symbolOpacity=1)
            ),
            tooltip=["period:O", "kind:N", "subjects:Q"],
        )
    )  # fmt: skip -- one chart
    last = next((row for row in reversed(rows) if row["complete"]), rows[-1])
    title = f"{last['period']}: {last['active']:,} active, {last['new']:,} of them new"
    title += f"; {last['dormant']:,} went quiet" if last["dormant"] is not None else ""
    return Picture(base.properties(width=WIDE, height=260), title)


def days(table: pa.Table) -> Picture:
    """Of the active of the last full period, the share by number of days."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = _dated(_rows(table))
    full = [row for row in rows if row["complete"]] or rows
    last = [row for row in full if row["period"] == full[-1]["period"]]
    base = (
        alt.Chart(alt.InlineData(values=last))
        .mark_bar(color=BLUE)
        .encode(
            alt.X("days:O", title=f"days active in the period of {last[0]['period']}", axis=alt.Axis(labelAngle=0)),
            alt.Y("share:Q", title="share of the active", axis=alt.Axis(format=".0%")),
            tooltip=_told(last),
        )
    )  # fmt: skip -- one chart
    once = sum(row["share"] for row in last if row["days"] == 1)
    return Picture(base.properties(width=WIDE, height=220), f"{once:.0%} of the active were so on one day only")


def stickiness(table: pa.Table) -> Picture:
    """By period, the active of a day among the active of the period."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = _dated([row for row in _rows(table) if row["stickiness"] is not None])
    unit = _unit_of_dates([row["period"] for row in rows])
    base = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=True, color=BLUE)
        .encode(
            alt.X("period:O", title=f"{unit} of", axis=_thin()),
            alt.Y("stickiness:Q", title=f"active on a day / in the {unit}", axis=alt.Axis(format=".0%")),
            tooltip=_told(rows),
        )
    )  # fmt: skip -- one chart
    title = f"No {unit} is over yet"
    if rows:
        title = f"On an average day {rows[-1]['stickiness']:.0%} of the {unit}'s active are there"
    return Picture(base.properties(width=WIDE, height=220), title)


def off_path(table: pa.Table) -> Picture:
    """The share that completed, with its interval, on the path and off it."""
    import altair as alt  # noqa: PLC0415 -- as above

    rows = [row for row in _few(_rows(table), "value") if row["passages"]]
    for row in rows:
        row["name"] = f"{row['path']}, {row['passages']:,} passages ({row['share']:.0%})"
        row["name"] += f", {row['value']}" if "value" in row else ""
    y = alt.Y("name:N", sort=[row["name"] for row in rows], title=None)
    axis, scale = alt.Axis(format=".0%"), alt.Scale(domain=[0, 1])
    title = "share completed, of those that ended"
    x = alt.X("completed_share:Q", title=title, axis=axis, scale=scale)
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y, tooltip=_told(rows))
    low = alt.X("completed_low:Q", title=title, axis=axis, scale=scale)
    spans = base.mark_rule(strokeWidth=2, color=SKY).encode(low, x2="completed_high:Q")
    drawn = alt.layer(spans, _points(base, x)).properties(width=WIDE, height=max(26 * len(rows), 50))
    off = next((row for row in rows if row["path"] == "off path"), None)
    if off is None:
        return Picture(drawn, "Every passage kept to the path")
    title = f"{_about(off)}{off['share']:.0%} left the path"
    if off["difference"] is not None:
        more = "more" if off["difference"] > 0 else "less"
        sure = "" if off["difference_low"] > 0 or off["difference_high"] < 0 else ", which may be chance"
        title += f"; they complete {abs(off['difference']) * 100:.0f} points {more} often{sure}"
    return Picture(drawn, title)


def unexplained(table: pa.Table) -> Picture:
    """The names with most events that no journey explains."""
    import altair as alt  # noqa: PLC0415 -- as above

    whole, *names = _rows(table)
    shown = [row for row in names if row["unexplained"]][:MOST]
    bars = (
        alt.Chart(alt.InlineData(values=shown))
        .mark_bar(color=AMBER)
        .encode(
            alt.X("unexplained:Q", title="events that no journey explains", axis=alt.Axis(format=",.0f")),
            alt.Y("name:N", sort=[row["name"] for row in shown], title=None),
            tooltip=_told(shown),
        )
    )  # fmt: skip -- one chart
    title = (
        f"{whole['share']:.1%} of {whole['events']:,} events no journey explains" if whole["events"] else "No events"
    )
    return Picture(bars.properties(width=WIDE, height=max(22 * len(shown), 40)), title)


def _links(rows: Rows) -> Picture:
    """Positions from left to right, the most used names of each from top to bottom, links as wide as they are used."""
    import altair as alt  # noqa: PLC0415 -- as above

    links = []
    weights: dict[tuple[int, str], int] = {}
    for row in rows:
        start = row["depth"] - 1 if row["depth"] > 0 else row["depth"]
        ends = (start, row["from"] or BEGIN), (start + 1, row["to"] or END)
        links.append({"ends": ends, "count": row["count"], "share": row["share"]})
        for place in ends[1:] if row["depth"] > 0 else ends[:1]:
            weights[place] = weights.get(place, 0) + row["count"]
        anchor = ends[0] if row["depth"] == 1 else ends[1] if row["depth"] == -1 else None
        if anchor:
            weights[anchor] = max(weights.get(anchor, 0), row["count"])
    ranks: dict[tuple[int, str], int] = {}
    for position in sorted({place for place, _ in weights}):
        here = sorted((key for key in weights if key[0] == position), key=lambda key: (-weights[key], key[1]))
        ranks |= {key: rank for rank, key in enumerate(here[:MOST])}
    shown = [link for link in links if all(end in ranks for end in link["ends"])]
    top = max(link["count"] for link in shown)
    drawn_links = [
        {
            "x": a[0],
            "y": ranks[a],
            "x2": b[0],
            "y2": ranks[b],
            "from": a[1],
            "to": b[1],
            "times": link["count"],
            "share": link["share"],
            "wide": link["count"] / top,
        }
        for link in shown
        for a, b in [link["ends"]]
    ]  # fmt: skip -- one link
    nodes: Rows = [{"x": place, "y": rank, "name": name} for (place, name), rank in ranks.items()]
    axis = alt.Axis(values=sorted({node["x"] for node in nodes}), format="+d", grid=False, offset=14)
    x = alt.X("x:Q", title="events from the anchor", axis=axis)
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(reverse=True))
    width = alt.StrokeWidth("wide:Q", scale=alt.Scale(domain=[0, 1], range=[0.3, 14]), legend=None)
    lines = alt.Chart(alt.InlineData(values=drawn_links)).mark_rule(color=SKY, opacity=0.55)
    lines = lines.encode(
        x, y, x2="x2:Q", y2="y2:Q", strokeWidth=width, tooltip=["from:N", "to:N", "times:Q", "share:Q"]
    )
    texts = alt.Chart(alt.InlineData(values=nodes)).mark_text(fontSize=11).encode(x, y, text="name:N")
    across = 150 * len({node["x"] for node in nodes}) + 60
    drawn = alt.layer(lines, texts).properties(width=across, height=30 * (1 + max(node["y"] for node in nodes)) + 20)
    near = [row for row in rows if abs(row["depth"]) == 1]
    most = max((row for row in near if row["depth"] == 1), key=lambda row: row["count"], default=None)
    if most is None:
        most = max(near, key=lambda row: row["count"])
        return Picture(
            drawn, f"Most often {most['from'] or 'nothing'} comes before {most['to']}: {most['count']:,} times"
        )
    return Picture(drawn, f"After {most['from']} mostly comes {most['to'] or 'nothing more'}: {most['share']:.0%}")


def _points(base: Any, x: Any) -> Any:
    return base.mark_point(filled=True, size=70, color=BLUE, opacity=1).encode(x)


def _funnel_said(rows: Rows) -> str:
    group = _first_group(rows)
    first, last = group[0], group[-1]
    if not first["reached"] or len(group) == 1:
        return f"{_about(first)}{first['reached']:,} reached {first['label']}"
    whole, came = first["reached"], last["reached"]
    share = f"{came:,} of {whole:,} ({came / whole:.0%}) reached {last['label']}"
    # A step that fewer reached than one after it can be gone around: it is no drop.
    needed = [row for place, row in enumerate(group) if row["reached"] >= max(r["reached"] for r in group[place:])]
    lost = max(pairwise(needed), key=lambda pair: pair[0]["reached"] - pair[1]["reached"])
    gone = lost[0]["reached"] - lost[1]["reached"]
    where = f"; the largest drop is before {lost[1]['label']} ({gone:,})" if gone > 0 and len(group) > 2 else ""
    return _about(first) + share + where


def _curve_said(rows: Rows) -> str:
    group = _first_group(rows)
    half = next((row for row in group if row["completed"] >= 0.5), None)
    last = group[-1]
    if half:
        return f"{_about(half)}half had completed within {_long(half['at_ms'])}"
    return f"{_about(last)}{last['completed']:.0%} had completed within {_long(last['at_ms'])}"


def _about(row: dict[str, Any]) -> str:
    """Of which group a finding speaks: where a table is split, of the largest."""
    return f"{row['value']}: " if "value" in row else ""


def _long(milliseconds: float | None) -> str:
    """A length of time as people say it, to one decimal."""
    if milliseconds is None:
        return "an unknown time"
    unit, size = _unit_of_time(milliseconds)
    return said(round(milliseconds)) if milliseconds % size == 0 else f"{milliseconds / size:.1f} {unit}"


def _unit_of_time(longest: float) -> tuple[str, int]:
    """The unit in which the longest is a small number, and its milliseconds."""
    for unit, size in (("days", DAY), ("hours", HOUR), ("minutes", MINUTE), ("seconds", SECOND)):
        if longest >= 2 * size:
            return unit, size
    return "milliseconds", 1


def _unit_of_dates(starts: list[Any]) -> str:
    """Day, week or month, from the first days of periods; 'period' where they do not tell."""
    days_ = sorted({date.fromisoformat(start) if isinstance(start, str) else start for start in starts})
    if len(days_) < 2:
        return "period"
    gaps = {(b - a).days for a, b in pairwise(days_)}
    if all(gap % 7 == 0 for gap in gaps) and days_[0].weekday() == 0:
        return "week"
    return "month" if all(day.day == 1 for day in days_) else "day"


def _rows(table: pa.Table) -> Rows:
    """Rows as a picture takes them: what is no number is nothing."""
    found: Rows = table.to_pylist()
    return [{key: None if _is_nan(value) else value for key, value in row.items()} for row in found]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and isnan(value)


def _dated(rows: Rows) -> Rows:
    return [
        {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()} for row in rows
    ]


def _groups(rows: Rows) -> list[Any]:
    return list(dict.fromkeys(row.get("value") for row in rows))


def _few(rows: Rows, by: str) -> Rows:
    """The rows of the first groups, which are the largest; a missing value in words."""
    if by not in rows[0]:
        return rows
    kept = _groups(rows)[:MOST]
    return [{**row, by: "(missing)" if row[by] is None else row[by]} for row in rows if row[by] in kept]


def _first_group(rows: Rows) -> Rows:
    return [row for row in rows if row.get("value") == rows[0].get("value")]


def _offset(rows: Rows) -> Any:
    import altair as alt  # noqa: PLC0415 -- as above

    return alt.YOffset("value:N", sort=_groups(rows))


def _coloured(rows: Rows) -> Any:
    import altair as alt  # noqa: PLC0415 -- as above

    return alt.Color("value:N", sort=_groups(rows), legend=alt.Legend(title=None, orient="top", symbolOpacity=1))


def _thin() -> Any:
    import altair as alt  # noqa: PLC0415 -- as above

    return alt.Axis(labelAngle=-40, labelOverlap=True)


def _told(rows: Rows) -> list[str]:
    """Every column, for who points at a mark."""
    kinds = {key: "Q" if isinstance(value, int | float) else "N" for row in rows[:1] for key, value in row.items()}
    return [f"{key}:{kind}" for key, kind in kinds.items() if not isinstance(rows[0][key], list)]
