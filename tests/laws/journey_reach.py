"""Whether generated cases reach every rule: what no case tells apart, no law checks."""

from __future__ import annotations

from tests.oracles.journey_misreadings import MISREADINGS
from tests.oracles.journey_walks import Meeting, seen
from tests.oracles.journeys_reference import Reference


class Untold:
    """The misreadings of a rule that no case has told from the page yet."""

    def __init__(self) -> None:
        self.left = set(MISREADINGS)

    def meet(self, meeting: Meeting) -> None:
        """Those under which a passage of this case would be another are told."""
        for walk in map(seen, meeting.subjects.values()):
            right = Reference(meeting.definition).passages_of(walk, meeting.closes_at)
            self.left -= {
                misreading
                for misreading in self.left
                if misreading(meeting.definition).passages_of(walk, meeting.closes_at) != right
            }
