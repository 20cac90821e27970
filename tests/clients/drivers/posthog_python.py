"""Sends a story with posthog's Python client; see drive.py for what it is handed."""

from __future__ import annotations

from typing import Any

from tests.clients.drivers.drive import Client, Say, drive, gave_up, moment


def start(host: str, key: str, options: dict[str, Any]) -> Client:
    """The client at its defaults; what it gives up is told."""
    from posthog import Posthog  # noqa: PLC0415 -- after the clock was set

    client = Posthog(key, host=host, on_error=gave_up, **options)
    say: Say = {
        "set": lambda c: client.set(distinct_id=c["user"], properties=c["traits"]),
        "capture": lambda c: client.capture(
            c["event"], distinct_id=c["user"], properties=c["properties"], timestamp=moment(c)
        ),
        "pageview": lambda c: client.capture(
            "$pageview", distinct_id=c["user"], properties={**c["properties"], "title": c["name"]}
        ),
        "group": lambda c: client.group_identify("company", c["group"], c["traits"], distinct_id=c["user"]),
        "alias": lambda c: client.alias(c["previous"], c["user"]),
    }
    return say, client.shutdown


if __name__ == "__main__":
    drive(start, "flush_at")
