"""One person in every place that there is, forgotten: not a byte of theirs is left, nothing of others is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cxminute.app.backing import back_up, bring_back
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.app.rights.forgetting import forget, lift, preview, proofs_of, who_is
from cxminute.app.rights.suppressing import REFUSED
from cxminute.model.errors import CxmError
from cxminute.store.proofs import Proofs
from tests.app.small_site import balance
from tests.conformance.postgres import empty_database
from tests.scenarios.planted import (
    BRIEF,
    HEAD,
    NOON,
    OPEN,
    OTHER,
    WHO,
    WORD,
    call,
    make,
    of_others,
    row,
    sent,
    standing,
    take,
)

LATER = NOON + 60_000


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.outside("postgresql"))])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project, on each database."""
    embedded = request.param == "sqlite"
    with pytest.MonkeyPatch.context() as patch:
        if not embedded:
            patch.setenv("PLANTED_STATE", empty_database(request.getfixturevalue("server")))
        folder = tmp_path_factory.mktemp("planted") / "shop"
        project = make(folder, "" if embedded else "env:PLANTED_STATE")
        yield project
        project.close()


def everywhere(project: Project) -> list[str]:
    """Every place on disk in which the person stands: the project's folder, and the database server's."""
    found = standing(project.root)
    url = project.log.state.url
    if url.drivername.startswith("postgresql"):
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            [(data,)] = connection.execute("SHOW data_directory").fetchall()
        found += standing(Path(data))
    return found


def test_nothing_of_somebody_forgotten_is_left_in_any_byte(planted: Project, tmp_path: Path) -> None:
    """Pages, write-ahead logs, segments, index, briefs: the person is nowhere; others and published figures stand."""
    before = of_others(planted)
    back_up(planted, tmp_path / "before.backup")
    assert len(everywhere(planted)) > 6, "what is looked for can be found"
    whom = who_is(planted, WHO)
    seen = preview(planted, [whom])
    done = forget(planted, [whom], LATER)
    assert (done.found, done.is_done) == (seen.found, True)
    assert min(done.found[place] for place in ("events", "identifiers", "personal values", "quarantine", "bonds")) > 3
    assert everywhere(planted) == []
    assert of_others(planted) == before
    assert (planted.folder / "briefs" / "2026-W10.html").read_bytes() == BRIEF.encode()
    assert (planted.folder / "briefs" / "2026-W11.html").read_text("utf-8") == "<p>2 of 4; see (forgotten).</p>"
    if not planted.settings.state:  # another database is restored into one of its own
        bring_back(tmp_path / "before.backup", tmp_path / "restored")
        assert standing(tmp_path / "restored", [WORD]) == [], "what identifies is sealed there, and its keys are gone"


def test_the_proof_shows_whom_it_was_about_to_who_asks_with_the_name(planted: Project) -> None:
    """It says where was searched and what was found; that it was this person only the project can tell, and of them."""
    [name] = proofs_of(planted, WHO)
    assert proofs_of(planted, OTHER) == []
    said = json.loads((planted.folder / "proofs" / name).read_bytes())
    assert (said["people"], sum(said["left"].values()), said["found"]["events"] > 9) == (1, 0, True)
    assert Proofs(planted.folder / "proofs").broken() == ""
    requests = planted.requests.list()
    assert [(one.kind, one.proof, bool(one.about)) for one in requests] == [
        ("erasure", name, False), ("access", "", False), ("access", "", True)
    ]  # fmt: skip


def test_what_comes_of_them_later_is_refused_and_counted(planted: Project) -> None:
    """Through the door and in files: not an event, not a name, not a row; and received is what became of it."""
    before = of_others(planted)
    stored = balance(planted)
    planted.inbox.put([call([*sent(WHO, 3, "w"), *sent("eve", 4, "eve")])])
    Drain(planted).once(LATER)
    late = balance(planted)
    assert tuple(now - then for now, then in zip(late, stored, strict=True)) == (10, 5, 0, 5)
    take(planted, "orders", "late.csv", [HEAD, row(WHO, f"{OPEN}-o9"), row(WHO, f"{OPEN}-o10", at="never")])
    assert everywhere(planted) == []
    assert len(of_others(planted)) == len(before) + 5
    refused = planted.log.rejects(reason=REFUSED)
    assert (refused.num_rows, set(refused["row"].to_pylist())) == (7, {""})


def test_somebody_who_comes_back_is_somebody_new(planted: Project) -> None:
    """Once the suppression is lifted their events are taken, and nothing ties them to who they were."""
    with pytest.raises(CxmError):
        who_is(planted, WHO)
    assert lift(planted, WHO) == 1
    take(planted, "orders", "again.csv", [HEAD, f"{OPEN}-o11,{WHO},,,red,2026-04-01"])
    assert len(who_is(planted, WHO).profiles) == 1
