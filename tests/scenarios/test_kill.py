"""A collect that is killed: the short form of `python -m soaks kill-collect`."""

from __future__ import annotations

import pytest

from soaks import kill_collect


def test_a_killed_collect_run_again_ends_in_the_same_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed (-9) at random points and run again, the log is that of a collect that was never killed, to the byte."""
    monkeypatch.setattr(kill_collect, "ROWS", 9_000)
    outcome = kill_collect.run(rounds=4, seed=20150209)
    assert outcome.met, capsys.readouterr().out
