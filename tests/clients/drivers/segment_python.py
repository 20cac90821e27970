"""Sends a story with segment-analytics-python; see drive.py for what it is handed."""

from __future__ import annotations

from tests.clients.drivers.drive import Client, Say, drive, gave_up, moment


def start(host: str, key: str, options: dict[str, int]) -> Client:
    """The client at its defaults; what it gives up is told."""
    from segment.analytics.client import Client as Tracker  # type: ignore[import-untyped]  # ships none  # noqa: PLC0415 -- after the clock was set

    client = Tracker(key, host=host, on_error=gave_up, **options)
    say: Say = {
        "identify": lambda c: client.identify(c["user"], c["traits"]),
        "track": lambda c: client.track(c["user"], c["event"], c["properties"], timestamp=moment(c)),
        "page": lambda c: client.page(c["user"], c["category"], c["name"], c["properties"]),
        "screen": lambda c: client.screen(c["user"], c["category"], c["name"], c["properties"]),
        "group": lambda c: client.group(c["user"], c["group"], c["traits"]),
        "alias": lambda c: client.alias(c["previous"], c["user"]),
    }
    return say, client.shutdown


if __name__ == "__main__":
    drive(start, "upload_size")
