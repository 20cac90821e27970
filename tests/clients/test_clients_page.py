"""The page that tells people how to open each client: it names those that the tests run, in their versions."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from tests.clients.sending import CLIENTS, ROOT

PYTHON = ("segment-analytics-python", "rudder-sdk-python", "posthog")


def test_the_page_names_the_clients_that_are_tried() -> None:
    """docs/reference/clients.md has a row for every client that delivers in the tests, with the version that does."""
    rows = [line.split("|") for line in (ROOT / "docs" / "reference" / "clients.md").read_text("utf-8").splitlines()]
    named = {row[1].strip().removesuffix(", in the browser"): row[2].strip() for row in rows if len(row) == 5}
    node = json.loads((Path(__file__).parent / "package.json").read_text("utf-8"))["dependencies"]
    tried = node | {name: version(name) for name in PYTHON}
    assert {name: named.get(name) for name in tried} == tried
    assert len(tried) == len({client.driver or client.name for client in CLIENTS})
