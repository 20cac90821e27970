"""From evidence to people: links that contracts allow, given to `resolve`, and its answer in our own words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.app.warming import load
from cxminute.store.bonds import Said
from cxminute.store.evidence import HOWS, Evidence, nothing
from cxminute.store.identity import Facts, Map, Numbered

if TYPE_CHECKING:  # numba takes a while, and most commands link nobody
    from cxminute.app.project import Project
    from cxminute.resolve.growing import Growing
    from cxminute.resolve.links import Links
    from cxminute.resolve.stitch import People

Ints = NDArray[np.int64]

_NO_KIND = 255


class Stitching:
    """Stitches; what was stitched may stay in memory, so that more of it takes only what it concerns."""

    def __init__(self, *, remembers: bool = False) -> None:
        self._remembers = remembers
        self._growing: Growing | None = None
        self._of: Facts | None = None

    @staticmethod
    def rules(project: Project) -> str:
        """Digest of what decides beside links and bonds: kinds, and the sources whose people nobody may link."""
        said = [[asdict(kind) for kind in project.settings.kinds.values()], sorted(_closed(project))]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def remembered(self, rules: str, removals: int) -> Facts | None:
        """What the map in memory is of; None where there is none, or what it is of decides otherwise now.

        rules, removals: as of `Facts`
        """
        known = self._of if self._growing is not None else None
        return known if known is not None and (known.rules, known.removals) == (rules, removals) else None

    def remember(self, facts: Facts) -> None:
        """Says what the map is of that was made last, once it is kept."""
        self._of = facts

    def made(
        self,
        project: Project,
        parts: Sequence[Evidence],
        numbered: Numbered,
        bonds: Sequence[Said],
        *,
        onto: bool = False,
    ) -> Map:
        """The people whom links and bonds make of identifiers.

        parts: the links; several may tell of one
        onto:  what is in memory, to which these links are added
        """
        self._of = None  # until it is kept: a fault half way leaves nothing to go on from
        if not any(map(len, parts)) and not bonds and not onto:
            self._growing = None
            return _told(np.arange(numbered.column.size, dtype=np.int64), (), (), None, ())
        load("cxminute.resolve.growing")
        from cxminute.resolve.growing import Growing  # noqa: PLC0415 -- brings numba, which takes a while
        from cxminute.resolve.links import Bond, Links, Nodes  # noqa: PLC0415 -- likewise
        from cxminute.resolve.stitch import stitch  # noqa: PLC0415 -- likewise

        kinds = project.settings.kinds
        codes = {kind.column: code for code, kind in enumerate(kinds.values())}
        coded = np.full(256, _NO_KIND, np.uint8)
        for place, column in enumerate(numbered.columns):
            coded[place] = codes.get(column, _NO_KIND)
        kept = [_allowed(project, part, numbered) for part in parts] or [nothing()]
        told = Links(*(np.concatenate([getattr(part, name) for part in kept]) for name in ("a", "b", "how", "at")))
        said = [Bond(one.a, one.b, one.said, one.how, one.known_at) for one in bonds]
        kind, stable = coded[numbered.column], numbered.stable
        if not self._remembers:
            return _of_people(stitch(told, Nodes(kind, stable), kinds, said))
        if onto and self._growing is not None:
            first = self._growing.size
            self._growing.add(told, Nodes(kind[first:], stable[first:]), said)
        else:
            self._growing = Growing(kinds, told, Nodes(kind, stable), said)
        return _of_people(self._growing.people)


def _closed(project: Project) -> frozenset[str]:
    """Sources whose people nobody may link."""
    return frozenset(name for name, contract in project.definitions.contracts.items() if not contract.link)


def _allowed(project: Project, links: Evidence, numbered: Numbered) -> Evidence:
    """Links without those by which a source that nobody may link would link identifiers that others know too.

    Such a source has identifiers of its own; those that it told before its contract said so are everybody's.
    """
    closed = _closed(project)
    if not closed.intersection(links.sources):
        return links
    shut = np.array([name in closed for name in links.sources], np.bool_)[links.source]
    return links.take((numbered.apart[links.a] & numbered.apart[links.b]) | ~shut)


def _of_people(found: People) -> Map:
    from cxminute.resolve.stitch import KINDLESS, NOBODYS  # noqa: PLC0415 -- loaded by now

    told = found.why != KINDLESS  # of a kind that cxm.toml leaves out: nothing to tell
    why = [NOBODYS[code] for code in found.why[told].tolist()]
    once = _once(found.refused)
    reasons = [found.reason(place) for place in once.tolist()]
    return _told(found.persons, found.nobody[told], why, found.refused.take(once), reasons)


def _once(links: Links) -> Ints:
    """Places of links, each once, as first told: several parts may have told of it."""
    order = np.lexsort((links.at, links.how, links.b, links.a))
    a, b, how = links.a[order], links.b[order], links.how[order]
    fresh = np.ones(order.size, np.bool_)
    fresh[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1]) | (how[1:] != how[:-1])
    return order[fresh]


def _told(
    persons: Ints, nobody: Ints | Sequence[int], why: Sequence[str], refused: Links | None, reasons: Sequence[str]
) -> Map:
    none = np.empty(0, np.int64)
    a, b, at, codes = (none,) * 4 if refused is None else (refused.a, refused.b, refused.at, refused.how)
    how = pa.array([HOWS[code] for code in codes.tolist()], pa.string())
    columns = [pa.array(a), pa.array(b), how, pa.array(at), pa.array(reasons, pa.string())]
    return Map(
        persons,
        pa.record_batch([pa.array(nobody, pa.int64()), pa.array(why, pa.string())], names=["number", "why"]),
        pa.record_batch(columns, names=["a", "b", "how", "at", "why"]),
    )
