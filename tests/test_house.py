"""The rules of the house that no linter knows: sizes of modules, names of tests, import time, the tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "src").rglob("*.py"))
SCRIPTS = [path for folder in ("tests", "benchmarks", "soaks") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_holds_one_idea(path: Path) -> None:
    """No module has more than 600 lines, and each says in its first lines what it is for."""
    text = path.read_text("utf-8")
    lines = len(text.splitlines())
    assert lines <= 600, f"{path} has {lines} lines: it holds two ideas"
    assert ast.get_docstring(ast.parse(text)), f"{path} does not say what it is for"


def test_modules_stay_small() -> None:
    """Half of all modules have at most 200 lines."""
    sizes = sorted(len(path.read_text("utf-8").splitlines()) for path in MODULES)
    assert sizes[len(sizes) // 2] <= 200


def test_no_module_is_named_for_its_authors_convenience() -> None:
    """There is no utils, common, misc, helpers or manager."""
    vague = {"utils", "util", "common", "misc", "helpers", "manager", "base"}
    assert not [path for path in MODULES if path.stem in vague]


def test_every_test_states_what_holds() -> None:
    """A test's docstring is a sentence that somebody outside could read."""
    silent = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert not silent


def test_a_silenced_check_says_why() -> None:
    """Every noqa and type: ignore names its rule and carries its reason on the same line."""
    bare = [
        f"{path.name}:{number}"
        for path in [*MODULES, *SCRIPTS]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if re.search(r"#\s*(noqa|type: ignore)", line)
        and not re.search(r"#\s*(noqa: [A-Z0-9, ]+ -- \w|type: ignore\[[a-z, -]+\]  # \w)", line)
        and path.name != Path(__file__).name
    ]
    assert not bare


@pytest.mark.parametrize(
    "what", [["-c", "import cxminute"], ["-m", "cxminute.app.cli", "--help"]], ids=["import", "help"]
)
def test_the_start_is_quick(what: list[str]) -> None:
    """Importing the package and asking for help take well under a second, and load no heavy library."""
    probe = f"""
import runpy, sys
sys.argv = ["cxm", *{what[2:]!r}]
try:
    {"import cxminute" if what[0] == "-c" else "from cxminute.app.cli import run; run(sys.argv[1:])"}
finally:
    heavy = {{"numba", "pyarrow", "duckdb", "sqlalchemy", "scipy", "altair", "lark", "numpy"}} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_of_this_machine_or_of_other_hosts_is_in_the_tree() -> None:
    """Requirements name no host, and no file of the project names a path of the machine that it was written on."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        assert not re.search(r"https?://|file:|--index|--find-links", path.read_text("utf-8"))
    for path in [*MODULES, *SCRIPTS, *sorted((ROOT / "docs").rglob("*.md"))]:
        assert not re.search(r"/(home|root|Users)/\w", path.read_text("utf-8")), path


def test_make_has_at_most_ten_targets() -> None:
    """A newcomer can hold the Makefile in mind."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    assert len(targets) <= 10
    assert {"demo", "test", "check"} <= set(targets)
