"""Small groups among people, accounts and answers of consent: not shown, and not to be found by who subtracts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cxminute.app.cli import run
from cxminute.app.people.account_answers import overview
from cxminute.app.people.accounts import Account, Member
from cxminute.app.people.counted import recognised_people
from cxminute.app.project import Project
from cxminute.app.small.cells import smallest_told
from cxminute.app.small.people import Behind, hide_people
from tests.app.linked_site import collect, cxm, event, told
from tests.app.small_site import SOURCE

SMALLEST = 5
KINDS = ("user_id", "email", "phone")
TOTALS = ("people", "identified", "several")
SETTINGS = 'name = "site"\n[accounts]\nkind = "properties.group_type"\ngiven = "properties.total of Order Completed"\n'
GROUPS = {"acme": ("account", 2), "globex": ("account", 9), "smiths": ("household", 3), "joneses": ("household", 7)}

# People of one make: how many there are, and how many identifiers of each kind each has.
Makes = list[tuple[int, tuple[int, int, int]]]
makes = st.lists(
    st.tuples(st.integers(1, 12), st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1)).filter(any)),
    min_size=1,
    max_size=5,
)


def counts(found: Makes, shared: int) -> tuple[dict[str, Any], Behind]:
    """The document of such people, beside whom some addresses are shared, and who stands behind its counts."""
    held = np.array([own for many, own in found for _ in range(many)])
    sizes = held.sum(axis=1)
    document = {
        "identifiers": [
            {"kind": kind, "count": int(many) + 2 * (kind == "email") + shared * (kind == "email")}
            for kind, many in zip(KINDS, held.sum(axis=0), strict=True)
        ],
        "people": len(held), "identified": int((held[:, 0] > 0).sum()), "several": int((sizes > 1).sum()),
        "largest": int(sizes.max()), "merges": 0, "unmerges": 0, "refused": [],
        "nobody": [
            {"kind": "email", "why": "placeholder", "count": 2},
            *([{"kind": "email", "why": "shared", "count": shared}] if shared else []),
        ],
    }  # fmt: skip
    owners = {kind: (int(held[:, place].sum()), int((held[:, place] > 0).sum())) for place, kind in enumerate(KINDS)}
    twice, thrice, most = (int(some.sum()) for some in (held[:, 0] > 1, sizes > 2, sizes == sizes.max()))
    return document, Behind(owners, ["user_id"], twice, thrice, most, {}, 0, 0)


def farthest(shown: dict[str, Any], aim: dict[str, float]) -> float:
    """How large a sum of counts may be, for all that is shown and all that is known of how counts hang together."""
    names = [*TOTALS, "extra", "more", "shared", *KINDS]

    def row(**parts: float) -> list[float]:
        return [parts.get(name, 0.0) for name in names]

    equal = [
        (row(people=-1, extra=-1, user_id=1, email=1, phone=1), 0.0),
        (row(identified=-1, more=-1, user_id=1), 0.0),
        *((row(**{name: 1}), shown[name]) for name in TOTALS if shown[name] is not None),
    ]
    for one in shown["identifiers"]:
        parts = {one["kind"]: 1.0} | ({"shared": 1.0} if one["kind"] == "email" else {})
        if one["count"] is not None:
            equal.append((row(**parts), one["count"] - 2 * (one["kind"] == "email")))
    of = [one["count"] for one in shown["nobody"] if one["why"] == "shared"] or [0]
    if of[0] is not None:
        equal.append((row(shared=1), of[0]))
    below = [row(several=1, people=-1), row(identified=1, people=-1), row(several=1, extra=-1)]
    below.append(row(people=1, identified=-1, email=-1, phone=-1))  # who is not identified has another identifier
    if shown["largest"] is not None:
        below.append(row(extra=1, several=1 - shown["largest"]))
    ties, sums = zip(*equal, strict=True)
    found = linprog([-part for part in row(**aim)], A_ub=below, b_ub=[0.0] * len(below), A_eq=ties, b_eq=sums)
    return np.inf if found.status == 3 else -float(found.fun)


@settings(deadline=None)
@given(makes, st.integers(0, 8))
def test_nobody_can_tell_that_a_group_of_people_is_small(found: Makes, shared: int) -> None:
    """Whatever people there are: of each small group of them the counts that are shown allow that it is large."""
    document, behind = counts(found, shared)
    truth = json.loads(json.dumps(document))
    hide_people(SMALLEST, document, behind)
    sizes = {name: float(truth[name]) for name in TOTALS} | {kind: float(behind.kinds[kind][0]) for kind in KINDS}
    sizes["shared"] = float(shared)
    groups: list[dict[str, float]] = [{name: 1.0} for name in sizes]
    groups += [{"people": 1.0, "identified": -1.0}, {"people": 1.0, "several": -1.0}]
    for group in groups:
        size = sum(sizes[name] * sign for name, sign in group.items())
        if 0 < size < SMALLEST:
            assert farthest(document, group) >= SMALLEST - 1e-6, group


@settings(deadline=None)
@given(makes)
def test_counts_of_people_that_are_large_enough_are_shown(found: Makes) -> None:
    """Where every group has enough people nothing is hidden; and without a smallest group nothing ever is."""
    many: Makes = [(number + SMALLEST, own) for number, own in found]
    document, behind = counts(many, 0)
    whole = json.loads(json.dumps(document))
    assert hide_people(1, document, behind) == ""
    assert document == whole
    small = [document["people"] - document[name] for name in ("identified", "several")]
    twos = [behind.twice, document["people"] - behind.kinds["user_id"][0]]
    if not any(0 < size < SMALLEST for size in (*small, *map(abs, twos))):
        assert hide_people(SMALLEST, document, behind) == ""
        assert document == whole


def make(root: Path, smallest: int) -> Project:
    """A site with a smallest group, of which forty people are known, two of them by an address; and its groups."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text(SETTINGS, "utf-8")
    for name, size in (("site", smallest), ("silent", 15)):
        contract = f"{SOURCE.format(name=name)}smallest_group = {size}\n"
        (root / "sources" / f"{name}.toml").write_text(contract, "utf-8")
    project = Project(root)
    collect(project, visits())
    return project


def visits() -> Iterable[dict[str, Any]]:
    """Forty people; two told an address; of each group an order of each member."""
    number = 0
    for user in range(40):
        number += 1
        yield event(number, 1, "Product Viewed", userId=f"u{user}", **({"email": f"u{user}@x.org"} if user < 2 else {}))
    user = 0
    for name, (kind, size) in GROUPS.items():
        for _ in range(size):
            number, user = number + 1, user + 1
            made = event(number, 2, "Order Completed", userId=f"u{user}", groupId=name)
            made["properties"] |= {"group_type": kind, "total": 10}
            yield made


@pytest.fixture
def careful(tmp_path: Path) -> Project:
    """A site that shows no group of fewer than five."""
    return make(tmp_path / "careful", SMALLEST)


def test_people_are_counted_as_far_as_contracts_allow(careful: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Two addresses, and the two people who have them, are hidden in each form, and a line says so; forty are shown."""
    found = told(careful, capsys, "people")
    assert (found["people"], found["identified"]) == (40, 40)
    assert (found["several"], found["largest"], found["hidden"]) == (None, None, True)
    assert {row["kind"]: row["count"] for row in found["identifiers"]}["email"] is None
    cxm(careful, "people")
    out, err = capsys.readouterr()
    lines = {" ".join(line.split()) for line in out.splitlines()}
    assert {"people 40", "by several identifiers -", "email -", "most identifiers of one -"} <= lines
    assert "fewer than 5" in err
    answer = recognised_people(careful)
    assert answer.document == found


def test_a_contract_counts_once_its_source_has_told_of_anybody(
    careful: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The strictest source of those that told of somebody says what is too few, be it only what they agreed to."""
    assert smallest_told(careful) == SMALLEST
    assert smallest_told(careful, {"silent"}) == 1
    answers = tmp_path / "answers.csv"
    answers.write_text("user_id,purpose,said,at\nu1,marketing,granted,2026-02-01T10:00:00Z\n", "utf-8")
    cxm(careful, "consent", "import", str(answers), "--source", "silent")
    assert smallest_told(careful) == 15
    capsys.readouterr()
    assert told(careful, capsys, "people")["people"] == 40


def test_who_said_nothing_is_not_to_be_had_from_two_answers(
    careful: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of forty people all but two said something: how many did is hidden, with what would tell."""
    now = ["--because", "by telephone"]
    for user in range(38):
        cxm(careful, "consent", "set", f"u{user}", "marketing", "granted" if user % 2 else "denied", *now)
    found = told(careful, capsys, "consent")
    assert found["people"] is None
    for row in found["purposes"]:
        numbers = [count for name, count in row["answers"].items() if name != "hidden"]
        assert None in numbers, row["purpose"]
        assert not [count for count in numbers if count and count < SMALLEST]
    cxm(careful, "consent")
    out, err = capsys.readouterr()
    assert "Consent of people who said anything" in out
    assert "fewer than 5" in err


def test_an_answer_as_of_a_moment_shows_no_more_than_the_one_of_now(
    careful: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of a moment since which nobody said anything, the counts that are shown are those that are shown now."""
    for user in range(38):
        cxm(careful, "consent", "set", f"u{user}", "marketing", "granted", "--because", "by telephone")
    now = told(careful, capsys, "consent")
    assert now["people"] is None
    assert told(careful, capsys, "consent", "--as-of", "2199-01-01") == now
    assert told(careful, capsys, "consent", "--as-of", "2026-02-01")["people"] == 0


def test_accounts_show_their_own_figures_and_households_those_of_enough(
    careful: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A firm of two shows what it gives, a family of three nothing; no list, table or picture names one of them."""
    chart = tmp_path / "all.svg"
    found = {row["id"]: row for row in told(careful, capsys, "accounts", "--chart", str(chart))["accounts"]}
    assert list(found) == ["globex", "joneses", "acme", "smiths"]
    assert {name: (row["members"], row["given"]) for name, row in found.items()} == {
        "globex": (9, 90), "joneses": (7, 70), "acme": (None, 20), "smiths": (None, None),
    }  # fmt: skip
    assert all(row["hangs_on"] is None and row["hidden"] for row in found.values())
    drawn = chart.read_text("utf-8")
    assert "acme" in drawn
    assert not [word for word in ("smiths", "user_id", "person") if word in drawn]
    cxm(careful, "accounts")
    out, err = capsys.readouterr()
    assert [" ".join(line.split()) for line in out.splitlines() if "smiths" in line] == ["smiths household - - - -"]
    assert "fewer than 5" in err


def test_one_account_is_a_look_at_its_people(careful: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for by its id, a family shows its members, as each of them could be asked for."""
    found = told(careful, capsys, "accounts", "smiths")["account"]
    assert (found["given"], len(found["members"])) == (30, 3)


@pytest.mark.parametrize("smallest", [1, SMALLEST])
def test_who_may_not_be_used_is_in_no_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], smallest: int
) -> None:
    """Whoever objects is no member, counted nowhere, and what they gave is in no sum, share or picture."""
    project = make(tmp_path / "site", smallest)
    assert told(project, capsys, "accounts", "joneses")["account"]["given"] == 70
    cxm(project, "consent", "set", "u15", "service-optimisation", "objected", "--because", "by telephone")
    found = told(project, capsys, "accounts", "joneses")["account"]
    assert (found["given"], len(found["members"])) == (60, 6)
    assert "u15" not in json.dumps(found)
    [row] = [row for row in told(project, capsys, "accounts")["accounts"] if row["id"] == "joneses"]
    assert (row["members"], row["given"]) == (6, 60)
    cxm(project, "consent", "set", "u15", "service-optimisation", "lifted", "--because", "by telephone")
    assert told(project, capsys, "accounts", "joneses")["account"]["given"] == 70


def test_what_somebody_gave_whose_term_is_over_stays_the_accounts(
    careful: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an identifier they are nobody, and no member; the sum is as it was, but a family's is not listed."""
    number = careful.vault.number("user_id", "u15")
    assert number is not None
    careful.vault.erase([("person", number)])
    found = told(careful, capsys, "accounts", "joneses")["account"]
    assert (found["given"], len(found["members"])) == (70, 6)
    assert sum(member["given"] for member in found["members"]) == 60
    [row] = [row for row in told(careful, capsys, "accounts")["accounts"] if row["id"] == "joneses"]
    assert (row["members"], row["given"]) == (6, None)


@pytest.mark.parametrize(
    ("noticed", "behind", "shown"),
    [
        ((30, 10), (20, 9), (30, 10)),
        ((30, 10), (2, 9), (None, 10)),  # thirty merges of two people
        ((30, 3), (20, 3), (30, None)),
        ((30, 28), (20, 20), (30, None)),  # two merges would be left
    ],
)
def test_merges_of_few_people_are_not_counted(
    noticed: tuple[int, int], behind: tuple[int, int], shown: tuple[int | None, int | None]
) -> None:
    """A merge is somebody's: where few people were merged or parted, or what both leave is little, it is hidden."""
    document, of = counts([(20, (1, 1, 1))], 0)
    document |= {"merges": noticed[0], "unmerges": noticed[1], "refused": [{"why": "email", "count": 9}]}
    of = replace(of, refused={"email": 4}, merged=behind[0], parted=behind[1])
    hide_people(SMALLEST, document, of)
    assert (document["merges"], document["unmerges"]) == shown
    assert document["refused"] == [{"why": "email", "count": None, "hidden": True}]  # nine links of four people


def account(*partners: int, number: int = 1, idle: int = 0) -> Account:
    """A firm whose members each belong to one partner, or to none (0), and give 1, but for the idle ones."""
    members = tuple(
        Member(place, (place,), "", 0, 0, 1, float(place >= idle), 0.0, (partner,) if partner else ())
        for place, partner in enumerate(partners)
    )
    through = {
        partner: sum(one.given for one in members if partner in one.partners)
        for partner in sorted({partner for partner in partners if partner})
    }
    return Account(number, "account", members, sum(one.given for one in members), 0.0, through)


def listed(one: Account, smallest: int) -> dict[str, Any]:
    """The row of an account in the overview."""
    rows: Any = overview([one], {}, {}, 9, smallest=smallest, picture=False).document["accounts"]
    found: dict[str, Any] = rows[0]
    return found


@pytest.mark.parametrize(
    ("of", "shown"),
    [
        ([7] * 6 + [8] * 6, {7: 6, 8: 6}),
        ([7] * 6 + [8] * 2, {7: None, 8: None}),  # eight give: without the six there are two
        ([7] * 6 + [0] * 2, {7: None}),
        ([7] * 6 + [8] * 2 + [0] * 3, {7: 6, 8: None}),  # five are left together
        ([7] * 2, {7: None}),
    ],
)
def test_what_comes_through_a_partner_is_of_enough_people(of: list[int], shown: dict[int, int | None]) -> None:
    """Shown is what enough people give through a partner, where enough give by other ways or nobody does."""
    row = listed(account(*of), SMALLEST)
    assert {int(one["id"][1:]): one["given"] for one in row["partners"]} == shown


def test_a_sum_of_many_is_hidden_where_few_of_them_gave(tmp_path: Path) -> None:
    """Of a family of nine in which two gave anything, what it gives is not shown; without a smallest group it is."""
    family = Account(1, "household", account(*[0] * 9, idle=7).members, 2.0, 0.0)
    for smallest, worth in ((1, 2.0), (SMALLEST, None)):
        row = listed(family, smallest)
        assert (row["members"], row["given"]) == (9, worth)
    assert run(["accounts", "--project", str(make(tmp_path / "site", 1).root)]) == 0


@pytest.mark.parametrize(
    ("members", "given", "received", "shown"),
    [
        (0, 120.0, 0.0, (None, 0.0)),
        (9, 10.0, 0.0, (None, 0.0)),  # nine gave nine, somebody else one
        (9, 9.0, 3.0, (9.0, None)),
        (9, 9.0, 0.0, (9.0, 0.0)),
    ],
)
def test_what_no_member_gave_hides_the_sum_of_a_household(
    members: int, given: float, received: float, shown: tuple[float | None, float | None]
) -> None:
    """What no member gave may be of one who is none any more: then a household's sum is hidden, an account's is not."""
    own = Account(1, "account", account(*[0] * members).members, given, received)
    family = replace(own, kind="household")
    for one, smallest, worth in (
        (family, SMALLEST, shown),
        (family, 1, (given, received)),
        (own, SMALLEST, (given, received)),
    ):
        row = listed(one, smallest)
        assert (row["given"], row["received"]) == worth
