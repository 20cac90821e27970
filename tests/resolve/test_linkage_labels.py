"""How right linkage is on records that people have labelled."""

from __future__ import annotations

import pytest

from benchmarks.linkage_labels import TUTORIALS, f1, fake_ours, fake_splink, fake_truth, febrl_ours


@pytest.mark.outside("shared")
def test_our_preset_is_as_right_as_splinks_tutorial() -> None:
    """On fake_1000, at odds of 16 to 1, F1 is no less than under the tutorial's settings at any of its thresholds."""
    truth = fake_truth()
    tutorial = fake_splink(TUTORIALS["tutorial, its looser blocks"])
    best = max(f1(tutorial, truth, weight) for weight in (-4.0, -2.0, 0.0, 2.0, 4.0))
    assert len(truth) == 2_031
    assert f1(fake_ours(), truth, 4.0) >= max(best, 0.86)


def test_febrl_is_linked() -> None:
    """On FEBRL 3, by the definition that lies beside the benchmark, F1 is 0.95 and more."""
    weighed, truth = febrl_ours()
    assert len(truth) == 6_538
    assert f1(weighed, truth, 4.0) >= 0.95
