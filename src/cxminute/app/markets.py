"""What each marketplace is worth, beside the own shop: composed of orders, promises, customers and the latest brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.analysis import View
from cxminute.app.comparing import sides_of, tier
from cxminute.app.needing import needed
from cxminute.app.rights.leaving_out import left_out_as_known
from cxminute.app.told import Tells, silent, tells_of, unheard
from cxminute.balance import markets as balance
from cxminute.balance import worth
from cxminute.balance.summary import states
from cxminute.balance.worth import Figure
from cxminute.model.errors import WrongUse
from cxminute.model.times import WEEK
from cxminute.privacy.cells import suppress, tells_of_few
from cxminute.privacy.contracts import Contract
from cxminute.store.picked import pick

ORDER: Final = "order_id"
STARRED: Final = ("properties.rating", "properties.scale")
"""Paths of a review."""
SHARES: Final = ("cancelled", "returned", "repeat", "overlap")
FIGURES: Final = (*SHARES, "rating", "contacts")
TELLING: Final = "would tell of a smaller group than may be shown"
"""Why a figure is not there that is of enough people itself."""


@dataclass(frozen=True)
class Kept:
    """A promise of one source: how many were made (None where too few), and the share kept of those due in the span."""

    promise: str
    made: int | None
    kept: Figure
    target: float | None


@dataclass(frozen=True)
class Market:
    """One source: a marketplace or an own shop.

    orders:  how many were placed in the span
    money:   by currency, as of `worth.money`; why says why there is none, and why there is no margin
    figures: by name (FIGURES)
    insights: ids of those of the latest brief that needed it
    """

    source: str
    origin: str
    tier: str
    orders: Figure
    money: list[dict[str, Any]]
    money_why: str
    margin_why: str
    figures: Mapping[str, Figure]
    promises: tuple[Kept, ...]
    insights: tuple[str, ...] | None
    insights_why: str = ""


@dataclass(frozen=True)
class Markets:
    """All of them, marketplaces first, and as of when. week: of the brief that insights are of, '' without one."""

    as_of: int
    week: str
    rows: tuple[Market, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """What all sources are told from."""

    view: View
    orders: pa.Table
    customers: pa.Table
    events: pa.Table
    promises: Mapping[str, list[Kept]]
    insights: Mapping[str, list[str]]
    insights_why: str
    as_of: int
    week: str
    tells: Mapping[str, Tells]
    own: tuple[str, ...]


def marketplaces(seen: View) -> Markets:
    """Every marketplace and own shop that the purpose may read; own shops are first-party sources of orders.

    raises: WrongUse where no source is a marketplace
    """
    project = seen.project
    sides = sides_of(project)
    if not sides.markets:
        raise WrongUse(
            "No source is a marketplace.", allowed='[contract] with origin = "marketplace-global", -national, ...'
        )
    may = seen.leave().sources
    tells = tells_of(project, seen.as_of)
    # An own shop is where orders come from, not the desk beside it.
    own = tuple(name for name in sides.own if name in may and _sells(tells[name]))
    names = (*(name for name in sides.markets if name in may), *own)
    base = _base(seen, names, own, tells)
    rows = [_market(base, project.definitions.contracts[name]) for name in names]
    return Markets(base.as_of, base.week, tuple(rows))


def _sells(tells: Tells) -> bool:
    return balance.PLACED in (tells.seen if tells.events is None else tells.events)


def _base(seen: View, names: tuple[str, ...], own: tuple[str, ...], tells: Mapping[str, Tells]) -> _Seen:
    project = seen.project
    paths = _carried(seen, tells, balance.paths())
    orders, closes_at = balance.ORDERS.empty_table(), project.bounds(seen.as_of)[1]
    if ORDER in project.definitions.kinds:
        subjects = seen.subjects(ORDER, None, paths)
        closes_at = subjects.closes_at
        orders = worth.placed(seen.run(balance.orders, subjects), seen.since, seen.until)
    customers = balance.CUSTOMERS.empty_table()
    if any(told.customers for told in tells.values()):
        counted = partial(balance.customers, since=seen.since, until=seen.until)
        customers = seen.run(counted, seen.subjects("person"))
    week, insights, why = _insights(seen, names, tells)
    return _Seen(
        view=seen,
        orders=orders,
        customers=customers,
        events=_events(seen, tells, closes_at),
        promises=_promises(seen, names, tells),
        insights=insights,
        insights_why=why,
        as_of=closes_at,
        week=week,
        tells=tells,
        own=own,
    )


def _carried(seen: View, tells: Mapping[str, Tells], paths: Sequence[str]) -> list[str]:
    """The paths that some source may carry: others need not be looked for."""
    anything = any(told.events is None for told in tells.values())
    known = seen.project.definitions.paths
    return [path for path in paths if anything or path in known]


def _events(seen: View, tells: Mapping[str, Tells], closes_at: int) -> pa.Table:
    """Reviews and contacts of the span, those of no order and no customer too; none of whom the purpose leaves out."""
    log, may = seen.project.log, seen.leave().sources
    pieces = log.pieces(_carried(seen, tells, STARRED), log.past(seen.as_of), seen.project.definitions.declared)
    out = left_out_as_known(seen.project, seen.leave().purpose, seen.as_of)
    mine = out.without([piece for piece in pieces if piece.source in may])
    found = pick(mine, (*balance.REVIEWED, *balance.ASKED), STARRED, (ORDER, "ticket_id"))
    at = found["at"].cast(pa.int64()).to_numpy()
    return found.filter(pa.array((at <= closes_at) & balance.in_span(at, seen.since, seen.until)))


def _promises(seen: View, names: tuple[str, ...], tells: Mapping[str, Tells]) -> dict[str, list[Kept]]:
    """Every promise by the source that made it; where nothing tells whether it was kept there is no share."""
    found: dict[str, list[Kept]] = {name: [] for name in names}
    zone = seen.project.settings.zone
    clustered: Literal["day", "week"] = "week" if seen.span is None or seen.span > 8 * WEEK else "day"
    for promise in seen.project.definitions.promises.values():
        ledger, closes_at = seen.ledger(promise, ["source"])
        unknown = unheard(silent(tells, promise), ledger)
        rows = states(seen.due(ledger), "source", zone=zone, clustered=clustered, as_of=closes_at).to_pylist()
        for row, telling in zip(rows, _telling(seen, rows), strict=True):
            if row["source"] not in found or not row["made"]:
                continue
            n = row["kept"] + row["late"] + row["overdue"]
            kept = Figure(row["share_kept"], row["low"], row["high"], n, "" if n else "none due yet")
            if row["source"] in unknown:
                kept = Figure(why=unknown[row["source"]])
            made = row["made"]
            if telling:
                made, kept = None, Figure(why=TELLING)
            found[row["source"]].append(Kept(promise.name, made, kept, promise.target))
    return found


def _telling(seen: View, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Of which sources it is not told how many promises they made: few, or with the total they would tell of few."""
    contracts = seen.project.definitions.contracts
    needs = [contracts[row["source"]].smallest_group if row["source"] in contracts else 1 for row in rows]
    if max(needs, default=1) <= 1:
        return [False] * len(rows)
    made = [row["made"] for row in rows]
    hidden = suppress([*made, sum(made)], [(len(made), range(len(made)))], [*needs, max(needs)])
    return [bool(gone) for gone in hidden[:-1]]


def _insights(seen: View, names: tuple[str, ...], tells: Mapping[str, Tells]) -> tuple[str, dict[str, list[str]], str]:
    """The week of the latest brief, and by source the insights that needed it; or why there is no brief."""
    try:
        week, found = needed(replace(seen, since=None, until=None), names, tells)
    except WrongUse as fault:
        return "", {}, fault.what
    return week, found, ""


def _market(base: _Seen, contract: Contract) -> Market:
    """One source; groups smaller than its contract lets be shown are not."""
    name, tells = contract.source, base.tells[contract.source]
    hidden = partial(_hidden, contract.smallest_group)
    ordered = _why_no_orders(tells)
    orders = worth.of(base.orders, name)
    count = hidden(Figure(why=ordered) if ordered else Figure(float(orders.num_rows), n=orders.num_rows))
    figures = {
        "cancelled": _cancelled(base, tells, orders),
        "returned": _returned(base, tells, orders),
        "repeat": _repeat(base, tells),
        "overlap": _overlap(base, contract),
        "rating": _rating(base, tells),
        "contacts": _contacts(base, tells, orders),
    }
    if ordered:
        figures |= {key: Figure(why=ordered) for key in FIGURES if key not in ("rating", "overlap")}
    money_why = count.why or tells.why_not("totals", balance.PLACED, path="properties.total")
    refunds = tells.can(balance.REFUNDED, path="properties.refunded")
    money = [] if money_why else worth.money(orders, base.view.project.settings.currency, refunds=refunds)
    return Market(
        source=name,
        origin=contract.origin,
        tier=tier(contract),
        orders=count,
        money=_currencies(money, orders.num_rows, contract.smallest_group),
        money_why=money_why,
        margin_why=_why_no_margin(tells, money),
        figures={key: hidden(figure, share=key in SHARES) for key, figure in figures.items()},
        promises=tuple(_shown(kept, contract.smallest_group) for kept in base.promises.get(name, ())),
        insights=None if base.insights_why else tuple(base.insights.get(name, ())),
        insights_why=base.insights_why,
    )


def _hidden(smallest: int, figure: Figure, *, share: bool = False) -> Figure:
    """The figure, unless fewer stand behind it than the contract lets be shown; of a share, on either side of it."""
    if figure.value is None:
        return figure
    few = tells_of_few(smallest, figure.n, figure.value if share else None)
    return Figure(why=f"fewer than {smallest}") if few else figure


def _currencies(money: list[dict[str, Any]], orders: int, smallest: int) -> list[dict[str, Any]]:
    """The currencies in which enough was ordered, unless the number of all orders would tell of one that is not."""
    if smallest <= 1:
        return money
    counts = [row["orders"] for row in money]
    sums = [(len(counts), range(len(counts)))] if sum(counts) == orders else []
    hidden = suppress([*counts, orders], sums, smallest)
    return [row for row, gone in zip(money, hidden, strict=False) if not gone]


def _shown(kept: Kept, smallest: int) -> Kept:
    if kept.made is not None and kept.made < smallest:
        return replace(kept, made=None, kept=Figure(why=f"fewer than {smallest}"))
    return replace(kept, kept=_hidden(smallest, kept.kept, share=True))


def _why_no_orders(tells: Tells) -> str:
    if ORDER not in tells.kinds:
        return f"'{tells.source}' cannot tell order numbers"
    return tells.why_not("orders", balance.PLACED)


def _why_no_margin(tells: Tells, money: list[dict[str, Any]]) -> str:
    if any(row["margin"] is not None for row in money):
        return ""
    can = tells.can(balance.PLACED, path="properties.cost")
    return f"'{tells.source}' {'has told no costs yet' if can else 'cannot tell costs'}, so there is no margin"


def _cancelled(base: _Seen, tells: Tells, orders: pa.Table) -> Figure:
    if not tells.can(balance.CANCELLED):
        return Figure(why=tells.why_not("cancellations", balance.CANCELLED))
    return worth.cancelled(orders, base.view.project.settings.zone)


def _returned(base: _Seen, tells: Tells, orders: pa.Table) -> Figure:
    why = tells.why_not("returns", *balance.RETURNED)
    return Figure(why=why) if why else worth.returned(orders, base.view.project.settings.zone)


def _repeat(base: _Seen, tells: Tells) -> Figure:
    if not tells.customers:
        return Figure(why=f"'{tells.source}' cannot tell customers")
    return worth.repeated(worth.of(base.customers, tells.source))


def _overlap(base: _Seen, contract: Contract) -> Figure:
    """Customers of a marketplace who are the own shop's too; asked only where its contract lets them be linked."""
    if contract.source in base.own:
        return Figure(why="of itself")
    if not contract.link:
        return Figure(why=f"not allowed by {contract.cites('no-linking', 'link')}")
    tells = base.tells[contract.source]
    if not tells.customers:
        return Figure(why=f"'{contract.source}' cannot tell customers")
    others = {number for name in base.own for number in worth.of(base.customers, name)["person"].to_pylist()}
    return worth.overlapping(worth.of(base.customers, contract.source), others)


def _rating(base: _Seen, tells: Tells) -> Figure:
    """Stars as of five, whatever the scale they were given on; without a scale they are of five."""
    why = tells.why_not("reviews", *balance.REVIEWED)
    if why:
        return Figure(why=why)
    rows = _named(base.events, tells.source, balance.REVIEWED)
    scale = pc.fill_null(rows["properties.scale"], worth.STARS).to_numpy()
    stars = rows["properties.rating"].to_numpy() / scale * worth.STARS
    return worth.rating(stars[~np.isnan(stars)])


def _contacts(base: _Seen, tells: Tells, orders: pa.Table) -> Figure:
    """Tickets and messages that name an order of the source, or that it tells itself without naming one."""
    others = [
        told
        for told in base.tells.values()
        if told.source != tells.source and ORDER in told.kinds and _linked(base, tells.source, told.source)
    ]  # fmt: skip -- one list
    asked = [told for told in (tells, *others) if not told.why_not("contacts", *balance.ASKED)]
    if not asked:
        return Figure(why=f"no source has told of tickets or messages about orders of '{tells.source}'")
    rows = _named(base.events, tells.source, balance.ASKED)
    apart = pc.or_(pc.equal(rows["name"], balance.ASKED[0]), pc.is_null(rows["ticket_id"]))
    loose = pc.and_(pc.is_null(rows[ORDER]), apart)
    return worth.contacts(orders, int(np.count_nonzero(loose.to_numpy(zero_copy_only=False))))


def _linked(base: _Seen, *names: str) -> bool:
    """Whether the order numbers of these sources are the same numbers: those of unlinked sources stand apart."""
    contracts = base.view.project.definitions.contracts
    return all(contracts[name].link for name in names)


def _named(events: pa.Table, source: str, names: tuple[str, ...]) -> pa.Table:
    wanted = pc.is_in(events["name"], value_set=pa.array(names))
    return events.filter(pc.and_(pc.equal(events["source"], source), wanted))
