"""A project answers the same on every engine: each command with --json, row for row."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cxminute.app.analysis import View, view
from cxminute.app.cli import run
from cxminute.app.options import Reading
from cxminute.journeys.analyses import flows, follows
from cxminute.model.steps import Step
from cxminute.store import scattered
from cxminute.store.engines.local import LocalEngine
from tests.app.small_shop import HEADER, PROMISE, SOURCE

pytestmark = pytest.mark.outside("java")

JOURNEYS = {
    "again": """per = "person"
pattern = 'first: "Ordered" -> "Delivered" -> again: "Ordered" within 20 days'
window = "30 days"
""",
    "shipped": """per = "order_id"
pattern = '"Ordered" -> "Delivered" within 3 days'
window = "5 days"
""",
    "pleased": """per = "person"
pattern = 'journey shipped.completed -> "Ordered"'
unless = ["journey shipped.broken"]
window = "40 days"
""",
    "loyal": """per = ["person", "carrier"]
pattern = '"Ordered"{2} -> any'
window = "60 days"
reentry = "always"
""",
}
COMMANDS = (
    ("journeys",),
    ("journeys", "again", "--by", "carrier", "--count", "subjects"),
    ("journeys", "shipped", "--as-of", "2026-02-20T12:00"),
    ("promises", "--by", "carrier"),
    ("promises", "--as-of", "2026-02-20T12:00"),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders of 60 customers over three months, collected twice: the second time with corrected rows and new ones."""
    root = tmp_path_factory.mktemp("conforming") / "shop"
    for folder in ("sources", "journeys", "promises"):
        (root / folder).mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (root / "sources" / "orders.toml").write_text(SOURCE, "utf-8")
    (root / "promises" / "delivery.toml").write_text(PROMISE, "utf-8")
    for name, said in JOURNEYS.items():
        (root / "journeys" / f"{name}.toml").write_text(f'name = "{name}"\n{said}', "utf-8")
    chance = np.random.default_rng(6)
    rows = [_row(order, chance) for order in range(400)]
    again = [*(_row(order, chance) for order in range(0, 300, 7)), *(_row(order, chance) for order in range(400, 500))]
    for name, told in (("first", rows), ("second", again)):
        (root / f"{name}.csv").write_text("\n".join([HEADER, *told]) + "\n", "utf-8")
        assert run(["collect", str(root / f"{name}.csv"), "--source", "orders", "--project", str(root)]) == 0
    words = ["consent", "set", "c7", "*", "restricted", "--because", "disputed"]  # and with them their orders
    assert run([*words, "--project", str(root)]) == 0
    return root


def _row(order: int, chance: np.random.Generator) -> str:
    """An order of some customer; equal times are frequent."""
    day = np.datetime64("2026-01-01") + int(chance.integers(80))
    delivered = "" if chance.random() < 0.2 else f"{day + int(chance.integers(5))}T10:00"
    carrier = ("Gans", "Zwaluw", "")[chance.integers(3)]
    return f"{order},c{chance.integers(60)},{day}T0{chance.integers(8, 10)}:00,{day + 2}T18:00,{delivered},{carrier}"


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets of about 200 events, so that both workers have some."""
    monkeypatch.setattr(scattered, "LEAST", 200)


def _answers(root: Path, engine: str, capsys: pytest.CaptureFixture[str]) -> list[object]:
    """What each command says, with an engine as cxm.toml names it."""
    (root / "cxm.toml").write_text(f'name = "shop"\n{engine}\n', "utf-8")
    said = []
    for command in COMMANDS:
        capsys.readouterr()
        assert run([*command, "--json", "--project", str(root)]) == 0
        said.append(json.loads(capsys.readouterr().out))
    return said


def test_every_command_answers_the_same(shop: Path, cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Journeys (nested ones, and with a key held constant), promises and the past are the same rows on the cluster."""
    local = _answers(shop, "", capsys)
    spark = _answers(shop, f'engine = "spark"\nmaster = "{cluster}"', capsys)
    for command, ours, theirs in zip(COMMANDS, local, spark, strict=True):
        assert ours == theirs, command
    ended = [row["endings"] for row in local[0]["journeys"]]  # type: ignore[index]  # a document
    assert min(row["opened"] for row in ended) > 20


def test_tables_are_the_same_rows(shop: Path, cluster: str) -> None:
    """Passages with their children, ledgers and flows are the same tables, whichever engine made them."""
    made: list[list[pa.Table]] = []
    for engine in ("", f'[engine]\nname = "spark"\nmaster = "{cluster}"'):
        (shop / "cxm.toml").write_text(f'name = "shop"\n{engine}\n', "utf-8")
        made.append(_tables(view(Reading(project=shop))))
    for ours, theirs in zip(*made, strict=True):
        assert ours.num_rows > 0
        assert ours.schema == theirs.schema
        assert str(ours.to_pylist()) == str(theirs.to_pylist())  # as text: nan is like nan


def _tables(seen: View) -> list[pa.Table]:
    known = seen.project.definitions
    people, orders = seen.subjects("person"), seen.subjects("order_id")
    assert isinstance(seen.engine, LocalEngine) or len(people.buckets()) > 3
    asked = flows.Asked(Step("Ordered"), "both", 2)
    return [
        *(seen.passages(journey, ["properties.carrier", "name"])[1] for journey in known.journeys.values()),
        seen.ledger(known.promises["delivery"], ["properties.carrier"])[0],
        flows.table(seen.engine.run(people, partial(flows.flow, asked), flows.merged)),
        flows.table(seen.engine.run(orders, partial(flows.flow, flows.Asked()), flows.merged)),
        follows.table(seen.engine.run(people, follows.follow, follows.merged)),
    ]
