"""Who is who in a project: from events as they come to people, whatever the order, and back again."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cxminute.app.cli import run
from cxminute.app.collecting import undo
from cxminute.app.door.draining import Drain
from cxminute.app.people.identity import Identity, Recognising, identity, supposed
from cxminute.app.project import Project
from cxminute.model.errors import BrokenStore
from cxminute.model.times import HOUR
from cxminute.store.bonds import Said
from cxminute.store.merges import Merges
from tests.app.small_site import NOON, call, item, make_site

Names = frozenset[str]
PLAIN: dict[str, Any] = {"properties": {"colour": "red"}}


def site(root: Path, *sources: str, settings: str = "") -> Project:
    """A project with sources of the door."""
    project = make_site(root / "site", *sources)
    (project.root / "cxm.toml").write_text(f'name = "site"\n{settings}', "utf-8")
    return Project(project.root)


def brought(project: Project, *items: dict[str, Any], source: str = "site", at: int = NOON) -> None:
    """These events through the door and into the log."""
    project.inbox.put([call(items, source=source, at=at)])
    Drain(project).once(at)


def people(project: Project, found: Identity | None = None) -> set[Names]:
    """Who is who, by what identifiers say: '@email e@x', 'user_id ada'."""
    found = found or identity(project)
    table = project.vault.people()
    persons: dict[int, set[str]] = {}
    for number, kind in zip(table["number"].to_pylist(), table["kind"].to_pylist(), strict=True):
        [said] = project.vault.names(kind, [number])
        persons.setdefault(found.person(number), set()).add(f"{kind} {said}")
    return {frozenset(names) for names in persons.values()}


def visit(number: int, cookie: str, **facts: Any) -> dict[str, Any]:
    """An anonymous event."""
    return item(number, userId=None, anonymousId=cookie, **{**PLAIN, **facts})


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A site that was told of values that link in every way in which events carry them."""
    project = site(tmp_path_factory.mktemp("linking"))
    context = {"device": {"id": "d-77"}, "traits": {"phone": "+49 (0)30 123-4567"}}
    brought(
        project,
        visit(1, "c1", properties={"email": " Ada@Example.COM "}),
        visit(2, "c2", type="identify", traits={"email": "ada@example.com"}, context=context),
        visit(3, "c3", properties={"email": "test@test.com"}),
        visit(4, "c4", properties={"email": "nobody-writes-so"}),
        visit(5, "c5", type="group", groupId="acme", traits={"email": "ada@example.com"}),
        item(6, type="alias", userId="bob", previousId="c6", anonymousId=None, properties=None),
    )
    return project


def test_values_that_link_are_compared_in_one_form(shop: Project) -> None:
    """An address in any case, in properties or traits, makes one person of two visitors; so does a device."""
    assert {"anonymous_id c1", "anonymous_id c2", "@email ada@example.com", "@device_id d-77"} < next(
        names for names in people(shop) if "anonymous_id c1" in names
    )


def test_what_is_nobodys_or_of_a_group_links_nobody(shop: Project) -> None:
    """A placeholder, text that is no address, and the address of a group are not those of whoever sent the event."""
    for cookie in ("c3", "c4", "c5"):
        assert frozenset({f"anonymous_id {cookie}"}) in people(shop)


def test_a_former_name_may_be_a_users_or_a_visitors(shop: Project) -> None:
    """An alias call does not say which: both are told, so that it does not matter which of them ever comes."""
    assert frozenset({"user_id bob", "user_id c6", "anonymous_id c6"}) in people(shop)


def test_nothing_personal_lies_in_log_or_identity(shop: Project) -> None:
    """The log and what is derived of it hold numbers: no address, number or cookie in any byte."""
    folders = [shop.folder / "log", shop.folder / "identity"]
    held = b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
    assert len(held) > 5_000
    for said in (b"ada@", b"example.com", b"d-77", b"1234567", b'c1"', b"bob"):
        assert said not in held


def test_the_order_of_arrival_never_changes_who_is_who(tmp_path: Path) -> None:
    """The same events, shuffled and cut otherwise, looked at in between or not, give the same people."""
    chance = random.Random(7)  # noqa: S311 -- made-up events
    items = [
        item(
            number,
            userId=chance.choice([None, None, "u1", "u2", "u3"]),
            anonymousId=f"c{chance.randrange(6)}",
            properties=chance.choice([None, {"email": f"e{chance.randrange(3)}@example.com"}]),
            **chance.choice([{}, {}, {"type": "identify"}]),
        )
        for number in range(24)
    ]
    items.append(item(90, type="alias", userId="u3", previousId="c5", anonymousId=None))
    settings = "[identity.email]\nmost = 1\nshared = 2\n"
    project = site(tmp_path / "0", settings=settings)
    brought(project, *items)
    first, key = people(project), project.secret
    assert len(first) > 2
    for turn in (1, 2):
        chance.shuffle(items)
        project = site(tmp_path / str(turn), settings=settings)
        (project.folder / "keys").mkdir(parents=True)
        (project.folder / "keys" / "digest.key").write_bytes(key)  # what ties are settled by
        keeping = Recognising(project, remembers=True)
        for start in range(0, len(items), 9):
            brought(project, *items[start : start + 9])
            keeping.now()
        assert people(project) == first
        assert people(project, supposed(project, ())) == first  # from cold


def test_a_source_that_may_not_be_linked_has_people_of_its_own(tmp_path: Path) -> None:
    """No user id, address or alias of it is anybody's elsewhere; nor is a relay address of a marketplace."""
    make_site(tmp_path / "site", "site", "market", "mail")
    market = tmp_path / "site" / "sources" / "market.toml"
    market.write_text(market.read_text("utf-8") + "link = false\n", "utf-8")
    project = Project(tmp_path / "site")
    relay = {"email": "x1@members.ebay.com"}
    for source in ("site", "market"):
        brought(project, item(1, userId="ada", anonymousId="c1", properties={"email": "a@example.com"}), source=source)
        brought(project, item(2, type="alias", userId="ada", previousId="old"), source=source)
    for source in ("site", "mail"):
        brought(project, visit(3, f"{source}-visitor", properties=relay), source=source)
    own = next(names for names in people(project) if "user_id ada" in names)
    assert {"@email a@example.com", "anonymous_id old", "anonymous_id c1"} < own
    assert not any("market" in name for name in own)
    relayed = [names for names in people(project) if any("members.ebay.com" in name for name in names)]
    assert sorted(map(len, relayed)) == [2, 2]


def test_an_identifier_cannot_claim_to_be_of_such_a_source(tmp_path: Path) -> None:
    """Whoever writes a source and the separator before an id is nobody of that source: such ids are set apart."""
    make_site(tmp_path / "site", "site", "market")
    market = tmp_path / "site" / "sources" / "market.toml"
    market.write_text(market.read_text("utf-8") + "link = false\n", "utf-8")
    project = Project(tmp_path / "site")
    brought(project, item(1, userId="ada", properties={"order_id": "o1"}), source="market")
    of_market, order = "market\x1fada", "market\x1fo1"
    brought(
        project,
        item(2, userId=of_market, **PLAIN),
        item(3, userId="bob", properties={"order_id": order}),
        item(4, userId="bob", properties={"email": "market\x1fada@example.com"}),
        item(5, type="alias", userId="bob", previousId=of_market, **PLAIN),
    )
    assert people(project) == {frozenset({"user_id market\x1fada"}), frozenset({"user_id bob"})}
    assert project.log.rejects()["reason"].to_pylist() == ["bad_id", "bad_id"]


def test_what_was_known_at_a_moment_can_be_asked_again(tmp_path: Path) -> None:
    """As of T only links of events that had happened hold, and what people had said; nothing later changes it."""
    project = site(tmp_path)
    brought(project, visit(1, "c1"), visit(2, "c2"), item(3, userId="ada", anonymousId="c1", **PLAIN))
    brought(project, item(8, userId="ada", anonymousId="c2", **PLAIN))
    before, between = NOON - 30 * 24 * HOUR, _moment(project, "2026-02-06T00:00")
    assert {len(names) for names in people(project, identity(project, before))} == {1}
    assert frozenset({"user_id ada", "anonymous_id c1"}) in people(project, identity(project, between))
    now = identity(project)
    assert frozenset({"user_id ada", "anonymous_id c1", "anonymous_id c2"}) in people(project, now)
    assert identity(project, NOON * 2).version == now.version
    bonds = project.bonds
    visitors = [project.vault.number("anonymous_id", name) or 0 for name in ("c1", "c2")]
    bonds.say([(visitors[0], visitors[1])], "apart", how="hand", why="two", known_at=NOON * 2)
    assert people(project, identity(project, NOON * 2 - 1)) == people(project, now)
    assert len(people(project)) == 2


def _moment(project: Project, text: str) -> int:
    from cxminute.model.times import instant  # noqa: PLC0415 -- for this alone

    return instant(text, project.settings.zone)


def test_taking_a_collect_back_parts_whom_it_had_joined(tmp_path: Path) -> None:
    """Who is who follows the log: what was undone links nobody, and both merge and unmerge are on record."""
    project = site(tmp_path)
    brought(project, visit(1, "c1"), item(2, userId="ada", anonymousId=None, **PLAIN))
    apart = people(project)
    brought(project, item(3, userId="ada", anonymousId="c1", **PLAIN), at=NOON + 24 * HOUR)
    assert people(project) == {frozenset({"user_id ada", "anonymous_id c1"})}
    [merge] = Merges(project.log.state).all()
    assert (merge.kind, merge.person, merge.other, merge.a, merge.b, merge.how, merge.source) == (
        "merge", 0, 1, 0, 1, "event", "site"
    )  # fmt: skip
    undo(project, project.log.collects()[-1].id)
    assert people(project) == apart
    assert [(one.kind, one.person, one.other) for one in Merges(project.log.state).all()] == [
        ("merge", 0, 1), ("unmerge", 0, 1)
    ]  # fmt: skip


def test_a_kill_between_map_and_record_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge is written down once: neither lost nor told twice, wherever its writer is stopped."""
    project = site(tmp_path)
    brought(project, visit(1, "c1"), item(2, userId="ada", anonymousId=None, **PLAIN))
    identity(project)
    brought(project, item(3, userId="ada", anonymousId="c1", **PLAIN))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cxminute.app.people.identity.changes_of", killed)
        with pytest.raises(KeyboardInterrupt):
            identity(project)
    with monkeypatch.context() as patch:
        patch.setattr("cxminute.app.people.identity.note", killed)
        with pytest.raises(KeyboardInterrupt):
            identity(project)
    identity(project)
    assert [(one.kind, one.person, one.other) for one in Merges(project.log.state).all()] == [("merge", 0, 1)]


def test_what_is_taken_back_by_hand_is_as_if_never_said(tmp_path: Path) -> None:
    """Linked and taken back, or kept apart and taken back: the same people, and every step is on record."""
    project = site(tmp_path)
    brought(project, visit(1, "c1"), visit(2, "c2"), item(3, userId="ada", anonymousId="c1", **PLAIN))
    before = people(project)
    bonds = project.bonds
    visitors = [project.vault.number("anonymous_id", name) or 0 for name in ("c1", "c2")]
    a, b = sorted(visitors)
    for turn, said in enumerate(("linked", "nothing", "apart", "nothing")):
        bonds.say([(a, b)], said, how="hand", why="seen", known_at=NOON + turn)
        if said == "linked":
            assert supposed(project, ()).people() is not None
            assert people(project, supposed(project, ())) == before
            assert len(people(project)) == len(before) - 1
            continue
        identity(project)
    assert people(project) == before
    assert [(one.kind, one.how) for one in Merges(project.log.state).all()] == [("merge", "hand"), ("unmerge", "hand")]
    assert {(one.a, one.b) for one in Merges(project.log.state).all()} == {(a, b)}
    assert [one.at for one in Merges(project.log.state).all()] == [NOON, NOON + 1]
    assert people(project, supposed(project, [Said(a, b, "linked", "hand", "seen", NOON)])) != before


def test_a_source_that_is_closed_later_silences_nobody_else(tmp_path: Path) -> None:
    """Two sources tell of one link; where the first may link no more, the other's word still stands."""
    project = site(tmp_path, "site", "market")
    for source in ("site", "market"):
        brought(project, item(1, userId="ada", anonymousId="c9", **PLAIN), source=source)
        assert len(people(project)) == 1
    contract = project.root / "sources" / "site.toml"
    contract.write_text(contract.read_text("utf-8") + "link = false\n", "utf-8")
    project = Project(project.root)
    assert len(people(project)) == 1
    shutil.rmtree(project.folder / "identity")
    assert len(people(project)) == 1


def test_the_past_can_be_asked_of_a_map_made_anew(tmp_path: Path) -> None:
    """What was said before it was taken back is known again, though nobody is linked now and all is made anew."""
    project = site(tmp_path)
    brought(project, *(visit(number, f"c{number}") for number in range(3)))
    bonds = project.bonds
    for turn, said in enumerate(("linked", "nothing")):
        bonds.say([(0, 2)], said, how="hand", why="seen", known_at=NOON + turn * HOUR)
        identity(project)
    shutil.rmtree(project.folder / "identity")
    assert identity(project).persons.tolist() == []
    assert identity(project, NOON + 1).persons.tolist() == [0, 1, 0]


def test_a_map_is_whole_though_another_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds a map, or is just opening it, is not disturbed by whoever makes the next one."""
    from cxminute.store import identity as store  # noqa: PLC0415 -- one of its names is replaced

    project = site(tmp_path)
    brought(project, visit(1, "c1"), item(2, userId="ada", anonymousId="c1", **PLAIN))
    held = Recognising(project).now()
    brought(project, item(3, userId="ada", anonymousId="c2", **PLAIN))
    really = store.Kept.open

    def overtaken(kept: store.Kept) -> store.Kept:
        monkeypatch.setattr(store.Kept, "open", really)
        Recognising(project).now()
        return really(kept)

    monkeypatch.setattr(store.Kept, "open", overtaken)
    found = store.open_kept(project.folder / "identity")
    assert found is not None
    assert (held.map.persons.tolist(), found.map.persons.tolist()) == ([0, 0], [0, 0, 0])
    assert (len(held.evidence), len(found.evidence), held.numbered.column.size) == (1, 2, 2)
    (project.folder / "identity" / found.facts.people / "persons.arrow").unlink()
    with pytest.raises(BrokenStore, match="Delete the folder 'identity'"):
        identity(project)


def test_what_is_numbered_on_its_way_in_was_nobody_before(tmp_path: Path) -> None:
    """Identifiers of a collect under way are no people yet: that one event brings two of them in is no merge."""
    project = site(tmp_path)
    brought(project, visit(1, "c1"), item(2, userId="ada", anonymousId="c1", **PLAIN))
    identity(project)
    project.vault.intern("user_id", pa.chunked_array([["eve"]]))
    project.vault.intern("anonymous_id", pa.chunked_array([["c5"]]))
    brought(project, item(3, userId="ada", anonymousId="c1", type="identify", **PLAIN))
    identity(project)
    brought(project, item(4, userId="eve", anonymousId="c5", **PLAIN))
    assert frozenset({"user_id eve", "anonymous_id c5"}) in people(project)
    assert Merges(project.log.state).all() == []


def test_every_merge_is_on_record_however_often_it_comes_and_goes(tmp_path: Path) -> None:
    """Two who were merged, parted as part of a third, and are merged again: each step is written down."""
    project = site(tmp_path)
    brought(project, *(visit(number, f"c{number}") for number in range(3)))
    identity(project)
    bonds, noticed = project.bonds, []
    steps = [(1, 2, "linked"), (0, 1, "linked"), (1, 2, "nothing"), (0, 1, "nothing"), (1, 2, "linked")]
    for turn, (a, b, said) in enumerate(steps):
        bonds.say([(a, b)], said, how="hand", why="seen", known_at=NOON + turn)
        identity(project)
        noticed.append([(one.kind, one.person, one.other) for one in Merges(project.log.state).all()])
    assert noticed[-1][len(noticed[-2]) :] == [("merge", 1, 2)]


def test_who_is_forgotten_is_in_no_record_of_merges(tmp_path: Path) -> None:
    """To forget the identifier that gave a person its number leaves no word of it, nor does a look half way."""
    project = site(tmp_path)
    brought(project, item(1, userId="ada", anonymousId=None, **PLAIN))
    for number, cookie in enumerate(("c1", "c2")):
        brought(project, visit(10 + number, cookie), item(20 + number, userId="ada", anonymousId=cookie, **PLAIN))
        identity(project)
    assert run(["forget", "ada", "--only-this-identifier", "--project", str(project.root)]) == 0
    project = Project(project.root)
    identity(project)
    assert [one for one in Merges(project.log.state).all() if 0 in (one.person, one.other, one.a, one.b)] == []


def test_a_worker_goes_on_from_what_it_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that looks in between costs the worker nothing, and a link that is told again makes no new map."""
    from cxminute.resolve.growing import Growing  # noqa: PLC0415 -- its making is counted

    project = site(tmp_path)
    brought(project, *(item(n, userId=f"u{n}", anonymousId=f"c{n}", **PLAIN) for n in range(5)))
    keeping, really = Recognising(project, remembers=True), Growing.__init__
    made: list[Growing] = []

    def counted(growing: Growing, *some: Any) -> None:
        made.append(growing)
        really(growing, *some)

    monkeypatch.setattr(Growing, "__init__", counted)
    first = keeping.now()
    for turn in range(1, 3):
        brought(project, item(30 + turn, userId="u1", anonymousId=f"d{turn}", **PLAIN))
        identity(project)  # as a command does
        brought(project, item(50 + turn, userId="u2", anonymousId=f"d{turn + 10}", **PLAIN))
        assert keeping.now().map.persons.tolist() == supposed(project, ()).persons.tolist()
    assert len(made) == 1
    version = keeping.now().facts.number
    assert version == first.facts.number + 4
    brought(project, item(70, userId="u1", anonymousId="c1", **PLAIN))
    assert (keeping.now().facts.number, len(made)) == (version, 1)
    brought(project, item(71, userId="u1", anonymousId="c2", **PLAIN))
    assert keeping.now().map.persons.tolist() == supposed(project, ()).persons.tolist()
    assert len(made) == 1


def test_merging_small_segments_reads_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compaction replaces segments; the links are the same, and the map is not made anew."""
    from cxminute.store.compaction import compact  # noqa: PLC0415 -- for this alone
    from cxminute.store.log import collecting  # noqa: PLC0415 -- likewise

    project = site(tmp_path)
    for number in range(20):
        brought(project, item(number, anonymousId=f"c{number}", **PLAIN))
    version, told = identity(project).version, people(project)
    with collecting(project.folder):
        assert compact(project.log, NOON + 48 * HOUR) > 0
    read: list[int] = []
    monkeypatch.setattr("cxminute.app.people.identity.read_evidence", _counting(read))
    found = identity(project)
    assert people(project, found) == told
    assert found.version <= version + 1
    assert sum(read) < 20


def _counting(read: list[int]) -> Any:
    from cxminute.store.identity import read_evidence  # noqa: PLC0415 -- before it is replaced

    def counted(folder: Path, pieces: Any, **more: Any) -> Any:
        read.append(len(pieces))
        return read_evidence(folder, pieces, **more)

    return counted


def test_people_are_counted_with_what_links_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cxm people` says how many there are, what too many share, and which links would give one too many of a kind."""
    project = site(tmp_path, settings="[identity.anonymous_id]\nshared = 3\n")
    brought(
        project,
        *(item(number, userId=f"u{number}", anonymousId="kiosk", **PLAIN) for number in range(5)),
        item(10, userId="u1", anonymousId="home", **PLAIN),
        item(11, userId="u2", anonymousId="home", **PLAIN),
        visit(12, "alone"),
    )
    identity(project)
    brought(project, item(13, userId="u2", anonymousId="home", **PLAIN))  # said again: the same link
    capsys.readouterr()
    assert run(["people", "--json", "--project", str(project.root)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identifiers"] == [{"kind": "anonymous_id", "count": 3}, {"kind": "user_id", "count": 5}]
    assert (told["people"], told["identified"], told["several"], told["largest"]) == (6, 5, 1, 2)
    assert told["nobody"] == [{"kind": "anonymous_id", "why": "shared", "count": 1}]
    assert told["refused"] == [{"why": "user_id", "count": 1}]
    assert run(["people", "--project", str(project.root)]) == 0
    shown, beside = capsys.readouterr()
    assert "kiosk" not in shown
    assert "too many of kind user_id" in shown
    assert "Nobody is known by email, phone, device_id" in beside.replace("\n", " ")
