"""Sums of an order's items as Amazon states them: prices of all pieces of an item, taxes on top of them or within."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cxminute.collect.readers.facts import said
from cxminute.collect.readers.fields import total

_ON_TOP: Final = ("amazon.com", "amazon.ca")
"""Where prices are shown without tax, as shops of that country do; everywhere else the tax lies within the price."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Over the items of an order, each None where no item says it; discounts as what is taken off.

    price, wrap, shipping: as stated, before discounts
    tax:                   of the goods
    other_tax:             of shipping and gift wrap
    """

    price: float | None = None
    tax: float | None = None
    shipping: float | None = None
    wrap: float | None = None
    other_tax: float | None = None
    discount: float | None = None
    shipping_discount: float | None = None

    def told(self, channel: str, stated: float | None = None) -> dict[str, object]:
        """As properties. Where nobody says whether tax lies within the price, `total` and `revenue` are not told.

        channel: where it was sold: 'Amazon.de'
        stated:  the order's total in Amazon's own words, which goes before a sum
        """
        on_top = channel.casefold() in _ON_TOP
        clear = channel.casefold().startswith("amazon.") or not (self.tax or self.other_tax)
        revenue = amount = None
        if self.price is not None and clear:
            less = (self.discount or 0.0) + (0.0 if on_top else self.tax or 0.0)
            revenue = total(self.price, -less)
            more = (self.tax or 0.0) + (self.other_tax or 0.0) if on_top else 0.0
            amount = total(
                self.price, self.wrap, self.shipping, more, -(self.discount or 0.0), -(self.shipping_discount or 0.0)
            )
        shipping = None if self.shipping is None else total(self.shipping, -(self.shipping_discount or 0.0))
        return said(
            total=amount if stated is None else stated,
            revenue=revenue,
            shipping=shipping,
            tax=total(self.tax, self.other_tax),
            discount=total(self.discount, self.shipping_discount),
        )
