"""Orders, tickets and parcels of people whose data may not be used: answers are those of a log without them."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxminute.app.analysis import view
from cxminute.app.cli import run
from cxminute.app.exporting import export
from cxminute.app.options import Reading
from cxminute.app.project import Project
from cxminute.app.rights import leaving_out
from cxminute.app.volumes import volumes
from cxminute.model.times import to_ms
from cxminute.store import things
from cxminute.store.consents import Consents, Saying
from cxminute.store.pieces import Piece
from cxminute.store.protocols import Streams
from cxminute.store.vault import APART
from tests.app.linked_site import collect, cxm, event, make_linked
from tests.store.thing_reads import noted_reads

SOLD = """name = "{name}"
format = "csv"
key = ["order"]
[identifiers]
user_id = "customer"
order_id = "order"
[properties]
total = {{ from = "total", type = "number" }}
due = {{ from = "due", type = "time" }}
carrier = "carrier"
rating = {{ from = "stars", type = "number" }}
[[events]]
name = "Order Completed"
at = "ordered"
[[events]]
name = "Order Cancelled"
at = "cancelled"
[[events]]
name = "Seller Reviewed"
at = "reviewed"
[[events]]
name = "Order Delivered"
at = "delivered"
[[events]]
name = "Message Received"
at = "wrote"
[contract]
origin = "{origin}"
purposes = [{purposes}]
"""
OTHER = """name = "{name}"
format = "csv"
key = ["{key}", "at"]
[identifiers]
{identifiers}
[[events]]
name = "{event}"
at = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation", "marketing"]
"""
SOURCES = {
    "site": SOLD.format(name="site", origin="first-party", purposes='"service-optimisation", "marketing"'),
    "fair": SOLD.format(name="fair", origin="marketplace-global", purposes='"service-optimisation"'),
    "depot": OTHER.format(
        name="depot", key="order", event="Order Delivered", identifiers='order_id = "order"\nparcel_id = "parcel"'
    ),
    "scans": OTHER.format(name="scans", key="parcel", event="Parcel Scanned", identifiers='parcel_id = "parcel"'),
    "desk": OTHER.format(
        name="desk",
        key="ticket",
        event="Ticket Opened",
        identifiers='ticket_id = "ticket"\norder_id = "order"\nuser_id = "customer"',
    ),
    "replies": OTHER.format(name="replies", key="ticket", event="Ticket Closed", identifiers='ticket_id = "ticket"'),
    "firms": OTHER.format(
        name="firms", key="order", event="Contract Renewed",
        identifiers='order_id = "order"\ngroup_id = "firm"\nuser_id = "customer"',
    ),
}  # fmt: skip
JOURNEYS = {
    "sent": 'per = "order_id"\npattern = \'"Order Completed" -> "Order Delivered" within 3 days\'\nwindow = "9 days"',
    "carried": 'per = "parcel_id"\npattern = \'"Parcel Scanned" -> "Order Delivered"\'\nwindow = "5 days"\n',
    "again": 'per = "person"\npattern = \'journey sent.completed -> "Order Completed"\'\nwindow = "40 days"\n',
    "bound": 'per = "account"\npattern = \'"Contract Renewed" -> "Contract Renewed"\'\nwindow = "30 days"\n',
    "bound-group": 'per = "group_id"\npattern = \'"Contract Renewed" -> "Contract Renewed"\'\nwindow = "30 days"\n',
}
PROMISES = {
    "delivery": 'per = "order_id"\nmade = \'"Order Completed"\'\ndue = "properties.due"\nkept = \'"Order Delivered"\'',
    "answer": 'per = "ticket_id"\nmade = \'"Ticket Opened"\'\ndue = "2 days after made"\nkept = \'"Ticket Closed"\'\n',
}
HEADS = {
    "site": "order,customer,ordered,due,total,carrier,cancelled,reviewed,stars,delivered,wrote",
    "fair": "order,customer,ordered,due,total,carrier,cancelled,reviewed,stars,delivered,wrote",
    "depot": "order,parcel,at",
    "scans": "parcel,at",
    "desk": "ticket,order,customer,at",
    "replies": "ticket,at",
    "firms": "order,firm,customer,at",
}
COMMANDS = (
    ("journeys",),
    ("promises", "--by", "source"),
    ("flows", "--per", "order_id"),
    ("flows", "--per", "ticket_id"),
    ("flows", "--per", "parcel_id"),
    ("flows", "--per", "account"),
    ("marketplaces",),
    ("events",),
)
PER = ("order_id", "ticket_id", "parcel_id", "person", "account", "group_id")
SOME = ("promises --by source", "flows --per parcel_id", "events")
FIRST = datetime(2026, 1, 1, 9, tzinfo=UTC)
GONE = ("c1", "c2")
"""Those who are left out."""
PEOPLE = tuple(f"c{n}" for n in range(8))
Rows = Mapping[str, Sequence[str]]


@dataclass
class Told:
    """Rows by source, each with whose it is: '' for nobody's."""

    rows: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {name: [] for name in SOURCES})

    def add(self, source: str, whose: str, *values: object) -> None:
        """A row; times as hours since the first day, '' for none."""
        said = [
            f"{FIRST + timedelta(hours=one):%Y-%m-%dT%H:%M}" if isinstance(one, int) else str(one) for one in values
        ]
        self.rows[source].append((whose, ",".join(said)))

    def without(self, gone: Callable[[str], bool]) -> dict[str, list[str]]:
        """The rows of all others."""
        return {source: [row for whose, row in rows if not gone(whose)] for source, rows in self.rows.items()}


def city(seed: int) -> Told:
    """Orders of eight people on a site and of eight on a marketplace; deliveries, parcels, tickets, firms' contracts.

    Depot, scans and replies name nobody; what they tell of a thing is whose the thing is. Of every kind there is some
    that is nobody's, and the first and the last event of the log are nobody's too.
    """
    chance, told = random.Random(seed), Told()  # noqa: S311 -- a small world, not a secret
    for n in range(90):
        whose, at = chance.choice(PEOPLE), chance.randrange(24, 60 * 24)
        reviewed, stars = (at + 90, float(chance.randrange(1, 6))) if chance.random() < 0.4 else ("", "")
        cancelled = at + 5 if chance.random() < 0.1 else ""
        sold = (f"o{n}", whose, at, at + 48, f"{n}.5", chance.choice(("gans", "zwaluw")), cancelled, reviewed, stars)
        delivered = at + chance.randrange(20, 100)
        if n % 3 == 0:  # on the marketplace, whose people and orders are nobody else's
            told.add("fair", whose, *sold, delivered, at + 30 if chance.random() < 0.3 else "")
            continue
        told.add("site", whose, *sold, "", "")
        if chance.random() < 0.8:
            told.add("scans", whose, f"p{n}", at + 10)
            told.add("depot", whose, f"o{n}", f"p{n}", delivered)
        if chance.random() < 0.5:
            named = chance.choice((whose, ""))
            told.add("desk", whose, f"t{n}", chance.choice((f"o{n}", "")) if named else f"o{n}", named, at + 30)
            told.add("replies", whose, f"t{n}", at + chance.randrange(31, 120))
        if chance.random() < 0.4:
            told.add("firms", whose, f"f{n}", chance.choice(("acme", "zest")), whose, at)
    for n, at in ((900, 0), (901, 70 * 24)):
        told.add("scans", "", f"p{n}", at)
        told.add("depot", "", f"o{n}", f"p{n}", at + 1)
        told.add("desk", "", f"t{n}", "", "", at + 2)
        told.add("firms", "", f"f{n}", "acme", "", at + 3)
    return told


def made(root: Path, rows: Rows, settings: str = "") -> Path:
    """A project of these rows."""
    for folder in ("sources", "journeys", "promises"):
        (root / folder).mkdir(parents=True)
    (root / "cxm.toml").write_text(f'name = "city"\ncurrency = "EUR"\n{settings}', "utf-8")
    for folder, texts in (("journeys", JOURNEYS), ("promises", PROMISES)):
        for name, text in texts.items():
            (root / folder / f"{name}.toml").write_text(f'name = "{name}"\n{text}', "utf-8")
    for name, text in SOURCES.items():
        (root / "sources" / f"{name}.toml").write_text(text, "utf-8")
    for name, lines in rows.items():
        (root / f"{name}.csv").write_text("\n".join([HEADS[name], *lines]) + "\n", "utf-8")
        assert run(["collect", str(root / f"{name}.csv"), "--source", name, "--project", str(root)]) == 0
    return root


def say(root: Path, said: str, *people: str, day: int = 30, purpose: str = "*") -> None:
    """What people say, so many days after the first: of the site, and those of the same names on the marketplace."""
    project = Project(root)
    at = to_ms(FIRST + timedelta(days=day))
    words = [word for one in people for word in (one, f"fair{APART}{one}")]
    numbers = [project.vault.number("user_id", word) for word in words]
    project.consents.say([Saying(n, purpose, said, "hand", at) for n in numbers if n is not None], known_at=at)
    project.close()


def answers(root: Path, capsys: pytest.CaptureFixture[str], *options: str, only: Sequence[str] = ()) -> dict[str, Any]:
    """What each command says, or only some of them."""
    found = {}
    for command in COMMANDS:
        if only and " ".join(command) not in only:
            continue
        capsys.readouterr()
        assert run([*command, *options, "--json", "--project", str(root)]) == 0
        found[" ".join(command)] = json.loads(capsys.readouterr().out)
    return found


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The commands that answer otherwise."""
    return [name for name in one if one[name] != other[name]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them; nobody has said anything."""
    return made(tmp_path_factory.mktemp("all") / "city", city(1).without(lambda _: False))


@pytest.fixture(scope="module")
def fewer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All but two people, and what is theirs."""
    return made(tmp_path_factory.mktemp("few") / "city", city(1).without(lambda whose: whose in GONE))


@pytest.fixture
def own(whole: Path, tmp_path: Path) -> Path:
    """The whole of it, a test's own."""
    return Path(shutil.copytree(whole, tmp_path / "city"))


def test_who_is_left_out_was_never_there(own: Path, fewer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who restricts the use of their data leaves every answer, with all that is theirs, as if it had never been there.

    Be it counted per person, order, ticket, parcel, account or event; once lifted, all is as it was before.
    """
    before, without = answers(own, capsys), answers(fewer, capsys)
    assert differing(before, without) == list(before), "they have something of every kind"
    say(own, "restricted", *GONE)
    assert differing(answers(own, capsys), without) == []
    say(own, "lifted", *GONE, day=40)
    assert differing(answers(own, capsys), before) == []


def test_the_past_is_as_it_was(own: Path, fewer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of a moment before the restriction they are counted, as of one after it they are not."""
    then, after = ("--as-of", "2026-01-29T12:00"), ("--as-of", "2026-02-02T12:00")
    before = answers(own, capsys, *then, only=SOME)
    say(own, "restricted", *GONE)  # on the 31st
    assert differing(answers(own, capsys, *then, only=SOME), before) == []
    assert differing(*(answers(root, capsys, *after, only=SOME) for root in (own, fewer))) == []


def test_where_nobody_is_left_out_no_segment_is_read_for_it(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever people say that leaves them in, no segment is looked through; for those whom it leaves out, once."""
    read = noted_reads(monkeypatch)
    before = answers(own, capsys, only=SOME)
    with monkeypatch.context() as never:
        never.setattr(leaving_out, "Things", None)
        say(own, "objected", *GONE, purpose="marketing")
        assert differing(answers(own, capsys, only=SOME), before) == []
    assert not read
    say(own, "restricted", *GONE)
    first = answers(own, capsys, only=SOME)
    assert len(read) == len(set(read)) > 0
    read.clear()
    assert differing(answers(own, capsys, only=SOME), first) == []
    assert not read


def test_what_needs_a_yes_counts_the_things_of_those_who_said_it(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a purpose that rests on consent, orders count of those who said yes, and of nobody."""
    say(own, "granted", "c0", "c3", purpose="marketing")
    some = made(tmp_path / "some", city(1).without(lambda whose: whose not in ("c0", "c3", "")))
    say(some, "granted", "c0", "c3", purpose="marketing")
    found = [answers(root, capsys, "--purpose", "marketing", only=SOME) for root in (own, some)]
    assert differing(*found) == []
    assert found[0]["promises --by source"]["promises"][0]["made"] > 0


def test_a_thing_of_several_goes_and_the_others_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An order that somebody under restriction has a part in is left out; what others did about it is still theirs.

    An account stays, without the events of the one; so does a cart that holds orders of several.
    """
    told = Told()
    told.add("site", "", "o1", "ada", 1, 49, "1", "gans", "", "", "", "", "")
    told.add("site", "", "o2", "bob", 2, 50, "1", "gans", "", "", "", "", "")
    told.add("desk", "", "t1", "o1", "bob", 20 * 24)  # bob asks about ada's order
    told.add("depot", "", "o1", "cart", 10)
    told.add("depot", "", "o2", "cart", 20)  # one cart, with the orders of both
    for day, who in enumerate(("ada", "bob", "", "bob", "ada")):
        told.add("firms", "", f"f{day}", "acme", who, 30 + 24 * day)
    root = made(tmp_path / "shop", told.without(lambda _: False))
    assert counted(root) == {"order_id": 7, "ticket_id": 1, "parcel_id": 1, "person": 2, "account": 1, "group_id": 1}
    assert passages(root, "bound") == passages(root, "bound-group") == 2
    say(root, "restricted", "bob", day=10)
    assert counted(root, to_ms(FIRST + timedelta(days=15)))["order_id"] == 4  # ada's order was hers alone then
    assert run(["person", "o2", "--kind", "order_id", "--project", str(root)]) == 1
    assert "may not be used for 'service-optimisation'" in capsys.readouterr().err
    assert run(["person", "acme", "--kind", "group_id", "--json", "--project", str(root)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["count"], shown["identifiers"]["user_id"]) == (3, ["ada"])
    assert counted(root) == {"order_id": 3, "ticket_id": 0, "parcel_id": 1, "person": 1, "account": 1, "group_id": 1}
    assert passages(root, "bound") == passages(root, "bound-group") == 1  # ada's, nobody's and ada's again
    assert named(root) == {"Order Completed": 1, "Order Delivered": 1, "Contract Renewed": 3}


def test_things_follow_who_is_recognised(tmp_path: Path) -> None:
    """Who restricts the use under one identifier is left out with the orders of all that turn out to be theirs."""
    site = make_linked(tmp_path / "site")
    collect(
        site,
        [
            event(1, 1, "Order Completed", anonymousId="cookie"),
            event(2, 2, "Order Completed", userId="bob"),
            event(3, 3, "Order Completed", userId="ada"),
        ],
    )
    say(site.root, "restricted", "ada", day=1)
    assert orders(site) == ["o1", "o2"]
    collect(site, [event(4, 4, "Product Viewed", userId="ada", anonymousId="cookie")])
    assert orders(site) == ["o2"]
    assert (site.folder / "identity" / "things").is_dir()
    cxm(site, "forget", "ada")
    assert not (site.folder / "identity" / "things").exists()
    assert orders(site) == ["o2"]
    site.close()


@pytest.mark.parametrize("form", ["city.xes", "city.json"])
def test_what_is_theirs_does_not_leave(own: Path, tmp_path: Path, form: str) -> None:
    """A process log names no order, parcel or ticket of theirs, and every one of the others."""
    say(own, "restricted", *GONE)
    file = tmp_path / form
    export(view(Reading(project=own)), file, "order_id" if form.endswith("xes") else None)
    said = set(re.findall(r"\bo\d+\b", file.read_text("utf-8")))
    project = Project(own)
    out = leaving_out.left_out_as_known(project, "service-optimisation").things("order_id")
    assert out is not None
    gone = set(project.vault.names("order_id", np.flatnonzero(out.persons < 0).tolist()))
    project.close()
    mine = {
        row.split(",")[0] for name in ("site", "depot", "desk") for whose, row in city(1).rows[name] if whose in GONE
    }
    orders_of_mine = {one for one in mine if one.startswith("o")}
    assert orders_of_mine <= gone
    assert not said & orders_of_mine
    assert len(said) > 30


def test_what_a_cluster_reads_is_left_out_too(own: Path) -> None:
    """Whoever reads the log without an index has the same streams of people, things and accounts."""
    say(own, "restricted", *GONE)
    local = streams(own)
    with (own / "cxm.toml").open("a", encoding="utf-8") as file:
        file.write('[engine]\nname = "spark"\nmaster = "spark://nowhere:7077"\n')
    assert streams(own) == local
    assert all(local.values())


def test_what_is_left_out_is_worked_out_once_and_never_stale(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open project reads what people said, and whose things are, once; and what changes is seen at once.

    Be it said, taken back with its collect, or that more is collected, or that another is the customer.
    """
    read: list[str] = []
    for kind, name in ((Consents, "facts"), (things.Things, "__init__")):
        monkeypatch.setattr(kind, name, noting(getattr(kind, name), read))
    project = Project(own)

    def orders_now() -> int:
        return len(streams_of(project, ["order_id", "parcel_id"])["order_id"])

    every = orders_now()
    assert not read
    say(own, "restricted", "c1")
    one = orders_now()
    assert (one < every, sorted(read)) == (True, ["__init__", "facts"])
    assert (orders_now(), len(read)) == (one, 2)
    say(own, "restricted", "c2")
    assert orders_now() < one
    say(own, "lifted", *GONE, day=40)
    assert orders_now() == every
    say(own, "restricted", "c1", day=41)
    assert orders_now() == one
    more = [("site", "x1,c1,2026-01-09T09:00,,1,gans,,,,,"), ("site", "x0,c0,2026-01-09T09:00,,1,gans,,,,,")]
    (own / "more.csv").write_text("\n".join([HEADS["site"], *(row for _, row in more)]) + "\n", "utf-8")
    assert run(["collect", str(own / "more.csv"), "--source", "site", "--project", str(own)]) == 0
    assert orders_now() == one + 1
    pair = [project.vault.number("user_id", word) for word in ("c0", "c1")]
    project.bonds.say([(pair[0] or 0, pair[1] or 0)], "linked", how="hand", why="one", known_at=to_ms(FIRST))
    assert orders_now() < one
    project.close()


def test_events_are_counted_of_the_log_that_was_asked(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes into the log while events are counted is in no count, least of all what is left out."""
    say(own, "restricted", *GONE)
    before = named(own)
    original = leaving_out.LeftOut.without
    rows = "\n".join(f"x{n},acme,c1,2026-02-01T0{n}:00" for n in range(9))
    (own / "more.csv").write_text(f"{HEADS['firms']}\n{rows}\n", "utf-8")

    def meanwhile(out: leaving_out.LeftOut, pieces: Sequence[Piece], per: str = "") -> list[Piece]:
        found = original(out, pieces, per)
        assert run(["collect", str(own / "more.csv"), "--source", "firms", "--project", str(own)]) == 0
        return found

    with monkeypatch.context() as then:
        then.setattr(leaving_out.LeftOut, "without", meanwhile)
        assert named(own) == before
    assert named(own) == before  # theirs are left out


def test_of_one_thing_only_its_segments_are_looked_through(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one thing is shown, segments that cannot hold it are not read for what is left out of them."""
    say(own, "restricted", *GONE)
    read: list[str] = []
    original = things.Things.rows

    def noted(found: things.Things, piece: Piece, per: str = "") -> Any:
        read.append(piece.source)
        return original(found, piece, per)

    monkeypatch.setattr(things.Things, "rows", noted)
    assert run(["person", "acme", "--kind", "group_id", "--project", str(own)]) == 0
    assert read == ["firms"]


# -- what is asked -----------------------------------------------------------------------------------------------------


def streams(
    root: Path, kinds: Sequence[str] = PER, as_of: int | None = None
) -> dict[str, dict[int, list[tuple[int, int]]]]:
    """By kind, the subjects that have events: when these happened, and their codes."""
    project = Project(root)
    found = streams_of(project, kinds, as_of)
    project.close()
    return found


def streams_of(
    project: Project, kinds: Sequence[str], as_of: int | None = None
) -> dict[str, dict[int, list[tuple[int, int]]]]:
    """The same of an open project."""
    found = {}
    for per in kinds:
        subjects = project.subjects(per, project.permit(), known_at=as_of, closes_at=as_of)
        found[per] = dict(stream for bucket in subjects.buckets() for stream in told_in(subjects.read(bucket)))
    return found


def noting(called: Callable[..., Any], read: list[str]) -> Callable[..., Any]:
    """The same, with its name noted at each call."""

    def noted(*values: Any, **named_values: Any) -> Any:
        read.append(called.__name__)
        return called(*values, **named_values)

    return noted


def told_in(bucket: Streams) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Each subject of a bucket that has events, with them."""
    events = list(zip(bucket.times.tolist(), bucket.codes.tolist(), strict=True))
    for subject, (start, stop) in zip(bucket.subjects.tolist(), pairwise(bucket.offsets.tolist()), strict=True):
        if stop > start:
            yield subject, events[start:stop]


def counted(root: Path, as_of: int | None = None) -> dict[str, int]:
    """How many subjects of each kind have events."""
    return {per: len(found) for per, found in streams(root, as_of=as_of).items()}


def passages(root: Path, journey: str) -> int:
    """How many passages a journey has that completed."""
    seen = view(Reading(project=root))
    found: list[str] = seen.passages(seen.project.journey(journey))[1]["ending"].to_pylist()
    seen.project.close()
    return found.count("completed")


def named(root: Path) -> dict[str, int]:
    """How many events of each name are told."""
    seen = view(Reading(project=root))
    found, _ = volumes(seen)
    seen.project.close()
    return {str(row["name"]): int(row["events"]) for row in found}


def orders(site: Project) -> list[str]:
    """The orders that an analysis counts."""
    return sorted(site.vault.names("order_id", list(streams(site.root, ["order_id"])["order_id"])))
