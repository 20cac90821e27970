"""Every example in the official models of Amazon's Orders API, and what its reader makes of it, as a person read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cxminute.collect.readers.amazon import READER
from tests.collect.readers.goldens import FOLDER, golden, told_of

MODELS = {"v0": "ordersV0.json", "2026": "orders_2026-01-01.json"}


def _examples(shared: Path, version: str) -> Iterator[tuple[str, object]]:
    """(name, answer) of every answer that the sandbox gives, and of every other example beside them."""
    model = json.loads((shared / "marketplaces" / "amazon" / MODELS[version]).read_text(encoding="utf-8"))
    for path, verbs in model["paths"].items():
        asked = path.removeprefix("/orders/").partition("/")[2].replace("/", "-").replace("{orderId}", "one")
        for verb, said in verbs.items():
            for code, answer in said.get("responses", {}).items() if isinstance(said, dict) else ():
                name = f"amazon/{version}-{verb}-{asked}-{code}"
                yield from _answers(name, answer)


def _answers(name: str, answer: dict[str, Any]) -> Iterator[tuple[str, object]]:
    tried = [one["response"] for one in answer.get("x-amzn-api-sandbox", {}).get("static", [])]
    for number, response in enumerate(tried, start=1):
        yield f"{name}-{number}", response
    for response in answer.get("examples", {}).values():
        if response not in tried:
            tried.append(response)
            yield f"{name}-example-{len(tried)}", response


@pytest.mark.outside("shared")
@pytest.mark.parametrize("version", MODELS)
def test_each_official_example_tells_what_was_read(shared: Path, version: str) -> None:
    """Every answer in Amazon's own models becomes the events that a person has read, or is refused with the reason."""
    names = []
    for name, answer in _examples(shared, version):
        golden(name, told_of(answer, READER))
        names.append(name)
    assert len(names) == len(set(names)) >= 10
    kept = {f"amazon/{file.stem}" for file in (FOLDER / "amazon").glob(f"{version}-*.json")}
    assert kept == set(names), "a golden file of no example"
