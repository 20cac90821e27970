"""One event by curl, and two seconds later anybody can read it: the shortest path through all of the product."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cxminute.app.cli import run

CURL = shutil.which("curl") or "curl"


@contextmanager
def _served(project: Path) -> Iterator[str]:
    """A server over the project, on a free port; gives its address."""
    command = [sys.executable, "-m", "cxminute.app.cli", "serve", "--project", str(project), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://[\w.:]+", server.stdout.readline())
            assert found
            yield found[0]
        finally:
            server.terminate()
            assert server.wait(30) == 0


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(list(words)) == 0
    return capsys.readouterr().out


@pytest.mark.skipif(shutil.which(CURL) is None, reason="curl is not on this machine")
def test_an_event_sent_by_curl_is_read_within_two_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What curl sends is in `cxm events` and `cxm person` two seconds after its 200."""
    shop = tmp_path / "shop"
    _said(capsys, "init", str(shop), "--template", "website")
    key = re.search(r"cxm_[\w-]{43}", _said(capsys, "keys", "add", "--source", "website", "--project", str(shop)))
    assert key
    with _served(shop) as address:
        _send(address, key[0], {"userId": "bob", "event": "Product Viewed"})
        _until_read(shop, capsys, "Product Viewed")  # the worker runs
        _send(address, key[0], {"userId": "ada", "event": "Order Completed", "properties": {"total": 12.5}})
        time.sleep(2)
        events = json.loads(_said(capsys, "events", "--json", "--project", str(shop)))["events"]
        person = _said(capsys, "person", "ada", "--json", "--project", str(shop))
    assert [(event["name"], event["events"]) for event in events] == [("Order Completed", 1), ("Product Viewed", 1)]
    assert "Order Completed" in person
    assert "12.5" in person


def _send(address: str, key: str, event: dict[str, object]) -> None:
    """One event by curl; back once it is acknowledged. The server may still be starting."""
    command = [CURL, "-s", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "-u", f"{key}:"]
    command += ["-d", json.dumps(event), f"{address}/v1/track"]
    answer = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(answer.stdout)["accepted"] == 1


def _until_read(shop: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    for _ in range(60):
        if name in _said(capsys, "events", "--json", "--project", str(shop)):
            return
        time.sleep(0.5)
    raise AssertionError("the worker took nothing from the inbox in half a minute")
