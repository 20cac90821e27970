"""Figures of one source over its orders and customers: shares with intervals, money by currency."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.balance.cells import distinct
from cxminute.balance.days import days_of
from cxminute.balance.intervals import shares
from cxminute.balance.markets import AMOUNTS, in_span

STARS: Final = 5.0
"""The scale on which ratings are told."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % bounds, over n of something; None where it cannot be known, and `why` then says so."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    why: str = ""


def of(orders: pa.Table, source: str) -> pa.Table:
    """The orders, or customers, of one source."""
    return orders.filter(pc.equal(orders["source"], source))


def placed(orders: pa.Table, since: int | None, until: int | None) -> pa.Table:
    """The orders that were placed in a span, UTC ms, `until` not included."""
    return orders.filter(pa.array(in_span(orders["at"].cast(pa.int64()).to_numpy(), since, until)))


def returned(orders: pa.Table, zone: ZoneInfo) -> Figure:
    """The share of the orders that were not cancelled that came back or were refunded; days hang together."""
    return _share(orders.filter(pc.invert(orders["cancelled"])), "returned", zone)


def cancelled(orders: pa.Table, zone: ZoneInfo) -> Figure:
    """The share of the orders that were cancelled."""
    return _share(orders, "cancelled", zone)


def contacts(orders: pa.Table, loose: int) -> Figure:
    """Contacts for each order. loose: contacts of the source that name no order; they widen no interval."""
    count = orders["contacts"].to_numpy().astype(np.float64)
    if not len(count):
        return Figure(why="no orders")
    value, low, high = _mean(count)
    more = loose / len(count)
    return Figure(value + more, _within(low + more, 0.0), _within(high + more, 0.0), len(count))


def rating(stars: NDArray[np.float64]) -> Figure:
    """The mean of ratings on a scale of five, with bounds within it."""
    if not len(stars):
        return Figure(why="none told yet")
    value, low, high = _mean(stars)
    return Figure(value, _within(low, 0.0, STARS), _within(high, 0.0, STARS), len(stars))


def repeated(customers: pa.Table) -> Figure:
    """The share of customers with a second order."""
    return _of_persons(customers["orders"].to_numpy() > 1)


def overlapping(customers: pa.Table, others: Collection[int]) -> Figure:
    """The share of customers who are also among others."""
    return _of_persons(np.isin(customers["person"].to_numpy(), np.fromiter(others, np.int64, len(others))))


def money(orders: pa.Table, currency: str, *, refunds: bool) -> list[dict[str, Any]]:
    """Money of the orders that were not cancelled, by currency, most orders first; no two currencies are added.

    currency: of orders that name none; '' where that is not known either
    refunds:  whether the source tells how much went back
    returns:  currency, orders, total (what customers paid), refunded (None where it is not told), fee, and margin over
              the `costed` orders whose cost is told: what the goods brought without tax, less cost and fee;
              margin_share, its part of what they brought. None where nothing was told
    """
    paid = orders.filter(pc.invert(orders["cancelled"]))
    named = pc.fill_null(paid["currency"], currency)
    found = []
    for name in sorted(set(named.to_pylist())):
        rows = paid.filter(pc.equal(named, name))
        columns = {key: rows[key].to_numpy() for key in AMOUNTS}
        goods = np.where(
            np.isnan(columns["revenue"]), columns["total"] - np.nan_to_num(columns["tax"]), columns["revenue"]
        )
        costed = ~np.isnan(columns["cost"]) & ~np.isnan(goods)
        brought = float(goods[costed].sum())
        left = goods - columns["cost"] - np.nan_to_num(columns["fee"])
        margin = float(left[costed].sum()) if costed.any() else None
        found.append(
            {
                "currency": name,
                "orders": rows.num_rows,
                "total": _sum(columns["total"]),
                "refunded": float(rows["refunded"].to_numpy().sum()) if refunds else None,
                "fee": _sum(columns["fee"]),
                "costed": int(costed.sum()),
                "margin": margin,
                "margin_share": margin / brought if margin is not None and brought > 0 else None,
            }
        )
    return sorted(found, key=lambda row: (-row["orders"], row["currency"]))


def _within(bound: float, low: float, high: float = np.inf) -> float | None:
    """A bound within what is possible; None where there is none."""
    return None if np.isnan(bound) else float(np.clip(bound, low, high))


def _share(orders: pa.Table, column: str, zone: ZoneInfo) -> Figure:
    """The share of orders of which something is true, over the days on which they were placed."""
    if not orders.num_rows:
        return Figure(why="no orders")
    _, place = distinct(days_of(orders["at"].cast(pa.int64()).to_numpy(), zone))
    true = orders[column].to_numpy(zero_copy_only=False).astype(np.float64)
    return _clustered(np.bincount(place, true).astype(np.float64), np.bincount(place).astype(np.float64))


def _of_persons(true: NDArray[np.bool_]) -> Figure:
    """The share of persons of whom something is true: each is independent of the others."""
    if not len(true):
        return Figure(why="no customers")
    return _clustered(true.astype(np.float64), np.ones(len(true)))


def _clustered(hits: NDArray[np.float64], n: NDArray[np.float64]) -> Figure:
    """A share over clusters: how many of how many in each."""
    found = shares(hits, n, np.zeros(len(n), np.int64), 1)
    return Figure(float(found.value[0]), float(found.low[0]), float(found.high[0]), n=int(n.sum()))


def _mean(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean of independent values with its 95 % bounds; nan below two values."""
    from scipy.special import stdtrit  # noqa: PLC0415 -- takes 0.4 s to import, and only intervals need it

    if len(values) < 2:
        return (float(values.mean()) if len(values) else float("nan")), float("nan"), float("nan")
    half = float(stdtrit(len(values) - 1, 0.975)) * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()), float(values.mean()) - half, float(values.mean()) + half


def _sum(values: NDArray[np.float64]) -> float | None:
    """The sum of what was told; None where nothing was."""
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else None
