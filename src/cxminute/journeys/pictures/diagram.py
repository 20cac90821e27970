"""A plan as a picture: positions from left to right in the order in which they may be reached, ways as arrows."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from cxminute.journeys.pictures.drawing import beside, shown, timing_of
from cxminute.journeys.plan import Plan
from cxminute.journeys.rewrites import Edge
from cxminute.journeys.syntax.printing import print_duration

INK: Final = "#1f2933"
OPENS, COMPLETES, CALM, CUT = "#7aa6d6", "#2b6cb0", "#7f8c99", "#d1495b"
HIGH, APART, MARGIN, LETTER, ARC = 46, 34, 24, 6.6, 26
LONGEST: Final = 34
"""Letters of a text that are shown; the whole stands in its tooltip."""

_HEAD: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"
 height="{height}" font-family="system-ui, sans-serif" font-size="12" fill="{ink}">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"
 markerUnits="userSpaceOnUse"><path d="M0 0L8 4L0 8z" fill="{calm}"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>"""

Place = tuple[float, float]


def diagram(plan: Plan) -> str:
    """The plan as an SVG file: boxes are positions, arrows the ways between them with their timing."""
    layers = _layers(plan)
    wide = 24 + max(
        max(_long(f"{place + 1}. {plan.labels[place]}") * 1.12, _long(shown(position)) * 0.86)
        for place, position in enumerate(plan.draft.positions)
    )
    gap = max([_long(_on_edge(edge)) for edge in plan.draft.edges], default=0) + 36
    rows: dict[int, int] = {}
    places: list[Place] = []
    arcs = max((layers[edge.target] - layers[edge.origin] for edge in plan.draft.edges), default=1) - 1
    top = MARGIN + 34 + ARC * arcs
    for layer in layers:
        row = rows[layer] = rows.get(layer, -1) + 1
        places.append((MARGIN + layer * (wide + gap), top + row * (HIGH + APART)))
    foot = list(beside(plan))
    height = top + (max(rows.values()) + 1) * (HIGH + APART) + 18 * len(foot) + MARGIN
    width = max(max(x for x, _ in places) + wide, _long(_title(plan), 999) + 40) + MARGIN
    parts = [
        _HEAD.format(width=f"{width:.0f}", height=f"{height:.0f}", ink=INK, calm=CALM),
        f'<text x="{MARGIN}" y="{MARGIN}" font-size="14" font-weight="600">{escape(_title(plan))}</text>',
        *(_arrow(edge, layers, places, wide) for edge in plan.draft.edges),
        *(_box(plan, place, at, wide) for place, at in enumerate(places)),
    ]
    below = height - 18 * len(foot) - MARGIN / 2
    parts += [
        f'<text x="{MARGIN}" y="{below + 18 * line + 12:.0f}" fill="{CUT if said.startswith("broken") else CALM}">'
        f"{escape(said)}</text>"
        for line, said in enumerate(foot)
    ]
    return "\n".join((*parts, "</svg>\n"))


def _layers(plan: Plan) -> list[int]:
    """How far each position lies from the first ones, by the longest way."""
    layers = [0] * len(plan.labels)
    for edge in plan.draft.edges:  # by origin, and an origin stands before its target
        layers[edge.target] = max(layers[edge.target], layers[edge.origin] + 1)
    return layers


def _box(plan: Plan, place: int, at: Place, wide: float) -> str:
    x, y = at
    position = plan.draft.positions[place]
    first, last = place in plan.draft.firsts, place in plan.draft.lasts
    fill, width = (COMPLETES, 2) if last else (OPENS if first else CALM, 2 if first else 1)
    said = shown(position)
    more = "" if said.strip('"') == plan.labels[place] else _short(said)
    return (
        f'<g><title>{escape(said)}</title><rect x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{HIGH}" rx="6" '
        f'fill="{fill}" fill-opacity="0.14" stroke="{fill}" stroke-width="{width}"/>'
        f'<text x="{x + 12:.0f}" y="{y + (19 if more else 27):.0f}" font-weight="600">'
        f"{place + 1}. {escape(_short(plan.labels[place]))}</text>"
        f'<text x="{x + 12:.0f}" y="{y + 36:.0f}" font-size="10" fill="{CALM}">{escape(_short(more))}</text></g>'
    )


def _arrow(edge: Edge, layers: list[int], places: list[Place], wide: float) -> str:
    (x, y), (to_x, to_y) = places[edge.origin], places[edge.target]
    span = layers[edge.target] - layers[edge.origin]
    if span == 1:
        start, end = (x + wide, y + HIGH / 2), (to_x, to_y + HIGH / 2)
        half = (start[0] + end[0]) / 2
        bends = ((half, start[1]), (half, end[1]))
        label = (half, (start[1] + end[1]) / 2 - 6)
    else:
        start, end = (x + wide * 0.75, y), (to_x + wide * 0.25, to_y)
        rise = min(start[1], end[1]) - ARC * (span - 1) * 4 / 3
        bends = ((start[0], rise), (end[0], rise))
        label = ((start[0] + end[0]) / 2, (start[1] + end[1] + 6 * rise) / 8 - 5)
    way = f"M{_at(start)}C{' '.join(_at(place) for place in (*bends, end))}"
    line = "4" if edge.direct else "1.4"
    said = _on_edge(edge)
    return (
        f'<g><title>{escape(timing_of(edge) or "sooner or later")}</title><path d="{way}" fill="none" stroke="{CALM}" '
        f'stroke-width="{line}" marker-end="url(#tip)"/><text x="{label[0]:.0f}" y="{label[1]:.0f}" '
        f'text-anchor="middle" font-size="10">{escape(said)}</text></g>'
    )


def _at(place: Place) -> str:
    return f"{place[0]:.0f} {place[1]:.0f}"


def _title(plan: Plan) -> str:
    per = " and ".join(plan.definition.per)
    return f"{plan.name}: per {per}, within {print_duration(plan.definition.window)} of opening"


def _on_edge(edge: Edge) -> str:
    return _short(timing_of(edge))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _long(text: str, most: int = LONGEST) -> float:
    """About how wide a text is, in points."""
    return LETTER * min(len(text), most)
