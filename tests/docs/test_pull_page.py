"""The page on pulling: its table is that of the code, its limits are those that count, its example is well defined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxminute.app import fetching
from cxminute.app.cli import run
from cxminute.collect.pulls.catalogue import APIS, api_of
from cxminute.collect.pulls.settings import FIRST, OVERLAP
from cxminute.model.times import DAY, said
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "pull.md").read_text("utf-8")


def code(*words: str) -> str:
    """Words as code."""
    return ", ".join(f"`{word}`" for word in words)


@pytest.mark.parametrize(("form", "name"), [(form, name) for form, names in APIS.items() for name in names])
def test_every_api_has_its_row(form: str, name: str) -> None:
    """What an API needs stands in the table as the code has it."""
    api = api_of(form, name)
    cells = [code(form), code(name), api.url or "the shop's", code(*api.secrets), code(*api.needs), code(*api.may)]
    cells += [f"{api.size:,} of {api.most:,}", said(api.every) if api.every else ""]
    assert f"| {' | '.join(cells)} |" in PAGE


@pytest.mark.parametrize(
    "figure",
    [
        f"{FIRST // DAY} days back",
        f'`"{OVERLAP}"`',
        f"After {fetching.TRIES} tries",
        f"more than {fetching.LONGEST / 60:.0f} minutes",
        f"... {fetching.LONGEST_WAIT:.0f} seconds",
        f"more than {fetching.LARGEST >> 20} MiB",
    ],
)
def test_every_limit_is_on_the_page(figure: str) -> None:
    """The published figure is the one that counts."""
    assert figure in " ".join(PAGE.split())


def test_the_source_that_is_shown_is_well_defined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example checks without a fault."""
    [block] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (tmp_path / "sources" / "shop.toml").write_text(block, "utf-8")
    found = run(["check", "--project", str(tmp_path)])
    assert found == 0, capsys.readouterr().out


def test_the_commands_that_are_shown_are_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command line gets as far as the secret that is not in this environment, and says which it is."""
    test_the_source_that_is_shown_is_well_defined(tmp_path, capsys)
    [block] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines():
        words = line.partition("#")[0].split()
        assert words[0] == "cxm"
        assert run([*words[1:], "--project", str(tmp_path)]) == 2
        assert "The environment has no SHOP_TOKEN" in capsys.readouterr().err
