"""How often the same was seen: once is a fluke, twice a pattern, three independent times a trend."""

from __future__ import annotations

from typing import Final

import numpy as np

from cxminute.synthesis.weeks import Flags, Floats

QUIET: Final = 2.0  # standard errors: within them a week is quiet
GRADES: Final = ("once", "pattern", "trend")


def episodes(news: Flags, distance: Floats, way: float) -> list[tuple[int, int]]:
    """The independent times at which one series was news in one way: first and last week of each.

    Weeks on end are one time. So are weeks with only such weeks between them as were not news but lay beyond two
    standard errors the same way: a figure that wavers about the bar has one origin. At least one quiet week lies
    between two times; a week in which nothing could be expected is no quiet week.

    news, distance: of one series, by week
    way:            1.0 for up, -1.0 for down
    """
    found: list[tuple[int, int]] = []
    quiet = True
    for week in np.arange(len(news)):
        same = distance[week] * way > 0
        if news[week] and same:
            found[len(found) :] = [(int(week), int(week))] if quiet else []
            found[-1] = (found[-1][0], int(week))
            quiet = False
        elif not np.isnan(distance[week]) and not (same and abs(distance[week]) > QUIET):
            quiet = True
    return found


def grade(times: int) -> str:
    """The word for a number of independent times: 'trend' is never said below three."""
    return GRADES[min(max(times, 1), len(GRADES)) - 1]
