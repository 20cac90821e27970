"""The simulated shop: what was planted is named in the brief, and quiet weeks stay quiet."""

from __future__ import annotations

import html
import json
import re
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from cxminute.app import demo
from cxminute.app.analysis import view
from cxminute.app.brief import tell_week
from cxminute.app.cli import run
from cxminute.app.options import Reading
from cxminute.minute.tell import tell, words
from cxminute.simulation.shop import Simulated, simulate
from cxminute.synthesis.explain import explain
from tests.conftest import ROOT
from tests.scenarios import shop_truth
from tests.scenarios.shop_memory import tallies

SEEDS = range(20)
HISTORY = 5
"""Weeks from the start that only teach what is usual."""


@pytest.fixture(scope="module")
def shops() -> list[tuple[Simulated, pa.Table]]:
    """Twenty shops, each with its daily counts."""
    simulated = [simulate(seed, starts=date(2026, 3, 2)) for seed in SEEDS]
    return [(shop, tallies(shop)) for shop in simulated]


def test_every_planted_effect_is_stated_and_large_enough_to_be_found(shops: list[tuple[Simulated, pa.Table]]) -> None:
    """Four troubles a shop, each sized in standard errors of a quiet week: five or more."""
    for shop, _ in shops:
        planted = shop_truth.planted(shop, shop.weeks[-1])
        assert {truth.kind for truth in planted} == {"carrier slip", "checkout break", "campaign", "reply slip"}
        assert all(truth.effect_size is not None and truth.effect_size >= 5 for truth in planted)


def test_the_planted_troubles_are_named(shops: list[tuple[Simulated, pa.Table]]) -> None:
    """Over twenty shops at least nine in ten of the planted troubles are insights of their week, place included."""
    runs = [(shop, explain(counts, week=shop.weeks[-1]), shop.weeks[-1]) for shop, counts in shops]
    assert shop_truth.recall(runs) >= 0.9


def test_the_minute_itself_names_them(shops: list[tuple[Simulated, pa.Table]]) -> None:
    """Nine in ten stand in the 230 words themselves, by the name of the place where they happened."""
    due = found = 0
    for shop, counts in shops:
        week = shop.weeks[-1]
        brief = tell(explain(counts, week=week), organisation="Demo shop", week=week)
        assert words(brief) <= 230
        said = " ".join(line.text for line in brief.items)
        for truth in shop_truth.planted(shop, week):
            due += 1
            found += truth.where is not None and truth.where[1] in said
    assert found / due >= 0.9, f"{found} of {due}"


def test_nothing_else_is_made_up(shops: list[tuple[Simulated, pa.Table]]) -> None:
    """In the troubled weeks, what neither a trouble nor its consequences explain is said at most once in twenty."""
    alarms = [
        len(shop_truth.false_alarms(shop, explain(counts, week=shop.weeks[-1]), shop.weeks[-1])) > 0
        for shop, counts in shops
    ]
    assert sum(alarms) <= len(shops) / 20


def test_quiet_weeks_are_quiet(shops: list[tuple[Simulated, pa.Table]]) -> None:
    """Of the weeks in which nothing was planted, at most one in twenty has an insight."""
    quiet = [
        explain(counts, week=week).num_rows > 0
        for shop, counts in shops
        for week in shop.weeks[HISTORY:]
        if week in shop.quiet_weeks
    ]
    assert len(quiet) >= 100
    assert sum(quiet) <= len(quiet) / 20, f"{sum(quiet)} of {len(quiet)}"


def test_the_demo_ends_with_a_brief_that_names_its_troubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`cxm demo` goes from files to a brief in the terminal, with the HTML and the written truth beside it."""
    monkeypatch.chdir(tmp_path)
    assert run(["demo"]) == 0
    said = capsys.readouterr().out
    truths = json.loads((tmp_path / "cxm-demo" / "data" / "truth.json").read_text("utf-8"))["truths"]
    for truth in truths:
        if not truth["consequence"]:
            assert truth["where"][1] in said, truth["kind"]
    picture = "".join(re.findall(r"<text[^>]*>([^<]*)</text>", (ROOT / "docs" / "brief.svg").read_text("utf-8")))
    spoken = re.sub(r"[^a-z0-9]", "", html.unescape(picture).casefold())
    brief = tell_week(view(Reading(project=tmp_path / "cxm-demo"))).brief
    for line in (brief.headline, *brief.items, *brief.decisions):
        words_of = re.sub(r"[^a-z0-9]", "", line.text.casefold())
        assert words_of in spoken, f"docs/brief.svg does not show '{line.text}': python docs/picture.py cxm-demo"
    [page] = (tmp_path / "cxm-demo" / ".cxm" / "briefs").glob("*.html")
    text = page.read_text("utf-8")
    assert "<svg" in text
    assert "<script" not in text
    assert run(["check", "--project", "cxm-demo"]) == 0
    before = _added(tmp_path / "cxm-demo")
    monkeypatch.setattr(demo, "simulate", partial(simulate, scale=0.1))
    assert run(["demo"]) == 0, "a second demo replaces the first"
    assert 0 < _added(tmp_path / "cxm-demo") < before / 5


def _added(root: Path) -> int:
    """How many events were collected into a project."""
    return sum(told.counts.added for told in view(Reading(project=root)).project.log.collects())
