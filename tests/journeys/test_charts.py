"""Pictures: each table has one, whose title is the finding and whose axes have units."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from cxminute.journeys.analyses.follows import FOLLOWS
from cxminute.journeys.analyses.paths import OFF_PATH
from cxminute.journeys.analyses.retention import RETENTION
from cxminute.journeys.pictures import figures as pictures
from cxminute.journeys.pictures.charts import KINDS, chart, html, png, svg
from cxminute.model.errors import BadData
from cxminute.model.times import DAY, HOUR
from tests.journeys.drawn_tables import tables

LABELS = {
    "funnel": [
        "share of those that opened",
        "1. viewed",
        "4. bought",
        "reached bought",
        "the largest drop is before carted",
    ],
    "funnel split": ["(missing)", "app", "site"],
    "curve": ["days since opening", "share of all that opened", "completed", "expired", "2 weeks"],
    "curve split": ["site", "days since opening"],
    "times": ["days from opening", "completed", "broken"],
    "times split": ["completed, app"],
    "follows": ["Product Viewed", "(start)", "(end)", "from", "to"],
    "flows": ["Product Viewed", "(start)", "(end)"],
    "flows anchored": ["events from the anchor", "Product Added", "After Product Added"],
    "flows backwards": ["events from the anchor", "comes before Order Completed"],
    "retention": ["weeks after the first", "began in the week of", "2024-03-04", "came back"],
    "retention split": ["share that came back", "app"],
    "lifecycle": ["new", "resurrected", "gone quiet", "week of"],
    "days": ["days active in the period of 2024-", "share of the active"],
    "stickiness": ["active on a day / in the week", "On an average day"],
    "off path": ["share completed, of those that ended", "on path", "repeated", "left the path"],
    "off path split": ["site"],
    "unexplained": ["events that no journey explains", "Help Opened", "of 725 events"],
}


@pytest.mark.parametrize("name", LABELS)
def test_every_table_is_drawn_with_its_labels(name: str) -> None:
    """The SVG is well formed, has marks, and says what it shows and in which units."""
    drawn = svg(chart(tables()[name]))
    root = ET.fromstring(drawn.replace("xlink:href", "href"))  # noqa: S314 -- drawn here
    text = " ".join("".join(node.itertext()) for node in root.iter() if node.tag == "text")
    assert [label for label in LABELS[name] if label not in text] == []
    assert sum(node.tag in {"path", "line", "rect"} for node in root.iter()) > 5
    assert "http" not in drawn
    assert "NaN" not in drawn


def test_every_kind_of_table_is_known() -> None:
    """What the log gives covers each kind, and each table is of one kind alone."""
    kinds = {
        name: [kind for kind, (columns, _) in KINDS.items() if columns <= set(table.column_names)]
        for name, table in tables().items()
    }
    assert {found[0] for found in kinds.values()} == set(KINDS)
    assert {name for name, found in kinds.items() if len(found) > 1} <= {name for name in kinds if "flows" in name}


def test_a_picture_for_a_page_takes_the_colour_of_its_text() -> None:
    """With 'currentColor' no text has a colour of its own."""
    drawn = svg(chart(tables()["funnel"], ink="currentColor"))
    texts = [node for node in ET.fromstring(drawn).iter() if node.tag == "text"]  # noqa: S314 -- drawn here
    assert {node.get("fill") for node in texts} == {"currentColor"}


def test_a_picture_may_be_a_file_of_its_own() -> None:
    """PNG for mail, one page that holds all it needs for a browser."""
    drawn = chart(tables()["funnel"])
    assert png(drawn).startswith(b"\x89PNG")
    page = html(drawn)
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "<script src=" not in page


def test_what_cannot_be_drawn_is_refused() -> None:
    """A table without rows, or of no known kind, says so."""
    with pytest.raises(BadData, match="flows is empty"):
        chart(tables()["flows"].slice(0, 0))
    with pytest.raises(BadData, match="funnel, completion over time"):
        chart(pa.table({"a": [1]}))


def test_a_picture_of_little_says_little() -> None:
    """One succession, no period that is over, nobody off the path, nothing left to explain: all is drawn and said."""
    one = pa.Table.from_pylist([{"from": None, "to": "A", "count": 3}], schema=FOLLOWS)
    assert pictures.successions(one).title == "Most often A comes after (start): 3 times"
    young = pa.Table.from_pylist([{"cohort": date(2024, 3, 4), "size": 3, "period": 0}], schema=RETENTION)
    assert pictures.retention(young).title == "No period after the first is over yet"
    straight = [{"path": "on path", "passages": 2, "share": 1.0}, {"path": "off path", "passages": 0}]
    assert pictures.off_path(pa.Table.from_pylist(straight, schema=OFF_PATH)).title == "Every passage kept to the path"
    assert svg(chart(young))
    single = tables()["funnel"].slice(0, 1)
    assert pictures.funnel(single).title.endswith("reached viewed")


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0, "0 seconds"), (90_500, "90.5 seconds"), (36 * HOUR, "36 hours"), (4 * DAY, "4 days")],
)
def test_lengths_are_said_in_a_fitting_unit(milliseconds: int, words: str) -> None:
    """In the unit in which they are a small number."""
    assert pictures._long(milliseconds) == words  # noqa: SLF001 -- the words alone
