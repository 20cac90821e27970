"""How well people are recognised: how many there are, by which identifiers, and what nobody is recognised by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxminute.app.answers import Answer, Shown
from cxminute.app.people.identity import Identity, brought_up, identity
from cxminute.app.project import Project
from cxminute.app.small.cells import joined, smallest_told
from cxminute.app.small.people import Behind, hide_people
from cxminute.store.identity import Numbered
from cxminute.store.merges import MERGE, UNMERGE
from cxminute.store.people import reaching
from cxminute.store.vault import LINKING

WHY: Mapping[str, str] = {
    "placeholder": "stands for want of an identifier",
    "shared": "known with more people than its kind allows",
}
"""Why an identifier is nobody's, for people."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Every identifier that there is, and whose it is.

    numbered: what is known of each
    persons:  by number of an identifier its person
    real:     by number, whether it is somebody's
    sizes:    by person, how many identifiers they have
    """

    numbered: Numbered
    persons: NDArray[np.int64]
    real: NDArray[np.bool_]
    sizes: NDArray[np.int64]

    @property
    def people(self) -> int:
        """How many people there are, as far as identifiers tell."""
        return int(np.count_nonzero(self.sizes))

    def owners(self, codes: list[int]) -> NDArray[np.int64]:
        """The person of each identifier of some columns, as often as they have one."""
        return self.persons[self.real & np.isin(self.numbered.column, codes)]


def recognised(project: Project, found: Identity) -> Recognised:
    """Whose every identifier is, those that came since the map was made among them."""
    numbered = brought_up(project, found.numbered)
    persons = reaching(found.persons, numbered.column.size)
    real = np.ones(persons.size, np.bool_)
    real[found.nobody["number"].to_numpy()] = False
    return Recognised(numbered, persons, real, np.bincount(persons[real], minlength=1))


def recognised_people(project: Project) -> Answer:
    """Counts of who is who now; no identifier is shown, nor a count of fewer people than contracts allow.

    keys: identifiers (kind, count), people (how many, as far as identifiers tell), identified (with an identifier that
          is certain), several (with more than one identifier), largest (most identifiers of one), merges and unmerges
          (ever noticed), nobody (kind, why, count), refused (why, count); what is not shown is None, and `hidden` is
          True in its row
    """
    found = identity(project)
    whose = recognised(project, found)
    nobody, known = nobody_of(found), _kinds(whose.numbered)
    document: dict[str, Any] = {
        "identifiers": known,
        "people": whose.people,
        "identified": int(np.unique(whose.owners(_certain(project, whose))).size),
        "several": int(np.count_nonzero(whose.sizes > 1)),
        "largest": int(whose.sizes.max()),
        "merges": project.merges.count(MERGE),
        "unmerges": project.merges.count(UNMERGE),
        "nobody": nobody,
        "refused": refused_of(found),
    }
    smallest = smallest_told(project)
    small = hide_people(smallest, document, _behind(project, found, whose)) if smallest > 1 else ""
    met = {one["kind"] for one in known}
    unmet = [kind.name for kind in project.settings.kinds.values() if met and kind.name not in met]
    return Answer(document, _tables(document), remark=joined(_remark(nobody, unmet), small))


def nobody_of(found: Identity) -> list[dict[str, Any]]:
    """How many identifiers are nobody's, by kind and reason: kind, why, count."""
    numbers = found.nobody["number"].to_numpy()
    kinds = _kinds_of(found.numbered, numbers)
    counted = Counter(zip(kinds, found.nobody["why"].to_pylist(), strict=True))
    return [{"kind": kind, "why": why, "count": count} for (kind, why), count in sorted(counted.items())]


def refused_of(found: Identity) -> list[dict[str, Any]]:
    """How many links do not hold, by reason: why ('apart', or the kind whose limit they would break), count."""
    counted = Counter(found.refused["why"].to_pylist())
    return [{"why": why, "count": count} for why, count in sorted(counted.items())]


def _certain(project: Project, whose: Recognised) -> list[int]:
    """Codes of the columns whose identifiers identify."""
    certain = {kind.column for kind in project.settings.kinds.values() if kind.strength == "certain"}
    return [code for code, column in enumerate(whose.numbered.columns) if column in certain]


def _behind(project: Project, found: Identity, whose: Recognised) -> Behind:
    """Who stands behind the counts, for whoever hides those of few."""
    columns = whose.numbered.columns
    owners = {_bare(column): whose.owners([code]) for code, column in enumerate(columns)}
    codes = _certain(project, whose)
    _, identifiers = np.unique(whose.owners(codes), return_counts=True)
    ends: dict[str, set[int]] = {}
    for link in found.refused.to_pylist():
        ends.setdefault(link["why"], set()).update(int(whose.persons[link[end]]) for end in ("a", "b"))
    changed: dict[str, set[int]] = {MERGE: set(), UNMERGE: set()}
    for change in project.merges.all():
        changed[change.kind].add(change.person)
    return Behind(
        {kind: (people.size, np.unique(people).size) for kind, people in owners.items()},
        [_bare(columns[code]) for code in codes],
        int(np.count_nonzero(identifiers > 1)),
        int(np.count_nonzero(whose.sizes > 2)),
        int(np.count_nonzero(whose.sizes == whose.sizes.max())) if whose.people else 0,
        {why: len(people) for why, people in ends.items()},
        len(changed[MERGE]),
        len(changed[UNMERGE]),
    )


def _kinds(numbered: Numbered) -> list[dict[str, Any]]:
    counts = np.bincount(numbered.column, minlength=256)
    told = ((_bare(column), int(counts[code])) for code, column in enumerate(numbered.columns))
    return [{"kind": kind, "count": count} for kind, count in sorted(told) if count]


def _kinds_of(numbered: Numbered, numbers: NDArray[np.int64]) -> list[str]:
    return [_bare(numbered.columns[code]) for code in numbered.column[numbers].tolist()]


def _bare(column: str) -> str:
    return column.removeprefix(LINKING)


def _tables(said: dict[str, Any]) -> tuple[Shown, ...]:
    rows = [
        ("people", said["people"]),
        ("identified", said["identified"]),
        ("by several identifiers", said["several"]),
        ("most identifiers of one", said["largest"]),
        ("merges noticed", said["merges"]),
        ("unmerges noticed", said["unmerges"]),
    ]
    kinds = [(one["kind"], one["count"]) for one in said["identifiers"]]
    nobody = [(one["kind"], WHY.get(one["why"], one["why"]), one["count"]) for one in said["nobody"]]
    refused = [("kept apart by hand" if one["why"] == "apart" else f"too many of kind {one['why']}", one["count"])
               for one in said["refused"]]  # fmt: skip
    tables = [Shown("People", ("", ""), rows), Shown("Identifiers", ("kind", "known"), kinds)]
    if nobody:
        tables.append(Shown("Nobody's", ("kind", "why", "identifiers"), nobody))
    if refused:
        tables.append(Shown("Links that do not hold", ("why", "links"), refused))
    return tuple(tables)


def _remark(nobody: list[dict[str, Any]], unmet: list[str]) -> str:
    """What the tables leave open; unmet: kinds of which no identifier is known, though others are."""
    said = []
    if nobody:
        said.append("What is nobody's links nobody: cxm.toml says how many may share one ([identity.KIND] shared).")
    if unmet:
        said.append(f"Nobody is known by {', '.join(unmet)}: a kind counts for what is collected while it stands.")
    return " ".join(said)
