"""The answer of `cxm marketplaces` in all its forms."""

from __future__ import annotations

from typing import Final

from cxminute.app.answers import Answer, Shown
from cxminute.app.figures import between, share
from cxminute.app.markets import FIGURES, SHARES, Market, Markets
from cxminute.app.settings import Settings
from cxminute.balance.worth import Figure
from cxminute.model.times import from_ms

COLUMNS: Final = (
    "source", "tier", "orders", "revenue", "fees", "margin", "returned", "came again", "rating of 5",
    "contacts an order", "own customers", "insights",
)  # fmt: skip
SHOWN: Final = ("returned", "repeat", "rating", "contacts", "overlap")
OWN: Final = "own shop"
_SHORT: Final = (
    ("not allowed", "not allowed"),
    ("fewer than", ""),
    ("would tell", ""),
    ("no source", "not told"),
    ("no ", ""),
    ("of itself", "-"),
    ("none", ""),
)


def answer(found: Markets, settings: Settings, *, picture: bool) -> Answer:
    """One row a source, the promises below, and why a figure is not there.

    picture: also draw it
    """
    as_of = from_ms(found.as_of).astimezone(settings.zone)
    document: dict[str, object] = {
        "as_of": as_of,
        "week": found.week or None,
        "marketplaces": [_document(row) for row in found.rows],
    }
    rows = [_row(row) for row in found.rows]
    kept = [
        (
            kept.promise,
            row.source,
            kept.made,
            share(kept.kept.value) if not kept.kept.why else _short(kept.kept.why),
            between(_figure(kept.kept)),
            kept.kept.n,
            share(kept.target),
        )
        for row in found.rows
        for kept in row.promises
    ]  # fmt: skip -- one row a promise and source
    kept.sort(key=lambda line: str(line[0]))
    tables = [Shown(f"Marketplaces beside the own shop, as of {as_of:%Y-%m-%d %H:%M:%S}", COLUMNS, rows)]
    if kept:
        columns = ("promise", "source", "made", "share kept", "95 %", "of due", "target")
        tables.append(Shown("Promises kept", columns, kept))
    drawn: str | None = None
    if picture:
        from cxminute.app.market_picture import drawing  # noqa: PLC0415 -- altair is heavy

        drawn = drawing(found.rows)
    return Answer(document, tuple(tables), remark="\n".join(_reasons(found)), picture=drawn)


def _document(row: Market) -> dict[str, object]:
    return {
        "source": row.source,
        "origin": row.origin,
        "tier": row.tier or None,
        "orders": _figure(row.orders),
        "money": {"by_currency": row.money, "why": row.money_why or None},
        **{name: _figure(row.figures[name]) for name in FIGURES},
        "promises": [
            {"promise": kept.promise, "made": kept.made, "target": kept.target, **_figure(kept.kept)}
            for kept in row.promises
        ],
        "insights": {"ids": None if row.insights is None else list(row.insights), "why": row.insights_why or None},
    }


def _figure(figure: Figure) -> dict[str, object]:
    bounds = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {**bounds, "n": figure.n, "why": figure.why or None}


def _row(row: Market) -> tuple[object, ...]:
    return (
        row.source,
        row.tier or OWN,
        int(row.orders.value) if row.orders.value is not None else _short(row.orders.why),
        _money(row, "total"),
        _money(row, "fee"),
        _money(row, "margin"),
        *(_cell(name, row.figures[name]) for name in SHOWN),
        "not told" if row.insights is None else len(row.insights),
    )


def _money(row: Market, key: str) -> str:
    """Each currency by itself; a margin with the share that it is of what the goods brought."""
    if row.money_why:
        return _short(row.money_why)
    if row.orders.value == 0:
        return "no orders"
    said = []
    for each in row.money:
        amount = each[key]
        if amount is not None:
            part = f" ({share(each['margin_share'])})" if key == "margin" and each["margin_share"] is not None else ""
            said.append(f"{amount:,.0f} {each['currency']}".rstrip() + part)
    return ", ".join(said) or "not told"


def _cell(name: str, figure: Figure) -> str:
    if figure.value is None:
        return _short(figure.why)
    said = share(figure.value) if name in SHARES else f"{figure.value:.2f}"
    return f"{said} of {figure.n:,}" if name in ("rating", "repeat", "overlap") else said


def _short(why: str) -> str:
    """A reason in a cell; the whole of it stands below the table."""
    for start, said in _SHORT:
        if why.startswith(start):
            return said or why
    return "not told"


def _reasons(found: Markets) -> list[str]:
    """Each reason why a figure is not there, once."""
    said: dict[str, None] = {}
    for row in found.rows:
        reasons = [row.money_why, row.insights_why, row.orders.why, *(figure.why for figure in row.figures.values())]
        for why in reasons:
            if why and not why.startswith(("of itself", "no orders", "no customers", "none")):
                said[why] = None
        for kept in row.promises:
            if kept.kept.why.startswith("'"):
                said[f"{kept.kept.why}, so nobody knows which of its '{kept.promise}' were kept"] = None
        if row.margin_why:
            said[row.margin_why] = None
    if found.week:
        said[f"insights: those of week {found.week} that would not be there without the source"] = None
    return [_sentence(why) for why in said]


def _sentence(why: str) -> str:
    """A reason as a line of its own."""
    return f"{why[:1].upper()}{why[1:]}." if not why.endswith(".") else why
