"""Accounts, households and partners: who is a member in which role, what they give, and journeys per account."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cxminute.app.analysis import View
from cxminute.app.engines import engine_of
from cxminute.app.people.accounts import Account
from cxminute.app.people.accounts import accounts as all_accounts
from cxminute.app.project import Project
from cxminute.store.engines.local import LocalEngine
from tests.app.linked_site import collect, cxm, event, make_linked, told
from tests.app.small_site import SOURCE

RULES = """[accounts]
role = ["traits.role", "properties.role"]
kind = "traits.group_type"
given = "total of Order Completed"
received = "properties.amount of Order Refunded"
"""
JOURNEY = """name = "buying"
per = "account"
pattern = '"Product Viewed" -> "Order Completed"'
window = "10 days"
"""


def group(number: int, day: int, account: str, user: str, **traits: str) -> dict[str, Any]:
    """A group call."""
    made = event(number, day, "", userId=user, groupId=account)
    return {key: made[key] for key in ("messageId", "timestamp", "userId", "groupId")} | {
        "type": "group", "traits": traits,
    }  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Acme with ada (buyer), bob, and cyd, who is a partner's; the Smiths; and dan, who belongs nowhere."""
    project = make_linked(tmp_path_factory.mktemp("made") / "site", "site")
    root = project.root
    with (root / "cxm.toml").open("a", encoding="utf-8") as file:
        file.write(RULES)
    source = SOURCE.format(name="site").replace(
        "[contract]", 'amount = { from = "properties.amount", type = "number" }\n[contract]\nopen = ["traits.*"]'
    )
    (root / "sources" / "site.toml").write_text(source, "utf-8")
    (root / "journeys" / "buying.toml").write_text(JOURNEY, "utf-8")
    project = Project(root)
    refund = event(20, 15, "Order Refunded", userId="bob", groupId="acme")
    refund["properties"] |= {"amount": 7.5}
    collect(
        project,
        [
            event(1, 1, "Product Viewed", anonymousId="cookie"),  # ada's, as is known from day 4 on
            group(2, 2, "acme", "ada", role="buyer", group_type="account"),
            group(3, 3, "acme", "bob", role="clerk"),
            event(4, 4, "Product Viewed", userId="ada", anonymousId="cookie"),
            event(60, 5, "Order Completed", userId="bob"),  # of the account that bob joined first
            group(6, 6, "smiths", "bob", group_type="household"),
            event(10, 7, "Order Completed", userId="bob", groupId="smiths"),  # the event says whose
            group(8, 8, "dealer", "cyd", group_type="partner"),
            event(30, 9, "Order Completed", userId="cyd", groupId="acme"),
            group(11, 12, "acme", "bob", role="chief"),
            event(14, 12, "Product Viewed", userId="dan"),
            event(12, 13, "Order Completed", userId="dan"),
            refund,
        ],
    )
    project.close()
    return root


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Project:
    """The same, a test's own."""
    shutil.copytree(made, tmp_path / "site")
    return Project(tmp_path / "site")


def test_an_account_has_members_with_roles_and_what_they_give(
    site: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each member's last role, first and last day, and share of what the account gives."""
    found = told(site, capsys, "accounts", "acme")["account"]
    members = {one["identifiers"][0]["id"]: one for one in found["members"]}
    assert {name: one["role"] for name, one in members.items()} == {"ada": "buyer", "bob": "chief", "cyd": None}
    assert {name: one["given"] for name, one in members.items()} == {"ada": 0, "bob": 60, "cyd": 30}
    assert (found["kind"], found["given"], found["received"]) == ("account", 90, 7.5)
    assert members["bob"]["first_at"].startswith("2026-02-03")
    assert members["bob"]["last_at"].startswith("2026-02-15")
    assert members["bob"]["share"] == pytest.approx(60 / 90)


def test_all_accounts_are_told_with_whom_they_depend_on(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What gives most comes first; more than half of acme hangs on bob, a third comes through a partner."""
    found = {one["id"]: one for one in told(site, capsys, "accounts")["accounts"]}
    assert list(found) == ["acme", "smiths", "dealer"]
    assert [one["kind"] for one in found.values()] == ["account", "household", "partner"]
    assert [round(one["share"], 2) for one in found["acme"]["hangs_on"]] == [0.67]
    assert found["acme"]["partners"] == [{"id": "dealer", "given": 30, "share": pytest.approx(30 / 90)}]
    assert (found["smiths"]["given"], found["dealer"]["given"]) == (10, 0)
    cxm(site, "accounts", "acm", code=2)
    assert "acme" not in capsys.readouterr().err


def test_who_joins_while_accounts_are_read_is_no_member_yet(
    site: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is shown of whom it was not asked whether they may be; the next time they are."""

    def meanwhile(project: Project, *asked: Any) -> list[Account]:
        collect(site, [event(70, 16, "Order Completed", userId="eve", groupId="acme")])
        return all_accounts(project, *asked)

    with monkeypatch.context() as patched:
        patched.setattr("cxminute.app.commands.accounts.all_accounts", meanwhile)
        during = told(site, capsys, "accounts", "acme")["account"]
    after = told(site, capsys, "accounts", "acme")["account"]
    assert [[one["identifiers"][0]["id"] for one in found["members"]] for found in (during, after)] == [
        ["ada", "bob", "cyd"], ["ada", "bob", "cyd", "eve"],
    ]  # fmt: skip


def test_an_ecosystem_is_drawn(site: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Accounts, people and partners stand in the picture, with roles and shares, and no address."""
    cxm(site, "accounts", "--chart", str(tmp_path / "all.svg"))
    assert "acme" in capsys.readouterr().out
    drawn = (tmp_path / "all.svg").read_text("utf-8")
    assert all(word in drawn for word in ("acme", "smiths", "dealer", "user_id bob", "chief 66.7 %"))


def test_a_journey_per_account_is_of_its_members_and_of_what_names_it(site: Project) -> None:
    """The same streams as of a log in which each event carries its account; also as of then, and for a cluster."""
    seen = View(site, None, None, None, None, engine_of(site.settings))
    names = {word: site.vault.number("group_id", word) for word in ("acme", "smiths")}
    viewed, ordered, joined = "Product Viewed", "Order Completed", "Group"
    expected = {
        names["acme"]: [viewed, joined, joined, viewed, ordered, ordered, joined, "Order Refunded"],
        names["smiths"]: [joined, ordered],
    }
    assert _streams(seen, names) == expected
    spark = replace(site.definitions.settings, engine="spark", master="spark://nowhere:7077")
    site.definitions = replace(site.definitions, settings=spark)
    assert _streams(seen, names) == expected
    early = replace(seen, as_of=_day(5))
    site.definitions = replace(site.definitions, settings=replace(spark, engine="local"))
    assert _streams(early, names) == {names["acme"]: expected[names["acme"]][:5], names["smiths"]: []}


def test_an_account_buys_what_one_of_its_people_looked_at(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Ada's visit before she said who she is, and bob's order, are one passage of acme; dan is in none."""
    endings = told(site, capsys, "journeys", "buying")["journeys"][0]["endings"]
    assert (endings["opened"], endings["completed"]) == (1, 1)
    changed = told(site, capsys, "link", "dan", "cyd", "--because", "he signed for her", "--dry-run")["changed"]
    assert [row["what"] for one in changed if one["about"] == "journey buying" for row in one["rows"]] == ["appears"]


def test_what_accounts_are_read_from_is_checked(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A number that lies in the vault is a fault with its line, as is money of no event."""
    path = site.root / "cxm.toml"
    for wrong, said in (
        ("properties.email of Order Completed", "'properties.email' is personal in source 'site'"),
        ("properties.total", "does not say whose number it is"),
    ):
        path.write_text(f'name = "site"\n[accounts]\ngiven = "{wrong}"\n', "utf-8")
        cxm(site, "check", code=1)
        assert said in capsys.readouterr().out


def _day(day: int) -> int:
    import datetime as dt  # noqa: PLC0415 -- for this moment alone

    return int(dt.datetime(2026, 2, day, 23, tzinfo=dt.UTC).timestamp() * 1_000)


def _streams(seen: View, names: dict[str, int | None]) -> dict[int | None, list[str]]:
    """The names of each account's events, in order; nothing else is among the subjects but these and the dealer."""
    subjects = seen.subjects("account")
    found: dict[int | None, list[str]] = {number: [] for number in names.values()}
    read = LocalEngine(1).run(subjects, _told, lambda parts: [pair for part in parts for pair in part])
    others = {number for number, _ in read} - set(names.values())
    assert others <= {seen.project.vault.number("group_id", "dealer")}
    for number, name in read:
        if number in found:
            found[number].append(name)
    return found


def _told(streams: Any) -> list[tuple[int, str]]:
    words = pa.array(streams.column("name")).to_pylist()
    pairs = []
    for place, number in enumerate(streams.subjects.tolist()):
        low, high = streams.offsets[place : place + 2].tolist()
        pairs += [(number, words[row]) for row in range(low, high)]
    return pairs
