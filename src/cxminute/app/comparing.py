"""The two sides of a project: its marketplaces and its own shops, by their contracts; and promises by source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.project import Project
from cxminute.app.told import carried
from cxminute.balance.promises import Promise
from cxminute.balance.tally import tally
from cxminute.model.tables import COMPARISON
from cxminute.model.times import DAY
from cxminute.privacy.contracts import Contract
from cxminute.privacy.personal import is_personal
from cxminute.synthesis.compare import compare

MARKETPLACE: Final = "marketplace"
CAUSES: Final = tuple(
    f"properties.{name}"
    for name in ("carrier", "country", "region", "category", "product_id", "sku", "service_level", "fulfilment")
)
"""Paths that a difference is explained by where sources carry them, beside the brief's own dimensions."""


REACH: Final = 36 * DAY
"""Due times so long before the end of a week are counted: four weeks, and what one that is cut short reaches back."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Which sources stand on which side.

    markets, own: names of sources, in order
    dimensions:   paths that a promise is split by, 'source' first; none where there is only one side
    smallest:     source -> the smallest group of its that may be shown
    """

    markets: tuple[str, ...]
    own: tuple[str, ...]
    dimensions: tuple[str, ...]
    smallest: Mapping[str, int]

    def compared(self, promises: Sequence[Mapping[str, pa.Table]], until: date) -> pa.Table:
        """COMPARISON of promises, each given by source, over the days before `until`; empty without two sides."""
        if not self.dimensions:
            return COMPARISON.empty_table()
        markets, own = (
            {
                name: pa.concat_tables([tables[name] for tables in promises if name in tables])
                for name in names
                if any(name in tables for tables in promises)
            }
            for names in (self.markets, self.own)
        )
        return compare(markets, own, until=until, smallest=self.smallest)


def tier(contract: Contract) -> str:
    """'global', 'national', 'regional', 'sector' or 'function'; '' for what is no marketplace."""
    kind, _, found = contract.origin.partition("-")
    return found if kind == MARKETPLACE else ""


def sides_of(project: Project) -> Sides:
    """The sides of a project; what second and third parties gathered is on neither."""
    definitions = project.definitions
    contracts = [definitions.contracts[name] for name in definitions.sources]
    markets = tuple(contract.source for contract in contracts if tier(contract))
    own = tuple(contract.source for contract in contracts if contract.origin == "first-party")
    if not markets or not own:
        return Sides(markets, own, (), {})
    known = definitions.paths
    causes = [path for path in CAUSES if path in known and not any(is_personal(path, card) for card in contracts)]
    dimensions = tuple(dict.fromkeys(("source", *definitions.settings.dimensions, *causes)))
    return Sides(markets, own, dimensions, {contract.source: contract.smallest_group for contract in contracts})


def parted(
    promise: Promise, ledger: pa.Table, sides: Sides, zone: ZoneInfo, *, until: int | None, as_of: int
) -> dict[str, pa.Table]:
    """The daily counts of a promise by the source that made it; none where it was made on one side alone.

    ledger: weighed with the dimensions of the sides
    until:  only what was due in the weeks before this moment that are compared, UTC ms; None for all
    """
    if not sides.dimensions:
        return {}
    if until is not None:
        ledger = ledger.filter(pc.greater_equal(ledger["due_at"].cast(pa.int64()), until - REACH))
    sources = ledger["source"].cast(pa.string())
    there = set(pc.unique(sources).to_pylist())
    if not there & {*sides.markets} or not there & {*sides.own}:
        return {}
    found = {}
    for name in (*sides.markets, *sides.own):
        if name in there:
            rows = ledger.filter(pc.equal(sources, name))
            paths = carried(rows, sides.dimensions[1:])
            found[name] = tally(promise, rows, zone, paths, as_of=as_of)
    return found
