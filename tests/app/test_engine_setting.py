"""Which engine a project names, and what is said where it is named wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.app.engines import engine_of
from cxminute.app.project import Project
from cxminute.store.engines.local import LocalEngine
from cxminute.store.engines.spark import SparkEngine

URL = "spark://10.0.0.5:7077"


def _project(root: Path, said: str) -> Path:
    (root / "cxm.toml").write_text(f'name = "shop"\n{said}\n', "utf-8")
    return root


@pytest.mark.parametrize(
    ("said", "name", "master", "threads", "kind"),
    [
        ("", "local", "", 0, LocalEngine),
        ('engine = "local"', "local", "", 0, LocalEngine),
        ("[engine]\nthreads = 3", "local", "", 3, LocalEngine),
        (f'engine = "spark"\nmaster = "{URL}"', "spark", URL, 0, SparkEngine),
        (f'[engine]\nname = "spark"\nmaster = "{URL},10.0.0.6:7077"', "spark", f"{URL},10.0.0.6:7077", 0, SparkEngine),
        ('[engine]\nname = "spark"\nmaster = "local[4]"', "spark", "local[4]", 0, SparkEngine),
    ],
)
def test_a_project_names_its_engine(
    tmp_path: Path, said: str, name: str, master: str, threads: int, kind: type[object]
) -> None:
    """The engine stands in a table, or in one line with its master below; without either it is the local one."""
    settings = Project(_project(tmp_path, said)).settings
    assert (settings.engine, settings.master, settings.threads) == (name, master, threads)
    assert type(engine_of(settings)) is kind


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('engine = "sparc"', "cxm.toml:2: 'sparc' is not a engine. Did you mean 'spark'?"),
        ('engine = "spark"', 'The Spark engine needs a master. Allowed: master = "spark://HOST:7077"'),
        ('engine = "spark"\nmaster = "10.0.0.5:7077"', "cxm.toml:3: '10.0.0.5:7077' is not the URL of a Spark master."),
        ('[engine]\nmaster = "spark://a:1"', "cxm.toml:3: Only the Spark engine has a master."),
        ('[engine]\nname = "spark"\nmastr = "spark://a:1"', "cxm.toml:4: Unknown key 'mastr'. Did you mean 'master'?"),
        ('master = "spark://a:1"', "cxm.toml:2: Unknown key 'master'."),
    ],
)
def test_a_wrong_engine_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, told: str
) -> None:
    """`cxm check` says which line of cxm.toml is wrong, and what would be right."""
    assert run(["check", "--project", str(_project(tmp_path, said))]) == 1
    assert told in " ".join(capsys.readouterr().out.split())
