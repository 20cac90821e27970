"""The state is the same on every database: one project's life, lived on each, leaves the same rows in every table."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, LargeBinary, select

from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.store.schema import metadata
from tests.app.small_site import NOON, call, item, make_site

pytestmark = pytest.mark.outside("postgresql")

DATABASES: Final = ("sqlite", "postgresql")
ONE_ONLY: Final = {"inboxes", "packs"}
"""Tables of PostgreSQL alone: an embedded inbox is a file of its own."""
ELSEWHERE: Final = {"sides", "forgotten", "retired", "versions", "cursors", "proposals", "destroying"}
"""Tables that this life leaves empty; their own tests run on both databases."""
OF_ITS_OWN: Final = {
    "known_at", "finished_at", "undone_at", "created_at", "at", "received_at", "due_at", "checked_at", "done_at",
    "since", "digest", "prefix", "identity", "inbox", "file", "sha256", "bytes", "value", "proof", "event",
}  # fmt: skip
"""Columns that a clock, chance or a project's own key fills: whether they are filled is compared, not with what."""
ORDERS = """order,customer,email,ordered,colour
1,ada,Ada@mail.example.net,2026-02-02T10:00,red
2,bob,bob@mail.example.net,2026-02-03T10:00,blue
3,ada,ada@mail.example.net,2026-02-04T10:00,red
4,cyd,,not a time,red
"""
SOURCE = """name = "orders"
format = "csv"
key = ["order"]
[identifiers]
user_id = "customer"
order_id = "order"
[properties]
email = "email"
colour = "colour"
[[events]]
name = "Order Completed"
at = "ordered"
[contract]
origin = "first-party"
purposes = ["service-optimisation", "marketing"]
"""


def live(root: Path, opened: list[Project]) -> list[str]:
    """A project's life: files and calls come in, one is taken back, people are linked, asked, exported and forgotten.

    opened: every project that a command opened: its connections end with its process, here with the command
    """
    told: list[str] = []

    def say(*words: str, code: int = 0) -> None:
        heard = StringIO()
        with redirect_stdout(heard):
            assert run([*words, "--project", str(root)]) == code, (words, heard.getvalue())
        told.append(heard.getvalue())
        while opened:
            opened.pop().close()

    (root / "sources" / "orders.toml").write_text(SOURCE, "utf-8")
    for name, rows in (
        ("first", ORDERS),
        ("second", ORDERS.replace("04T10:00,red", "04T10:00,green")),
        ("third", ORDERS + "9,z,,,\n"),
    ):
        (root / f"{name}.csv").write_text(rows, "utf-8")
        say("collect", str(root / f"{name}.csv"), "--source", "orders")
    say("collects", "undo", "3")
    project = Project(root)
    consent = {"consent": {"categoryPreferences": {"marketing": True}}, "gpc": True}
    project.inbox.put([call([item(1, userId="ada", anonymousId="c1", context=consent), item(2, userId="bob")])])
    project.inbox.put([call([item(3, userId="dee", anonymousId="c3"), item(4, userId=None, anonymousId="c4")])])
    Drain(project).once(NOON)
    project.close()
    say("keys", "add", "--source", "site")
    say("link", "c4", "dee", "--because", "said so")
    say("unlink", "c4", "dee", "--because", "did not")
    say("unlink", "c3", "dee", "--because", "a shared one")
    say("consent", "set", "ada", "marketing", "withdrawn", "--because", "by letter")
    say("consent", "set", "dee", "marketing", "granted", "--because", "on the phone")
    say("requests", "add", "access", "--about", "dee", "--kind", "user_id")
    say("requests", "check", "1", "--how", "by letter")
    say("export", "dee", "--request", "1", "--out", str(root.parent / f"{root.name}.zip"))
    say("requests", "add", "erasure", "--about", "bob", "--kind", "user_id")
    say("forget", "bob")
    (root / "late.csv").write_text(ORDERS.replace("2026-02-03", "2026-02-05"), "utf-8")
    say("collect", str(root / "late.csv"), "--source", "orders")
    for words in (("person", "ada", "--json"), ("journeys", "--json"), ("events", "--json")):
        say(*words)
        told[-1] = json.dumps(json.loads(told[-1]), sort_keys=True)
    return told[-3:]


def rows_of(state: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """By table its rows, sorted; of what differs between any two projects, whether it is there."""
    found = {}
    with state.connect() as connection:
        for table in metadata.sorted_tables:
            if table.name in ONE_ONLY:
                continue
            own = OF_ITS_OWN | ({"name"} if table.name == "names" else set())
            chance = {c.name for c in table.columns if c.name in own or isinstance(c.type, LargeBinary)}
            rows = [
                tuple(
                    value is not None if name in chance else value for name, value in zip(row._fields, row, strict=True)
                )
                for row in connection.execute(select(table))
            ]
            found[table.name] = sorted(rows, key=repr)
    return found


def _recording(patch: pytest.MonkeyPatch) -> list[Project]:
    """Every project that is opened from now on."""
    opened: list[Project] = []
    make = Project.__init__

    def made(self: Project, root: Path) -> None:
        make(self, root)
        opened.append(self)

    patch.setattr(Project, "__init__", made)
    return opened


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory, server: str) -> dict[str, tuple[Any, Any]]:
    """On each database: what the commands said at the end, and what stands in the tables."""
    from tests.conformance.postgres import empty_database  # noqa: PLC0415 -- for this test alone

    found = {}
    makes: dict[str, Callable[[], str]] = {"sqlite": str, "postgresql": lambda: empty_database(server)}
    for name in DATABASES:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CXM_LIVED", makes[name]())
            opened = _recording(patch)
            root = tmp_path_factory.mktemp(name) / "site"
            project = make_site(root, state="env:CXM_LIVED" if name == "postgresql" else "")
            project.close()
            said = live(root, opened)
            project = Project(root)
            found[name] = (said, rows_of(project.log.state))
            for each in (*opened, project):
                each.close()
    return found


def test_a_life_leaves_the_same_rows_on_every_database(lives: dict[str, tuple[Any, Any]]) -> None:
    """Numbers, kinds, counts and what was said are equal, row by row, in every table."""
    (_, sqlite), (_, postgresql) = (lives[name] for name in DATABASES)
    assert sqlite.keys() == postgresql.keys()
    for table in sqlite:
        assert sqlite[table] == postgresql[table], table


def test_answers_are_the_same_on_every_database(lives: dict[str, tuple[Any, Any]]) -> None:
    """What a command says does not depend on where the state lies."""
    assert lives["sqlite"][0] == lives["postgresql"][0]


def test_a_life_touches_every_table(lives: dict[str, tuple[Any, Any]]) -> None:
    """No table is compared empty, but those that have tests of their own on both databases."""
    rows = lives["sqlite"][1]
    assert {name for name, found in rows.items() if not found} == ELSEWHERE
