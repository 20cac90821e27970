"""The command that forgets people: what would go, what went, and the proof; and that lets somebody come back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cxminute.app import clock, output
from cxminute.app.project import Project
from cxminute.model.errors import WrongUse

if TYPE_CHECKING:  # brings the way to the log
    from cxminute.app.rights.forgetting import Forgotten, Person


def forget(  # noqa: PLR0913 -- each is an option of the command line
    *identifiers: str,
    file: Annotated[Path | None, Parameter(name="--from")] = None,
    request: int | None = None,
    kind: str | None = None,
    only_this_identifier: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    lift: Annotated[bool, Parameter(negative="")] = False,
    proofs: Annotated[bool, Parameter(negative="")] = False,
    json: bool = False,
    project: Path = Path(),
) -> int:
    """Forget people: everything that is held on them goes, in every place; what comes of them later is refused.

    Briefs and figures that were published stand. A proof lies in .cxm/proofs, which names nobody. Without an
    identifier it completes what was stopped half-way.

    Parameters
    ----------
    identifiers
        As a source wrote them, or #NUMBER, each of one person: all identifiers of that person are forgotten.
    file
        A text file with an identifier a line.
    request
        The number of a request for erasure: whom it is about, once they have proved who they are.
    kind
        Which kind of identifier they are: user_id, email; without it, any that a person can have.
    only_this_identifier
        Not the whole person that it belongs to.
    dry_run
        Say what would go; change nothing.
    lift
        Take events with these identifiers again: for somebody who comes back and knows it.
    proofs
        Say which proofs are of them.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    Returns
    -------
    int
        0 when nothing of theirs is left, 1 when something is, or none of them was known.

    """
    from cxminute.app.people.identity import identity  # noqa: PLC0415 -- likewise
    from cxminute.app.rights import forgetting  # noqa: PLC0415 -- the way to the log takes a while

    opened = Project(project)
    named = [*identifiers, *_lines(file)]
    if lift or proofs:
        if not named:
            raise WrongUse("Nobody is named.", allowed="one identifier or more", then="Nothing was changed.")
        return _lift(opened, named, kind, json=json) if lift else _proofs(opened, named, kind, json=json)
    people: list[Person] = []
    before = None
    if not dry_run and forgetting.is_begun(opened):  # before names are looked up: whoever was begun has none any more
        before = forgetting.forget(opened, [], clock.now())
        named = [word for word in named if before.proof not in forgetting.proofs_of(opened, word, kind)]
        if request is not None and opened.requests.get(request).proof == before.proof != "":
            request = None
        if not before.is_done or not (named or request is not None):
            _tell(before, json=json, dry_run=False)
            return 0 if before.is_done else 1
        if not json:
            output.say(f"What was begun before is complete. Proof: .cxm/proofs/{before.proof}")
    known = identity(opened) if len(named) > 1 and not only_this_identifier else None
    for word in named:
        _add(people, forgetting.who_is(opened, word, kind, only=only_this_identifier, known=known))
    why = "by hand"
    if request is not None:
        why = f"request {request} (erasure)"
        for one in forgetting.asked_by(opened, request):
            _add(people, one)
    if dry_run:
        _tell(forgetting.preview(opened, people), json=json, dry_run=True)
        return 0
    if not people:
        raise WrongUse("Nobody is named.", allowed="an identifier, --from or --request", then="Nothing was changed.")
    done = forgetting.forget(opened, people, clock.now(), why=why)
    _tell(done, json=json, dry_run=False)
    return 0 if done.is_done else 1


def _add(people: list[Person], one: Person) -> None:
    """A person once, by however many identifiers they were named."""
    if not any(set(one.profiles) & set(other.profiles) for other in people):
        people.append(one)


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    if not file.is_file():
        raise WrongUse(f"There is no file {file}.", then="Nothing was changed.")
    return [line for line in (said.strip() for said in file.read_text("utf-8-sig").splitlines()) if line]


def _lift(project: Project, named: Sequence[str], kind: str | None, *, json: bool) -> int:
    from cxminute.app.rights.forgetting import lift  # noqa: PLC0415 -- as above

    lifted = [lift(project, word, kind) > 0 for word in named]
    if json:
        output.document({"named": len(named), "lifted": sum(lifted)})
    else:
        output.say(f"Events of {sum(lifted)} of {output.count(len(named), 'identifiers')} are taken again.")
    return 0 if all(lifted) else 1


def _proofs(project: Project, named: Sequence[str], kind: str | None, *, json: bool) -> int:
    from cxminute.app.rights.forgetting import proofs_of  # noqa: PLC0415 -- as above

    found = [proofs_of(project, word, kind) for word in named]
    if json:
        output.document({"proofs": found})
    else:
        for place, names in enumerate(found, start=1):
            output.say(f"Identifier {place}: {', '.join(names) or 'no proof is of it'}")
    return 0 if all(found) else 1


def _tell(done: Forgotten, *, json: bool, dry_run: bool) -> None:
    if json:
        output.document(_document(done, dry_run=dry_run))
        return
    rows = [(place, count, "-" if dry_run else done.left[place]) for place, count in done.found.items()]
    touched, every = done.segments
    people = "1 person" if done.people == 1 else f"{done.people:,} people"
    what = "would be forgotten; nothing was changed" if dry_run else "forgotten"
    output.table(f"{people} {what}", ("where", "found", "left"), rows)
    output.say(f"Segments of the log: {touched:,} of {every:,} {'would be' if dry_run else 'were'} written anew.")
    if done.kept:
        output.say(f"Kept, since a law orders it: {output.count(done.kept, 'events')}, with their personal values.")
    for name, count in sorted(done.pages.items()):
        output.say(f"{name}: {output.count(count, 'places')}.")
    for name, said in done.bytes.items():
        output.say(f"Bytes of the {name}: {said}.")
    if done.proof:
        output.say(f"Proof: .cxm/proofs/{done.proof}")
    elif not dry_run:
        output.say("Something is left, and there is no proof yet: cxm forget goes on with it, before anybody else.")


def _document(done: Forgotten, *, dry_run: bool) -> dict[str, object]:
    return {
        "people": done.people,
        "done": done.is_done,
        "dry_run": dry_run,
        "found": done.found,
        "left": done.left,
        "segments": {"rewritten": done.segments[0], "all": done.segments[1]},
        "kept_by_law": done.kept,
        "pages": done.pages,
        "bytes": done.bytes,
        "proof": done.proof or None,
    }
