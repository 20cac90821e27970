"""`cxm check`: every fault of a project, each with its place and the nearest right name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxminute.app.cli import run

FAULTS = {
    "cxm.toml": ('timezone   = "America/New_York"', 'timezne   = "America/New_York"', "timezone"),
    "cxm.toml ": ('"department", ', '"departmnt", ', "properties.department"),
    "sources/boston-311.toml": ('format = "parquet"', 'format = "parqet"', "parquet"),
    "sources/boston-311.toml ": ('not_before = "OPEN_DT"', 'not_befor = "OPEN_DT"', "not_before"),
    "sources/boston-311.toml  ": ('["service-optimisation"]', '["service-optimization"]', "service-optimisation"),
    "journeys/request.toml": ('closed: "Request Closed"', 'closed: "Request Closd"', "Request Closed"),
    "journeys/request.toml ": ('reentry = "once"', 'reentry = "onc"', "once"),
    "journeys/street-light.toml": ("where (type =", "where (typ =", "properties.type"),
    "promises/answer.toml": ('per     = "request_id"', 'per     = "requst_id"', "request_id"),
    "promises/answer.toml ": ("properties.due", "properties.dew", "properties.due"),
}  # fmt: skip
"""File (with blanks, as keys are one each): what stands there, what is planted instead, the nearest right name."""


@pytest.fixture
def boston(tmp_path: Path) -> Path:
    """The template's project."""
    assert run(["init", str(tmp_path / "d"), "--template", "boston-311"]) == 0
    return tmp_path / "d"


def plant(root: Path, file: str) -> None:
    """One fault."""
    right, wrong, _ = FAULTS[file]
    path = root / file.strip()
    text = path.read_text("utf-8")
    assert text.count(right) >= 1, f"{right} is not in {file}"
    path.write_text(text.replace(right, wrong, 1), "utf-8")


def faults(root: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What check says."""
    capsys.readouterr()
    assert run(["check", "--json", "--project", str(root)]) == 1
    found = json.loads(capsys.readouterr().out)["faults"]
    assert isinstance(found, list)
    return found


def test_ten_planted_faults_are_all_found(boston: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten faults in five files are all told at once, each in its file, on its line, with the nearest right name."""
    expected = set()
    for file in FAULTS:
        plant(boston, file)
    for file, (_, wrong, near) in FAULTS.items():
        lines = (boston / file.strip()).read_text("utf-8").splitlines()
        expected.add((file.strip(), next(i for i, line in enumerate(lines, 1) if wrong in line), near))
    found = faults(boston, capsys)
    told = {(fault["file"], fault["line"], fault["nearest"]) for fault in found}
    assert expected - told == set()


@pytest.mark.parametrize("file", FAULTS)
def test_one_fault_is_one_fault(boston: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A single mistake is told once, with its nearest right name, and not as a flood of what follows from it."""
    plant(boston, file)
    [fault] = faults(boston, capsys)
    assert fault["nearest"] == FAULTS[file][2]


def test_a_source_without_a_contract_is_refused(boston: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody allowed is not used."""
    path = boston / "sources" / "boston-311.toml"
    path.write_text(path.read_text("utf-8").split("[contract]")[0], "utf-8")
    [fault] = faults(boston, capsys)
    assert "no contract" in str(fault["what"])


def test_a_broken_definition_stops_every_command(boston: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is read with a definition that is not understood; the message says how to see all faults."""
    for file in ("journeys/request.toml", "promises/answer.toml"):
        plant(boston, file)
    capsys.readouterr()
    assert run(["promises", "--project", str(boston)]) == 1
    assert "cxm check shows all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["chek"], 2, "check"),
        (["promises", "--project", "/nowhere"], 2, "cxm.toml"),
        (["init", "x", "--template", "bostn"], 2, "boston-311"),
        (["minute", "--week", "2015-W77"], 2, ""),
    ],
)
def test_wrong_use_is_told_in_one_line(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistyped command, folder, template or week gets a clear message and its exit code, never a traceback."""
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("sources/boston-311.toml", "personal = []", 'personal = ["chanel"]', "properties.channel"),
        ("promises/answer.toml", "properties.due", "properties.channel", None),
        ("sources/boston-311.toml", "[identifiers]", "[identifiers", None),
    ],
)
def test_what_would_fail_later_is_told_now(
    boston: Path, capsys: pytest.CaptureFixture[str], file: str, right: str, wrong: str, said: str | None
) -> None:
    """A personal path that matches nothing, a due path that is no time, and a file that is no TOML: one fault each."""
    if wrong == "properties.channel":
        source = boston / "sources" / "boston-311.toml"
        source.write_text(
            source.read_text("utf-8").replace('= "Source"', '= { from = "Source", type = "text" }'), "utf-8"
        )
    path = boston / file
    path.write_text(path.read_text("utf-8").replace(right, wrong, 1), "utf-8")
    [fault] = faults(boston, capsys)
    assert fault["file"] == file
    assert fault["nearest"] == said


def test_a_folder_beside_a_project_is_no_part_of_it(
    boston: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From within a project, `../other` is never taken for that project, whether it is there or not."""
    monkeypatch.chdir(boston)
    assert run(["check", "--project", "../other"]) != 0
    assert "There is no folder" in capsys.readouterr().err
    (boston.parent / "other").mkdir()
    assert run(["check", "--project", "../other"]) != 0
    assert "No project here" in capsys.readouterr().err
    assert run(["check", "--project", "../d/sources"]) == 0
