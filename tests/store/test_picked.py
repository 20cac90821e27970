"""Events of a few names straight from the segments: whole, those of nobody too, without what was corrected."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.app.project import Project
from cxminute.store.picked import pick

SOURCE = """name = "reviews-here"
format = "csv"
key = ["id"]
[identifiers]
order_id = "order"
[properties]
rating = { from = "stars", type = "number" }
[[events]]
name = "Product Reviewed"
at = "at"
when = 'kind = "review"'
[[events]]
name = "Page Seen"
at = "at"
when = 'kind = "page"'
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
HEAD = "id,order,stars,at,kind\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one source of reviews."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "p"\n', "utf-8")
    (tmp_path / "sources" / "reviews.toml").write_text(SOURCE, "utf-8")
    return tmp_path


def collect(project: Path, name: str, rows: str) -> None:
    """One file of rows."""
    (project / name).write_text(HEAD + rows, "utf-8")
    assert run(["collect", str(project / name), "--source", "reviews-here", "--project", str(project)]) == 0


def stars(project: Path, names: tuple[str, ...] = ("Product Reviewed",)) -> list[tuple[float | None, bool]]:
    """The ratings of the log, and whether each has an order."""
    pieces = Project(project).log.pieces(())
    found = pick(pieces, names, ("properties.rating", "properties.absent"), ("order_id", "ticket_id"))
    assert found["properties.absent"].null_count == found.num_rows
    assert found["ticket_id"].null_count == found.num_rows
    return [(row["properties.rating"], row["order_id"] is not None) for row in found.to_pylist()]


def test_events_of_nobody_are_among_them(project: Path) -> None:
    """A review without an order counts like any other; other names are left out."""
    collect(project, "a.csv", "1,o1,4,2026-01-05,review\n2,,2,2026-01-05,review\n3,o1,,2026-01-05,page\n")
    assert sorted(stars(project)) == [(2.0, False), (4.0, True)]
    assert stars(project, ("Nothing Such",)) == []


def test_a_correction_replaces_what_was(project: Path) -> None:
    """A review that was changed counts once, as it is now."""
    collect(project, "a.csv", "1,o1,4,2026-01-05,review\n2,,2,2026-01-05,review\n")
    collect(project, "b.csv", "1,o1,1,2026-01-05,review\n")
    assert sorted(stars(project)) == [(1.0, True), (2.0, False)]


def test_an_empty_log_has_the_columns(project: Path) -> None:
    """Before anything was collected there is a table without rows."""
    assert stars(project) == []
