"""Files into the log, from the command line: what is bad is told and kept, what is personal stays out of the log."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.app.project import Project
from cxminute.store.log import Chunk, Counts, EventLog, Told
from tests.store.vaults import readable

SOURCE = """name = "orders"
format = "{format}"
key = ["order"]
[identifiers]
user_id = "customer"
order_id = "order"
[properties]
total = {{ from = "total", type = "number" }}
email = "email"
note = "note"
colour = "colour"
[[events]]
name = "Order Completed"
at = "ordered"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
personal = ["properties.colour"]
"""
HEADER = "order,customer,ordered,total,email,note,colour"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one source of orders."""
    return make(tmp_path / "p", "csv")


def make(root: Path, form: str) -> Path:
    """A project whose source is of a format."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text(
        'name = "shop"\n[minute]\ndimensions = ["total"]\n[log]\nsegment_rows = 3\n', "utf-8"
    )
    (root / "sources" / "orders.toml").write_text(SOURCE.format(format=form), "utf-8")
    return root


def row(number: int, **cells: object) -> str:
    """One good line of orders, with some cells otherwise."""
    good: dict[str, object] = {
        "order": f"o{number}", "customer": f"c{number}", "ordered": f"2026-01-{number:02d}T10:00:00Z", "total": number,
        "email": f"c{number}@example.com", "note": "", "colour": "red",
    }  # fmt: skip
    return ",".join(str(value) for value in (good | cells).values())


def collect(project: Path, *files: Path) -> int:
    """One collect."""
    return run(["collect", *map(str, files), "--project", str(project)])


def held(project: Path) -> dict[str, int]:
    """How many rows lie in quarantine, by reason."""
    counts: dict[str, int] = {}
    for reason in Project(project).log.rejects()["reason"].to_pylist():
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def events(project: Path) -> int:
    """How many events stand in the log."""
    return sum(piece.rows - len(piece.dropped) for piece in Project(project).log.pieces(()))


def test_bad_rows_are_set_apart_and_the_rest_goes_in(project: Path, tmp_path: Path) -> None:
    """A ragged row, an impossible date and a text for a number are each kept whole with their reason."""
    lines = [
        HEADER,
        row(1),
        "o2,c2,2026-01-02T10:00:00Z",
        row(3, ordered="2026-02-30T10:00:00Z"),
        row(4, total="many"),
        row(5),
    ]
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    assert collect(project, file) == 0
    assert events(project) == 2
    assert sum(held(project).values()) == 3
    assert len(held(project)) == 3


def test_what_was_set_apart_can_be_replayed(project: Path, tmp_path: Path) -> None:
    """After the mapping is mended the rows come in from quarantine, and what still fails stays there."""
    file = tmp_path / "orders.csv"
    file.write_text(
        "\n".join([HEADER, row(1), row(2, ordered="03.01.2026 10:00"), row(3, ordered="never")]) + "\n", "utf-8"
    )
    assert collect(project, file) == 0
    assert (events(project), held(project)) == (1, {"bad_time": 2})
    path = project / "sources" / "orders.toml"
    path.write_text(
        path.read_text("utf-8").replace('key = ["order"]', 'key = ["order"]\ntimes = ["%d.%m.%Y %H:%M"]'), "utf-8"
    )
    assert run(["quarantine", "replay", "--source", "orders", "--project", str(project)]) == 0
    assert (events(project), held(project)) == (2, {"bad_time": 1})
    assert run(["quarantine", "replay", "--source", "orders", "--project", str(project)]) == 0
    assert run(["collects", "undo", "1", "--project", str(project)]) == 0
    assert (events(project), held(project)) == (0, {}), "what was replayed of a collect goes with it"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("plain.csv.gz", b"order,customer\n1,2\n", "not compressed"),
        ("header.csv", b"order,customer,total,email,note,colour\no1,c1,1,a,b,red\n", "ordered"),
        ("wrong.csv", HEADER.encode() + b"\n" + row(1, note="caf\xe9").encode("latin-1") + b"\n", "cp1252"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    project: Path, tmp_path: Path, name: str, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty file, a missing column and a wrong encoding are told with the file and what would be right."""
    file = tmp_path / name
    file.write_bytes(content)
    code = collect(project, file)
    captured = capsys.readouterr()
    told = captured.err + captured.out + json.dumps(Project(project).log.rejects().to_pylist())
    assert said in told
    assert "Traceback" not in told
    assert code in (0, 1, 3)
    assert code != 0 or held(project)


def test_an_unknown_source_is_named_with_the_nearest(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped --source is told with the right name."""
    (tmp_path / "a.csv").write_text("x\n", "utf-8")
    assert run(["collect", str(tmp_path / "a.csv"), "--source", "order", "--project", str(project)]) == 2
    assert "'orders'" in capsys.readouterr().err


def test_a_truncated_gzip_gives_what_was_there(project: Path, tmp_path: Path) -> None:
    """What could be inflated comes in; that the rest is missing is on record."""
    lines = "\n".join([HEADER, *(row(day) for day in range(1, 29))]) + "\n"
    file = tmp_path / "orders.csv.gz"
    whole = gzip.compress((lines * 1).encode(), mtime=0)
    file.write_bytes(whole[: len(whole) * 3 // 4])
    assert collect(project, file) == 0
    assert 0 < events(project) < 28
    assert "file_truncated" in held(project)


def test_one_bad_file_does_not_stop_the_others(project: Path, tmp_path: Path) -> None:
    """Files are collected one by one; the exit code says that one failed."""
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join([HEADER, row(1)]) + "\n", "utf-8")
    bad.write_bytes(b"")
    assert collect(project, bad, good) == 3
    assert events(project) == 1


def test_personal_values_are_in_the_vault_alone(project: Path, tmp_path: Path) -> None:
    """A text planted in every personal path, and every identifier, is found in no file; the keys alone open it."""
    canary = "canary7f3a9d"
    file = tmp_path / "orders.csv"
    cells = {"email": f"{canary}@mail", "note": f"{canary}note", "colour": f"{canary}colour", "customer": f"{canary}c"}
    file.write_text("\n".join([HEADER, row(1, **cells), row(2)]) + "\n", "utf-8")
    assert collect(project, file) == 0
    (project / "journeys").mkdir()
    (project / "journeys" / "again.toml").write_text(
        'name = "again"\nper = "person"\npattern = \'"Order Completed" -> "Order Completed"\'\nwindow = "9 days"\n',
        "utf-8",
    )
    assert run(["journeys", "again", "--by", "total", "--project", str(project)]) == 0
    inside = project / ".cxm"
    files = [path for path in inside.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".parquet", ".arrow", ".sqlite"}
    holders = {path.name.partition("-")[0] for path in files if canary.encode() in path.read_bytes()}
    assert holders == set()
    opened = Project(project)
    said = readable(opened.log.state, opened.keyring)
    opened.close()
    assert [word for word in cells.values() if word not in said] == [], "the vault holds it, sealed"


def test_a_dry_run_writes_nothing(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run shows events and rejects, and leaves no trace."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, row(1), row(2, total="many")]) + "\n", "utf-8")
    assert run(["collect", str(file), "--dry-run", "--project", str(project)]) == 0
    assert "Order Completed" in capsys.readouterr().out
    assert not (project / ".cxm" / "log").exists()


def test_a_collect_can_be_taken_back(project: Path, tmp_path: Path) -> None:
    """After undo the log is as it was before."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, row(1)]) + "\n", "utf-8")
    assert collect(project, file) == 0
    assert run(["collects", "undo", "1", "--project", str(project)]) == 0
    assert events(project) == 0
    assert run(["collects", "undo", "1", "--project", str(project)]) == 2
    assert collect(project, file) == 0
    assert events(project) == 1


def test_a_purpose_that_the_contract_does_not_allow_is_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No permit, no rows: the refusal names the source, what it allows, and what was asked."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, row(1)]) + "\n", "utf-8")
    assert collect(project, file) == 0
    assert run(["events", "--purpose", "marketing", "--project", str(project)]) == 1
    told = capsys.readouterr().err
    assert "'orders'" in told
    assert "service-optimisation" in told
    assert run(["events", "--purpose", "marketting", "--project", str(project)]) == 2
    assert "Did you mean 'marketing'" in capsys.readouterr().err


def test_a_proposed_mapping_works_on_its_file(tmp_path: Path) -> None:
    """`cxm init --from FILE` gives a project that checks and collects the file."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, *(row(day) for day in range(1, 29))]) + "\n", "utf-8")
    root = tmp_path / "made"
    assert run(["init", str(root), "--from", str(file)]) == 0
    assert run(["check", "--project", str(root)]) == 0
    assert collect(root, file) == 0
    assert events(root) == 28


def test_the_same_file_again_adds_nothing_even_if_it_tells_a_key_twice(project: Path, tmp_path: Path) -> None:
    """A file that corrects itself further down is not corrected back and forth when it is collected again."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, row(1), row(1, total=9), row(2, total="many")]) + "\n", "utf-8")
    assert collect(project, file) == 0
    before = Project(project).log.hashes()
    assert collect(project, file) == 0
    assert Project(project).log.hashes() == before
    assert held(project) == {"bad_number": 1}
    grown = tmp_path / "grown.csv"
    grown.write_text(file.read_text("utf-8") + row(3) + "\n", "utf-8")
    assert collect(project, grown) == 0
    told = Project(project).log.collects()[-1].counts
    assert (told.added, told.corrected, told.repeated) == (1, 0, 2)


def test_a_file_is_collected_again_under_a_mended_mapping(project: Path, tmp_path: Path) -> None:
    """What it set apart before is told again, and does not lie in quarantine twice."""
    file = tmp_path / "orders.csv"
    file.write_text(
        "\n".join([HEADER, row(1), row(2, ordered="03.01.2026 10:00"), row(3, total="many")]) + "\n", "utf-8"
    )
    assert collect(project, file) == 0
    path = project / "sources" / "orders.toml"
    path.write_text(
        path.read_text("utf-8").replace('key = ["order"]', 'key = ["order"]\ntimes = ["%d.%m.%Y %H:%M"]'), "utf-8"
    )
    assert collect(project, file) == 0
    assert (events(project), held(project)) == (2, {"bad_number": 1})


def test_a_killed_collect_whose_cut_was_changed_begins_anew(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other segments, or another mapping, nothing is skipped: every row comes in, once."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, *(row(day) for day in range(1, 12))]) + "\n", "utf-8")
    whole = EventLog.append

    def dies(self: EventLog, told: Told, part: int, chunk: Chunk, named: Collection[str]) -> Counts:
        if part == 2:
            raise KeyboardInterrupt
        return whole(self, told, part, chunk, named)

    monkeypatch.setattr(EventLog, "append", dies)
    assert collect(project, file) == 130
    monkeypatch.undo()
    assert events(project) == 6
    settings = project / "cxm.toml"
    settings.write_text(settings.read_text("utf-8").replace("segment_rows = 3", "segment_rows = 5"), "utf-8")
    assert collect(project, file) == 0
    assert events(project) == 11


def test_undoing_the_first_of_two_files_lets_the_second_be_collected_again(project: Path, tmp_path: Path) -> None:
    """Rows that both told go with the first; the second, collected again, brings them back."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("\n".join([HEADER, row(1), row(2)]) + "\n", "utf-8")
    second.write_text("\n".join([HEADER, row(2), row(3)]) + "\n", "utf-8")
    assert collect(project, first) == collect(project, second) == 0
    assert run(["collects", "undo", "1", "--project", str(project)]) == 0
    assert events(project) == 1
    assert collect(project, second) == 0
    assert events(project) == 2


def test_a_lost_state_or_key_is_never_an_empty_answer(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log whose state is gone is refused, as is collecting into one whose key is gone."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, row(1)]) + "\n", "utf-8")
    assert collect(project, file) == 0
    key = project / ".cxm" / "keys" / "digest.key"
    kept = key.read_bytes()
    key.unlink()
    file.write_text("\n".join([HEADER, row(1), row(2)]) + "\n", "utf-8")
    assert collect(project, file) == 3
    key.write_bytes(kept)
    for path in (project / ".cxm").glob("state.sqlite*"):
        path.unlink()
    for command in ("events", "doctor"):
        assert run([command, "--project", str(project)]) == 3
        assert "no state knows" in capsys.readouterr().err


def test_a_damaged_segment_is_no_traceback(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command says that something is broken, and doctor says what."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, row(1)]) + "\n", "utf-8")
    assert collect(project, file) == 0
    [segment] = (project / ".cxm" / "log").rglob("*.parquet")
    segment.write_bytes(segment.read_bytes()[:100])
    assert run(["events", "--project", str(project)]) == 3
    assert "cxm doctor" in capsys.readouterr().err
    assert run(["doctor", "--project", str(project)]) == 1
    assert "damaged" in capsys.readouterr().out


def test_a_misspelt_split_is_told(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--by with a property that nothing carries is wrong use, with the nearest right one."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, row(1)]) + "\n", "utf-8")
    assert collect(project, file) == 0
    assert run(["promises", "--by", "totl", "--project", str(project)]) == 2
    assert "properties.total" in capsys.readouterr().err


def test_long_work_shows_its_progress_on_a_terminal(project: Path, tmp_path: Path) -> None:
    """On a terminal there is a bar with rows and rate; in a pipe there is none."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADER, *(row(day) for day in range(1, 12))]) + "\n", "utf-8")
    command = [sys.executable, "-m", "cxminute.app.cli", "collect", str(file), "--project", str(project)]
    outer, inner = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=inner, env=environment) as running:
        os.close(inner)
        shown = b""
        with suppress(OSError):  # the terminal ends with the process
            while piece := os.read(outer, 65_536):
                shown += piece
        assert running.wait(60) == 0
    os.close(outer)
    assert b"11 rows" in shown
    assert b"/s" in shown
    silent = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert silent.stderr == b""


def test_a_reader_that_leaves_is_no_error(project: Path) -> None:
    """`cxm ... | head` ends well, however little head reads."""
    command = f"{sys.executable} -m cxminute.app.cli collects --project {project} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
