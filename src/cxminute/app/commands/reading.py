"""Commands that read: events, journeys, promises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from cxminute.app import output
from cxminute.app.analysis import View, view
from cxminute.app.options import Reading
from cxminute.balance.budget import budget
from cxminute.balance.promises import Promise
from cxminute.balance.summary import states, weeks
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.funnel import endings, funnel, times
from cxminute.model.errors import WrongUse
from cxminute.model.times import WEEK, from_ms

_READING = Reading()


def events(*, options: Reading = _READING) -> None:
    """Names, volumes and properties of what the log holds: what may be named in definitions.

    Parameters
    ----------
    options
        What every reading command takes.

    """
    from cxminute.app.volumes import volumes  # noqa: PLC0415 -- the only command that asks DuckDB

    found = volumes(view(options))
    if options.json:
        output.document({"events": found})
        return
    columns = ("source", "name", "events", "subjects of", "first", "last", "properties")
    rows = [
        (
            f["source"],
            f["name"],
            f["events"],
            _listed(f["per"]),
            _day(f["first_at"]),
            _day(f["last_at"]),
            _listed(f["paths"]),
        )
        for f in found
    ]
    output.table("Events", columns, rows)


def journeys(
    name: str | None = None, *, by: str | None = None, count: str = "passages", options: Reading = _READING
) -> None:
    """Funnel, endings and times of one journey; without a name, how all of them end.

    Parameters
    ----------
    name
        The journey.
    by
        Split by a property of the opening event.
    count
        passages, or subjects: each by the passage that came furthest.
    options
        What every reading command takes. --since and --until count by when a passage's time was up: one window
        after it opened.

    """
    if count not in ("passages", "subjects"):
        raise WrongUse(f"'{count}' cannot be counted.", allowed="passages, subjects")
    seen = view(options)
    path = seen.path(by)
    known = seen.project.definitions.journeys
    chosen = [seen.project.journey(name)] if name else list(known.values())
    documents = [_journey(seen, journey, path, count) for journey in chosen]
    if options.json:
        output.document({"journeys": output.clean(documents)})
    elif name:
        _show_journey(documents[0], path)
    else:
        columns = ("journey", "opened", "completed", "broken", "expired", "open", "share completed", "95 %")
        rows = [_ended(document["name"], row) for document in documents for row in _dicts([document["endings"]])]
        output.table(f"Journeys as of {_last(documents)}", columns, rows)


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
    documents = [_promise(seen, promise, path) for promise in chosen]
    if options.json:
        output.document({"promises": output.clean(documents)})
        return
    counts = ("made", "kept", "late", "overdue", "pending", "void", "none")
    columns = ("promise", *counts, "share kept", "95 %", "as first promised")
    rows = [_row(d["name"], d, counts) for d in documents]
    output.table(f"Promises as of {_last(documents)}", columns, rows)
    for document in documents:
        if name:
            _show_weeks(document)
        if path:
            shown = [_row(row["value"], row, counts) for row in _dicts(document["groups"])]
            output.table(f"{document['name']} by {path}", (path, *columns[1:]), shown)
        spent = document["budget"]
        if isinstance(spent, dict):
            burn = ", ".join(f"{rate:.1f} over {window}" for window, rate in spent["burn"].items())
            output.say(
                f"{document['name']}: target {output.percent(spent['target'])}; of a budget of {spent['budget']:,.0f} "
                f"broken promises in 28 days {spent['spent']:,} are spent. Burn: {burn}."
                + (" It burns in a short and a long window: look now." if spent["alerts"] else "")
            )


def _journey(seen: View, journey: JourneyDefinition, by: str | None, count: str) -> dict[str, object]:
    plan, found, closes_at = seen.passages(journey, [by] if by else [])
    passages = seen.up(journey, found)
    answer: dict[str, object] = {
        "name": journey.name,
        "as_of": from_ms(closes_at).astimezone(seen.project.settings.zone),
        "count": count,
        "window_ms": journey.window,
        "funnel": funnel(passages, plan, None, count).to_pylist(),  # type: ignore[arg-type]  # checked by the command
        "endings": endings(passages).to_pylist()[0],
        "times": times(passages).to_pylist(),
    }
    if by:
        answer["split"] = by
        answer["groups"] = funnel(passages, plan, by, count).to_pylist()  # type: ignore[arg-type]  # as above
    return answer


def _promise(seen: View, promise: Promise, by: str | None) -> dict[str, object]:
    whole, closes_at = seen.ledger(promise, [by] if by else [])
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


def _show_journey(document: dict[str, object], by: str | None) -> None:
    columns = [
        "step",
        "label",
        "reached",
        "completed",
        "broken",
        "expired",
        "open",
        "of opened",
        "95 %",
        "median",
        "p90",
    ]
    output.table(
        f"{document['name']} as of {_last([document])}", columns, [_step(row) for row in _dicts(document["funnel"])]
    )
    if by:
        rows = [(row["value"], *_step(row)) for row in _dicts(document["groups"])]
        output.table(f"{document['name']} by {by}", [by, *columns], rows)
    took = [(r["ending"], r["passages"], _took(r["median_ms"]), _took(r["p90_ms"])) for r in _dicts(document["times"])]
    output.table("How long until they ended", ("ending", "passages", "median", "p90"), took)


def _show_weeks(document: dict[str, object]) -> None:
    """The last quarter of weeks up to the close of the log, by when promises were due."""
    closes_at = document["as_of"]
    last = f"{closes_at:%Y-%m-%d}" if isinstance(closes_at, datetime) else ""
    shown = [row for row in _dicts(document["weeks"]) if str(row["monday"]) <= last]
    counts = ("made", "kept", "late", "overdue", "pending", "void")
    rows = [
        (row["week"], *(row[key] for key in counts), output.percent(_number(row["share_kept"])), _between(row))
        for row in shown[-13:]
    ]
    output.table(f"{document['name']} by week due", ("week", *counts, "share kept", "95 %"), rows)


def _dicts(rows: object) -> Iterable[dict[str, object]]:
    return rows if isinstance(rows, list) else ()


def _step(row: dict[str, object]) -> tuple[object, ...]:
    counts = tuple(row[key] for key in ("step", "label", "reached", "completed", "broken", "expired", "open"))
    return (
        *counts,
        output.percent(_number(row["share"])),
        _between(row),
        _took(row["median_ms"]),
        _took(row["p90_ms"]),
    )


def _ended(name: object, row: dict[str, object]) -> tuple[object, ...]:
    counts = tuple(row[key] for key in ("opened", "completed", "broken", "expired", "open"))
    return (name, *counts, output.percent(_number(row["share"])), _between(row))


def _row(name: object, row: dict[str, object], counts: Sequence[str]) -> tuple[object, ...]:
    shares = (
        output.percent(_number(row["share_kept"])),
        _between(row),
        output.percent(_number(row["share_first_kept"])),
    )
    return (name, *(row[key] for key in counts), *shares)


def _between(row: dict[str, object]) -> str:
    low, high = _number(row["low"]), _number(row["high"])
    return "-" if low is None or high is None else f"{100 * low:.1f} - {100 * high:.1f} %"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None  # noqa: PLR0124 -- NaN


def _took(value: object) -> str:
    number = _number(value)
    return "-" if number is None else output.lasting(number)


def _last(documents: Sequence[dict[str, object]]) -> str:
    moments = [d["as_of"] for d in documents if isinstance(d["as_of"], datetime)]
    if not moments:
        return "now: nothing is defined"
    return f"{max(moments):%Y-%m-%d %H:%M:%S}" if max(moments).timestamp() else "now: the log is empty"


def _listed(words: object) -> str:
    return ", ".join(words) if isinstance(words, list) else ""


def _day(moment: object) -> str:
    return f"{moment:%Y-%m-%d}" if isinstance(moment, datetime) else "-"
