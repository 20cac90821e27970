"""Commands that read: events and promises."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from cxminute.app import output
from cxminute.app.analysis import View, view
from cxminute.app.answers import give
from cxminute.app.charting import check_chart
from cxminute.app.figures import between, day, dicts, last, listed, number
from cxminute.app.options import Inferring, Reading
from cxminute.app.rights.erased import KEY, after_erasures, said
from cxminute.app.small.promises import hide_promise, smallest_behind
from cxminute.app.told import silent, tells_of, unheard
from cxminute.balance.budget import budget
from cxminute.balance.promises import Promise
from cxminute.balance.summary import states, weeks
from cxminute.model.errors import WrongUse
from cxminute.model.times import WEEK, from_ms

_READING = Reading()
_INFERRING = Inferring()


def events(
    *,
    unexplained: bool = False,
    per: str | None = None,
    limit: int = 20,
    chart: Path | None = None,
    export: Path | None = None,
    plan: Inferring = _INFERRING,
    options: Reading = _READING,
) -> None:
    """Names, volumes and properties of what the log holds: what may be named in definitions.

    Parameters
    ----------
    unexplained
        Instead, which events no journey explains: they are no step of a passage that was open at their time.
    per
        With --unexplained: whose events; person, or a kind of identifier. With --export FILE.xes: what a case is.
    limit
        With --unexplained: how many names the table shows.
    chart
        With --unexplained, also draw the answer: to a file that ends in .svg, .png or .html.
    export
        Instead, write the events as a process log: .xes or .xes.gz (XES), .json, .jsonocel or .sqlite (OCEL 2.0).
    plan
        What a proposed tracking plan takes.
    options
        What every reading command takes.

    """
    check_chart(chart)
    if not unexplained and ((per is not None and export is None) or chart is not None):
        raise WrongUse("--per and --chart are options of --unexplained.", allowed="cxm events --unexplained")
    if plan.infer + unexplained + (export is not None) > 1:
        raise WrongUse("--infer, --unexplained and --export are different questions.", allowed="one of them")
    if not plan.infer and plan != _INFERRING:
        raise WrongUse("--source, --values, --write and --force are options of --infer.", allowed="cxm events --infer")
    seen = view(options)
    if plan.infer:
        _infer(seen, plan, json=options.json)
        return
    if export is not None:
        _export(seen, export, per, json=options.json)
        return
    if unexplained:
        from cxminute.app.activity_answers import default_per, unexplained_answer  # noqa: PLC0415 -- brings kernels

        give(unexplained_answer(seen, per or default_per(seen), limit), json=options.json, chart=chart)
        return
    from cxminute.app.volumes import volumes  # noqa: PLC0415 -- the only command that asks DuckDB

    found, small = volumes(seen)
    if options.json:
        output.document({"events": found})
        return
    columns = ("source", "name", "events", "subjects of", "first", "last", "properties")
    rows = [
        (
            f["source"],
            f["name"],
            f["events"],
            listed(f["per"]),
            day(f["first_at"]),
            day(f["last_at"]),
            listed(f["paths"]),
        )
        for f in found
    ]
    output.table("Events", columns, rows)
    if small:
        output.note(small)


def _export(seen: View, file: Path, per: str | None, *, json: bool) -> None:
    from cxminute.app.exporting import export as written  # noqa: PLC0415 -- the only command that writes process logs

    done = written(seen, file, per)
    if json:
        output.document(done.document)
    else:
        output.say(done.sentence)


def _infer(seen: View, asked: Inferring, *, json: bool) -> None:
    from cxminute.app.inferring import infer, written  # noqa: PLC0415 -- the only command that proposes a plan

    if asked.force and not asked.write:
        raise WrongUse("--force is an option of --write.", allowed="cxm events --infer --write --force")
    source, text = infer(seen, asked.source, values=asked.values)
    if json:
        output.document({"source": source, "plan": tomllib.loads(text)})
    elif not asked.write:
        output.say(text.rstrip("\n"))
    if asked.write:
        path = written(seen.project, source, text, force=asked.force)
        output.note(f"Wrote {path}: read it, mend it, then cxm check.")


def promises(name: str | None = None, *, by: str | None = None, options: Reading = _READING) -> None:
    """States, target, budget and burn of promises.

    Parameters
    ----------
    name
        The promise; all of them without it.
    by
        Split by a property of the event that made the promise.
    options
        What every reading command takes. --since and --until count by when promises were due.

    """
    seen = view(options)
    path = seen.path(by)
    chosen = [seen.project.promise(name)] if name else list(seen.project.definitions.promises.values())
    told = tells_of(seen.project, seen.as_of)
    documents, unknown, small = [], [], ""
    for promise in chosen:
        quiet = silent(told, promise)
        # By source only where it matters: of silent sources nobody may know which promises were kept.
        split = {*([path] if path else []), *(["source"] if quiet else [])}
        ledger, closes_at = seen.ledger(promise, sorted(split))
        document = _promise(seen, promise, path, ledger, closes_at)
        small = hide_promise(smallest_behind(seen, promise), document) or small
        documents.append(document)
        unknown += [(promise.name, why) for why in unheard(quiet, ledger).values()]
    for of, why in unknown:
        output.note(f"{why}: nobody knows which of its promises '{of}' were kept; here they are overdue.")
    if small:
        output.note(small)
    gone = after_erasures(seen)
    if gone:
        output.note(said(gone))
    if options.json:
        output.document({"promises": output.clean(documents), **({KEY: gone} if gone else {})})
        return
    counts = ("made", "kept", "late", "overdue", "pending", "void", "none")
    columns = ("promise", *counts, "share kept", "95 %", "as first promised")
    rows = [_row(d["name"], d, counts) for d in documents]
    output.table(f"Promises as of {last(document['as_of'] for document in documents)}", columns, rows)
    for document in documents:
        if name:
            _show_weeks(document)
        if path:
            shown = [_row(row["value"], row, counts) for row in dicts(document["groups"])]
            output.table(f"{document['name']} by {path}", (path, *columns[1:]), shown)
        spent = document["budget"]
        if isinstance(spent, dict):
            output.say(f"{document['name']}: {_spent(spent)}")


def _spent(spent: dict[str, Any]) -> str:
    """What is left of a budget, in a sentence."""
    target = f"target {output.percent(spent['target'])}"
    if spent["spent"] is None:
        return f"{target}; too few promises were broken in 28 days to say how many."
    burn = ", ".join(f"{rate:.1f} over {window}" for window, rate in spent["burn"].items())
    look = " It burns in a short and a long window: look now." if spent["alerts"] else ""
    return (
        f"{target}; of a budget of {spent['budget']:,.0f} broken promises in 28 days {spent['spent']:,} are spent. "
        f"Burn: {burn}.{look}"
    )


def _promise(seen: View, promise: Promise, by: str | None, whole: pa.Table, closes_at: int) -> dict[str, object]:
    ledger = seen.due(whole)
    zone = seen.project.settings.zone
    clustered: Literal["day", "week"] = "week" if seen.span is None or seen.span > 8 * WEEK else "day"
    answer: dict[str, object] = {
        "name": promise.name,
        "by": promise.by,
        "to": promise.to,
        "as_of": from_ms(closes_at).astimezone(zone),
        "target": promise.target,
        **states(ledger, zone=zone, clustered=clustered, as_of=closes_at).to_pylist()[0],
        "budget": None,
        "weeks": weeks(ledger, zone, as_of=closes_at).to_pylist(),
    }
    if promise.target is not None:
        end = closes_at if seen.until is None else min(seen.until, closes_at)
        spent = budget(promise, whole, end, zone)
        answer["budget"] = {
            "target": spent.target, "due": spent.due, "budget": spent.budget, "spent": spent.spent, "left": spent.left,
            "burn": {window: min(rate, 1e9) for window, rate in spent.burn.items()},
            "alerts": [list(pair) for pair in spent.alerts],
        }  # fmt: skip
    if by:
        answer["split"] = by
        rows = states(ledger, by, zone=zone, clustered=clustered, as_of=closes_at).to_pylist()
        answer["groups"] = [{"value": row.pop(by), **row} for row in rows]
    return answer


def _show_weeks(document: dict[str, object]) -> None:
    """The last quarter of weeks up to the close of the log, by when promises were due."""
    closes_at = document["as_of"]
    until = f"{closes_at:%Y-%m-%d}" if isinstance(closes_at, datetime) else ""
    shown = [row for row in dicts(document["weeks"]) if str(row["monday"]) <= until]
    counts = ("made", "kept", "late", "overdue", "pending", "void")
    rows = [
        (row["week"], *(row[key] for key in counts), output.percent(number(row["share_kept"])), between(row))
        for row in shown[-13:]
    ]
    output.table(f"{document['name']} by week due", ("week", *counts, "share kept", "95 %"), rows)


def _row(name: object, row: dict[str, object], counts: Sequence[str]) -> tuple[object, ...]:
    shares = (
        output.percent(number(row["share_kept"])),
        between(row),
        output.percent(number(row["share_first_kept"])),
    )
    return (name, *(row[key] for key in counts), *shares)
