"""`cxm forget`: what it says, whom it takes, and that a stop anywhere is made good by the next call."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from sqlalchemy import select

from cxminute.app import clock
from cxminute.app.backing import back_up, bring_back
from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.people.identity import identity
from cxminute.app.project import Project
from cxminute.app.rights.forgetting import forget, is_begun, lift, proofs_of, who_is
from cxminute.app.rights.places import pages_with
from cxminute.model.errors import UnknownName, WrongUse
from cxminute.model.times import DAY, from_ms
from cxminute.privacy.standing import Words
from cxminute.store import failpoints, forgetting, scrubbing
from cxminute.store.proofs import Proofs
from cxminute.store.schema import DESTROYING, ERASURES, SUPPRESSED
from cxminute.store.vault import ERASED
from tests.app.small_site import NOON, SOURCE, call, ids, item, make_site

POINTS = [name for name in failpoints.POINTS if name.startswith("forgetting.")]
JOURNEY = """name = "buys"
per = "person"
pattern = '"Order Completed" -> "Order Completed"'
window = "9 days"
"""
PROMISE = """name = "kept"
per = "order_id"
made = '"Order Completed"'
due = "1 day after made"
kept = '"Order Shipped"'
target = 0.9
"""
THEIRS = {"m3", "m10", "m17"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site with 20 events of seven people; u3 has three."""
    root = tmp_path_factory.mktemp("made") / "site"
    project = make_site(root)
    put(project, range(20))
    project.close()
    return root


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of it."""
    copytree(made, tmp_path / "site")
    project = Project(tmp_path / "site")
    yield project
    project.close()


def put(project: Project, numbers: Any) -> None:
    """Events with these numbers, through the door into the log; their e-mail address is their user's."""
    said = [item(n, properties={"order_id": f"o{n}", "email": f"person{n % 7}@example.com", "hue": f"hue {n}"})
            for n in numbers]  # fmt: skip
    project.inbox.put([call(said)])
    Drain(project).once(NOON)


def document(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON document of a command."""
    capsys.readouterr()
    code = run([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def forgotten(project: Project) -> None:
    """What holds of the site once u3 is forgotten, however often that was begun."""
    assert set(ids(project)) == {f"m{n}" for n in range(20)} - THEIRS
    assert project.vault.number("user_id", "u3") is None
    assert not is_begun(project)
    names = [path.name for path in (project.folder / "proofs").glob("*.json")]
    assert len(names) == 1
    assert Proofs(project.folder / "proofs").broken() == ""
    with project.log.state.connect() as connection:
        assert connection.execute(select(ERASURES.c.proof)).scalars().all() == names
        assert connection.execute(select(DESTROYING)).all() == []
    named = {f"log/{piece.path.relative_to(project.log.root)}" for piece in project.log.pieces(())}
    there = {path.relative_to(project.folder).as_posix() for path in project.log.root.rglob("*.parquet")}
    assert there == named
    project.log.verify()


def stopped(site: Project, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """A forgetting that is stopped at a point."""

    def stops(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    monkeypatch.setattr(failpoints, "at", stops)
    with pytest.raises(KeyboardInterrupt):
        forget(site, [who_is(site, "u3")], NOON + 1)
    monkeypatch.undo()


@pytest.mark.parametrize("point", POINTS)
def test_a_stop_anywhere_is_made_good_by_the_next_call(
    site: Project, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was done before is not done again, and one proof is written."""
    stopped(site, monkeypatch, point)
    site.close()
    again = Project(site.root)
    assert is_begun(again)
    done = forget(again, (), NOON + 2)
    assert (done.people, done.found["events"], done.is_done) == (1, 3, True)
    forgotten(again)
    again.close()


def test_killed_as_by_a_cut_of_power_it_goes_on(site: Project) -> None:
    """The process dies between two steps; the same command again completes it and says what it did."""
    site.close()
    command = [sys.executable, "-m", "cxminute.app.cli", "forget", "u3", "--project", str(site.root)]
    died = subprocess.run(
        command, check=False, capture_output=True, env={**os.environ, "CXM_FAILPOINTS": "forgetting.committed=kill"}
    )
    assert died.returncode == -signal.SIGKILL
    assert run(["forget", "--project", str(site.root)]) == 0
    forgotten(Project(site.root))


def test_it_says_what_would_go_and_what_went(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The same counts before and after; nothing is changed by asking; a person is one by whichever identifier."""
    root = ["--project", str(site.root)]
    code, would = document(capsys, "forget", "person3@example.com", "u3", "--dry-run", *root)
    assert (code, would["people"], would["proof"], would["done"]) == (0, 1, None, False)
    assert len(ids(site)) == 20
    code, went = document(capsys, "forget", "u3", *root)
    assert (code, went["done"], sum(went["left"].values())) == (0, True, 0)
    assert went["found"] == would["found"]
    assert went["found"]["identifiers"] == 5, "a user id, an e-mail address, three orders"
    assert went["segments"] == {"rewritten": 1, "all": 1}
    assert run(["forget", "u3", *root]) == 2, "nobody has that any more"
    assert document(capsys, "forget", "u3", "--proofs", *root) == (0, {"proofs": [[went["proof"]]]})
    assert document(capsys, "forget", "u4", "--proofs", *root)[0] == 1
    assert run(["forget", *root]) == 2, "nobody is named, and nothing was begun"
    capsys.readouterr()
    forgotten(site)


def test_several_at_once_also_from_a_file(site: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One rewriting, one proof, for all of them; whoever is named twice counts once."""
    listed = tmp_path / "who.txt"
    listed.write_text("u4\n\nperson5@example.com\nu5\n", "utf-8")
    code, went = document(capsys, "forget", "u3", "--from", str(listed), "--project", str(site.root))
    assert (code, went["people"], went["found"]["events"]) == (0, 3, 9)
    assert len(ids(site)) == 11
    assert {len(proofs_of(site, who)) for who in ("u3", "u4", "u5")} == {1}
    assert run(["forget", "--from", str(tmp_path / "none.txt"), "--project", str(site.root)]) == 2


def test_one_identifier_alone_can_be_forgotten(site: Project) -> None:
    """The rest of the person stays: their user id, and the events under it."""
    forget(site, [who_is(site, "person3@example.com", only=True)], NOON + 1)
    assert len(ids(site)) == 20
    number = site.vault.number("user_id", "u3")
    assert number is not None
    assert number in who_is(site, "u3").profiles


def test_a_request_is_answered_once_whoever_asks_is_known(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A request names whom it is about; before somebody has checked who asks, nobody is forgotten for it."""
    root = ["--project", str(site.root)]
    asked = site.requests.add("erasure", {"email": ["Person3@example.com"]}, NOON)
    other = site.requests.add("access", {"user_id": ["u4"]}, NOON)
    assert run(["forget", "--request", str(asked.id), *root]) == 2
    assert run(["forget", "--request", str(other.id), *root]) == 2
    site.requests.check(asked.id, NOON, "by telephone")
    code, went = document(capsys, "forget", "--request", str(asked.id), *root)
    assert code == 0
    closed = site.requests.get(asked.id)
    assert (closed.proof, dict(closed.about), closed.done_at is None) == (went["proof"], {}, False)
    assert json.loads((site.folder / "proofs" / closed.proof).read_bytes())["why"] == f"request {asked.id} (erasure)"
    assert site.requests.get(other.id).about == {"user_id": ["u4"]}
    forgotten(site)


def test_what_waits_at_the_door_is_taken_in_or_refused_and_nobody_elses_is_lost(site: Project) -> None:
    """Calls that were acknowledged before: others' are in the log, and theirs nowhere."""
    site.inbox.put([call([item(n) for n in range(20, 34)])])
    forget(site, [who_is(site, "u3")], NOON + 1)
    assert set(ids(site)) == {f"m{n}" for n in range(34) if n % 7 != 3}
    assert site.inbox.waiting(site.arrivals.marks(site.inbox.identity)) == []
    with site.log.state.connect() as connection:
        met = connection.execute(select(SUPPRESSED.c.met).where(SUPPRESSED.c.kind == "user_id")).scalars().all()
    assert met == [2]


def test_an_order_of_theirs_that_comes_late_is_refused_too(site: Project) -> None:
    """A parcel's event names the order and no customer: it is about them all the same."""
    forget(site, [who_is(site, "u3")], NOON + 1)
    late = {"type": "track", "event": "Order Shipped", "messageId": "x1", "anonymousId": "", "userId": "carrier",
            "timestamp": "2026-02-20T10:00:00Z", "properties": {"order_id": "o3"}}  # fmt: skip
    site.inbox.put([call([late, {**late, "messageId": "x2", "properties": {"order_id": "o4"}}])])
    Drain(site).once(NOON)
    assert {one for one in ids(site) if one.startswith("x")} == {"x2"}


def test_who_comes_back_is_somebody_new(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Lifted, their identifier gets another number; the old one goes on saying nothing."""
    old = site.vault.number("user_id", "u3")
    assert old is not None
    forget(site, [who_is(site, "u3")], NOON + 1)
    root = ["--project", str(site.root)]
    assert document(capsys, "forget", "u3", "person3@example.com", "--lift", *root) == (0, {"named": 2, "lifted": 2})
    assert run(["forget", "u3", "--lift", *root]) == 1
    assert lift(site, "u5") == 0
    put(site, [24, 25])
    assert {"m24", "m25"} <= set(ids(site))
    assert site.vault.number("user_id", "u3") not in (None, old)
    assert site.vault.called("user_id", [old]) == {old: f"{ERASED}{old}"}


def test_nobody_s_identifier_forgets_nobody(site: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that many share is no person's: it is refused, unless it alone is meant; so is an unknown word."""
    with pytest.raises(UnknownName):
        who_is(site, "nobody-has-this")
    with pytest.raises(UnknownName):
        who_is(site, "u3", "shoe_size")
    number = site.vault.number("user_id", "u3")
    known = identity(site)
    nobody = known.nobody.slice(0, 0)
    shared = type(known)(**{**vars(known), "nobody": nobody.from_pydict({"number": [number], "why": ["shared"]})})
    monkeypatch.setattr("cxminute.app.rights.forgetting.identity", lambda _: shared)
    with pytest.raises(WrongUse, match="nobody"):
        who_is(site, "u3")
    assert who_is(site, "u3", only=True).profiles == (number,)


def test_the_clock_is_the_callers(site: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command brings it: the proof bears its day."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assert run(["forget", "u3", "--project", str(site.root)]) == 0
    assert [path.name for path in (site.folder / "proofs").glob("*.json")] == [
        f"{from_ms(NOON):%Y-%m-%d}-forgotten.json"
    ]


def test_figures_worked_out_anew_say_after_how_many_erasures(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """In text, in documents and in briefs, where the span has events of somebody forgotten; nowhere else."""
    for folder, name, text in (("journeys", "buys", JOURNEY), ("promises", "kept", PROMISE)):
        (site.root / folder).mkdir()
        (site.root / folder / f"{name}.toml").write_text(text, "utf-8")
    root = ["--project", str(site.root)]
    for words in (["journeys"], ["promises"], ["minute", "--week", "2026-W06"]):
        assert "after_erasures" not in document(capsys, *words, *root)[1]
    forget(site, [who_is(site, "u3"), who_is(site, "u4")], NOON + 1)
    assert document(capsys, "journeys", *root)[1]["after_erasures"] == 2
    assert document(capsys, "promises", *root)[1]["after_erasures"] == 2
    assert "after_erasures" not in document(capsys, "journeys", "--until", "2026-01-01", *root)[1]
    notes = document(capsys, "minute", "--week", "2026-W06", *root)[1]["notes"]
    assert [note["text"] for note in notes] == [
        "After 2 erasures: what was published before stands as it was."
    ]  # fmt: skip
    assert run(["journeys", *root]) == 0
    said = capsys.readouterr()
    assert "After 2 erasures" in said.out + said.err


def test_a_law_s_exception_is_kept_and_proved_until_its_term_is_over(
    site: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract names events that stay; their values can be read until the law says no more, then they go."""
    path = site.root / "sources" / "site.toml"
    law = 'keep_by_law = ["Order Completed"]\nlaw = "HGB 257"\nkeep_by_law_for = "3650 days"\n'
    path.write_text(path.read_text("utf-8") + law, "utf-8")
    root = ["--project", str(site.root)]
    code, went = document(capsys, "forget", "u3", *root)
    assert (code, went["kept_by_law"], went["found"]["events"], went["found"]["personal values"]) == (0, 3, 0, 0)
    assert json.loads((site.folder / "proofs" / went["proof"]).read_bytes())["kept by law"] == 3
    assert len(ids(site)) == 20
    assert document(capsys, "retain", *root)[1]["sources"] == []
    monkeypatch.setattr(clock, "now", lambda: NOON + 4_000 * DAY)
    [over] = document(capsys, "retain", *root)[1]["sources"]
    assert (over["clause"], over["removed"]["values"]) == ("law: HGB 257", 3)
    assert document(capsys, "retain", *root)[1]["sources"] == []


def test_rows_of_no_source_that_name_them_are_kept_empty(site: Project) -> None:
    """What cannot even be read is looked through for who was forgotten: nothing of it lies in quarantine."""
    forget(site, [who_is(site, "u3")], NOON + 1)
    (site.root / "sources" / "site.toml").unlink()
    (site.root / "sources" / "other.toml").write_text(SOURCE.format(name="other"), "utf-8")
    later = Project(site.root)
    later.inbox.put([call([item(3, messageId="n1"), item(4, messageId="n2")])])
    Drain(later).once(NOON)
    rows = later.log.rejects("site").to_pylist()
    assert [(row["reason"], bool(row["row"])) for row in rows] == [("forgotten", False), ("unknown_source", True)]
    later.close()


def test_bytes_that_cannot_be_cleared_yet_leave_it_open_and_the_next_call_proves_it(
    site: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody has the file open there is no proof, requests stay open, and nobody else is begun."""
    root = ["--project", str(site.root)]
    asked = site.requests.add("erasure", {"user_id": ["u3"]}, NOON)
    monkeypatch.setattr(scrubbing, "scrub_inbox", lambda _: scrubbing.IN_USE)
    code, went = document(capsys, "forget", "u3", *root)
    assert (code, went["done"], went["proof"], sum(went["left"].values())) == (1, False, None, 0)
    assert (is_begun(site), site.requests.get(asked.id).done_at) == (True, None)
    code, again = document(capsys, "forget", "u4", *root)
    assert (code, again["found"], "m4" in ids(site)) == (1, went["found"], True)
    monkeypatch.undo()
    code, went = document(capsys, "forget", "u3", *root)
    assert (code, went["done"], went["people"], went["found"]) == (0, True, 1, again["found"])
    assert site.requests.get(asked.id).proof == went["proof"]
    forgotten(site)


def test_what_is_left_is_removed_by_the_next_call_and_people_count_once(
    site: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that came back are gone after it; one proof tells of all."""
    count = forgetting.count

    def counted(*of: Any) -> dict[str, int]:
        return count(*of) if "m3" in ids(site) else dict.fromkeys(count(*of), 1)

    monkeypatch.setattr(forgetting, "count", counted)
    assert not forget(site, [who_is(site, "u3")], NOON + 1).is_done
    monkeypatch.undo()
    assert forget(site, (), NOON + 2).is_done
    with site.log.state.connect() as connection:
        rows = connection.execute(select(ERASURES.c.people, ERASURES.c.proof).order_by(ERASURES.c.id)).all()
    assert [row.people for row in rows] == [1, 0]
    assert len({row.proof for row in rows}) == 1


def test_killed_it_is_completed_before_names_are_looked_up(
    site: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is named again after a kill is known to nobody by then: it is completed, and said so; others follow."""
    stopped(site, monkeypatch, "forgetting.committed")
    assert run(["forget", "u3", "u4", "--project", str(site.root)]) == 0
    said = capsys.readouterr().out
    assert "What was begun before is complete" in said
    assert "1 person forgotten" in said
    assert {"m3", "m4"}.isdisjoint(ids(site))


def test_a_project_restored_from_the_midst_of_a_forgetting_can_forget(
    site: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note of what was under way is in no backup: what it left without a proof holds nobody up."""
    stopped(site, monkeypatch, "forgetting.committed")
    back_up(site, tmp_path / "b", identifier_keys=tmp_path / "keys")
    bring_back(tmp_path / "b", tmp_path / "again", tmp_path / "keys")
    again = Project(tmp_path / "again")
    assert not is_begun(again)
    done = forget(again, [who_is(again, "u4")], NOON + 2)
    assert (done.found["events"], done.is_done) == (3, True)
    again.close()


def test_of_what_is_refused_unread_only_what_names_them_is_emptied(site: Project) -> None:
    """A quantity that is spelled as their number stays another's; every spelling of theirs goes."""
    put(site, [21])
    site.inbox.put([call([item(3, messageId="n0", userId="42"), item(3, messageId="n9", userId="Anna@X.de")])])
    Drain(site).once(NOON)
    people = [who_is(site, word, "user_id", only=True) for word in ("42", "Anna@X.de")]
    forget(site, [*people, who_is(site, "person5@example.com", only=True)], NOON + 1)
    (site.root / "sources" / "site.toml").unlink()
    (site.root / "sources" / "other.toml").write_text(SOURCE.format(name="other"), "utf-8")
    later = Project(site.root)
    later.inbox.put([call([
        {"messageId": "n1", "properties": {"qty": 42}}, {"messageId": "n2", "userId": 42},
        {"messageId": "n3", "said": "Person5@Example.com"}, {"messageId": "n4", "said": "person5@example.com"},
    ])])  # fmt: skip
    Drain(later).once(NOON)
    found = [bool(row["row"]) for row in later.log.rejects("site").to_pylist()]
    assert found == [True, False, False, False]
    later.close()


def test_files_of_ours_below_the_project_are_no_pages(site: Project) -> None:
    """An identifier that is spelled as a word of the note, or as a name of a source, is not looked for there."""
    (site.folder / "forgetting.json").write_text('{"people": []}', "utf-8")
    (site.folder / "door").mkdir(exist_ok=True)
    (site.folder / "door" / "attempts.json").write_text('{"people": 1}', "utf-8")
    (site.folder / "brief.html").write_text("<p>people", "utf-8")
    assert pages_with(site, Words(["people"])) == {"brief.html": 1}


def test_what_a_killed_backup_left_goes(site: Project) -> None:
    """Links to segments of before are removed with the segments."""
    left = site.folder / ".backup-999999999" / "log"
    left.mkdir(parents=True)
    (left / "old.parquet").write_bytes(b"u3")
    assert forget(site, [who_is(site, "u3")], NOON + 1).is_done
    assert not left.parent.exists()


def test_reasons_in_words_go_with_their_keys(site: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why somebody tied two identifiers lies sealed: of a large state pages need not be written anew."""
    assert run(["link", "u3", "u4", "--because", "she told us", "--project", str(site.root)]) == 0
    person = who_is(site, "u3")
    monkeypatch.setattr(scrubbing, "is_small", lambda _: False)
    assert forget(site, [person], NOON + 1).bytes["state"] == scrubbing.SEALED
