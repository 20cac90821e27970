"""Linkage in a project: records of its people, a model learnt from them, pairs proposed, accepted and declined."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.people.identity import Identity, identity
from cxminute.app.people.naming import numbers_of, person_kinds
from cxminute.app.project import Project
from cxminute.app.rights.consenting import neck
from cxminute.model.errors import BadData, Refused
from cxminute.privacy.permits import ALLOWING, REASONS, Permit
from cxminute.privacy.use import Use
from cxminute.resolve.linkage.accuracy import Accuracy, accuracy
from cxminute.resolve.linkage.cleaning import records as cleaned
from cxminute.resolve.linkage.clusters import Clusters, cluster
from cxminute.resolve.linkage.definition import Linkage
from cxminute.resolve.linkage.model import ENDS, Model, read
from cxminute.store.arrays import write_whole
from cxminute.store.bonds import APART, LINKED
from cxminute.store.linking import linking_api
from cxminute.store.newest import newest
from cxminute.store.people import People
from cxminute.store.proposals import ACCEPTED, DECLINED, PROPOSED, Pair, Proposal, Proposals

if TYPE_CHECKING:  # brings Splink
    from cxminute.resolve.linkage.training import Training

HOW: Final = "linkage"
NOBODY: Final = "nobody"
"""Why a proposal is not accepted of which one end is an identifier that is nobody's."""
ALLOWED: Final = tuple(REASONS)[:ALLOWING]
WEIGHTS: Final = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
"""Match weights at which precision and recall are told."""
_SAYS: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
Step = Callable[[str], None]


def _quietly(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a linkage reads of a project, under a permit.

    told:    the newest values of everybody, as they were told
    records: the same as they are compared; people of whom fewer than two fields are known are not among them
    known:   who is who
    left:    how many people are left out, by the reason (privacy.permits.REASONS)
    """

    linkage: Linkage
    told: pa.Table
    records: pa.Table
    known: Identity
    left: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scored:
    """What scoring came to.

    records:  people compared
    found:    pairs at or above `propose`
    proposed: of these, how many are proposed now; the others were decided before, or are held apart
    accepted: numbers of proposals that were accepted without anybody looking, by the definition
    clusters: who would be one if all pairs found were taken
    judged:   how right it is by weight, where labels were given
    unknown:  labels that name nobody who is compared
    """

    model: Model
    records: int
    found: int
    proposed: int
    accepted: tuple[int, ...]
    clusters: Clusters
    judged: tuple[Accuracy, ...] = ()
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of proposals that somebody decided.

    done:    those that were decided
    held:    proposal -> why it was not accepted: the kind of identifier of which one person would have too many,
             'apart' where somebody says so, 'nobody' where an end is nobody's
    decided: those that had been decided before
    """

    done: tuple[Proposal, ...]
    held: dict[int, str] = field(default_factory=dict)
    decided: tuple[Proposal, ...] = ()


def seen(project: Project, name: str, purpose: str | None, action: str = "read", step: Step = _quietly) -> Seen:
    """The records of a linkage, of those people whose data may be used so.

    purpose: what they are read for; the definition's without it
    action:  what is done with them: read (compared), train or show
    raises:  UnknownName, Refused
    """
    linkage = project.linkage(name)
    purpose = purpose or linkage.purpose
    leave = project.permit(purpose)
    refused = [leave.refused[source] for source in linkage.sources if source not in leave.sources]
    if refused:
        raise Refused(" ".join(refused), then="Nothing was read.")
    step("reading")
    known = identity(project)
    log, definitions = project.log, project.definitions
    pieces = log.pieces(definitions.paths | linkage.paths, None, definitions.declared)
    wanted = [piece for piece in pieces if piece.source in linkage.sources]
    told = newest(log, wanted, {name: one.paths for name, one in linkage.fields.items()}, known.people())
    use = Use(purpose, action, linkage.sources, destination=f"linkage {name}")
    decided = neck(project, who=known).permit(use, told["unique_id"].to_numpy())
    left = {reason: number for reason, number in decided.counts.items() if reason not in ALLOWED}
    told = told.filter(pa.array(decided.allowed))
    return Seen(linkage, told, cleaned(told, linkage.fields), known, left)


def train(project: Project, found: Seen, step: Step = _quietly) -> Training:
    """Learns a model and writes it beside the definition: whole or not at all."""
    from cxminute.resolve.linkage.training import train as learn  # noqa: PLC0415 -- brings Splink

    learnt = learn(found.linkage, found.records, linking_api(project.settings.threads), step)
    write_whole(model_path(project, found.linkage.name), learnt.body)
    return learnt


def model_path(project: Project, name: str) -> Path:
    """Where the model of a linkage lies: beside its definition."""
    return project.root / "linkage" / f"{name}{ENDS}"


def model_of(project: Project, linkage: Linkage) -> Model:
    """The trained model; BadData where there is none, BadDefinition where it is that of another definition."""
    path = model_path(project, linkage.name)
    if not path.is_file():
        raise BadData(
            f"Linkage '{linkage.name}' has no model yet.",
            file=str(path.relative_to(project.root)),
            then=f"cxm linkage {linkage.name} train makes one.",
        )
    return read(path.read_bytes(), linkage, str(path.relative_to(project.root)))


def score(project: Project, found: Seen, now: int, labels: Path | None = None, step: Step = _quietly) -> Scored:
    """Weighs pairs and proposes those that weigh enough; accepts what the definition says to accept unseen.

    now:    UTC ms
    labels: a CSV with `one`, `other` and `same`: identifiers as their sources wrote them, and whether they are one
            person's
    """
    from cxminute.resolve.linkage import scoring  # noqa: PLC0415 -- brings Splink

    linkage = found.linkage
    model = model_of(project, linkage)
    marked = None if labels is None else _labels(project, found, labels)
    step("comparing")
    least = linkage.propose if marked is None else min(linkage.propose, *WEIGHTS)
    weighed = scoring.score(linkage, model, found.records, linking_api(project.settings.threads), least=least)
    pairs = weighed.filter(pc.greater_equal(weighed["weight"], linkage.propose))
    judged = () if marked is None else tuple(_judged(weighed, marked, linkage.propose))
    step("grouping")
    groups = clustered(project, found.known, _ends(pairs))
    free = _without(pairs, _apart(found.known))
    step("proposing")
    rows = zip(*(free[name].to_pylist() for name in ("a", "b", "weight", "probability")), strict=True)
    said = [Pair(*row, text) for row, text in zip(rows, scoring.explained(free, model).to_pylist(), strict=True)]  # type: ignore[call-arg]  # four columns
    proposals = Proposals(project.log.state)
    proposed = proposals.put(linkage.name, model.digest, said, now)
    accepted: tuple[int, ...] = ()
    if linkage.accept is not None:
        sure = [one.id for one in proposals.of(linkage.name) if one.weight >= linkage.accept]
        accepted = tuple(one.id for one in accept(project, linkage.name, sure, now, found.known).done)
    unknown = 0 if marked is None else marked.unknown
    return Scored(
        model, found.records.num_rows, pairs.num_rows, proposed - len(accepted), accepted, groups, judged, unknown
    )


def accept(project: Project, name: str, numbers: Sequence[int], now: int, known: Identity | None = None) -> Decided:
    """Accepts proposals: each becomes a bond, with the model and the weight as its evidence.

    Those that would give one person more of a kind than the kinds allow, and those that somebody holds apart, are not.
    """
    known = known or identity(project)
    proposals = Proposals(project.log.state)
    asked = proposals.get(name, numbers)
    fresh = [one for one in asked if one.state == PROPOSED]
    fresh.sort(key=lambda one: (-one.weight, one.id))
    groups = clustered(project, known, [(known.person(one.a), known.person(one.b)) for one in fresh])
    nobody = set(known.nobody["number"].to_pylist())
    held = {one.id: NOBODY for one in fresh if not nobody.isdisjoint((one.a, one.b))}
    for one in fresh:
        why = groups.held.get((known.person(one.a), known.person(one.b)))
        if why:
            held[one.id] = why
    taken = [one for one in fresh if one.id not in held]
    linked = {one.pair for one in known.bonds if one.said == LINKED}
    whys: dict[str, list[tuple[int, int]]] = {}
    for one in taken:
        if (one.a, one.b) not in linked:
            why = f"{name}, model {one.digest[:12]}, match weight {one.weight:.1f}"
            whys.setdefault(why, []).append((one.a, one.b))
    for why, pairs in whys.items():  # the bonds first: killed between the two, the same command makes it good
        project.bonds.say(pairs, LINKED, how=HOW, why=why, known_at=now)
    proposals.decide([one.id for one in taken], ACCEPTED, now)
    if taken:
        identity(project)  # notes the merges
    return Decided(tuple(taken), held, tuple(one for one in asked if one.state != PROPOSED))


def decline(project: Project, name: str, numbers: Sequence[int], now: int) -> Decided:
    """Declines proposals: the same model does not propose them again."""
    proposals = Proposals(project.log.state)
    asked = proposals.get(name, numbers)
    fresh = tuple(one for one in asked if one.state == PROPOSED)
    proposals.decide([one.id for one in fresh], DECLINED, now)
    return Decided(fresh, {}, tuple(one for one in asked if one.state != PROPOSED))


def waiting(project: Project, name: str, known: Identity, limit: int | None) -> list[Proposal]:
    """What is proposed and not decided, the heaviest first; pairs that became one person otherwise are left out."""
    found = Proposals(project.log.state).of(name)
    return [one for one in found if known.person(one.a) != known.person(one.b)][:limit]


def clustered(project: Project, known: Identity, pairs: Sequence[tuple[int, int]]) -> Clusters:
    """Who would be one person if pairs of people were taken, the first first."""
    limits = {kind.column: kind.most for kind in project.settings.kinds.values() if kind.most}
    people = project.vault.people()
    numbers, kinds = people["number"].to_numpy(), people["kind"].cast(pa.string())
    whose = People(known.persons).owners(numbers)
    owned = {kind: whose[np.asarray(pc.equal(kinds, kind))] for kind in limits}
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    return cluster(ends[:, 0], ends[:, 1], owned=owned, most=limits, apart=_apart(known))


def _apart(known: Identity) -> set[tuple[int, int]]:
    """Pairs of people that somebody holds apart."""
    ends = [(known.person(one.a), known.person(one.b)) for one in known.bonds if one.said == APART]
    return {(min(pair), max(pair)) for pair in ends}


def _ends(pairs: pa.Table) -> list[tuple[int, int]]:
    return list(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))


def _without(pairs: pa.Table, gone: Collection[tuple[int, int]]) -> pa.Table:
    """Pairs without some of them."""
    return pairs.filter(pa.array([pair not in gone for pair in _ends(pairs)], pa.bool_())) if gone else pairs


@dataclass(frozen=True, slots=True)
class _Labels:
    true: frozenset[tuple[int, int]]
    false: frozenset[tuple[int, int]]
    unknown: int


def _labels(project: Project, found: Seen, path: Path) -> _Labels:
    """Pairs of people that somebody has judged."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise BadData("The labels cannot be read.", file=str(path), allowed="a CSV file in UTF-8") from fault
    if not rows or not {"one", "other", "same"} <= set(rows[0]):
        raise BadData("The labels name no pairs.", file=str(path), allowed="columns one, other and same (yes or no)")
    leave = Permit(found.linkage.purpose, frozenset(found.linkage.sources), {})
    compared = set(found.records["unique_id"].to_pylist())
    words: dict[str, int | None] = {}
    sides: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    unknown = 0
    for place, row in enumerate(rows, start=1):
        same = _SAYS.get(str(row["same"]).strip().casefold())
        if same is None:
            raise BadData("'same' is neither yes nor no.", file=str(path), row=place, allowed="yes, no, 1, 0")
        ends = [_person(project, leave, found.known, str(row[key]), words) for key in ("one", "other")]
        if None in ends or not compared.issuperset(ends) or ends[0] == ends[1]:
            unknown += 1
        else:
            one, other = sorted(end for end in ends if end is not None)
            sides[same].add((one, other))
    return _Labels(frozenset(sides[True]), frozenset(sides[False] - sides[True]), unknown)


def _person(project: Project, leave: Permit, known: Identity, word: str, words: dict[str, int | None]) -> int | None:
    """Whom an identifier names; None where it is nobody's, or of several people."""
    if word not in words:
        numbers = {
            number for found in numbers_of(project, leave, word, person_kinds(project)).values() for number in found
        }
        persons = {known.person(number) for number in numbers}
        words[word] = persons.pop() if len(persons) == 1 else None
    return words[word]


def _judged(weighed: pa.Table, labels: _Labels, propose: float) -> Iterable[Accuracy]:
    rows = zip(*(weighed[name].to_pylist() for name in ("a", "b", "weight")), strict=True)
    return accuracy(rows, labels.true, sorted({*WEIGHTS, propose}), false=labels.false)


def values_of(found: Seen, one: int, other: int) -> dict[str, tuple[Any, Any]]:
    """What each field says of two people, of those that either has."""
    numbers = found.told["unique_id"].to_numpy()
    ends = [found.known.person(number) for number in (one, other)]
    places = [int(np.searchsorted(numbers, end)) for end in ends]
    if any(place >= len(numbers) or numbers[place] != end for place, end in zip(places, ends, strict=True)):
        raise Refused("The data of one of them may not be shown, or is gone.", allowed="to score again, or others")
    left, right = (found.told.slice(place, 1).to_pylist()[0] for place in places)
    return {
        name: (left[name], right[name])
        for name in found.linkage.fields
        if left[name] is not None or right[name] is not None
    }
