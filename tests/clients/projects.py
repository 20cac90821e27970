"""Projects that clients deliver to, and commands over them."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

from cxminute.app.cli import run

SOURCE: Final = """\
name = "{name}"
format = "http"

[contract]
origin = "first-party"
purposes = ["service-optimisation"]
open = ["*"]
"""


def make_project(root: Path, sources: list[str]) -> Path:
    """A new project with one source a client."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "clients"\ntimezone = "UTC"\n', "utf-8")
    for name in sources:
        (root / "sources" / f"{name}.toml").write_text(SOURCE.format(name=name), "utf-8")
    return root


def cxm(root: Path, *line: str) -> str:
    """What a command answers over a project."""
    shown, said = io.StringIO(), io.StringIO()
    with redirect_stdout(shown), redirect_stderr(said):
        code = run([*line, "--project", str(root)])
    assert code == 0, said.getvalue()
    return shown.getvalue()


def new_key(root: Path, source: str) -> str:
    """A write key of a source, as `cxm keys add` shows it, once."""
    return str(re.findall(r"cxm_[A-Za-z0-9_-]{43}", cxm(root, "keys", "add", "--source", source))[0])
