"""A client that never gives up: `python -m soaks.writing PORT KEY FILE NAME SEED`, until SIGTERM.

It sends batches with message ids of its own, and writes down what was acknowledged, synced, before it sends the next.
What is not acknowledged it sends again, with the same ids, until it is; and now and then it sends what was
acknowledged once more, as a client does whose answer was lost.

FILE holds a line `BATCH ITEMS` for each acknowledged batch; its items' ids are `NAME-BATCH-PLACE` (see `message_id`).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from time import sleep
from types import FrameType

from benchmarks.running import authorization


def message_id(name: str, batch: int, place: int) -> str:
    """The id of one item."""
    return f"{name}-{batch:07d}-{place:03d}"


def batch_of(name: str, batch: int, items: int, chance: random.Random) -> list[dict[str, object]]:
    """A batch of track events."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [
        {
            "type": "track",
            "event": chance.choice(("Product Viewed", "Order Completed")),
            "messageId": message_id(name, batch, place),
            "userId": f"u{chance.randrange(2_000)}",
            "timestamp": moment,
            "properties": {"total": chance.randrange(30_000) / 100, "batch": batch, "place": place},
        }
        for place in range(items)
    ]


class Writer:
    """One client: its connection, and whether it was asked to stop."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.headers = {"Authorization": authorization(key), "Content-Type": "application/json"}
        self.connection: http.client.HTTPConnection | None = None
        self.stopping = False

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Ends after the batch under way is acknowledged."""
        self.stopping = True

    def send(self, items: list[dict[str, object]]) -> bool:
        """Whether the door acknowledged all of them."""
        path, body = ("/v1/track", items[0]) if len(items) == 1 else ("/v1/batch", {"batch": items})
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
            self.connection.request("POST", path, json.dumps(body).encode(), self.headers)
            answer = self.connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            with suppress(AttributeError):
                self.connection.close()  # type: ignore[union-attr]  # None where it never opened
            self.connection = None
            return False
        if answer.status == 200 and told != {"success": True, "accepted": len(items), "duplicate": 0, "rejected": 0}:
            raise RuntimeError(f"200, but {told}")
        return answer.status == 200


def main() -> None:
    """Writes until it is asked to stop, and a little longer: until its last batch is acknowledged."""
    port, key, path, name, seed = sys.argv[1:]
    chance = random.Random(seed)  # noqa: S311 -- what is sent when, not a secret
    writer = Writer(int(port), key)
    signal.signal(signal.SIGTERM, writer.stop)
    batch = 0
    with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 -- kept open, and synced, for long
        while not writer.stopping:
            items = batch_of(name, batch, chance.choice((1, 1, 2, 10, 30, 60)), chance)
            while not writer.send(items):
                sleep(chance.uniform(0.02, 0.2))
            file.write(f"{batch} {len(items)}\n")
            file.flush()
            os.fsync(file.fileno())
            if chance.random() < 0.05:
                writer.send(items)
            batch += 1
            sleep(chance.uniform(0, 0.03))


if __name__ == "__main__":
    main()
