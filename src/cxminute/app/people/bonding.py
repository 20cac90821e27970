"""What people say of two identifiers, carried out: refused where a contract forbids it, told with all that it changes.

Nothing in the log or the index is touched: a bond is said, and who is who follows from it. To take it back brings back
everything that was derived, but not what has left the house meanwhile, which is listed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from cxminute.app.analysis import View
from cxminute.app.people.consequences import Changed, Side, compared
from cxminute.app.people.explaining import carried, showable
from cxminute.app.people.identity import Recognising
from cxminute.app.people.naming import Called, UnknownPerson, called, kinds_asked, people_named
from cxminute.app.people.who import Who, supposed, who_is
from cxminute.app.project import Project
from cxminute.app.rights.consenting import pass_person
from cxminute.model.errors import Refused, WrongUse
from cxminute.privacy.permits import Permit
from cxminute.privacy.use import Use
from cxminute.store.bonds import APART, LINKED, NOTHING, Said, linking, pair_of, unlinking
from cxminute.store.disclosures import Disclosure
from cxminute.store.identity import Kept
from cxminute.store.vault import LINKING

Verb = Literal["link", "unlink"]
USER: Final = "user_id"
_UNCHANGED: Final = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be said: of which two, by whom known as what, and why.

    kinds: of each, as --kind-a and --kind-b name them; None for any that a person can have
    why:   the evidence, in the words of whoever says it
    """

    verb: Verb
    ids: tuple[str, str]
    kinds: tuple[str | None, str | None] = (None, None)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One person: its number, and its identifiers."""

    person: int
    identifiers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, or would come.

    pair:    the two identifiers, as they were named
    said:    what was said of the pair, in order: none where it stands already
    stood:   what stood before
    before:  the people concerned; after: who they are then
    names:   what their identifiers are called: those that the permit covers, of people whose data may be shown
    changed: journeys and promises that count people
    sent:    what went out about them while things stood as they did before, and cannot be taken back
    briefs:  published meanwhile: they stand as they are
    done:    whether it was carried out
    """

    asked: Asked
    pair: tuple[int, int]
    said: tuple[str, ...]
    stood: str
    before: tuple[Group, ...]
    after: tuple[Group, ...]
    names: dict[int, Called]
    changed: tuple[Changed, ...]
    sent: tuple[Disclosure, ...]
    briefs: tuple[str, ...]
    done: bool

    @property
    def together(self) -> bool:
        """Whether both are one person afterwards."""
        return any(set(self.pair) <= set(group.identifiers) for group in self.after)


def bond(seen: View, leave: Permit, asked: Asked, now: int, *, dry_run: bool = False) -> Outcome:
    """Says of two identifiers that they are one person's, or takes that back, or holds them apart.

    leave:   both must be known to a source that it covers
    now:     when it is said, UTC ms
    dry_run: nothing is said; what is told is what would be
    raises:  UnknownPerson; WrongUse where an identifier is of several kinds, or both are one, or a reason is lacking;
             Refused where a contract forbids it, or a person's own word forbids to show who they are
    """
    project = seen.project
    kept = Recognising(project).now()
    known = who_is(project, kept=kept)
    a, b = _numbers(project, leave, known, asked)
    pair_of(a, b)
    for end in (a, b):
        pass_person(project, Use(leave.purpose, "show"), np.array(known.members([end]), np.int64))
    names = called(project, (a, b))
    stood = project.bonds.of((a, b))
    if asked.verb == "link":
        _check_contracts(project, names[a], names[b])
    said, then = _decided(project, kept, known, asked, (a, b), stood, now)
    if not asked.why.strip() and not dry_run:
        _check_reason(project, known, (a, b), said)
    moved = {a, b, *known.differing(then)}
    concerned = sorted({*known.members(moved), *then.members(moved)})
    before, after = _groups(known, concerned), _groups(then, concerned)
    sides = [Side(who.map, tuple(group.person for group in groups)) for who, groups in ((known, before), (then, after))]
    changed = compared(seen, concerned, *sides)
    since = _since(project, (a, b), before)
    shown = showable(project, leave, known, concerned) | {a, b}
    if not dry_run and said:
        for word in said:
            project.bonds.say([(a, b)], word, how="hand", why=asked.why.strip(), known_at=now)
        who_is(project)  # notes the merge
    return Outcome(
        asked=asked,
        pair=(a, b),
        said=tuple(said),
        stood=stood,
        before=before,
        after=after,
        names=called(project, shown),
        changed=tuple(changed),
        sent=tuple(one for one in project.disclosures.of(concerned) if one.at >= since),
        briefs=tuple(_briefs(project.folder / "briefs", since)),
        done=not dry_run,
    )


def _numbers(project: Project, leave: Permit, known: Who, asked: Asked) -> tuple[int, int]:
    """The numbers of both identifiers; the log is looked through once for both."""
    ends = list(zip(asked.ids, asked.kinds, strict=True))
    found = [people_named(project, leave, {kind or "": [word]}) for word, kind in ends]
    seen = carried(project, leave.sources, {number for there in found for number in there})
    a, b = (_number(project, known, there, kind, seen) for there, (_, kind) in zip(found, ends, strict=True))
    return a, b


def _number(
    project: Project, known: Who, there: Mapping[int, str], kind: str | None, known_there: Collection[int]
) -> int:
    """The number of an identifier that is known to a source of the permit; of several of one person the strongest.

    there:       its numbers, each with its kind; kind: as it was asked for
    known_there: what those sources carry
    """
    seen = [number for number in there if number in known_there]
    if not seen:
        raise UnknownPerson(kinds_asked(project, kind))
    names = called(project, seen)
    seen = [number for number in seen if not names[number].apart] or seen  # one source's own is meant by its number
    if len({known.person(number) for number in seen}) > 1:
        of = ", ".join(f"{there[number].removeprefix(LINKING)} (#{number})" for number in seen)
        raise WrongUse(
            f"This is an identifier of several kinds or sources: {of}.", allowed="--kind-a, --kind-b, or #NUMBER"
        )
    return seen[0]


def _check_contracts(project: Project, one: Called, other: Called) -> None:
    """Refuses to link what a contract keeps apart, or what is somebody's in one source only."""
    for end, beside in ((one, other), (other, one)):
        if not end.apart or end.apart == beside.apart:
            continue
        contract = project.definitions.contracts.get(end.apart)
        if contract is not None and not contract.link:
            cited = contract.cites("no-linking", "link")
            raise Refused(
                f"{end.text} is of source '{end.apart}': its people may not be linked to others. This breaks {cited}.",
                allowed="identifiers of the same source",
                then=_UNCHANGED,
            )
        if beside.number not in carried(project, [end.apart], [beside.number]):
            raise Refused(
                f"{end.text} is a relay address of source '{end.apart}': it is nobody's anywhere else.",
                allowed=f"identifiers that events of '{end.apart}' carry",
                then=_UNCHANGED,
            )


def _check_reason(project: Project, known: Who, pair: tuple[int, int], said: Sequence[str]) -> None:
    """Two who are identified become one, and two are held apart, only for a reason: it is the evidence."""
    if APART in said:
        what = "To hold two apart, whatever events say, takes a reason."
        raise WrongUse(what, allowed="--because TEXT", then=_UNCHANGED)
    if LINKED not in said or known.person(pair[0]) == known.person(pair[1]):
        return
    kinds = [{one.kind for one in called(project, known.members([end])).values()} for end in pair]
    if all(USER in held for held in kinds):
        raise WrongUse(
            "Both are people who have identified themselves, each by a user_id of their own.",
            allowed="--because TEXT, which is kept as the evidence",
            then=_UNCHANGED,
        )


def _decided(
    project: Project, kept: Kept, known: Who, asked: Asked, pair: tuple[int, int], stood: str, now: int
) -> tuple[list[str], Who]:
    """What is to be said of the pair, one after the other, and who is who then."""
    if asked.verb == "unlink":
        word = unlinking(stood)
        return ([word], _supposed(project, kept, pair, word, now)) if word else ([], known)
    said: list[str] = []
    then = known
    for word in linking(stood):
        if said and then.person(pair[0]) == then.person(pair[1]):
            break  # to take back that they are apart was enough
        said.append(word)
        then = _supposed(project, kept, pair, word, now)
    return said, then


def _supposed(project: Project, kept: Kept, pair: tuple[int, int], word: str, now: int) -> Who:
    """Who would be who if this were said of a pair."""
    standing = [one for one in project.bonds.standing() if one.pair != pair_of(*pair)]
    if word != NOTHING:
        standing.append(Said(*pair_of(*pair), word, "hand", "", now))
    return supposed(project, standing, kept)


def _groups(known: Who, numbers: Sequence[int]) -> tuple[Group, ...]:
    persons: dict[int, list[int]] = {}
    for number in numbers:
        persons.setdefault(known.person(number), []).append(number)
    return tuple(Group(person, tuple(some)) for person, some in sorted(persons.items()))


def _since(project: Project, pair: tuple[int, int], before: Sequence[Group]) -> int:
    """Since when the two stand as they do: since something was said of them, else since the first merge of theirs.

    Rather too early than too late: what is listed without need does less harm than what is not.
    """
    said = [one.known_at for one in project.bonds.history(pair) if one.pair == pair_of(*pair)]
    if said:
        return max(said)
    together = len({group.person for group in before if set(pair) & set(group.identifiers)}) == 1
    merged = [one.known_at for one in project.merges.of([group.person for group in before]) if together]
    return min(merged, default=0)


def _briefs(folder: Path, since: int) -> list[str]:
    """Briefs that were published since."""
    found = sorted(folder.glob("*.html")) if folder.is_dir() else []
    return [path.name for path in found if path.stat().st_mtime_ns // 1_000_000 >= since]
