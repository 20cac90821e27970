"""The command that finds people without a shared identifier: train, score, review, accept, decline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from cxminute.app import clock, output
from cxminute.app.project import Project
from cxminute.model.errors import WrongUse
from cxminute.model.times import from_ms

if TYPE_CHECKING:  # brings numpy and Arrow
    from cxminute.app.people.linkage import Decided, Scored, Seen, Step
    from cxminute.resolve.linkage.training import Training
    from cxminute.store.proposals import Proposal

Verb = Literal["init", "train", "score", "review", "accept", "decline"]
HERE = Path()


def linkage(  # noqa: PLR0913 -- each is an option of the command
    name: str | None = None,
    verb: Verb | None = None,
    numbers: Annotated[tuple[int, ...], Parameter(negative="")] = (),
    *,
    labels: Path | None = None,
    limit: int = 10,
    values: Annotated[bool, Parameter(negative="")] = False,
    chart: Path | None = None,
    purpose: str | None = None,
    json: bool = False,
    project: Path = HERE,
) -> int:
    """Find people without a shared identifier: compare their records, propose pairs, accept or decline them.

    Without a name it lists the linkages that are defined. Nothing becomes one person before a proposal is accepted: by
    you, or by `accept` in the definition.

    Parameters
    ----------
    name
        Of the linkage: that of its file.
    verb
        init writes a definition to start from; train learns a model from the records and writes it beside the
        definition; score compares and proposes; review shows proposals with what each field adds; accept and decline
        decide on them.
    numbers
        Of proposals, as review numbers them.
    labels
        With score: a CSV file with the columns one, other and same, identifiers of people and whether they are one;
        precision and recall are told.
    limit
        With review: how many proposals, the heaviest ones.
    values
        With review: show what the records say; needs --purpose.
    chart
        With review: also draw it, to a file that ends in .svg, .png or .html.
    purpose
        What the records are read for; the contracts of the sources must allow it. The definition's without it.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    Returns
    -------
    int
        0 when it was done, 1 when a proposal could not be accepted.

    """
    if name is None:
        _list(Project(project), json=json)
        return 0
    verb = verb or "review"
    _check(verb, numbers, labels, values=values, chart=chart, purpose=purpose)
    if verb == "init":
        _init(project, name, json=json)
        return 0
    from cxminute.app.people import linkage as of  # noqa: PLC0415 -- reads the log: heavy

    opened = Project(project)
    opened.linkage(name)
    if verb in ("accept", "decline"):
        decide = of.accept if verb == "accept" else of.decline
        return _say_decided(decide(opened, name, numbers, clock.now()), verb, json=json)
    with _steps(f"linkage {name}") as step:
        if verb == "train":
            found = of.seen(opened, name, purpose, "train", step)
            learnt = of.train(opened, found, step)
            path = of.model_path(opened, name).relative_to(opened.root)
        elif verb == "score":
            found = of.seen(opened, name, purpose, "read", step)
            scored = of.score(opened, found, clock.now(), labels, step)
    if verb == "train":
        _say_learnt(learnt, path, found, json=json)
    elif verb == "score":
        _say_scored(scored, found, json=json)
    else:
        _review(opened, name, numbers, limit, values=values, chart=chart, purpose=purpose, json=json)
    return 0


def _check(
    verb: Verb, numbers: Sequence[int], labels: Path | None, *, values: bool, chart: Path | None, purpose: str | None
) -> None:
    """Refuses options where they mean nothing, before anything is read."""
    if verb in ("accept", "decline") and not numbers:
        raise WrongUse(f"It says not what to {verb}.", allowed="numbers of proposals, as review shows them")
    if numbers and verb not in ("accept", "decline", "review"):
        raise WrongUse(f"'{verb}' takes no numbers of proposals.", allowed="them after review, accept or decline")
    if labels is not None and verb != "score":
        raise WrongUse("--labels stands with score alone.")
    if (values or chart is not None) and verb != "review":
        raise WrongUse("--values and --chart stand with review alone.")
    if values and purpose is None:
        raise WrongUse("To show what records say needs a purpose of its own.", allowed="--values with --purpose P")
    if chart is not None:
        from cxminute.app.charting import check_chart  # noqa: PLC0415 -- brings Arrow

        check_chart(chart)


@contextmanager
def _steps(title: str) -> Iterator[Step]:
    """Says on a terminal what is being done; silent in a pipe."""
    with output.progress(title, None) as advance:
        yield lambda said: advance(0, said)


def _list(project: Project, *, json: bool) -> None:
    from cxminute.app.people.linkage import model_path  # noqa: PLC0415 -- reads the log: heavy
    from cxminute.store.proposals import Proposals  # noqa: PLC0415 -- likewise

    counts = Proposals(project.log.state).counts()
    rows = [
        {
            "name": name,
            "says": one.says,
            "sources": list(one.sources),
            "fields": list(one.fields),
            "propose": one.propose,
            "accept": one.accept,
            "trained": model_path(project, name).is_file(),
            **{state: counts.get(name, {}).get(state, 0) for state in ("proposed", "accepted", "declined")},
        }
        for name, one in sorted(project.definitions.linkages.items())
    ]
    if json:
        output.document({"linkages": rows})
        return
    if not rows:
        output.say("No linkage is defined. cxm linkage NAME init writes one to start from.")
        return
    columns = ("name", "sources", "fields", "trained", "proposed", "accepted", "declined")
    shown = [
        tuple(", ".join(row[key]) if isinstance(row[key], list) else row[key] for key in columns)  # type: ignore[arg-type]  # lists of texts
        for row in rows
    ]
    output.table("Linkages", columns, shown)


def _init(folder: Path, name: str, *, json: bool) -> None:
    """Writes the preset, over the sources whose contracts allow it."""
    from cxminute.resolve.linkage.definition import LINKAGE  # noqa: PLC0415 -- only to make one
    from cxminute.resolve.linkage.presets import preset  # noqa: PLC0415 -- likewise

    if not LINKAGE.fullmatch(name):
        raise WrongUse(f"'{name}' is not a name.", allowed="letters, digits, hyphens and underscores")
    opened = Project(folder)
    path = opened.root / "linkage" / f"{name}.toml"
    if path.exists():
        raise WrongUse(f"linkage/{path.name} exists.", then="Nothing was changed.")
    contracts = opened.definitions.contracts.values()
    fitting = tuple(sorted(one.source for one in contracts if one.link and one.train))
    path.parent.mkdir(exist_ok=True)
    path.write_text(preset(name, fitting), "utf-8")
    left = sorted(one.source for one in contracts if not (one.link and one.train))
    if json:
        output.document({"file": f"linkage/{path.name}", "sources": list(fitting), "left_out": left})
        return
    output.say(f"Wrote linkage/{path.name} over {', '.join(fitting) or 'no source yet'}.")
    for source in left:
        output.say(f"Source '{source}' is left out: its contract allows no linking, or no training.")


def _say_learnt(learnt: Training, path: Path, found: Seen, *, json: bool) -> None:
    trained = learnt.model.trained
    if json:
        output.document(
            {
                "file": str(path),
                "digest": learnt.model.digest,
                "records": trained.records,
                "match": trained.match,
                "fields": {
                    name: [{"level": one.level, "m": one.m, "u": one.u, "weight": one.weight} for one in weighed]
                    for name, weighed in trained.fields.items()
                },
                "remarks": list(learnt.remarks),
                "left": dict(found.left),
            }
        )
        return
    rows = [
        (name, one.level, output.percent(one.m), output.percent(one.u, 3), f"{one.weight:+.2f}")
        for name, weighed in trained.fields.items()
        for one in weighed
    ]
    columns = ("field", "level", "of one person's pairs", "of two people's", "match weight")
    output.table(f"Learnt from {trained.records:,} records", columns, rows)
    for remark in learnt.remarks:
        output.say(remark)
    _say_left(found)
    output.say(f"Two records at random are one person's once in {1 / trained.match:,.0f}.")
    output.say(f"Wrote {path}: put it in git, its digest is the evidence of what it links.")


def _say_scored(scored: Scored, found: Seen, *, json: bool) -> None:
    linkage, groups = found.linkage, scored.clusters
    if json:
        output.document(
            output.clean(
                {
                    "digest": scored.model.digest,
                    "records": scored.records,
                    "found": scored.found,
                    "proposed": scored.proposed,
                    "accepted": list(scored.accepted),
                    "groups": len(groups.sizes),
                    "largest": groups.largest,
                    "held": [{"a": a, "b": b, "why": why} for (a, b), why in sorted(groups.held.items())],
                    "accuracy": [
                        {"weight": one.weight, "found": one.found, "right": one.right, "true": one.true,
                         "precision": one.precision, "recall": one.recall, "f1": one.f1}
                        for one in scored.judged
                    ],
                    "left": dict(found.left),
                    "labels_of_nobody": scored.unknown,
                }
            )
        )  # fmt: skip
        return
    output.say(
        f"{output.count(scored.records, 'people')} compared: {output.count(scored.found, 'pairs')} weigh "
        f"{linkage.propose:g} or more, and would make {output.count(len(groups.sizes), 'groups')}, "
        f"the largest of {groups.largest}."
    )
    output.say(
        f"{output.count(scored.proposed, 'pairs')} proposed, {len(scored.accepted):,} accepted by the definition."
    )
    _say_left(found)
    for why, number in sorted(Counter(groups.held.values()).items()):
        output.say(f"{output.count(number, 'pairs')} held back: {_why(why)}.")
    if scored.judged:
        rows = [
            (
                f"{one.weight:g}", one.found, one.right, one.true, output.percent(one.precision),
                output.percent(one.recall), "-" if one.f1 != one.f1 else f"{one.f1:.4f}",
            )
            for one in scored.judged
        ]  # fmt: skip
        columns = ("match weight", "found", "right", "true", "precision", "recall", "F1")
        output.table("Against the labels", columns, rows)
    if scored.unknown:
        output.say(f"{output.count(scored.unknown, 'labels')} name nobody who is compared: left out.")
    output.say(f"cxm linkage {linkage.name} review shows them.")


def _say_left(found: Seen) -> None:
    from cxminute.privacy.permits import REASONS  # noqa: PLC0415 -- only where somebody is left out

    for reason, number in found.left.items():
        output.say(f"{number:,} people left out: {REASONS[reason]}.")


def _why(reason: str) -> str:
    from cxminute.resolve.linkage.clusters import APART  # noqa: PLC0415 -- only for what is held back

    if reason == APART:
        return "somebody said that they are not one person"
    if reason == "nobody":
        return "one of them is nobody's: too many people use it"
    return f"one person would have more than one may of '{reason.removeprefix('@')}'"


def _review(
    project: Project,
    name: str,
    numbers: Sequence[int],
    limit: int,
    *,
    values: bool,
    chart: Path | None,
    purpose: str | None,
    json: bool,
) -> None:
    from cxminute.app.people import linkage as of  # noqa: PLC0415 -- reads the log: heavy
    from cxminute.app.people.identity import identity  # noqa: PLC0415 -- likewise
    from cxminute.resolve.linkage.explaining import drawn, waterfall  # noqa: PLC0415 -- only for what is shown
    from cxminute.store.proposals import Proposals  # noqa: PLC0415 -- likewise

    found = of.seen(project, name, purpose, "show") if values else None
    known = found.known if found else identity(project)
    asked = Proposals(project.log.state).get
    shown = asked(name, numbers) if numbers else of.waiting(project, name, known, limit)
    said = {one.id: of.values_of(found, one.a, one.b) if found else {} for one in shown}
    if chart is not None:
        from cxminute.app.charting import draw  # noqa: PLC0415 -- brings Arrow
        from cxminute.resolve.linkage.picture import picture  # noqa: PLC0415 -- only to draw

        draw(picture([(_title(one), waterfall(one.explained, one.weight)) for one in shown]), chart)
    if json:
        output.document({"proposals": [_proposal(one, said[one.id]) for one in shown]})
        return
    if not shown:
        output.say(f"Nothing is proposed. cxm linkage {name} score looks for pairs.")
        return
    for one in shown:
        output.say(f"{_title(one)}: {one.state}")
        for line in drawn(waterfall(one.explained, one.weight)):
            output.say(f"  {line}")
        for key, (left, right) in said[one.id].items():
            output.say(f"  {key}: {left or '-'} | {right or '-'}")
    output.say(f"cxm linkage {name} accept NUMBER..., or decline. Match weight is log2 of the odds.")


def _title(one: Proposal) -> str:
    odds = 2.0 ** min(one.weight, 40)
    said = f"{odds:,.0f} to 1" if odds >= 1 else f"1 to {1 / odds:,.0f}"
    return f"{one.id}  match weight {one.weight:.2f} ({said})  #{one.a} and #{one.b}"


def _proposal(one: Proposal, values: dict[str, tuple[object, object]]) -> dict[str, object]:
    from cxminute.resolve.linkage.explaining import waterfall  # noqa: PLC0415 -- only for what is shown

    steps = waterfall(one.explained, one.weight)
    return {
        "number": one.id, "a": one.a, "b": one.b, "weight": one.weight, "probability": one.probability,
        "state": one.state, "model": one.digest, "made": from_ms(one.made_at),
        "decided": None if one.decided_at is None else from_ms(one.decided_at),
        "explained": [
            {"field": step.field, "level": step.level or None, "rarity": step.rarity or None,
             "adds": round(step.adds, 4), "after": round(step.after, 4)}
            for step in steps
        ],
        **({"values": {name: list(both) for name, both in values.items()}} if values else {}),
    }  # fmt: skip


def _say_decided(decided: Decided, verb: str, *, json: bool) -> int:
    if json:
        output.document(
            {
                "done": [one.id for one in decided.done],
                "held": [{"number": number, "why": why} for number, why in decided.held.items()],
                "decided_before": [{"number": one.id, "state": one.state} for one in decided.decided],
            }
        )
        return 1 if decided.held else 0
    word = "accepted: they are one person now" if verb == "accept" else "declined: this model proposes them no more"
    output.say(f"{output.count(len(decided.done), 'proposals')} {word}.")
    for number, why in decided.held.items():
        output.say(f"{number} is not accepted: {_why(why)}. Whoever knows better says so by cxm link.")
    for one in decided.decided:
        output.say(f"{one.id} was {one.state} before.")
    return 1 if decided.held else 0
