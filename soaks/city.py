"""A simulated city: people with a known truth, and the things and habits that make two of them look like one.

Households share a tablet, and some a telephone or an address; couples swap devices; libraries have a kiosk; a call
centre types its own number in for want of the caller's; people have several addresses and change their number, clear
their cookies, mistype an address now and then, some into an address that is somebody else's; many buy as guests. A few
accounts were renamed. What the channels tell are links between identifiers; who is who is asked of the rules, with the
default kinds, and beside them of plain connected components.

Precision and recall are over pairs of identifiers that are one person's own; a tablet, a line at home or a kiosk is
nobody's own and in no pair. What can be reached: a precision of one cannot, since a browser that was borrowed before
its owner first gave a name on it, and an address that was mistyped into a stranger's who has no account, look exactly
like one's own. Recall misses the second addresses that only a browser or a telephone tells of: they may as well be
another's in the household, and the rules take them for that. Cookies of visits without any name are not in the city:
no rule over identifiers can tell whose they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcome import Outcome, show
from cxminute.resolve.kinds import KINDS
from cxminute.resolve.links import ALIAS, EVENT, IDENTIFY, Links, Nodes
from cxminute.resolve.stitch import People, stitch

ROUNDS: Final = 5
HOUSEHOLDS: Final = 40_000
PRECISION: Final = 0.99
RECALL: Final = 0.9
LARGEST: Final = 60
SHARED: Final = -1
"""Whose an identifier is that more than one person uses."""

_CODES: Final = {name: code for code, name in enumerate(KINDS)}
_DAY: Final = 86_400_000
_YEAR: Final = 365 * _DAY


@dataclass(slots=True)
class City:
    """Identifiers with the person who owns each (SHARED: several), and what channels tell of them."""

    owners: list[NDArray[np.int64]] = field(default_factory=list)
    kinds: list[NDArray[np.uint8]] = field(default_factory=list)
    told: list[Links] = field(default_factory=list)
    size: int = 0

    def make(self, kind: str, owners: NDArray[np.int64]) -> NDArray[np.int64]:
        """New identifiers of a kind, one for each owner; returns their numbers."""
        self.owners.append(owners)
        self.kinds.append(np.full(owners.size, _CODES[kind], np.uint8))
        self.size += owners.size
        return np.arange(self.size - owners.size, self.size)

    def tell(self, draw: np.random.Generator, left: NDArray[np.int64], right: NDArray[np.int64], how: int) -> None:
        """Events name both, at any time of the year; the earliest of a pair counts."""
        self.told.append(Links.of(left, right, how, draw.integers(0, _YEAR, left.size)))


@dataclass(frozen=True, slots=True)
class Judged:
    """How a partition agrees with the truth."""

    precision: float
    recall: float
    largest: int


def run(rounds: int, seed: int) -> Outcome:
    """Cities with seeds of their own; met when every one is told well enough."""
    worst = Judged(1.0, 1.0, 0)
    for number in range(rounds):
        draw = np.random.default_rng((seed, number))
        owners, links, nodes = city(draw, HOUSEHOLDS)
        people, plain = stitch(links, nodes, KINDS), components(links, len(nodes))
        ours, theirs = judged(people.persons, owners), judged(plain, owners)
        _print(number, owners, links, people, ours, theirs)
        worst = Judged(
            min(worst.precision, ours.precision), min(worst.recall, ours.recall), max(worst.largest, ours.largest)
        )
    return Outcome(
        worst.precision >= PRECISION and worst.recall >= RECALL and worst.largest <= LARGEST,
        f"precision {worst.precision:.4f}, recall {worst.recall:.4f}, largest person {worst.largest}",
        f"{PRECISION:g}, {RECALL:g}, {LARGEST}",
    )


def _print(
    number: int, owners: NDArray[np.int64], links: Links, people: People, ours: Judged, theirs: Judged
) -> None:  # fmt: skip
    many = np.unique(owners[owners >= 0]).size
    print(
        f"city {number + 1}: {many:,} people, {owners.size:,} identifiers, {len(links):,} links; "
        f"{people.nobody.size:,} are nobody's, {len(people.refused):,} links refused"
    )
    rows = [("with the rules", ours), ("connected components", theirs)]
    show(
        ("", "precision", "recall", "largest person"),
        [(name, f"{one.precision:.4f}", f"{one.recall:.4f}", f"{one.largest:,}") for name, one in rows],
    )


def judged(persons: NDArray[np.int64], owners: NDArray[np.int64]) -> Judged:
    """Pairs of identifiers that are together, and of those that should be; what nobody owns is no part of a pair."""
    own = owners >= 0
    person, owner = persons[own], owners[own]
    _, together = np.unique(person, return_counts=True)
    _, meant = np.unique(owner, return_counts=True)
    _, right = np.unique(np.stack((person, owner)), axis=1, return_counts=True)
    found, wanted, both = (int((counts * (counts - 1) // 2).sum()) for counts in (together, meant, right))
    _, sizes = np.unique(persons, return_counts=True)
    return Judged(both / max(1, found), both / max(1, wanted), int(sizes.max(initial=0)))


def components(links: Links, size: int) -> NDArray[np.int64]:
    """The same links without any rule."""
    nodes = Nodes(np.full(size, _CODES["device_id"], np.uint8), np.arange(size, dtype=np.uint64))
    bare = dict.fromkeys(KINDS, replace(KINDS["device_id"], most=0, shared=0))
    return stitch(links, nodes, bare).persons


def city(draw: np.random.Generator, households: int) -> tuple[NDArray[np.int64], Links, Nodes]:
    """The owner of each identifier, the links, and the identifiers."""
    made = City()
    home, account, user = _residents(made, draw, households)
    first, emails = _addresses(made, draw, user)
    _telephones(made, draw, user, home, emails, first)
    browsers = _browsers(made, draw, user, emails, account)
    _shared_things(made, draw, home, user, emails, browsers, account)
    _slips(made, draw, user, emails, account)
    owners = np.concatenate(made.owners)
    links = made.told[0]
    for more in made.told[1:]:
        links += more
    return owners, links, Nodes(np.concatenate(made.kinds), draw.permutation(owners.size).astype(np.uint64))


Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def _residents(made: City, draw: np.random.Generator, households: int) -> tuple[Numbers, Flags, Numbers]:
    """The household of each person, whether there is an account, and its user id (-1 without one)."""
    sizes = draw.choice(np.arange(1, 7), households, p=(0.34, 0.33, 0.13, 0.13, 0.05, 0.02))
    home = np.repeat(np.arange(households), sizes)
    account = draw.random(home.size) < 0.7
    user = np.full(home.size, -1)
    user[account] = made.make("user_id", np.flatnonzero(account))
    renamed = np.flatnonzero(account & (draw.random(home.size) < 0.01))
    former = made.make("user_id", renamed)
    made.tell(draw, former, user[renamed], ALIAS)
    return home, account, user


def _addresses(made: City, draw: np.random.Generator, user: Numbers) -> tuple[Numbers, list[Numbers]]:
    """E-mail addresses: one each, for some a second and a third; told by identify calls, and by orders as a guest."""
    everybody = np.arange(user.size)
    first = made.make("email", everybody)
    emails = [first]
    for share in (0.25, 0.05):
        some = np.flatnonzero(draw.random(user.size) < share)
        more = np.full(user.size, -1)
        more[some] = made.make("email", some)
        emails.append(more)
    for email in emails:
        both = np.flatnonzero((user >= 0) & (email >= 0))
        made.tell(draw, user[both], email[both], IDENTIFY)
    return first, emails


def _telephones(
    made: City, draw: np.random.Generator, user: Numbers, home: Numbers, emails: list[Numbers], first: Numbers
) -> None:
    """A mobile number for most, a new one for some; a line at home that two and more give; the call centre's own."""
    for share in (0.8, 0.15):
        some = np.flatnonzero(draw.random(user.size) < share)
        phone = made.make("phone", some)
        made.tell(draw, first[some], phone, EVENT)
        also = (emails[1][some] >= 0) & (draw.random(some.size) < 0.5)
        made.tell(draw, emails[1][some[also]], phone[also], EVENT)
        named = user[some] >= 0
        made.tell(draw, user[some][named], phone[named], IDENTIFY)
    lines = np.flatnonzero(draw.random(home.max() + 1) < 0.15)
    line = np.full(home.max() + 1, -1)
    line[lines] = made.make("phone", np.full(lines.size, SHARED))
    given = np.flatnonzero((line[home] >= 0) & (draw.random(home.size) < 0.5))
    made.tell(draw, first[given], line[home[given]], EVENT)
    centre = made.make("phone", np.full(1, SHARED))
    callers = np.flatnonzero(draw.random(user.size) < 0.05)
    made.tell(draw, first[callers], np.repeat(centre, callers.size), EVENT)
    second = emails[1]
    both = callers[second[callers] >= 0]
    made.tell(draw, second[both], np.repeat(centre, both.size), EVENT)


def _browsers(
    made: City, draw: np.random.Generator, user: Numbers, emails: list[Numbers], account: Flags
) -> tuple[Numbers, Numbers]:
    """Cookies of each, of several devices and cleared now and then; returns owner and number of each."""
    owner = np.repeat(np.arange(user.size), draw.choice([1, 2, 3, 5, 9], user.size, p=(0.3, 0.3, 0.2, 0.15, 0.05)))
    cookie = made.make("anonymous_id", owner)
    logged = account[owner] & (draw.random(owner.size) < 0.8)
    made.tell(draw, cookie[logged], user[owner[logged]], IDENTIFY)
    for email, share in zip(emails, (0.4, 0.3, 0.3), strict=True):
        ordered = (email[owner] >= 0) & (draw.random(owner.size) < share)
        ordered |= ~logged & (email is emails[0])
        made.tell(draw, cookie[ordered], email[owner[ordered]], EVENT)
    apps = np.flatnonzero(draw.random(user.size) < 0.3)
    device = made.make("device_id", apps)
    with_account = account[apps]
    made.tell(draw, device[with_account], user[apps[with_account]], EVENT)
    made.tell(draw, device[~with_account], emails[0][apps[~with_account]], EVENT)
    return owner, cookie


def _shared_things(
    made: City,
    draw: np.random.Generator,
    home: Numbers,
    user: Numbers,
    emails: list[Numbers],
    browsers: tuple[Numbers, Numbers],
    account: Flags,
) -> None:
    """Tablets of households, devices that couples swap, and a kiosk in each of ten libraries."""
    tablets = np.flatnonzero(draw.random(home.max() + 1) < 0.3)
    tablet = np.full(home.max() + 1, -1)
    tablet[tablets] = made.make("anonymous_id", np.full(tablets.size, SHARED))
    using = np.flatnonzero((tablet[home] >= 0) & (draw.random(home.size) < 0.7))
    _use(made, draw, tablet[home[using]], using, user, emails[0], account)
    family = np.flatnonzero(draw.random(home.max() + 1) < 0.05)
    box = np.full(home.max() + 1, -1)
    box[family] = made.make("email", np.full(family.size, SHARED))
    giving = np.flatnonzero((box[home] >= 0) & account & (draw.random(home.size) < 0.6))
    made.tell(draw, user[giving], box[home[giving]], IDENTIFY)
    owner, cookie = browsers
    swapped = np.flatnonzero(draw.random(owner.size) < 0.02)
    partner = owner[swapped] + np.where(np.roll(home, -1)[owner[swapped]] == home[owner[swapped]], 1, 0)
    other = partner != owner[swapped]
    _use(made, draw, cookie[swapped[other]], partner[other], user, emails[0], account)
    kiosks = made.make("anonymous_id", np.full(10, SHARED))
    readers = np.flatnonzero(draw.random(user.size) < 0.02)
    _use(made, draw, draw.choice(kiosks, readers.size), readers, user, emails[0], account)


def _use(
    made: City,
    draw: np.random.Generator,
    things: Numbers,
    people: Numbers,
    user: Numbers,
    first: Numbers,
    account: Flags,
) -> None:
    """Who uses a thing logs in on it, or orders by address."""
    named = account[people]
    made.tell(draw, things[named], user[people[named]], IDENTIFY)
    made.tell(draw, things[~named], first[people[~named]], EVENT)


def _slips(made: City, draw: np.random.Generator, user: Numbers, emails: list[Numbers], account: Flags) -> None:
    """Mistyped addresses: most are nobody's else, a few are a stranger's."""
    typing = np.flatnonzero(account & (draw.random(user.size) < 0.03))
    slip = made.make("email", typing)
    made.tell(draw, user[typing], slip, EVENT)
    strangers = np.flatnonzero(account & (draw.random(user.size) < 0.002))
    made.tell(draw, user[strangers], draw.choice(emails[0], strangers.size), EVENT)
