"""Journeys that wait for one another's endings: whether they can, told file by file."""

from __future__ import annotations

from collections.abc import Sequence

from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.nesting.waits import circle, circles, unseen, visible, waits_for
from cxminute.model.definitions import Document


def check_waiting(read: Sequence[tuple[Document, JourneyDefinition | None]]) -> None:
    """Notes endings that a journey's subjects never have, and every circle once: in the file that comes first by name.

    Journeys that nobody defines are not its affair.
    """
    known = {journey.name: journey for _, journey in read if journey is not None}
    files = {journey.name: doc for doc, journey in reversed(read) if journey is not None}
    waits = {name: waits_for(journey) for name, journey in known.items()}
    for name, children in waits.items():
        for child in children:
            if child in known and not visible(known[child], known[name]):
                files[name].note(unseen(known[child], known[name]), key="pattern")
    for way in circles(waits):
        files[way[0]].note(circle(way), key="pattern")
