"""Consent in a project: what events, files and people say, and what the next permit makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.people.identity import identity
from cxminute.app.project import Project
from cxminute.app.rights import consent_answers
from cxminute.app.rights.consent_answers import numbers_named, take_file
from cxminute.app.rights.consenting import neck, only_permitted, pass_person
from cxminute.model.calls import Call
from cxminute.model.errors import BadData, BrokenStore, CxmError, Refused
from cxminute.model.times import HOUR
from cxminute.privacy.permits import Decisions
from cxminute.privacy.use import Use
from cxminute.store.log import collecting
from tests.app.small_site import NOON

SETTINGS = """name = "site"
[purposes.marketing]
categories = ["Advertising"]
[purposes.newsletter]
parent = "marketing"
categories = ["Advertising", "E-mail"]
"""
SOURCE = """name = "{name}"
format = "http"
[contract]
origin = "first-party"
purposes = ["service-optimisation", "marketing", "newsletter", "targeted-advertising", "legal-compliance"]
{more}
"""
Making = Callable[..., Project]


@pytest.fixture
def making(tmp_path: Path) -> Iterator[Making]:
    """Makes a site."""
    made: list[Project] = []

    def make(more: str = "contact = true", settings: str = SETTINGS) -> Project:
        root = tmp_path / "site"
        (root / "sources").mkdir(parents=True)
        (root / "cxm.toml").write_text(settings, "utf-8")
        (root / "sources" / "site.toml").write_text(SOURCE.format(name="site", more=more), "utf-8")
        made.append(Project(root))
        return made[-1]

    yield make
    for project in made:
        project.close()


@pytest.fixture
def site(making: Making) -> Project:
    """A site of which nobody said anything yet."""
    return making()


def event(number: int, who: str, hour: int = 0, **said: Any) -> dict[str, Any]:
    """An event of somebody, so many hours after noon of a day; `said` is its context."""
    return {
        "type": "track", "event": said.pop("event", "Viewed"), "messageId": f"m{number}", "userId": who,
        "timestamp": f"2026-02-02T{8 + hour:02d}:00:00.000Z", "context": said,
    }  # fmt: skip


def banner(**categories: bool) -> dict[str, Any]:
    """A consent object."""
    return {"consent": {"categoryPreferences": {name.replace("_", "-"): is_on for name, is_on in categories.items()}}}


def arrive(project: Project, *items: dict[str, Any], at: int = NOON, gpc: bool = False) -> None:
    """Sends events through the door's inbox into the log."""
    body = json.dumps({"batch": list(items)}).encode()
    project.inbox.put([Call("site", at, "segment", "", len(items), body, gpc=gpc)])
    drain = Drain(project)
    while drain.once(at).events:
        pass


def decided(project: Project, *ids: str, purpose: str = "marketing", as_of: int | None = None) -> list[str]:
    """The reason of the neck for each of these people."""
    found = decisions(project, *ids, purpose=purpose, as_of=as_of)
    return [str(reason) for reason in found.table()["reason"].to_pylist()]


def decisions(project: Project, *ids: str, purpose: str = "marketing", as_of: int | None = None) -> Decisions:
    """What the neck decides of these people, for a reading."""
    known = identity(project, as_of)
    numbers = [known.person(numbers_named(project, project.permit(), name, None)[0]) for name in ids]
    return neck(project, as_of).permit(Use(purpose), np.array(numbers, np.int64))


def counted(project: Project, as_of: int | None = None) -> list[str]:
    """The user ids of those whom an analysis counts."""
    seen = project.subjects("person", project.permit(), known_at=as_of)
    numbers = [number for bucket in seen.buckets() for number in seen.read(bucket).subjects.tolist()]
    return project.vault.names("user_id", numbers)


def test_a_withdrawal_acts_at_the_next_permit(site: Project) -> None:
    """Who says yes in the dialogue may be written to; the moment they take it back, the neck says no, and why."""
    arrive(site, event(1, "ada", **banner(Advertising=True)), event(2, "bob"))
    assert decided(site, "ada", "bob") == ["granted", "unknown"]
    arrive(site, event(3, "ada", 1, event="Segment Consent Preference Updated", **banner(Advertising=False)))
    assert decided(site, "ada") == ["denied"]
    assert (
        run(["consent", "set", "ada", "marketing", "withdrawn", "--because", "by phone", "--project", str(site.root)])
        == 0
    )
    assert decided(site, "ada") == ["withdrawn"]


def test_a_site_that_repeats_itself_fills_no_table(site: Project) -> None:
    """A consent object that comes with every event is kept as its beginning and its end, however many events come."""
    arrive(site, *(event(n, "ada", n % 9, **banner(Advertising=True)) for n in range(200)))
    assert site.consents.facts().num_rows == 4  # two purposes: the first saying, and until when it went on
    arrive(site, *(event(n, "ada", n % 9, **banner(Advertising=True)) for n in range(200, 400)), at=NOON + HOUR)
    assert site.consents.facts().num_rows == 4


def test_late_events_belong_to_their_time(site: Project) -> None:
    """A yes that comes late, of a time before the last no, changes nothing of what holds today."""
    arrive(site, event(1, "ada", 1, **banner(Advertising=False)))
    arrive(site, event(2, "ada", 5, **banner(Advertising=False)))
    arrive(site, event(3, "ada", 3, **banner(Advertising=True)), at=NOON + HOUR)
    assert decided(site, "ada") == ["denied"]


def test_a_stale_dialogue_does_not_undo_a_telephone_call(site: Project) -> None:
    """What a browser goes on sending is no new yes: a withdrawal by hand stands until somebody says yes again."""
    arrive(site, event(1, "ada", **banner(Advertising=True)))
    (number,) = numbers_named(site, site.permit(), "ada", None)
    from cxminute.store.consents import Saying  # noqa: PLC0415 -- only here

    at = NOON - 10_000
    site.consents.say([Saying(number, "marketing", "withdrawn", "hand", at, why="by phone")], NOON)
    arrive(site, event(2, "ada", 9, **banner(Advertising=True)), at=NOON + HOUR)
    assert decided(site, "ada") == ["withdrawn"]


def test_the_browsers_signal_is_stronger_than_the_dialogue(site: Project) -> None:
    """Sec-GPC denies sale and targeted advertising, whatever the dialogue says; a recorded yes later lifts it."""
    arrive(site, event(1, "ada", **banner(Advertising=True)), gpc=True)
    assert decided(site, "ada", purpose="targeted-advertising") == ["browser"]
    assert decided(site, "ada") == ["granted"]
    arrive(site, event(2, "ada", 2, **banner(Advertising=True)), at=NOON + 1)  # without the signal: lifts nothing
    assert decided(site, "ada", purpose="targeted-advertising") == ["browser"]
    command = ["consent", "set", "ada", "targeted-advertising", "granted", "--because", "at the desk"]
    assert run([*command, "--project", str(site.root)]) == 0
    assert decided(site, "ada", purpose="targeted-advertising") == ["granted"]


def test_empty_preferences_are_a_no_and_every_category_counts(site: Project) -> None:
    """No preferences where categories are mapped are a no; of two categories of one purpose both must be yes."""
    arrive(
        site,
        event(1, "ada", consent={"categoryPreferences": {}}),
        event(2, "bob", **banner(Advertising=True, E_mail=False)),
        event(3, "cyd", **banner(Advertising=True, E_mail=True)),
        event(4, "dee", **banner(Analytics=True)),
    )
    assert decided(site, "ada", "bob", "cyd", "dee") == ["denied", "granted", "granted", "unknown"]
    assert decided(site, "ada", "bob", "cyd", "dee", purpose="newsletter") == [
        "denied", "denied", "granted", "unknown",
    ]  # fmt: skip


def test_undone_collects_take_their_consent_back(site: Project) -> None:
    """A collect that is taken back leaves nothing of what its events said of consent."""
    arrive(site, event(1, "ada", **banner(Advertising=True)))
    site.log.undo(site.log.collects()[0].id, NOON + 1)
    assert site.consents.facts().num_rows == 0


def test_one_persons_answer_is_over_all_their_identifiers(site: Project) -> None:
    """What the cookie said before the login is the person's; what one identifier objects to holds for all."""
    visit = {
        "type": "track",
        "event": "Viewed",
        "messageId": "v1",
        "anonymousId": "cookie-1",
        "context": banner(Advertising=True),
    }
    login = {"type": "identify", "messageId": "v2", "anonymousId": "cookie-1", "userId": "ada"}
    arrive(site, {**visit, "timestamp": "2026-02-02T08:00:00Z"}, {**login, "timestamp": "2026-02-02T09:00:00Z"})
    assert decided(site, "ada", "cookie-1") == ["granted", "granted"]
    command = [
        "consent",
        "set",
        "cookie-1",
        "marketing",
        "objected",
        "--because",
        "a letter",
        "--project",
        str(site.root),
    ]
    assert run(command) == 0
    assert decided(site, "ada") == ["objected"]


def test_then_is_as_it_was_known_then(site: Project) -> None:
    """As of a moment before a withdrawal was known, the yes holds, whenever the withdrawal is said to have been."""
    arrive(site, event(1, "ada", **banner(Advertising=True)), at=NOON)
    arrive(site, event(2, "ada", 1, **banner(Advertising=False)), at=NOON + HOUR)
    assert decided(site, "ada", as_of=NOON + 1) == ["granted"]
    assert decided(site, "ada", as_of=NOON + HOUR) == ["denied"]
    assert decided(site, "ada", as_of=NOON - 1) == ["unknown"]


def test_restricted_data_is_only_kept(site: Project) -> None:
    """Under Article 18 every use of the person's data is refused but the law's; when lifted, all is as before."""
    arrive(site, event(1, "ada"), event(2, "bob"))
    where = ["--project", str(site.root)]
    assert run(["consent", "set", "ada", "*", "restricted", "--because", "disputed", *where]) == 0
    assert decided(site, "ada", "bob", purpose="service-optimisation") == ["restricted", "basis"]
    assert decided(site, "ada", purpose="legal-compliance") == ["basis"]
    assert counted(site) == ["bob"]
    with pytest.raises(Refused, match="restricted"):
        pass_person(site, Use("service-optimisation", "show"), np.array([0], np.int64))
    assert run(["consent", "set", "ada", "*", "lifted", "--because", "settled", *where]) == 0
    assert decided(site, "ada", purpose="service-optimisation") == ["basis"]
    assert counted(site) == ["ada", "bob"]
    assert only_permitted(site, "service-optimisation", None) is None  # nobody is left out: today's speed


def test_analyses_leave_out_who_did_not_say_yes(making: Making) -> None:
    """Where a project rests its analyses on consent, only people who said yes are part of them."""
    project = making(
        settings=SETTINGS + '[purposes.service-optimisation]\nbasis = "consent"\ncategories = ["Analytics"]\n'
    )
    arrive(
        project, event(1, "ada", **banner(Analytics=True)), event(2, "bob", **banner(Analytics=False)), event(3, "cyd")
    )
    assert counted(project) == ["ada"]
    arrive(project, event(4, "cyd", 2, **banner(Analytics=True)), at=NOON + HOUR)
    assert counted(project) == ["ada", "cyd"]
    assert counted(project, as_of=NOON) == ["ada"]


def test_who_is_known_only_to_a_source_that_forbids_it_is_not_contacted(making: Making) -> None:
    """Contact needs a source that knows the person and allows it; a yes alone is not enough."""
    project = making("contact = true")
    other = project.root / "sources" / "desk.toml"
    other.write_text(SOURCE.format(name="desk", more="contact = false"), "utf-8")
    project = Project(project.root)
    arrive(project, event(1, "ada", **banner(Advertising=True)))
    body = json.dumps({"batch": [event(2, "bob", **banner(Advertising=True)), event(3, "ada")]}).encode()
    project.inbox.put([Call("desk", NOON, "segment", "", 2, body)])
    Drain(project).once(NOON)
    numbers = [numbers_named(project, project.permit(), name, None)[0] for name in ("ada", "bob")]
    use = Use("marketing", "send", channel="email", outcome="orders", insight="W07")
    found = neck(project).permit(use, np.array(numbers, np.int64))
    assert found.table()["reason"].to_pylist() == ["granted", "contract"]
    project.close()


def test_who_was_forgotten_is_in_no_use(site: Project) -> None:
    """A number that somebody still has of a person who was forgotten lets nothing pass, whatever the basis."""
    arrive(site, event(1, "ada", **banner(Advertising=True)), event(2, "bob"))
    numbers = [numbers_named(site, site.permit(), name, None)[0] for name in ("ada", "bob")]
    site.vault.erase([("person", numbers[0])])
    found = neck(site).permit(Use("service-optimisation"), np.array(numbers, np.int64))
    assert found.table()["reason"].to_pylist() == ["forgotten", "basis"]


def test_a_file_of_answers_is_taken_whole_or_not_at_all(site: Project, tmp_path: Path) -> None:
    """An import records each row once, also of people who never came; a row that is wrong takes nothing in."""
    path = tmp_path / "list.csv"
    path.write_text("email,purpose,said,at\nAda@Example.org,marketing,granted,2026-01-02\n", "utf-8")
    assert take_file(site, path, "site", NOON)["new"] == 1
    assert take_file(site, path, "site", NOON)["new"] == 0
    assert decided(site, "ada@example.org") == ["granted"]
    path.write_text(
        "user_id,purpose,said,at\neve,marketing,granted,2026-01-02\neve,marketting,no,2026-01-02\n", "utf-8"
    )
    with pytest.raises(BadData, match=r"row 2.*Did you mean 'marketing'"):
        take_file(site, path, "site", NOON)
    assert site.consents.facts().num_rows == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["ada", "marketting", "granted"], "marketing"),
        (["ada", "marketing", "grnted"], "granted"),
        (["ada", "*", "granted"], "Nobody says yes to everything"),
        (["nobody", "marketing", "granted"], "Nobody has that"),
    ],
)
def test_what_cannot_be_said_is_refused(
    site: Project, capsys: pytest.CaptureFixture[str], words: list[str], code: str
) -> None:
    """A wrong purpose, word or person is refused with the nearest right name, and nothing is recorded."""
    arrive(site, event(1, "ada"))
    assert run(["consent", "set", *words, "--because", "x", "--project", str(site.root)]) != 0
    assert code in capsys.readouterr().err
    assert site.consents.facts().num_rows == 0


def test_what_is_shown_says_who_since_when_and_how(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`cxm consent ID` shows each purpose with its basis, the answer, since when and by whom; history on demand."""
    arrive(site, event(1, "ada", **banner(Advertising=True)))
    where = ["--project", str(site.root), "--json"]
    assert run(["consent", "ada", "--history", *where]) == 0
    found = json.loads(capsys.readouterr().out)
    of = {row["purpose"]: row for row in found["purposes"]}
    assert of["marketing"]["answer"] == "granted"
    assert (of["marketing"]["how"], of["marketing"]["source"]) == ("consent object", "site")
    assert of["targeted-advertising"]["reason"] == "unknown"  # it needs a yes of its own
    provision = of["service-provision"]
    assert (provision["basis"], provision["answer"], provision["allowed"]) == ("contract", "unknown", True)
    assert [row["said"] for row in found["history"]] == ["granted", "denied"]
    assert run(["consent", *where]) == 0
    counts = {row["purpose"]: row["answers"] for row in json.loads(capsys.readouterr().out)["purposes"]}
    assert counts["marketing"]["granted"] == 1
    assert run(["consent", "ada", "--project", str(site.root)]) == 0
    assert "no (denied)" in capsys.readouterr().out


def test_small_groups_are_not_shown(making: Making, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a contract says how small a group may be, a smaller one is not counted, nor found by subtraction."""
    project = making("contact = true\nsmallest_group = 3")
    yes = [event(n, f"yes{n}", **banner(Advertising=True, E_mail=True)) for n in range(5)]
    no = [event(n, f"no{n}", **banner(Advertising=False)) for n in range(5, 7)]
    arrive(project, *yes, *no, *(event(n, f"ada{n}", gpc=True) for n in range(7, 11)))
    assert run(["consent", "--json", "--project", str(project.root)]) == 0
    found = json.loads(capsys.readouterr().out)
    answers = next(row["answers"] for row in found["purposes"] if row["purpose"] == "marketing")
    assert answers["denied"] is None
    assert [answers["granted"], answers["unknown"]].count(None) >= 1  # else the rest would tell
    assert found["hidden"] >= 1
    assert found["people"] == 11


def test_who_answered_a_part_alone_is_not_to_be_had_from_its_parent(
    making: Making, capsys: pytest.CaptureFixture[str]
) -> None:
    """A no to marketing is one to its letters: of two more who said no to these alone neither answer may tell."""
    project = making("contact = true\nsmallest_group = 5")
    no = [event(n, f"no{n}", **banner(Advertising=False)) for n in range(20)]
    yes = [event(n, f"yes{n}", **banner(Advertising=True, E_mail=True)) for n in range(20, 40)]
    part = [event(n, f"part{n}", **banner(Advertising=True, E_mail=False)) for n in range(40, 42)]
    arrive(project, *no, *yes, *part)
    assert run(["consent", "--json", "--project", str(project.root)]) == 0
    of = {row["purpose"]: row["answers"] for row in json.loads(capsys.readouterr().out)["purposes"]}
    for answers in ("denied",), ("granted", "denied"):
        marketing, letters = ([of[name][one] for one in answers] for name in ("marketing", "newsletter"))
        known = None not in (*marketing, *letters)
        assert not known or abs(sum(letters) - sum(marketing)) not in range(1, 5)
    assert of["marketing"]["granted"] != 22 or of["newsletter"]["granted"] is None
    assert run(["consent", "--project", str(project.root)]) == 0
    assert "fewer than 5" in capsys.readouterr().err


def test_no_answer_names_a_persons_data(site: Project, tmp_path: Path) -> None:
    """A file that cannot be read is refused without quoting any identifier in it."""
    path = tmp_path / "list.csv"
    path.write_text("email,purpose,said,at\nnot-an-address,marketing,granted,2026-01-02\n", "utf-8")
    with pytest.raises(CxmError) as fault:
        take_file(site, path, "site", NOON)
    assert "not-an-address" not in str(fault.value)


def test_a_file_of_answers_waits_for_whoever_writes_the_log(
    site: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the door's events or a forgetting are on their way, nobody is looked up or numbered for an answer."""
    file = tmp_path / "answers.csv"
    file.write_text("user_id,purpose,said,at\nann,marketing,granted,2026-02-01T10:00:00Z\n", "utf-8")
    monkeypatch.setattr(consent_answers, "WAIT", 0.05)
    looked: list[object] = []
    with monkeypatch.context() as patched, collecting(site.folder, wait=1):
        patched.setattr(type(site.suppressions), "hits", lambda *_: looked.append(1))
        with pytest.raises(BrokenStore):
            take_file(site, file, "site", NOON)
    assert (looked, site.vault.number("user_id", "ann")) == ([], None)
    assert take_file(site, file, "site", NOON)["new"] == 1
