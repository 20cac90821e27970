"""Sends a story with @segment/analytics-next from a real page in Chromium; see drive.py for what it is handed.

Calls go one by one, or, where the task says `batching`, several at once, as a shop may choose.

The page and the tracker come from a server of their own on another port than the door's, so that the browser asks
before it sends (CORS) as it would in a shop. The tracker asks the door for its settings (cdnURL) and is told there
where events go.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, Response, sync_playwright

from tests.clients.drivers.drive import TRUE_TIME, is_shut, serial, tell

TRACKER: Final = "@segment/analytics-next/dist/umd/index.js"
FLAGS: Final = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
PATIENCE: Final = 60
"""Seconds that the tracker gets to send what it holds."""
OFF: Final = """
(() => {
  const off = %d, TrueDate = Date;
  if (off) globalThis.Date = class extends TrueDate {
    constructor(...given) { if (given.length) super(...given); else super(TrueDate.now() + off); }
    static now() { return TrueDate.now() + off; }
  };
})();
"""
LOAD: Final = """
([host, key, batching]) => {
  const strategy = { deliveryStrategy: { strategy: "batching", config: { timeout: 300 } } };
  const options = batching ? { integrations: { "Segment.io": strategy } } : {};
  window.tracker = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: host }, options);
  tracker.on("error", (fault) => gaveUp(fault.ctx.event, String(fault.reason)));
}
"""
SAY: Final = """
(c) => {
  const say = {
    identify: () => tracker.identify(c.user, c.traits),
    track: () => tracker.track(c.event, c.properties, c.at ? { timestamp: new Date(c.at) } : {}),
    page: () => tracker.page(c.category, c.name, c.properties),
    screen: () => tracker.screen(c.category, c.name, c.properties),
    group: () => tracker.group(c.group, c.traits),
    alias: () => tracker.alias(c.user, c.previous),
  };
  say[c.kind]();
}
"""


class _Shop(BaseHTTPRequestHandler):
    """Serves the page, the tracker, and a clock that is right or wrong."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *given: Any, files: dict[str, tuple[str, bytes]]) -> None:
        self.files = files
        super().__init__(*given)

    def do_GET(self) -> None:
        """One of the three files."""
        kind, body = self.files.get(self.path.partition("?")[0], ("text/plain", b""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: standard output is the driver's answer."""


@contextmanager
def shop(off: int) -> Iterator[str]:
    """A server of the page on a free port, and its address."""
    files = {
        "/shop": ("text/html; charset=utf-8", (Path(__file__).parent / "browser.html").read_bytes()),
        "/off.js": ("text/javascript", (OFF % off).encode()),
        "/tracker.js": ("text/javascript", (Path(os.environ["NODE_PATH"]) / TRACKER).read_bytes()),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Shop, files=files))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


class Watch:
    """Which calls the door took from the page, by their serial numbers, and which the tracker told to have given up."""

    def __init__(self, page: Page, host: str) -> None:
        self.settled: set[int] = set()
        self._host = host
        page.on("response", self._answered)

    def _answered(self, response: Response) -> None:
        asked = response.request
        if asked.method == "POST" and asked.url.startswith(self._host) and response.status == 200:
            sent = json.loads(asked.post_data or "{}")
            self.settled.update(map(serial, sent.get("batch", [sent])))

    def lose(self, event: dict[str, Any], why: str) -> None:
        """The tracker gave an event up."""
        tell(lost=serial(event), why=why)
        self.settled.add(serial(event))


def main() -> None:
    """Runs one task from standard input."""
    task = json.load(sys.stdin)
    with shop(task["off"]) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page()
        watch = Watch(page, task["host"])
        page.expose_function("gaveUp", watch.lose)
        page.goto(f"{address}/shop?utm_source=news")
        page.evaluate(LOAD, [task["host"], task["key"], task["batching"]])
        for place, call in enumerate(task["calls"]):
            while is_shut(task, place):
                page.wait_for_timeout(50)
            at = int(TRUE_TIME() * 1000)
            page.evaluate(SAY, call)
            tell(said=call["n"], at=at)
            page.wait_for_timeout(task["pause"])
        until = time.monotonic() + PATIENCE
        while len(watch.settled) < len(task["calls"]) and time.monotonic() < until:
            page.wait_for_timeout(100)
        browser.close()
    tell(done=len(watch.settled) >= len(task["calls"]))


if __name__ == "__main__":
    main()
