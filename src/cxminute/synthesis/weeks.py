"""Daily tallies laid out as series by week and weekday, up to the week that is looked at and no further."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.times import monday_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COUNTED: Final = "volume"
"""The one measure that is a count; every other measure is a share, hits of n."""


class Key(NamedTuple):
    """What one series counts; `dimension` and `value` are empty for the whole."""

    about: str
    measure: str
    dimension: str
    value: str


@dataclass(frozen=True)
class Weeks:
    """Every series by week and weekday, Monday first.

    keys:    one per series, the wholes before the parts, each in order of its words
    mondays: of each week; the last is the week that is looked at, weeks not wholly inside the log are not here
    hits, n: (series, week, weekday)
    covered: which days of the last week the log covers: (weekday,)
    """

    keys: tuple[Key, ...]
    mondays: tuple[date, ...]
    hits: Floats
    n: Floats
    covered: Flags

    @property
    def whole(self) -> Flags:
        """Which series count the whole, and not a part of it."""
        return np.array([key.dimension == "" for key in self.keys], bool)

    @property
    def shares(self) -> Flags:
        """Which series are shares, and not counts."""
        return np.array([key.measure != COUNTED for key in self.keys], bool)

    def parts(self, whole: Key) -> dict[str, list[int]]:
        """For each dimension that splits a whole, the places of its parts."""
        found: dict[str, list[int]] = {}
        for place, key in enumerate(self.keys):
            if key.dimension and key[:2] == whole[:2]:
                found.setdefault(key.dimension, []).append(place)
        return found

    def sums(self, *, like_last: bool) -> tuple[Floats, Floats]:
        """Hits and n by week; `like_last` counts in every week only the weekdays that the last week covers."""
        days = self.covered if like_last else np.ones(7, bool)
        return self.hits[:, :, days].sum(axis=2), self.n[:, :, days].sum(axis=2)


def lay_out(tallies: pa.Table, *, week: str, first_day: date | None = None) -> Weeks | None:
    """The tallies of a week and of the whole weeks before it; what lies after the week is not seen.

    tallies:   model.tables.TALLY rows in any order; rows of one series and day add
    first_day: the first day that the log covers; without it the first day of any tally. A week that it cuts is left
               out: half a week, or promises made before the log began, would look like a change
    returns:   None where the week itself holds no day of the log
    """
    monday = monday_of(week)
    seen = tallies.filter(pc.less(tallies["day"], pa.scalar(monday + timedelta(days=7), pa.date32())))
    if seen.num_rows == 0:
        return None
    days = seen["day"].cast(pa.int32()).to_numpy()
    epoch = date(1970, 1, 1)
    opens = first_day or epoch + timedelta(days=int(days.min()))
    covered = np.arange(7) <= int(days.max()) - (monday - epoch).days
    if opens > monday or not covered.any():
        return None
    first = opens + timedelta(days=-opens.weekday() % 7)
    count = (monday - first).days // 7 + 1
    keys, series = _keys(seen)
    place = days - (first - epoch).days
    inside = place >= 0
    shape = (len(keys), count * 7)
    laid = []
    for column in ("hits", "n"):
        sums = np.zeros(shape)
        np.add.at(sums, (series[inside], place[inside]), seen[column].to_numpy()[inside])
        laid.append(sums.reshape(len(keys), count, 7))
    return Weeks(keys, tuple(first + timedelta(weeks=w) for w in range(count)), laid[0], laid[1], covered)


def _keys(tallies: pa.Table) -> tuple[tuple[Key, ...], NDArray[np.int64]]:
    """The distinct keys, wholes first, and for each row the place of its key."""
    words: list[list[str]] = []
    codes = []
    for column in Key._fields:
        coded = tallies[column].cast(pa.string()).combine_chunks().dictionary_encode()
        words.append(coded.dictionary.to_pylist())
        codes.append(coded.indices.to_numpy(zero_copy_only=False))
    found, inverse = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
    keys = [Key(*(words[column][code] for column, code in enumerate(row))) for row in found]
    order = sorted(range(len(keys)), key=lambda place: (keys[place].dimension != "", keys[place]))
    moved = np.empty(len(keys), np.int64)
    moved[order] = np.arange(len(keys))
    return tuple(keys[place] for place in order), moved[inverse.reshape(-1)]
