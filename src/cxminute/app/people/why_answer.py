"""The answer of `cxm person ID --why` in its forms: one document, lines for people, and a picture of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cxminute.app import output
from cxminute.app.people.explaining import Pair, Why
from cxminute.app.people.naming import Called
from cxminute.model.times import from_ms
from cxminute.store.bonds import APART, LINKED, NOTHING, Said
from cxminute.store.merges import Merge
from cxminute.store.ties import Tie

LEFT_OUT = "an identifier that may not be shown"
_SAYS = {LINKED: "one person", APART: "not one person", NOTHING: "taken back"}
_MOST: Final = 40  # rows of one title
_HOWS: Final = {
    "hand": "by hand", "linkage": "by linkage", "alias": "an alias call", "aliased": "an alias call",
    "identify": "an identify call", "event": "the same event", "shared": "what linked them being nobody's now",
    "gone": "what linked them being gone",
}  # fmt: skip
_WHY: Final = {
    "apart": "held apart by hand",
    "shared": "known with more others than one person has",
    "placeholder": "a word that stands for nobody",
    "of two people": "of two people",
}


def document(found: Why, names: Mapping[int, Called], zone: ZoneInfo) -> dict[str, object]:
    """As JSON has it.

    keys: identifiers (number -> kind, id, path), links, refused, nobody, bonds, history, hidden, unshown
    """

    def tied(tie: Tie) -> dict[str, object]:
        return {
            "a": tie.a, "b": tie.b, "how": tie.how, "source": tie.source, "events": tie.events,
            "first_at": _at(tie.first_at, zone), "last_at": _at(tie.last_at, zone), "event": tie.event,
        }  # fmt: skip

    standing = _standing(found)
    return {
        "identifiers": [
            one.document | {"path": [list(pair) for pair in found.paths.get(number, ())] or None}
            for number, one in sorted(names.items())
        ],
        "links": [tied(tie) for tie in found.links],
        "refused": [tied(tie) | {"why": reason} for tie, reason in found.refused],
        "nobody": [{"number": number, "why": reason} for number, reason in sorted(found.nobody.items())],
        "bonds": [
            {
                "a": one.a, "b": one.b, "said": one.said, "how": one.how, "why": one.why,
                "known_at": _at(one.known_at, zone), "stands": one in standing,
            }
            for one in found.bonds
        ],
        "history": [
            {
                "kind": one.kind, "person": one.person, "other": one.other, "a": one.a, "b": one.b, "how": one.how,
                "source": one.source or None, "at": _at(one.at, zone), "known_at": _at(one.known_at, zone),
            }
            for one in found.merges
        ],
        "hidden": found.hidden,
        "unshown": found.unshown,
    }  # fmt: skip


def lines(found: Why, names: Mapping[int, Called], zone: ZoneInfo) -> Iterator[str]:
    """For people: what holds them together, what was said, what was refused, and what came of it."""

    def called(number: int) -> str:
        return names[number].text if number in names else LEFT_OUT

    standing = _standing(found)
    bound = [
        f"{called(one.a)} {'=' if one.said == LINKED else '|'} {called(one.b)}: {_said(one, zone)}" for one in standing
    ]
    links = [f"{called(tie.a)} = {called(tie.b)}: {_told(tie, zone)}" for tie in found.links]
    ways = [
        f"{called(number)} by way of {', '.join(called(step[0]) for step in way[1:])}"
        for number, way in sorted(found.paths.items())
        if len(way) > 1 and number in names
    ]
    if not links and not bound:
        yield "One identifier, and nothing is linked to it."
    yield from _listed("Why this is one person:", (*links, *bound, *ways))
    refused = (
        f"{called(tie.a)} | {called(tie.b)}: {_reason(reason)}; {_told(tie, zone)}" for tie, reason in found.refused
    )
    yield from _listed("What joins nobody:", refused)
    yield from _listed(
        "Nobody's:", (f"{called(number)}: {_reason(why)}" for number, why in sorted(found.nobody.items()))
    )
    older = (one for one in found.bonds if one not in standing)
    yield from _listed("Said before:", (f"{called(one.a)}, {called(one.b)}: {_said(one, zone)}" for one in older))
    yield from _listed("Merges and unmerges:", (_merged(merge, called, zone) for merge in found.merges))
    if found.hidden or found.unshown:
        hidden, unshown = output.count(found.hidden, "identifiers"), output.count(found.unshown, "links")
        yield f"Not shown, being of sources left out: {hidden} and {unshown}."


def picture(found: Why, names: Mapping[int, Called], asked: Sequence[int]) -> str:
    """The graph as SVG: identifiers, the links that hold, bonds, and dashed what joins nobody."""
    from cxminute.app.people.drawn_graph import Drawn, drawn  # noqa: PLC0415 -- only pictures need it

    bonds = [((one.a, one.b), one.said) for one in _standing(found)]
    edges = [Drawn((tie.a, tie.b), f"{_HOWS[tie.how]}, {tie.events:,}", "holds") for tie in _each(found.links)]
    edges += [Drawn(pair, "by hand", "holds" if said == LINKED else "refused") for pair, said in bonds]
    edges += [Drawn((tie.a, tie.b), "", "refused") for tie in _each([tie for tie, _ in found.refused])]
    shown = {end for edge in edges for end in edge.pair} | set(asked)
    labels = {number: names[number].text if number in names else "left out" for number in shown}
    return drawn(labels, edges, {number: len(way) for number, way in found.paths.items()}, frozenset(found.nobody))


def _listed(title: str, rows: Iterable[str]) -> Iterator[str]:
    """A title and its rows, as many as people read; nothing where there is none."""
    listed = list(rows)
    if listed:
        yield title
    yield from (f"  {row}" for row in listed[:_MOST])
    if len(listed) > _MOST:
        yield f"  and {len(listed) - _MOST:,} more: --json has them"


def _reason(code: str) -> str:
    """Why a link does not hold, or an identifier is nobody's; any other word is the kind whose limit would break."""
    return _WHY.get(code, f"one person would have too many of {code}")


def _each(ties: Sequence[Tie]) -> list[Tie]:
    """One tie a pair: the one that most events told."""
    best: dict[Pair, Tie] = {}
    for tie in ties:
        if (tie.a, tie.b) not in best or best[tie.a, tie.b].events < tie.events:
            best[tie.a, tie.b] = tie
    return list(best.values())


def _standing(found: Why) -> list[Said]:
    """The bonds that hold: of each pair that has one, the newest."""
    newest = {one.pair: one for one in found.bonds}
    return [one for pair, one in newest.items() if pair in found.stands]


def _told(tie: Tie, zone: ZoneInfo) -> str:
    first = f"first {_moment(tie.first_at, zone)}, event {tie.event}"
    return f"{_HOWS[tie.how]}, {output.count(tie.events, 'events')} of {tie.source}, {first}"


def _said(one: Said, zone: ZoneInfo) -> str:
    because = f": {one.why}" if one.why else ""
    return f"{_SAYS[one.said]}, said {_HOWS.get(one.how, one.how)} {_moment(one.known_at, zone)}{because}"


def _merged(merge: Merge, called: Callable[[int], str], zone: ZoneInfo) -> str:
    did = "became part of" if merge.kind == "merge" else "parted from"
    how = _HOWS.get(merge.how, merge.how).removeprefix("by ")
    by = f", by {how}" + (f" of {merge.source}" if merge.source else "")
    between = f": {called(merge.a)} and {called(merge.b)}" if merge.a is not None and merge.b is not None else ""
    noticed = f" (noticed {_moment(merge.known_at, zone)})" if merge.known_at != merge.at else ""
    return f"{_moment(merge.at, zone)} person {merge.other} {did} person {merge.person}{by}{between}{noticed}"


def _at(moment: int, zone: ZoneInfo) -> datetime:
    return from_ms(moment).astimezone(zone)


def _moment(moment: int, zone: ZoneInfo) -> str:
    return f"{_at(moment, zone):%Y-%m-%d %H:%M:%S}"
