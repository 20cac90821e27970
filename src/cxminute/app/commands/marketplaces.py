"""The command for what each marketplace is worth."""

from __future__ import annotations

from pathlib import Path

from cxminute.app.analysis import view
from cxminute.app.answers import give
from cxminute.app.charting import check_chart
from cxminute.app.options import Reading

_READING = Reading()


def marketplaces(*, chart: Path | None = None, options: Reading = _READING) -> None:
    """Each marketplace beside the own shop: orders, money, promises kept, returns, reviews, repeat, contacts, insights.

    Parameters
    ----------
    chart
        Also draw the answer: to a file that ends in .svg, .png or .html.
    options
        What every reading command takes. --since and --until count orders by when they were placed, promises by when
        they were due, reviews by when they were written; insights are those of the latest brief.

    """
    check_chart(chart)
    from cxminute.app.market_answers import answer  # noqa: PLC0415 -- brings the kernels
    from cxminute.app.markets import marketplaces as tell  # noqa: PLC0415 -- likewise

    seen = view(options)
    found = answer(tell(seen), seen.project.settings, picture=chart is not None)
    give(found, json=options.json, chart=chart)
