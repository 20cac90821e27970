"""What comes from data stays text on every surface, and the page stands alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from cxminute.minute.brief import Brief, Line, Standing
from cxminute.minute.charts import charts
from cxminute.minute.document import document
from cxminute.minute.markdown import code, escape, markdown
from cxminute.minute.page import page
from cxminute.minute.tell import tell, words
from cxminute.minute.terminal import text
from tests.minute.told import HOSTILE, WEEK, insight, part, table, weekly

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Tags(HTMLParser):
    """The tags of a page, its attributes, and whether they close as they should."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.stack: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that opens."""
        self.seen.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.stack += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        """A tag closes the one that opened last."""
        if tag not in VOID:
            assert self.stack.pop() == tag


def hostile() -> Brief:
    """A brief all of whose names are hostile."""
    about = f"promise {HOSTILE}"
    rows = [
        insight(about, where=[part(f"properties.{HOSTILE}", HOSTILE, 0.9)], action=HOSTILE, command=f"cxm '{HOSTILE}'"),
        insight(f"journey {HOSTILE}", "volume", where=[part("properties.x", HOSTILE, 0.9, rate=-300.0)]),
    ]
    return tell(
        table(*rows),
        organisation=HOSTILE,
        week=WEEK,
        standing=[Standing("promise", HOSTILE, 0.5, 10, 0.9, 3.0)],
        notes=[Line(f"{HOSTILE} 3", "3", f"cxm {HOSTILE}")],
        series=weekly(about),
    )


def ordinary() -> Brief:
    """A brief as it usually is."""
    return tell(table(insight()), organisation="A shop", week=WEEK, series=weekly())


def test_a_page_stands_alone() -> None:
    """The page holds its charts and styles, and no script, no address, nothing that is loaded from anywhere."""
    shown = page(ordinary())
    tags = Tags()
    tags.feed(shown)
    assert not tags.stack
    assert "svg" in tags.seen
    assert not tags.seen & {"script", "iframe", "object", "embed", "link", "img", "base", "form", "a"}
    assert not re.search(r"https?:|//[a-z]|@import|url\(|javascript:", shown, re.IGNORECASE)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in {"href", "src", "xlink:href"}]
    assert "default-src 'none'" in shown


def test_names_with_tags_stay_text_on_the_page() -> None:
    """A carrier named '<script>' is shown by that name, in sentences, tables and charts, and runs nowhere."""
    shown = page(hostile())
    tags = Tags()
    tags.feed(shown)
    assert not tags.stack
    assert not tags.seen & {"script", "a", "img"}
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in {"href", "src"}]
    assert "&lt;script&gt;" in shown


def test_names_with_markup_stay_text_on_a_terminal() -> None:
    """Markup of rich in a name is shown, not obeyed; with colour, the only escape codes are our own styles."""
    plain = text(hostile(), width=300)
    assert "[bold]`rm`[/bold]" in plain
    assert "[bold]`rm`[/bold]" in text(hostile(), width=3000).split("Where it comes from")[1].split("\n", 1)[1]
    assert "\x1b" not in plain
    coloured = text(hostile(), width=300, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).replace(" ", "") == plain.replace(" ", "")


def test_names_with_markup_stay_text_in_markdown() -> None:
    """No tag, link, emphasis, code, table cell or heading begins in a name."""
    shown = markdown(hostile())
    outside = re.sub(r"`+[^`]+`+", "", re.sub(r"\\.", "", shown))
    assert "<" not in outside
    assert "](" not in outside
    assert "http://" not in outside
    heads = [line for line in shown.splitlines() if re.match(r"#{1,6} ", line)]
    assert len(heads) == 1 + sum(1 for _ in hostile().sections()) + len(hostile().details)
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in shown.splitlines() if line.startswith("|")]
    assert set(widths) == {4, 5, 7, 10}


def test_markdown_is_read_as_it_was_meant() -> None:
    """A reader of Markdown finds our heads, items, tables and commands, and nothing that a name brought."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(hostile()))
    blocks = {token.type for token in tokens}
    assert blocks <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "hr"),
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
        *(f"{part}_{side}" for part in ("table", "thead", "tbody", "tr", "th", "td") for side in ("open", "close")),
    }
    inside = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inside} <= {"text", "code_inline", "hardbreak", "strong_open", "strong_close"}
    assert sum(child.type == "strong_open" for child in inside) == 1
    assert "<script>alert('x')</script> [bold]`rm`[/bold] **x** | #" in "".join(child.content for child in inside)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a*b*", r"a\*b\*"), ("1. x", r"1\. x"), ("- x", r"\- x"), ("+ x", r"\+ x"), ("64% of 9", "64% of 9")],
)
def test_markdown_escapes_no_more_than_it_must(name: str, shown: str) -> None:
    """Signs that begin something are escaped, ordinary sentences are left as they are."""
    assert escape(name) == shown


def test_code_in_markdown_holds_backticks() -> None:
    """A command with backticks in it is fenced by more of them."""
    assert code("a ``b`` c") == "```a ``b`` c```"
    assert code("`a`") == "`` `a` ``"
    assert code("") == ""


def test_the_document_is_stable() -> None:
    """The JSON document has the documented keys, no other, and no figure that JSON does not know."""
    row = insight(strength=float("nan"))
    told = tell(table(row), organisation="A shop", week=WEEK, series=weekly())
    said = json.loads(document(told))
    assert list(said) == [
        *("version", "organisation", "week", "monday", "words", "headline", "quiet", "items", "standing"),
        *("compared", "decisions", "notes", "insights", "series", "details"),
    ]
    assert said["items"][0]["text"] == told.items[0].text
    assert said["insights"][0]["strength"] is None
    assert said["insights"][0]["since"] == "2015-02-01"
    assert said["words"] == words(told)
    assert document(told) == document(tell(table(row), organisation="A shop", week=WEEK, series=weekly()))


def test_charts_show_the_week_and_where_it_comes_from() -> None:
    """One chart of the weeks with their range, one of the parts; in a quiet week the weeks alone."""
    assert [title for title, _ in charts(ordinary())] == [
        "promise delivery, late: by week, with the range to be expected (99%)",
        "Promise delivery, late up: where the change comes from",
    ]
    weeks, parts = (drawn for _, drawn in charts(ordinary()))
    assert "9 February" in weeks
    assert weeks.count('aria-roledescription="bar"') == 7
    assert "Swift" in parts
    quiet = tell(table(), organisation="A shop", week=WEEK, series=weekly())
    assert len(charts(quiet)) == 1
    assert charts(tell(table(), organisation="A shop", week=WEEK)) == []


def test_charts_follow_the_page_in_light_and_dark() -> None:
    """Ink in charts is the page's own ink: nothing is drawn in black or white of its own."""
    for _, drawn in charts(ordinary()):
        assert "currentColor" in drawn
        assert not re.search(r'(fill|stroke)="(#000|#fff|black|white)', drawn)


@pytest.mark.outside("chromium")
def test_a_browser_draws_the_page(tmp_path: Path) -> None:
    """A browser without network and script draws the page, charts included."""
    (tmp_path / "brief.html").write_text(page(ordinary()), encoding="utf-8")
    browser = shutil.which("chromium") or "chromium"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,2000"]
    target = tmp_path / "brief.png"
    asked = [
        browser,
        *options,
        f"--user-data-dir={tmp_path / 'browser'}",
        f"--screenshot={target}",
        (tmp_path / "brief.html").as_uri(),
    ]
    subprocess.run(asked, check=True, capture_output=True, timeout=120)
    assert target.stat().st_size > 20_000
