"""The description of the door, held to the door: a fuzzer finds no answer that is not in it, and no fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.running import authorization
from cxminute.app import clock
from cxminute.app.door.answers import STATUSES
from cxminute.app.door.openapi import document
from cxminute.app.door.paths import EVENTS
from cxminute.app.project import Project
from tests.app.door.opened import Running, door, project

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@dataclass(frozen=True)
class Open:
    """A running door and a key."""

    running: Running
    key: str


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """One server for the tests of this file."""
    folder = tmp_path_factory.mktemp("described")
    root = project(folder / "shop")
    key = Project(root).keys.add("site", clock.now())
    with door(folder / "log", root) as running:
        yield Open(running, key)


@pytest.mark.parametrize(
    ("known", "how"),
    [
        (True, ["--phases", "coverage", "--exclude-path-regex", "/$|/v1/.$|/e$"]),  # one spelling of each path will do
        (True, ["--phases", "examples,fuzzing", "--max-examples", "3"]),
        (False, ["--phases", "examples,fuzzing", "--max-examples", "2"]),
    ],
    ids=["each limit of each schema", "at random", "at random, without a key"],
)
def test_a_fuzzer_finds_no_answer_that_is_not_described(
    opened: Open,
    tmp_path: Path,
    known: bool,  # noqa: FBT001 -- given by pytest
    how: list[str],
) -> None:
    """Whatever fits or breaks the schemas: no 5xx, no undocumented status, content type or body."""
    headers = ["--header", f"Authorization: {authorization(opened.key)}"] if known else []
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{opened.running.address}/openapi.json",
        "--checks", CHECKS, "--seed", "7", "--workers", "1", "--request-timeout", "20", "--no-color", *how, *headers,
    ]  # fmt: skip
    told = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path, env=told)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert "passed" in done.stdout
    assert opened.running.process.poll() is None


def test_every_route_and_every_code_is_described() -> None:
    """Each path that takes events is in the document, and each status that a refusal can have."""
    found = document()
    assert set(EVENTS) <= set(found["paths"])
    taking = [*EVENTS, "/v1/hooks/{writeKey}"]
    described = {int(status) for path in taking for status in found["paths"][path]["post"]["responses"]}
    assert {status for code, status in STATUSES.items() if code != "method_not_allowed"} <= described


def test_every_example_is_taken(opened: Open) -> None:
    """What the document shows as a body is answered with 200, and none of its events is rejected."""
    for path in EVENTS:
        for kind, told in document()["paths"][path]["post"]["requestBody"]["content"].items():
            body = json.dumps(told["example"]).replace("cxm_...", opened.key).encode()
            said = opened.running.ask(path, body, key=opened.key, content_type=kind)
            assert (said.status, said.json["rejected"]) == (200, 0), (path, kind, said)


def test_names_of_operations_are_unique() -> None:
    """A client can be made from the document: no two operations have one name."""
    names = [
        told["operationId"] for page in document()["paths"].values() for told in page.values() if "operationId" in told
    ]
    assert len(names) == len(set(names))
