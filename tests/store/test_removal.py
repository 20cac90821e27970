"""Removal at the end of a term, on each database: exactly what is over, nobody else's, and to the last byte."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cxminute.model.errors import BrokenStore, UnknownName, WrongUse
from cxminute.model.tables import MOMENT, REJECT
from cxminute.model.times import DAY
from cxminute.store.clocks import Clocks, Term, older
from cxminute.store.consents import Consents, Saying
from cxminute.store.keyring import Keyring
from cxminute.store.log import Chunk, EventLog, FileId
from cxminute.store.proofs import Proofs
from cxminute.store.removal import Due, due, everything, of_whom, remove, sources_in_vault
from cxminute.store.requests import Requests
from cxminute.store.scrubbing import DONE, FREED, NOT_THERE, scrub, scrub_inbox
from cxminute.store.state import open_state, state_url
from cxminute.store.vault import called_events
from tests.store.vaults import log_in, personal_of, vault_of

NAMES = ("Order Completed", "Order Shipped", "Order Delivered")
STARTS = ("Order Delivered", "Order Shipped")
Told = tuple[str, str | None, str, int]
"""An event: name, order, customer, day."""


@pytest.fixture
def log(tmp_path: Path, state: Engine) -> EventLog:
    """A log of its own."""
    return log_in(tmp_path, state)


def collect(
    log: EventLog, source: str, told: Sequence[Told], *, apart: bool = True, file: str = "a", known_at: int = 0,
    keys: Collection[str] = (), rejects: Sequence[str] = (),
) -> int:  # fmt: skip
    """One collect of these events, each with a personal value, and of these rows set apart; returns its number."""
    vault = vault_of(log)
    begin = f"{source}\x1f" if apart else ""
    ids = list(keys) or [f"{file}{place}#0" for place in range(len(told))]
    named = [f"{begin}{who}" if who else None for _, _, who, _ in told]
    people = vault.intern("user_id", pa.chunked_array([named], pa.string()))
    orders = vault.intern("order_id", pa.chunked_array([[order for _, order, _, _ in told]], pa.string()))
    events = pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "source": pa.array([source] * len(told), pa.string()).dictionary_encode(),
            "position": pa.array(range(len(told)), pa.int64()),
            "kind": pa.array(["track"] * len(told), pa.string()).dictionary_encode(),
            "name": pa.array([name for name, *_ in told], pa.string()).dictionary_encode(),
            "at": pa.array([day * DAY for *_, day in told], MOMENT),
            "digest": pa.array([hash((file, *one)) % 2**63 for one in told], pa.uint64()),
            "user_id": people,
            "order_id": orders,
            "profile": people,
        }
    )
    values = pa.array([f"secret of {file}{place}" for place in range(len(told))], pa.string())
    personal = pa.table({"id": events["id"], "profile": people, "properties.name": values})
    count = len(rejects)
    columns = [[source] * count, [*range(count)], ["bad_time"] * count, [""] * count, list(rejects)]
    apart_rows = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, REJECT, strict=True)], schema=REJECT
    )
    collected = log.begin(source, FileId(file, f"{source}{file}"), known_at)
    log.append(collected, 0, Chunk(events, personal, apart_rows, len(told) + count), ())
    log.finish(collected, known_at)
    return collected.id


def asked(log: EventLog, query: str) -> list[str]:
    """The texts that a query of the state answers."""
    with log.state.connect() as connection:
        return [str(found) for found in connection.execute(text(query)).scalars()]


def secrets(log: EventLog) -> set[str]:
    """Personal values that the vault still holds, as 'a0'."""
    documents = [one or {} for _, one in personal_of(log)]
    return {str(one["properties.name"]).removeprefix("secret of ") for one in documents}


def people(log: EventLog) -> set[str]:
    """What persons are still called, as their source calls them."""
    numbers = [int(number) for number in asked(log, "SELECT number FROM identifiers WHERE space = 'person'")]
    said = vault_of(log).names("user_id", numbers)
    return {value.rpartition("\x1f")[2] for value in said if "\x1ferased " not in value}


def clocks(told: Sequence[Told], wait: int) -> list[int]:
    """In plain words: the day on which each event's clock starts."""
    found = []
    for _, order, _, day in told:
        mine = [(name, at) for name, other, _, at in told if other == order]
        starts = [max(at for name, at in mine if name == start) for start in STARTS if any(n == start for n, _ in mine)]
        found.append(day if order is None else starts[0] if starts else min(at for _, at in mine) + wait)
    return found


stories = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from([None, "o1", "o2", "o3"]),
        st.sampled_from(["ann", "bo"]),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=8,
    unique=True,
)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories, st.integers(0, 20), st.integers(0, 20), st.integers(0, 90))
def test_what_is_over_is_what_plain_words_say(
    tmp_path_factory: pytest.TempPathFactory, told: list[Told], keep: int, wait: int, today: int
) -> None:
    """A value goes a term after its order's clock started; a name goes with the last of its customer's events."""
    folder = tmp_path_factory.mktemp("removal")
    log = log_in(folder, open_state(state_url(folder)))
    collect(log, "market", told)
    term = Term("market", keep * DAY, STARTS, wait * DAY)
    found = due(log, [term], today * DAY)["market"]
    remove(log, found)
    ends = [clock + keep for clock in clocks(told, wait)]
    assert secrets(log) == {f"a{place}" for place, end in enumerate(ends) if end > today}
    assert people(log) == {who for (_, _, who, _), end in zip(told, ends, strict=True) if end > today}
    assert not due(log, [term], today * DAY)["market"]
    log.state.dispose()


def test_counts_and_numbers_stay(log: EventLog) -> None:
    """Segments are not touched, a customer's number is the same, and who comes again gets another."""
    collect(log, "market", [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "ann", 1)])
    before = log.hashes(), log.volumes(["market"], None, None, None)
    term = Term("market", DAY)
    remove(log, due(log, [term], 9 * DAY)["market"])
    assert (log.hashes(), log.volumes(["market"], None, None, None)) == before
    vault = vault_of(log)
    assert vault.number("user_id", "market\x1fann") is None
    assert vault.names("user_id", [0]) == ["market\x1f\x1ferased 0"]
    assert vault.intern("user_id", pa.chunked_array([["market\x1fann"]])).to_pylist() == [1]
    assert vault.number("order_id", "o1") == 0


def test_one_who_remembers_numbers_forgets_those_that_were_erased(log: EventLog) -> None:
    """A vault that was open meanwhile gives who comes again a number of their own, as a new one does."""
    collect(log, "market", [("Order Completed", "o1", "ann", 0)])
    vault, word = vault_of(log), pa.chunked_array([["market\x1fann"]])
    assert vault.intern("user_id", word).to_pylist() == [0]
    term = Term("market", DAY)
    remove(log, due(log, [term], 9 * DAY)["market"])
    assert vault.intern("user_id", word).to_pylist() == [1]


def test_a_delivery_that_was_taken_back_starts_no_clock(log: EventLog) -> None:
    """Where a correction withdrew it, or its collect was undone, the order is still on its way."""
    order: list[Told] = [("Order Completed", "o1", "ann", 0), ("Order Delivered", "o1", "ann", 2)]
    collect(log, "market", order, keys=["o1#0", "o1#1"])
    collect(log, "market", [("Order Completed", "o1", "ann", 1)], keys=["o1#0"], file="b", known_at=1)
    term = Term("market", 5 * DAY, STARTS, 10 * DAY)
    assert not due(log, [term], 7 * DAY)["market"]
    assert due(log, [term], 16 * DAY)["market"].people == (("person", 0),)
    third = collect(log, "market", [("Order Delivered", "o1", "ann", 3)], file="c", known_at=2)
    assert due(log, [term], 8 * DAY)["market"].people == (("person", 0),)
    log.undo(third, 3)
    assert not due(log, [term], 8 * DAY)["market"]


def test_rows_in_quarantine_go_a_term_after_they_came(log: EventLog) -> None:
    """Nobody knows whose they are: their receipt starts their clock."""
    collect(log, "market", [("Order Completed", "o1", "ann", 90)], rejects=["ann's row"], known_at=3 * DAY)
    term = Term("market", 5 * DAY)
    assert due(log, [term], 8 * DAY - 1)["market"].rejects == ()
    found = due(log, [term], 8 * DAY)["market"]
    assert (len(found.rejects), found.personal, found.people) == (1, (), ())
    remove(log, found)
    assert log.rejects()["row"].to_pylist() == []


def test_who_is_linked_stays_while_another_source_needs_the_name(log: EventLog) -> None:
    """A customer of two sources of ours goes with the longer term; with one that has none, never by a term."""
    collect(log, "shop", [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "bo", 0)], apart=False)
    collect(log, "desk", [("Order Completed", "o3", "ann", 0)], apart=False)
    shop, longer = Term("shop", 5 * DAY, apart=False), Term("desk", 9 * DAY, apart=False)
    ever = Term("desk", None, apart=False)
    assert due(log, [shop, ever], 50 * DAY)["shop"].people == (("person", 1),)
    assert due(log, [shop, longer], 6 * DAY)["shop"].people == (("person", 1),)
    assert due(log, [shop, longer], 9 * DAY)["shop"].people == (("person", 0), ("person", 1))
    assert due(log, [shop, longer], 9 * DAY)["desk"].people == (("person", 0),)


@pytest.mark.parametrize("apart", [True, False])
def test_a_person_who_asks_is_removed_whatever_the_age(log: EventLog, apart: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """Their values, their name, and rows in quarantine that name them; nobody else's."""
    told: list[Told] = [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "bo", 0)]
    collect(log, "market", told, apart=apart, rejects=['{"customer": "ann"}', '{"customer": "bo", "town": "annex"}'])
    term = Term("market", None, apart=apart)
    found = of_whom(log, vault_of(log), term, {"user_id": ["ann", "nobody"]}, [], 0)
    remove(log, found)
    assert secrets(log) == {"a1"}
    assert people(log) == {"bo"}
    assert log.rejects()["row"].to_pylist() == ['{"customer": "bo", "town": "annex"}']


def test_parcels_of_a_persons_orders_are_theirs(log: EventLog) -> None:
    """An event that names the order and no customer carries an address all the same: it goes with the customer's."""
    told: list[Told] = [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "bo", 0)]
    collect(log, "market", told)
    nobody: list[Told] = [("Order Shipped", "o1", "", 1), ("Order Shipped", "o2", "", 1)]
    collect(log, "market", nobody, file="p")
    term = Term("market", None)
    remove(log, of_whom(log, vault_of(log), term, {"user_id": ["ann"]}, [], 0))
    assert secrets(log) == {"a1", "p1"}


def test_an_order_can_be_asked_about(log: EventLog) -> None:
    """A shop names orders where it has no customer: the values of their events go, the customer's name stays."""
    collect(log, "shop", [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "ann", 0)], apart=False)
    term = Term("shop", None, apart=False)
    remove(log, of_whom(log, vault_of(log), term, {"order_id": ["o1"]}, [], 0))
    assert secrets(log) == {"a1"}
    assert people(log) == {"ann"}


def test_what_other_sources_know_is_counted_and_stays(log: EventLog) -> None:
    """A shop's customer whom the desk knows too keeps the name there; a closed shop takes only its own with it."""
    collect(log, "shop", [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "bo", 0)], apart=False)
    collect(log, "desk", [("Order Completed", "o3", "ann", 0)], apart=False, file="d")
    shop, desk = Term("shop", None, apart=False), Term("desk", None, apart=False)
    found = of_whom(log, vault_of(log), shop, {"user_id": ["ann"]}, [shop, desk], 0)
    assert (found.people, found.kept) == ((), (("person", 0),))
    closed = everything(log, shop, [shop, desk], 0)
    assert (closed.people, closed.kept) == ((("person", 1),), (("person", 0),))
    remove(log, closed)
    assert secrets(log) == {"d0"}
    assert people(log) == {"ann"}
    assert sources_in_vault(log) == {"desk"}


def test_other_identifiers_that_are_personal_go_too(log: EventLog) -> None:
    """A kind that the contract calls personal, here the order's, goes with the last event that names it."""
    told: list[Told] = [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "ann", 9)]
    collect(log, "shop", told, apart=False)
    term = Term("shop", 5 * DAY, apart=False, kinds=frozenset({"order_id", "phone"}))
    assert due(log, [term], 6 * DAY)["shop"].people == (("order_id", 0),)
    assert due(log, [term], 14 * DAY)["shop"].people == (("person", 0), ("order_id", 0), ("order_id", 1))
    about = {"user_id": ["ann"]}
    assert of_whom(log, vault_of(log), term, about, [], 0).people == (("order_id", 0), ("order_id", 1), ("person", 0))
    plain = Term("desk", None, apart=False)
    collect(log, "desk", told[:1], apart=False, file="d")
    assert due(log, [term, plain], 6 * DAY)["shop"].people == ()


def test_a_name_that_no_event_has_goes_at_once(log: EventLog) -> None:
    """What a collect that was killed left in the vault is nobody's, and is not kept for ever."""
    collect(log, "market", [("Order Completed", "o1", "ann", 90)])
    vault_of(log).intern("user_id", pa.chunked_array([["market\x1fleft over"]]))
    term = Term("market", 30 * DAY)
    assert due(log, [term], 0)["market"].people == (("person", 1),)


def test_events_beyond_the_term_of_the_rest_are_counted(log: EventLog) -> None:
    """They stand in the log: only those that were not taken back count."""
    collect(log, "market", [("Order Completed", "o1", "ann", 0), ("Order Completed", "o2", "bo", 9)])
    assert [older(log, "market", day * DAY) for day in (0, 1, 10)] == [0, 1, 2]
    assert older(log, "nothing", DAY) == 0


def test_a_log_whose_segment_is_gone_is_told(log: EventLog) -> None:
    """Nothing is removed where not all can be read."""
    collect(log, "market", [("Order Completed", "o1", "ann", 0)])
    for file in log.root.rglob("*.parquet"):
        file.unlink()
    with pytest.raises(BrokenStore, match="cannot be read"):
        due(log, [Term("market", DAY)], 9 * DAY)


def test_deleted_bytes_are_gone_from_the_file(tmp_path: Path) -> None:
    """Thousands of names that moved between pages while others came: of those removed not even a digest is found."""
    log = log_in(tmp_path, open_state(state_url(tmp_path)))
    for part in range(4):
        many = [("Order Completed", f"o{n}", f"canary{n * 7919 % 8009:05}", n % 60) for n in range(part, 8_000, 4)]
        collect(log, "market", many, file=f"f{part}x")
    vault = vault_of(log)
    names = {n: f"canary{n * 7919 % 8009:05}" for n in range(8_000)}
    digests = {n: vault.digest("user_id", f"market\x1f{name}").encode() for n, name in names.items()}
    gone = [digest for n, digest in digests.items() if n % 60 <= 50]
    term = Term("market", 10 * DAY)
    for today in (20, 60):
        remove(log, due(log, [term], today * DAY)["market"])
    assert scrub(log.state) == DONE
    held = b"".join(path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
    assert [word for word in gone if word in held] == []
    assert [digest for n, digest in digests.items() if n % 60 > 50 and digest not in held] == []
    assert b"canary" not in held, "what is not over is there, and nobody can read it"
    assert (tmp_path / "state.sqlite-wal").stat().st_size == 0
    log.state.dispose()


@pytest.mark.outside("postgresql")
def test_on_postgresql_space_is_freed(postgres_url: str) -> None:
    """Its files are its server's: what can be done from here is done, and said for what it is."""
    state = open_state(postgres_url)
    assert scrub(state) == FREED
    state.dispose()


def test_an_inbox_that_is_not_there_has_nothing_to_clear(tmp_path: Path) -> None:
    """A project without a door has no inbox."""
    assert scrub_inbox(tmp_path / "inbox.sqlite") == NOT_THERE


def test_a_request_is_on_record_once_and_forgets_when_it_is_done(state: Engine, tmp_path: Path) -> None:
    """The same message again is the same request; closed, it no longer says whom it was about."""
    register = Requests(state, Keyring(tmp_path / "keys"))
    about: Mapping[str, Sequence[str]] = {"user_id": ["7"], "order_id": ["1", "2"]}
    first = register.note("shop", "erasure", "m1", about, 5 * DAY)
    assert register.note("shop", "erasure", "m1", {"user_id": ["8"]}, 6 * DAY) == first
    later = register.note("shop", "access", "m1", {"user_id": ["7"]}, 0)
    assert [one.id for one in register.list()] == [later.id, first.id], "by when they are due"
    assert first.due_at == 37 * DAY - 1, "received on 6 January, due until the end of 6 February"
    done = register.done(first.id, 6 * DAY, "p.json")
    assert (dict(done.about), done.done_at, done.proof) == ({}, 6 * DAY, "p.json")
    assert [one.id for one in register.list(still_open=True)] == [later.id]
    with pytest.raises(WrongUse, match="done already"):
        register.done(first.id, 7 * DAY)
    with pytest.raises(UnknownName, match="'9'"):
        register.done(9, 7 * DAY)
    with pytest.raises(UnknownName, match="erasure"):
        register.note("shop", "erasing", "m2", {}, 0)


def test_proofs_make_a_chain(tmp_path: Path) -> None:
    """Each names the one before; one that is changed or taken away is told by the next."""
    proofs = Proofs(tmp_path)
    names = [proofs.write(20_000 * DAY + n, "market", {"removed": n}) for n in range(3)]
    assert names == ["2024-10-04-market.json", "2024-10-04-market-1.json", "2024-10-04-market-2.json"]
    assert proofs.broken() == ""
    middle = tmp_path / names[1]
    whole = middle.read_text("utf-8")
    middle.write_text(whole.replace('"removed": 1', '"removed": 0'), "utf-8")
    assert proofs.broken() == names[2]
    middle.unlink()
    assert proofs.broken() == names[2]
    middle.write_text("{", "utf-8")
    with pytest.raises(BrokenStore, match="cannot be read"):
        proofs.broken()


def test_nothing_due_is_nothing() -> None:
    """An empty removal is false, whatever stays."""
    assert not Due(kept=(("person", 1),))


@pytest.mark.parametrize("starts", [(), STARTS])
def test_what_a_law_orders_to_keep_stays_until_the_law_is_over(log: EventLog, starts: tuple[str, ...]) -> None:
    """An invoice outlives the term of the rest, and so does the name on it; then it goes as everything else."""
    told: list[Told] = [("Invoice", "o1", "ann", 0), ("Order Completed", "o1", "ann", 0), ("Viewed", "o2", "bo", 0)]
    collect(log, "shop", told)
    term = Term("shop", 30 * DAY, starts, lawful=frozenset({"Invoice"}), lawful_for=3650 * DAY)
    remove(log, due(log, [term], 31 * DAY)["shop"])
    assert secrets(log) == {"a0"}
    assert people(log) == {"ann"}
    assert not due(log, [term], 3649 * DAY)["shop"]
    remove(log, due(log, [term], 3650 * DAY)["shop"])
    assert (secrets(log), people(log)) == (set(), set())


@pytest.mark.parametrize("whole", [False, True])
def test_who_asks_is_gone_and_what_a_law_orders_to_keep_can_still_be_read(log: EventLog, whole: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """Their name goes at once; the invoice stays, under a key of its own, and only as long as the law says."""
    collect(log, "shop", [("Invoice", "o1", "ann", 0), ("Order Completed", "o1", "ann", 0)])
    term = Term("shop", None, lawful=frozenset({"Invoice"}), lawful_for=3650 * DAY)
    about = {"user_id": ["ann"]}

    def asked_for(at: int) -> Due:
        return everything(log, term, [], at) if whole else of_whom(log, vault_of(log), term, about, [], at)

    assert len(asked_for(3650 * DAY).personal) == 2
    found = asked_for(9 * DAY)
    assert (len(found.personal), len(found.lawful)) == (1, 1)
    remove(log, found)
    assert (secrets(log), people(log)) == ({"a0"}, set())


def test_who_came_with_their_consent_before_their_first_event_stays(log: EventLog) -> None:
    """Of a source apart, an identifier of which a consent tells was not left by a kill: what they said holds."""
    collect(log, "market", [("Order Completed", "o1", "ann", 90)])
    vault_of(log).intern("user_id", pa.chunked_array([["market\x1fbo", "market\x1fleft over"]]))
    Consents(log.state, log.keyring).say([Saying(1, "marketing", "denied", "import", 0, "market")], 0)
    assert due(log, [Term("market", 30 * DAY)], 0)["market"].people == (("person", 2),)


def test_what_events_are_called_is_asked_once(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked of one source's clocks, each id is digested once, in however many collects it was told."""
    collect(log, "shop", [(NAMES[0], "o1", "ann", 1), (NAMES[0], "o2", "bo", 9)], keys=["x", "y"])
    collect(log, "shop", [(NAMES[1], "o1", "ann", 2)], file="b", keys=["x"], known_at=5)
    made: list[str] = []

    def called(keyring: Keyring, source: str, ids: Collection[str]) -> list[str]:
        made.extend(ids)
        return called_events(keyring, source, ids)

    monkeypatch.setattr("cxminute.store.clocks.called_events", called)
    with Clocks(log, Term("shop", 0)) as told:
        first = told.personal(log, 3 * DAY)
        assert told.personal(log, 3 * DAY) == first
        assert len(told.personal(log, 9 * DAY)) == len(first) + 1
    assert sorted(made) == ["x", "y"]
