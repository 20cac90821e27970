"""How well people are recognised: how many there are, by which identifiers, and what nobody is recognised by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxminute.app.answers import Answer, Shown
from cxminute.app.people.identity import Identity, brought_up, identity
from cxminute.app.project import Project
from cxminute.store.identity import Numbered
from cxminute.store.merges import MERGE, UNMERGE
from cxminute.store.people import reaching
from cxminute.store.vault import LINKING

WHY: Mapping[str, str] = {
    "placeholder": "stands for want of an identifier",
    "shared": "known with more people than its kind allows",
}
"""Why an identifier is nobody's, for people."""


def recognised_people(project: Project) -> Answer:
    """Counts of who is who now; no identifier is shown.

    keys: identifiers (kind, count), people (how many, as far as identifiers tell), identified (with an identifier that
          is certain), several (with more than one identifier), largest (most identifiers of one), merges and unmerges
          (ever noticed), nobody (kind, why, count), refused (why, count)
    """
    found = identity(project)
    numbered = brought_up(project, found.numbered)
    persons = reaching(found.persons, numbered.column.size)
    real = np.ones(persons.size, np.bool_)
    real[found.nobody["number"].to_numpy()] = False
    sizes = np.bincount(persons[real], minlength=1)
    certain = {kind.column for kind in project.settings.kinds.values() if kind.strength == "certain"}
    codes = [code for code, column in enumerate(numbered.columns) if column in certain]
    nobody, known = nobody_of(found), _kinds(numbered)
    document: dict[str, object] = {
        "identifiers": known,
        "people": int(np.count_nonzero(sizes)),
        "identified": int(np.unique(persons[real & np.isin(numbered.column, codes)]).size),
        "several": int(np.count_nonzero(sizes > 1)),
        "largest": int(sizes.max()),
        "merges": project.merges.count(MERGE),
        "unmerges": project.merges.count(UNMERGE),
        "nobody": nobody,
        "refused": refused_of(found),
    }
    met = {one["kind"] for one in known}
    unmet = [kind.name for kind in project.settings.kinds.values() if met and kind.name not in met]
    return Answer(document, _tables(document), remark=_remark(nobody, unmet))


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
