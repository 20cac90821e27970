"""A marketplace beside the own shop, in the brief: one sentence with its figure, and the tables behind it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from cxminute.minute.brief import Brief, Standing
from cxminute.minute.charts import charts
from cxminute.minute.document import document
from cxminute.minute.markdown import markdown
from cxminute.minute.tell import tell, words
from cxminute.minute.words import LIMIT
from cxminute.model.tables import COMPARISON
from tests.minute.told import HOSTILE, WEEK, insight, table


def part(value: str, share: float, **more: float) -> dict[str, Any]:
    """One part of a difference, by mix."""
    figures = {"mix": 0.13 * share, "rate": 0.0, "n": 60.0, "hits": 30.0, "own_n": 50.0, "own_hits": 25.0}
    return {"dimension": "properties.carrier", "value": value, "share": share, **figures, **more}


def comparison(**more: Any) -> dict[str, Any]:
    """One row of COMPARISON; what is not given is a marketplace that sends more by a late carrier."""
    return {
        "about": "promise delivery",
        "measure": "late",
        "market": "bazaar",
        "own": "site",
        "first": date(2015, 2, 9),
        "last": date(2015, 2, 15),
        "value": 0.22,
        "own_value": 0.09,
        "difference": 0.13,
        "low": 0.08,
        "high": 0.18,
        "strength": 6.0,
        "n": 100.0,
        "own_n": 400.0,
        "where": [part("Gans", 0.7), part("Reiger", 0.3)],
        **more,
    }


def told(*rows: dict[str, Any], news: int = 1) -> Brief:
    """A brief with so many news and these comparisons."""
    compared = pa.Table.from_pylist(list(rows), schema=COMPARISON)
    insights = [
        insight(f"promise number-{place}", since=date(2015, 1, 1) + timedelta(days=5 * place)) for place in range(news)
    ]
    return tell(table(*insights), organisation="A shop", week=WEEK, compared=compared)


def test_one_sentence_says_what_each_side_kept_and_why() -> None:
    """The share kept on either side, and that the mix of carriers is most of the gap."""
    [line] = told(comparison()).compared
    assert line.text == (
        "delivery: 78% kept on bazaar, 91.0% on site; "
        "70% of the gap from the mix: carrier Gans has 60% there, 12% on site."
    )
    assert line.figure == "78%"
    assert line.command == "cxm promises delivery --by source --week 2015-W07"


def test_a_part_that_does_worse_is_told_by_its_own_shares() -> None:
    """Where a part itself differs, what each side kept of it is said, not how much of it there is."""
    worse = part("Gans", 0.8, mix=0.0, rate=0.1, n=50.0, hits=20.0, own_n=100.0, own_hits=10.0)
    [line] = told(comparison(where=[worse])).compared
    assert line.text.endswith("; 80% of the gap from carrier Gans: 60% kept there, 90% on site.")


def test_four_weeks_are_called_so_and_their_command_asks_for_them() -> None:
    """What is found over four weeks says so, and its command shows the same days."""
    [line] = told(comparison(first=date(2015, 1, 19))).compared
    assert " on site in 4 weeks; " in line.text
    assert line.command == "cxm promises delivery --by source --since 2015-01-19 --until 2015-02-16"


def test_without_an_explanation_none_is_made_up() -> None:
    """Where no part tells of it, the sentence says so."""
    [line] = told(comparison(where=[])).compared
    assert line.text.endswith("; no one part explains the gap.")


def test_one_comparison_is_told_and_the_details_have_all() -> None:
    """The strongest stands in the minute, with the standing; below the fold every one with its parts."""
    brief = told(comparison(), comparison(market="fair", where=[]))
    assert len(brief.compared) == 1
    shown = dict(brief.sections())
    assert shown["Standing"][0] == brief.compared[0]
    titles = [detail.title for detail in brief.details]
    assert "Marketplaces beside the own shop" in titles
    assert "Where bazaar differs from site: promise delivery" in titles
    [both] = [detail for detail in brief.details if detail.title == "Marketplaces beside the own shop"]
    assert [row[1] for row in both.rows] == ["bazaar", "fair"]
    assert json.loads(document(brief))["compared"][0]["figure"] == "78%"


def test_the_page_draws_the_parts_of_both_sides() -> None:
    """Each comparison with an explanation is a chart: its parts on both sides, in the page's ink."""
    drawn = dict(charts(told(comparison(), comparison(market="fair", where=[]), news=0)))
    [title] = [title for title in drawn if "bazaar and site" in title]
    assert title.startswith("promise delivery on bazaar and site: broken by carrier")
    for word in ("Gans", "Reiger", "bazaar", "site", "currentColor"):
        assert word in drawn[title]
    assert not [title for title in drawn if "fair" in title]


def test_nothing_is_said_where_nothing_differs() -> None:
    """Without a comparison the brief is the one that it was."""
    assert told().compared == ()
    assert not [detail for detail in told().details if "beside" in detail.title]


@pytest.mark.parametrize("news", [0, 1, 3, 9])
def test_the_minute_stays_a_minute(news: int) -> None:
    """However much there is to say, at most 230 words are read; what is news comes before what differs."""
    brief = told(comparison(), news=news)
    assert words(brief) <= LIMIT
    assert len(brief.items) >= min(news, 4) or not brief.compared


def test_names_from_data_stay_text() -> None:
    """What a source, carrier or promise is called cannot make up a tag, an emphasis or an escape code."""
    row = comparison(market=HOSTILE, where=[part(HOSTILE, 1.0)])
    brief = tell(
        table(),
        organisation="A shop",
        week=WEEK,
        standing=[Standing("promise", "delivery", 0.9, 10)],
        compared=pa.Table.from_pylist([row], schema=COMPARISON),
    )
    assert "\x1b" not in brief.spoken()
    assert "\u202e" not in brief.spoken()
    assert "<script>" not in markdown(brief)
