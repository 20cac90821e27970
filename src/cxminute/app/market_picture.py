"""Marketplaces beside the own shop, drawn: a panel a figure, a point a source, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cxminute.app.markets import Market
from cxminute.minute.charts import CALM, dressed

INK, BLUE, AMBER = "#1f2933", "#2b6cb0", "#e0a13b"
PANELS: Final = {
    "returned": ("share of orders returned or refunded", ".1~%"),
    "repeat": ("share of customers who came again", ".1~%"),
    "rating": ("mean rating, of five", ".3~f"),
    "contacts": ("tickets and messages an order", ".3~f"),
    "overlap": ("share of customers who are the own shop's too", ".1~%"),
}
"""Figure -> what its axis says, and its form."""
WIDE: Final = 420


def drawing(rows: Sequence[Market]) -> str:
    """The picture as SVG; where a figure is not there its row says so, a panel without any is left out."""
    import vl_convert  # noqa: PLC0415 -- heavy, and only pictures need it

    return str(vl_convert.vegalite_to_svg(chart(rows).to_dict()))


def chart(rows: Sequence[Market]) -> Any:
    """The same as an altair chart."""
    import altair as alt  # noqa: PLC0415 -- as above

    names = [_name(row) for row in rows]
    silent = {_name(row): "not allowed" for row in rows if "not allowed" in row.figures["overlap"].why}
    words = {PANELS["overlap"][0]: silent}
    for promise in {kept.promise for row in rows for kept in row.promises}:
        without = [row for row in rows if promise not in {kept.promise for kept in row.promises}]
        words[_of_promise(promise)] = {_name(row): "not promised" for row in without}
    panels = [_panel(title, shape, points, names, words.get(title, {})) for title, shape, points in _panels(rows)]
    heading = alt.TitleParams(_finding(rows), anchor="start", color=INK, fontSize=14, offset=12, limit=900)
    return dressed(alt.vconcat(*panels, spacing=18).properties(title=heading), ink=INK, ground="white")


def _panels(rows: Sequence[Market]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(title, form of its figures, points) of each panel that has any."""
    found: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "orders": (",.0f", [_point(row, row.orders.value, None, None) for row in rows if row.orders.value is not None])
    }
    for name in dict.fromkeys(kept.promise for row in rows for kept in row.promises):
        points = [
            _point(row, kept.kept.value, kept.kept.low, kept.kept.high)
            for row in rows
            for kept in row.promises
            if kept.promise == name and kept.kept.value is not None
        ]
        found[_of_promise(name)] = (".1~%", points)
    for key, (title, shape) in PANELS.items():
        figures = [(row, row.figures[key]) for row in rows]
        points = [_point(row, one.value, one.low, one.high) for row, one in figures if one.value is not None]
        found[title] = (shape, points)
    return [(title, shape, points) for title, (shape, points) in found.items() if points]


def _point(row: Market, value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {
        "source": _name(row),
        "side": "marketplace" if row.tier else "own shop",
        "value": value,
        "low": value if low is None else low,
        "high": value if high is None else high,
    }


def _of_promise(name: str) -> str:
    return f"promise {name}: share kept"


def _name(row: Market) -> str:
    return f"{row.source} ({row.tier or 'own shop'})"


def _panel(title: str, shape: str, points: list[dict[str, Any]], names: list[str], silent: Mapping[str, str]) -> Any:
    """One figure of all sources; silent: what stands in the row of a source without it, else 'not told'."""
    import altair as alt  # noqa: PLC0415 -- as above

    colour = alt.Color(
        "side:N",
        scale=alt.Scale(domain=["marketplace", "own shop"], range=[AMBER, BLUE]),
        legend=alt.Legend(title=None, orient="top"),
    )
    axis = alt.Axis(format=shape, tickCount=5)
    scale = alt.Scale(zero=title == "orders", nice=True)
    across = alt.X("value:Q", title=title, axis=axis, scale=scale)
    up = alt.Y("source:N", title=None, sort=names, scale=alt.Scale(domain=names))
    base = alt.Chart(alt.InlineData(values=points)).encode(y=up)
    told = {point["source"] for point in points}
    words = [{"source": name, "said": silent.get(name, "not told")} for name in names if name not in told]
    texts = alt.Chart(alt.InlineData(values=words)).mark_text(align="left", color=CALM, fontStyle="italic")
    rules = base.mark_rule(strokeWidth=3, opacity=0.5).encode(
        alt.X("low:Q", title=title, axis=axis, scale=scale), alt.X2("high:Q"), color=colour
    )
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(across, color=colour)
    layers = (rules, dots, texts.encode(y=up, x=alt.value(8), text="said:N")) if words else (rules, dots)
    return alt.layer(*layers).properties(width=WIDE, height=max(22 * len(names), 44))


def _finding(rows: Sequence[Market]) -> str:
    """The largest difference in a promise kept between a marketplace and an own shop, in its sentence."""
    best: tuple[float, str] | None = None
    for market in rows:
        for shop in rows:
            if not market.tier or shop.tier:
                continue
            own = {kept.promise: kept.kept.value for kept in shop.promises}
            for kept in market.promises:
                beside = own.get(kept.promise)
                if kept.kept.value is None or beside is None:
                    continue
                apart = abs(kept.kept.value - beside)
                said = f"{kept.promise}: {kept.kept.value:.0%} kept on {market.source}, {beside:.0%} on {shop.source}"
                if best is None or apart > best[0]:
                    best = (apart, said)
    return best[1] if best else "Marketplaces beside the own shop"
