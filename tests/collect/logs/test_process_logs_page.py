"""The page on process logs: what it shows runs as it stands, and what it lists is what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.app.exporting import OF_CASES, OF_OBJECTS
from cxminute.collect.logs.kinds import KINDS
from cxminute.collect.logs.ocel import CHANGED
from cxminute.collect.logs.xes import DESCRIBED
from cxminute.collect.rejects import REASONS
from tests.collect.logs.logged import XES
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "process-logs.md").read_text("utf-8")


def test_the_source_and_the_commands_of_the_page_run_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log goes in by the source that is shown, and out by each command that is shown."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "loans"\n', "utf-8")
    [source] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "sources" / "loans.toml").write_text(source, "utf-8")
    (tmp_path / "loans.xes").write_text(XES.replace("Cost", "Kosten"), "utf-8")
    monkeypatch.chdir(tmp_path)
    commands = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()
    assert len(commands) == 4
    for command in commands:
        assert run(shlex.split(command)[1:]) == 0
    assert sorted(path.name for path in tmp_path.glob("loans-out.*")) == [
        "loans-out.json", "loans-out.sqlite", "loans-out.xes",
    ]  # fmt: skip


def test_the_page_names_what_there_is() -> None:
    """Kinds, events of ours, endings and reasons stand there by their names."""
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", PAGE, re.MULTILINE))
    assert rows == dict(KINDS)
    assert all(f'"{name}"' in PAGE for name in (CHANGED, DESCRIBED))
    assert all(f"`{ending}`" in PAGE for ending in (*OF_CASES, *OF_OBJECTS))
    named = {word for word in re.findall(r"`([a-z]+_[a-z]+)`", PAGE) if word.startswith(("no_", "bad_", "file_"))}
    assert named <= set(REASONS)
