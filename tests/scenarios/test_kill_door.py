"""A door that is killed: the short form of `python -m soaks door`."""

from __future__ import annotations

import pytest

from soaks import door


def test_a_killed_door_loses_nothing_that_it_acknowledged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Server, worker and compaction killed (-9) under load: what was acknowledged is stored, and once."""
    monkeypatch.setattr(door, "SLOWEST", 15.0)  # beside other tests; the soak, which runs alone, allows 5
    outcome = door.run(rounds=4, seed=20261115)
    assert outcome.met, capsys.readouterr().out
