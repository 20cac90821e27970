"""What is compiled at first use, and by whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxminute.app import warming
from cxminute.app.cli import COMMANDS, OVER_EVENTS

ASK = """
import gc, json, sys
gc.disable()
import cxminute as cx
events = {"person": [1, 1, 2, 2, 2], "event": ["A", "B", "A", "A", "C"], "at": [0, 5, 0, 3, 9], "x": [1, 2, 3, 4, 5]}
answers = []
for pattern in ("A -> B", "A where (x > 1) -> C within 1 second", "(A and B) or A => C"):
    for reentry in ("once", "after exit", "always"):
        asked = cx.journey(pattern, window="1 minute", reentry=reentry)
        answers.append(cx.passages(asked, events).to_pydict()["ending"])
        for count in ("subjects", "passages"):
            answers.append(cx.funnel(asked, events, count=count).to_pydict()["reached"])
answers.append(cx.flows(events)["count"].to_pylist())
answers.append(cx.retention(events)["size"].to_pylist())
from numba.core.dispatcher import Dispatcher
kernels = {id(thing): thing for name, module in sys.modules.items() if name.startswith("cxminute.")
           for thing in vars(module).values() if isinstance(thing, Dispatcher)}
missed = {kernel.py_func.__qualname__ for kernel in kernels.values() if kernel.stats.cache_misses}
print(json.dumps({"answers": answers, "missed": sorted(missed)}))
"""


def _started(folder: Path) -> subprocess.Popen[str]:
    """A process of its own that asks for funnels, its kernels kept in this folder."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-W", "ignore", "-c", ASK]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]]]:
    """A folder that was empty when four processes began at once, and what they said and answered."""
    folder = tmp_path_factory.mktemp("kernels")
    started = [_started(folder) for _ in range(4)]
    told = [process.communicate(timeout=280) for process in started]
    assert [process.returncode for process in started] == [0] * 4, told[0][1]
    return folder, [(errors, answer) for answer, errors in told]


def test_many_processes_at_once_compile_once_and_agree(cold: tuple[Path, list[tuple[str, str]]]) -> None:
    """Of four processes that come first, one compiles and says so, the others wait; all give the same answers."""
    _, told = cold
    assert sorted(errors for errors, _ in told) == ["", "", "", f"{warming.SAID}\n"]
    answers = [json.loads(answer)["answers"] for _, answer in told]
    assert answers[0][0] == ["completed", "open"]
    assert all(answer == answers[0] for answer in answers)


def test_who_comes_later_compiles_nothing(cold: tuple[Path, list[tuple[str, str]]]) -> None:
    """Once warm, a process finds every kernel that it calls on disk, says nothing, and answers alike."""
    folder, told = cold
    later = _started(folder)
    answer, errors = later.communicate(timeout=120)
    assert errors == ""
    assert json.loads(answer) == {"answers": json.loads(told[0][1])["answers"], "missed": []}


def test_a_change_of_what_is_compiled_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of numba or of the kernels warms again, drops what was compiled, and leaves one mark."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    compiled: list[str] = []
    monkeypatch.setattr(warming, "_compile", lambda: compiled.append("now"))
    old = tmp_path / "journeys_1" / "scan.fold.1.nbc"
    old.parent.mkdir()
    old.write_text("compiled from what a kernel called before")
    assert [warming.warm(), warming.warm()] == [True, False]
    assert not old.exists()
    monkeypatch.setattr(warming, "version", lambda _: "another")
    assert [warming.warm(), warming.warm()] == [True, False]
    assert compiled == ["now", "now"]
    assert len(list(tmp_path.glob("cxminute-*.warm"))) == 1


def test_where_nothing_can_be_kept_nothing_is_compiled_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder to write to, kernels are compiled as they are used, as ever."""
    taken = tmp_path / "a-file"
    taken.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(taken))
    monkeypatch.setattr(warming, "gettempdir", lambda: str(taken))
    monkeypatch.setattr(warming, "_compile", lambda: pytest.fail("compiled all the same"))
    assert warming.warm() is False


def test_commands_that_run_over_events_are_commands() -> None:
    """What is warmed for is spelt as the commands are."""
    assert set(COMMANDS) > OVER_EVENTS


def test_a_folder_that_somebody_else_laid_out_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everybody may write, a folder of the right name that is another's, or a link, gets no mark and no lock."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(warming, "_PACKAGE", tmp_path / "nowhere" / "to" / "write")
    (tmp_path / "nowhere").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(warming, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.setattr(warming, "_compile", lambda: None)
    named = tmp_path / "temporary" / f"cxminute-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir()
    named.symlink_to(tmp_path / "elsewhere")
    assert warming.warm() is False
    assert list((tmp_path / "elsewhere").iterdir()) == []
    named.unlink()
    assert warming.warm() is True
    assert warming.warm() is False
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    named.rename(named.with_name(f"cxminute-{other}"))
    assert warming._folder() is None  # noqa: SLF001 -- what is not kept there is compiled when it is used


def test_a_module_of_few_kernels_is_loaded_by_one_process_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compiled as it is loaded is loaded under the lock that all others wait for; without a folder, without."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(
        warming, "import_module", lambda name: held.append((name, (tmp_path / "cxminute.lock").exists()))
    )
    held: list[tuple[str, bool]] = []
    warming.load("a.module")
    monkeypatch.setattr(warming, "_folder", lambda: None)
    (tmp_path / "cxminute.lock").unlink()
    warming.load("a.module")
    assert held == [("a.module", True), ("a.module", False)]
