"""Who comes: people return with a heavy tail, join all the time, and are strangers until they log in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cxminute.simulation.ground import BROWSERS, COUNTRIES, DEVICES, Chance, Floats, Ints, choose

KNOWN_BEFORE: Final = 8_000
"""People who had been there before the log begins, at scale 1."""
FRESH: Final = 0.35
"""Share of the visits that are somebody's first."""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who may return, in the order in which they joined.

    weight: running sum of how often each comes, before them (length n + 1)
    joined: how many had joined before each day
    """

    weight: Floats
    joined: Ints

    @property
    def count(self) -> int:
        """How many people there are in all."""
        return len(self.weight) - 1


def newcomers(chance: np.random.Generator, visits: Ints) -> Ints:
    """How many of each day's visits are somebody's first."""
    return chance.binomial(visits, FRESH)


def people_of(chance: np.random.Generator, fresh: Ints, scale: float) -> People:
    """The people who were known before, and the newcomers of each day."""
    before = max(int(KNOWN_BEFORE * scale), 50)
    joined = before + np.concatenate(([0], np.cumsum(fresh)))[:-1]
    # A Pareto with exponent 1.5 has no variance: the cap keeps one person from being a tenth of the shop.
    frequency = np.minimum(chance.pareto(1.5, before + int(fresh.sum())) + 0.2, 60.0)
    return People(np.concatenate(([0.0], np.cumsum(frequency))), joined)


def returning(chance: np.random.Generator, people: People, day: Ints) -> Ints:
    """For each visit on a day, somebody who had joined before it, the frequent ones more often."""
    reach = people.weight[people.joined[day]]
    return np.searchsorted(people.weight, chance.random(len(day)) * reach, side="right") - 1


def browser_of(chance: Chance, person: Ints) -> Ints:
    """A person's browser, for good."""
    return choose(chance.unit("browser", person), BROWSERS)


def device_of(chance: Chance, person: Ints) -> Ints:
    """A person's device, for good."""
    return choose(chance.unit("device", person), DEVICES)


def country_of(chance: Chance, person: Ints) -> Ints:
    """A person's country, for good."""
    return choose(chance.unit("country", person), COUNTRIES)
