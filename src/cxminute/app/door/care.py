"""Care for a source whose stretch failed: smaller stretches until the one item that fails is alone.

Nothing here decides over time or place: the worker asks how much to try, and tells what came of it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

TRIES: Final = 3
"""How often one item is tried alone before it goes to quarantine."""
_DIED: Final = 0.5  # the process may have been killed from outside: such a try counts half


@dataclass(slots=True)
class Care:
    """One source in trouble.

    limit:  how many items the next attempt may have
    number: of the call in the inbox that `done` speaks of
    done:   items of that call that are in already
    tries:  how often the item that is alone now was tried
    kind:   of the last error; never its text, which may quote an event
    """

    limit: int
    number: int = 0
    done: int = 0
    tries: float = 0
    kind: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the item that was alone was tried often enough."""
        return self.tries >= TRIES

    def begun(self, number: int) -> int:
        """How many items of a call are in already, where it is the first that waits."""
        if number != self.number:
            self.number, self.done = number, 0
        return self.done

    def failed(self, items: int, kind: str, weight: float = 1) -> None:
        """An attempt at so many items failed: half as many next; one alone is tried again."""
        self.limit, self.kind = max(1, items // 2), kind
        self.tries = 0 if items > 1 else self.tries + weight

    def passed(self, items: int) -> None:
        """An attempt went in: twice as many next."""
        self.limit, self.tries = max(self.limit, 2 * items), 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried: items of a source from one call on.

    number: of the first call in the inbox
    start:  items of that call that were in before
    items:  how many were tried
    tries:  how often before
    first:  position that the log's next item had then: whether it has moved since says whether they went in
    at:     when, UTC ms: positions are those of its day
    """

    number: int
    start: int
    items: int
    tries: float
    first: int
    at: int

    def care(self, first: int) -> Care:
        """What the source needs after a death over this, where the next item of that day has the position `first`."""
        if first == self.first + self.items:  # it died after the commit: nobody is at fault
            return Care(2 * self.items, self.number, self.start + self.items)
        care = Care(self.items, self.number, self.start if first == self.first else 0, self.tries)
        care.failed(self.items, "death of the worker", _DIED)
        return care


class Attempts:
    """What is being tried now, on disk: an item that kills the process is found after its restart all the same.

    One small file, written before each attempt and not synced: it shall survive the process, not the power.
    """

    def __init__(self, file: Path, inbox: str) -> None:
        self._file, self._inbox = file, inbox
        self._now: dict[str, Attempt] = {}

    def died(self) -> dict[str, Attempt]:
        """By source, what was being tried when the process died."""
        with suppress(OSError, msgspec.DecodeError):
            said = _DECODER.decode(self._file.read_bytes())
            return said.trying if said.inbox == self._inbox else {}
        return {}

    def begin(self, source: str, attempt: Attempt) -> None:
        """Notes what is tried now."""
        self._now[source] = attempt
        self._write()

    def end(self, source: str) -> None:
        """It went in, or failed in a way that was told."""
        self._now.pop(source, None)
        if self._now:
            self._write()
        else:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        with suppress(OSError):  # on a full disk nothing is tried with success either
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside = self._file.with_suffix(".new")
            beside.write_bytes(msgspec.json.encode(_Said(self._inbox, self._now)))
            beside.replace(self._file)


class _Said(msgspec.Struct):
    inbox: str
    trying: dict[str, Attempt]


_DECODER: Final = msgspec.json.Decoder(_Said)
