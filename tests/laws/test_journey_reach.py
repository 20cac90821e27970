"""The generated journeys and streams reach the rules: half of them soon, all of them in the soak."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings

from tests.laws.journey_reach import Untold
from tests.oracles.journey_misreadings import MISREADINGS
from tests.oracles.journey_walks import Meeting, meetings


def test_misreadings_of_rules_are_told_from_the_page() -> None:
    """Four hundred cases tell most ways to misread a rule from the page: a passage would be another."""
    untold = Untold()

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(meetings())
    def told(meeting: Meeting) -> None:
        untold.meet(meeting)

    told()
    assert len(untold.left) < len(MISREADINGS) / 2, sorted(misreading.__name__ for misreading in untold.left)
