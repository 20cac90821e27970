"""Power that fails: the short form of `python -m soaks power`."""

from __future__ import annotations

import pytest

from soaks import power


@pytest.mark.outside("strace")
def test_what_was_acknowledged_survives_a_loss_of_power(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever of the unsynced reached the disk, torn or not: all that was acknowledged is there, and counts once."""
    outcome = power.run(rounds=24, seed=20261122, turns=8)
    assert outcome.met, capsys.readouterr().out
