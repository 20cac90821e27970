"""The neck: who may be part of a use, and why not; and what a datum must say of itself before it drives an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.model.definitions import Document
from cxminute.model.errors import UnknownName, WrongUse
from cxminute.privacy.consent import ANSWERS, EXPLICIT, settle
from cxminute.privacy.contracts import Contract, parse_contract
from cxminute.privacy.permits import REASONS, Decisions, Neck
from cxminute.privacy.purposes import BASES, DEFAULT, OBJECTABLE, Purposes, parse_purposes
from cxminute.privacy.requirements import PARTS, REQUIRED, Card, Lacking, card_of_use, lacking, require
from cxminute.privacy.use import ACTIONS, Use
from cxminute.store.consents import ALL, FACTS

Fact = tuple[int, str, str, str, int]
"""Profile, purpose, what was said, how, and when."""


def facts(*rows: Fact) -> pa.Table:
    """Facts as the store hands them out, known when they were said."""
    full = [(profile, purpose, said, how, "site", at, at, "") for profile, purpose, said, how, at in rows]
    columns: list[Any] = list(zip(*full, strict=True)) if full else [()] * len(FACTS)
    arrays = [
        pa.array(values, field.type.value_type).dictionary_encode()
        if pa.types.is_dictionary(field.type)
        else pa.array(values, field.type)
        for values, field in zip(columns, FACTS, strict=True)
    ]
    return pa.table(dict(zip(FACTS.names, arrays, strict=True)))


def contract(name: str = "site", more: str = "contact = true") -> Contract:
    """A contract that allows every default purpose."""
    purposes = ", ".join(f'"{purpose}"' for purpose in DEFAULT)
    text = f'name = "{name}"\n[contract]\norigin = "first-party"\npurposes = [{purposes}]\n{more}\n'
    return parse_contract(Document("sources/s.toml", text), name)


def decided(
    use: Use,
    people: list[int],
    *rows: Fact,
    purposes: Purposes = DEFAULT,
    contracts: Mapping[str, Contract] | None = None,
    told: Mapping[str, list[int]] | None = None,
    persons: list[int] | None = None,
    forgotten: list[int] | None = None,
) -> Decisions:
    """What the neck says of some people."""
    owners = None if persons is None else np.array(persons, np.int64)
    told = told or {}
    neck = Neck(
        purposes,
        contracts or {"site": contract()},
        settle(facts(*rows), purposes, owners),
        told=lambda name: np.array(told.get(name, []), np.int64),
        persons=owners,
        forgotten=None if forgotten is None else np.array(forgotten, np.int64),
    )
    return neck.permit(use, np.array(people, np.int64))


def reasons(use: Use, people: list[int], *rows: Fact, **more: Any) -> list[str]:
    """The reason for each of them."""
    return [str(word) for word in decided(use, people, *rows, **more).table()["reason"].to_pylist()]


def test_unknown_is_no_where_a_yes_is_needed() -> None:
    """Nobody asked is a no for marketing and no hindrance to what was ordered; the basis is stated with the answer."""
    marketing, order = decided(Use("marketing"), [1, 2]), decided(Use("service-provision"), [1, 2])
    assert marketing.counts == {"unknown": 2}
    assert order.counts == {"basis": 2}
    assert (marketing.basis, order.basis) == ("consent", "contract")
    assert order.allowed.all()
    assert not marketing.allowed.any()


def test_a_yes_to_the_whole_covers_its_parts_and_a_no_denies_them() -> None:
    """Who said yes to marketing said it to its part too, unless they said no to it; a no to all is a no to each."""
    purposes = parse_purposes(Document("cxm.toml", '[purposes.service-personalisation]\nparent = "marketing"\n'))
    rows: list[Fact] = [
        (1, "marketing", "granted", "hand", 1), (2, "marketing", "granted", "hand", 1),
        (2, "service-personalisation", "denied", "hand", 0), (3, "marketing", "denied", "hand", 1),
        (3, "service-personalisation", "granted", "hand", 5), (4, ALL, "withdrawn", "hand", 9),
        (4, "marketing", "granted", "hand", 1),
    ]  # fmt: skip
    found = reasons(Use("service-personalisation"), [1, 2, 3, 4], *rows, purposes=purposes)
    assert found == ["granted", "denied", "denied", "withdrawn"]


def test_a_yes_to_letters_is_none_to_advertisements() -> None:
    """What a browser's signal denies needs a yes of its own; a no to marketing denies it all the same."""
    yes, no = ((1, "marketing", said, "hand", 1) for said in ("granted", "denied"))
    own: Fact = (1, "targeted-advertising", "granted", "hand", 2)
    for rows, reason in (((yes,), "unknown"), ((yes, own), "granted"), ((own,), "granted"), ((no, own), "denied")):
        assert reasons(Use("targeted-advertising"), [1], *rows) == [reason]


def test_a_person_is_asked_over_all_their_identifiers() -> None:
    """The newest word of any identifier is the person's; after they part, each has its own again."""
    rows: list[Fact] = [(1, "marketing", "granted", "hand", 1), (2, "marketing", "withdrawn", "hand", 2)]
    assert reasons(Use("marketing"), [1], *rows, persons=[0, 1, 1]) == ["withdrawn"]
    assert reasons(Use("marketing"), [1, 2], *rows, persons=[0, 1, 2]) == ["granted", "withdrawn"]
    assert reasons(Use("marketing"), [1, 7], *rows, persons=[0, 1]) == ["granted", "unknown"]


def test_an_objection_is_lifted_by_hand_alone() -> None:
    """An objection outlasts every later yes, to marketing whatever its basis; lifted, the yes holds."""
    rows: list[Fact] = [(1, "marketing", "objected", "hand", 1), (1, "marketing", "granted", "preference event", 5)]
    assert reasons(Use("marketing"), [1], *rows) == ["objected"]
    assert reasons(Use("marketing"), [1], *rows, (1, "marketing", "lifted", "hand", 6)) == ["granted"]
    by_contract = parse_purposes(Document("cxm.toml", '[purposes.marketing]\nbasis = "contract"\n'))
    assert reasons(Use("marketing"), [1], *rows, purposes=by_contract) == ["objected"]
    assert reasons(Use("service-provision"), [1], (1, "service-provision", "objected", "hand", 1)) == ["basis"]


def test_the_browsers_signal_gives_way_to_a_choice_only() -> None:
    """A dialogue's yes after the signal changes nothing; one of a preference page or by hand does."""
    signal: Fact = (1, "sale-or-sharing", "denied", "gpc", 5)
    use = Use("sale-or-sharing")
    for how in ("consent object", "gpp", "import"):
        assert reasons(use, [1], signal, (1, "sale-or-sharing", "granted", how, 9)) == ["browser"]
    for how in EXPLICIT:
        assert reasons(use, [1], signal, (1, "sale-or-sharing", "granted", how, 9)) == ["granted"]
        assert reasons(use, [1], signal, (1, "sale-or-sharing", "granted", how, 3)) == ["browser"]


def test_who_was_forgotten_and_who_no_source_may_contact_are_left_alone() -> None:
    """A yes is not enough: some source that knows the person must allow the use, and they must not be forgotten."""
    rows: list[Fact] = [(number, "marketing", "granted", "hand", 1) for number in (1, 2, 3)]
    contracts = {"site": contract(), "desk": contract("desk", "contact = false")}
    use = Use("marketing", "send", channel="email", outcome="orders", insight="W07")
    told = {"site": [1], "desk": [1, 2, 3]}
    found = reasons(use, [1, 2, 3], *rows, contracts=contracts, told=told, forgotten=[3])
    assert found == ["granted", "contract", "forgotten"]
    linked = reasons(use, [2], *rows, contracts=contracts, told={"site": [1]}, persons=[0, 2, 2])
    assert linked == ["granted"]  # known to the site by another identifier
    assert reasons(use, [1], *rows, contracts={"desk": contract("desk", "contact = false")}) == ["contract"]


def test_a_refusal_names_what_is_missing() -> None:
    """To send, a datum must say where it comes from, for what, what it should move, on what it rests, where it goes."""
    with pytest.raises(Lacking, match="To send, insight is missing") as fault:
        decided(Use("marketing", "send", channel="email", outcome="orders"), [1])
    assert fault.value.missing == ("insight",)
    assert fault.value.exit_code == 1
    with pytest.raises(Lacking, match="outcome and insight and destination are missing"):
        decided(Use("marketing", "automate"), [1])


@given(st.sampled_from(sorted(ACTIONS)), st.sets(st.sampled_from(sorted(PARTS))))
def test_what_an_action_requires_is_required(action: str, known: set[str]) -> None:
    """An action passes just where all that it requires is known, and else names all that is not, in one order."""
    card = Card(**dict.fromkeys(known, "x"))
    missing = [part for part in PARTS if part in REQUIRED[action] and part not in known]
    assert list(lacking(action, card)) == missing
    if missing:
        with pytest.raises(Lacking):
            require(action, card)
    else:
        require(action, card)


def test_the_origin_is_known_where_every_source_says_its_own() -> None:
    """Of several sources all must say who gathered the data; of one that is not there nothing is known."""
    use = Use("marketing", sources=("site", "desk"))
    assert card_of_use(use, [contract(), contract("desk")]).origin == "first-party"
    assert card_of_use(use, [contract()]).origin == ""
    assert card_of_use(use, []).origin == ""


def test_what_there_is_not_is_refused() -> None:
    """A purpose, source or action that nobody defined is refused with the nearest that is."""
    with pytest.raises(UnknownName, match="Did you mean 'marketing'"):
        decided(Use("marketng"), [1])
    with pytest.raises(UnknownName, match="Did you mean 'site'"):
        decided(Use("marketing", sources=("sit",)), [1])
    with pytest.raises(WrongUse, match="Did you mean 'send'"):
        Use("marketing", "sent")


# -- the law -----------------------------------------------------------------------------------------------------------

_PURPOSES = ("marketing", "targeted-advertising", "service-optimisation", ALL)
histories = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from(_PURPOSES),
        st.sampled_from(["granted", "denied", "withdrawn", "objected", "restricted", "lifted"]),
        st.sampled_from(["hand", "preference event", "import", "gpc"]), st.integers(0, 6),
    ).filter(lambda row: row[3] != "gpc" or row[2] == "denied"),
    max_size=12,
)  # fmt: skip


def plain(rows: list[Fact], profiles: set[int], purpose: str) -> str:
    """The answer by the rules, said plainly: one person, one purpose, one rule after another."""

    def newest(key: str, *words: str, ways: tuple[str, ...] = (), browser: bool = False) -> int:
        found = [
            at for profile, of, said, how, at in rows
            if profile in profiles and of == key and said in words and (how == "gpc") == browser
            and (not ways or how in ways)
        ]  # fmt: skip
        return max(found, default=-1)

    def own(key: str) -> str:
        for word in ("restricted", "objected"):
            if newest(key, word) >= 0 and newest(key, word) >= newest(key, "lifted"):
                return word
        if (signal := newest(key, "denied", browser=True)) >= 0 and signal >= newest(key, "granted", ways=EXPLICIT):
            return "browser"
        if (no := newest(key, "denied", "withdrawn")) >= 0 and no >= newest(key, "granted"):
            return "withdrawn" if newest(key, "withdrawn") == no else "denied"
        return "granted" if newest(key, "granted") >= 0 else "unknown"

    found = [own(purpose), *(own(key) for key in DEFAULT.line(purpose)[1:])]
    if DEFAULT[purpose].gpc:  # needs a yes of its own
        found[1:] = [answer for answer in found[1:] if answer != "granted"]
    found += [own(ALL)] if own(ALL) not in ("granted", "unknown") else []
    return max(found, key=ANSWERS.index)


@settings(max_examples=200, deadline=None)
@given(histories, st.permutations(range(4)))
def test_answers_follow_the_rules_in_any_order(rows: list[Fact], order: list[int]) -> None:
    """Whatever was said by whom in which order of arrival, each person's answer is the one of the rules."""
    persons = np.array([0, 0, 2, 3], np.int64)
    shuffled = sorted(rows, key=lambda row: order[row[0]])
    for table in (facts(*rows), facts(*shuffled)):
        found = settle(table, DEFAULT, persons)
        for purpose in _PURPOSES[:-1]:
            answers = [ANSWERS[code] for code in found.of(purpose, np.array([0, 2, 3, 9], np.int64)).tolist()]
            expected = [plain(rows, profiles, purpose) for profiles in ({0, 1}, {2}, {3}, set())]
            assert answers == expected


@given(st.sampled_from(BASES), st.sampled_from(ANSWERS[:6]))
def test_a_no_counts_where_the_basis_lets_it(basis: str, answer: str) -> None:
    """A no counts where a purpose rests on consent or on an interest, and never hinders a contract or the law."""
    purposes = parse_purposes(Document("cxm.toml", f'[purposes.service-optimisation]\nbasis = "{basis}"\n'))
    said: dict[str, list[Fact]] = {
        "unknown": [],
        "browser": [(1, "service-optimisation", "denied", "gpc", 1)],
    }
    rows = said.get(answer, [(1, "service-optimisation", answer, "hand", 1)])
    (reason,) = reasons(Use("service-optimisation"), [1], *rows, purposes=purposes)
    is_yes = answer == "granted" or (answer == "unknown" and basis != "consent") or basis not in OBJECTABLE
    assert (reason in ("granted", "basis")) == is_yes
    assert reason in REASONS
