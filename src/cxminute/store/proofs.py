"""Proofs of removal: what was searched, found and removed, by which clause; each names the one before by its hash.

They lie in `.cxm/proofs`, a JSON file each, and hold counts and never a value. A proof that is changed or taken away
breaks the chain, which `broken` tells.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cxminute.model.errors import BrokenStore
from cxminute.model.times import from_ms
from cxminute.store.arrays import make_folder, write_whole

_UNDERWAY: Final = ".underway"
"""What a removal that was begun is to prove; it is there only until it is done."""


class Proofs:
    """The proofs of one project, below `.cxm/proofs`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, at: int, source: str, said: Mapping[str, object]) -> str:
        """Adds a proof, durably; returns its name. at: UTC ms; said: what it is to say, without any personal value."""
        chain = self._chain()
        last = chain[-1] if chain else None
        body = {
            "number": len(chain) + 1,
            "at": from_ms(at).isoformat(),
            "source": source,
            **said,
            "previous": hashlib.sha256(last.read_bytes()).hexdigest() if last else "",
        }
        day, taken = f"{from_ms(at):%Y-%m-%d}", {path.name for path in chain}
        names = (f"{day}-{source}{f'-{again}' if again else ''}.json" for again in range(len(chain) + 1))
        name = next(name for name in names if name not in taken)
        self._put(name, body)
        return name

    def begin(self, said: Mapping[str, object]) -> None:
        """Notes what is about to be removed, so that a kill between removal and proof leaves no gap."""
        self._put(_UNDERWAY, said)

    def begun(self) -> dict[str, Any]:
        """What was about to be removed and has no proof yet; {} where there is nothing such."""
        path = self._folder / _UNDERWAY
        if not path.exists():
            return {}
        found = _read(path)
        return found if isinstance(found, dict) else {}

    def end(self) -> None:
        """All that was begun has its proof."""
        (self._folder / _UNDERWAY).unlink(missing_ok=True)

    def broken(self) -> str:
        """The first proof whose forerunner is not what it was, or that is missing its number; '' for a whole chain."""
        before = ""
        for number, path in enumerate(self._chain(), start=1):
            body = _read(path)
            if body["number"] != number or body["previous"] != before:
                return path.name
            before = hashlib.sha256(path.read_bytes()).hexdigest()
        return ""

    def _chain(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), key=lambda path: (_read(path)["number"], path.name))

    def _put(self, name: str, body: Mapping[str, object]) -> None:
        make_folder(self._folder)
        write_whole(self._folder / name, f"{json.dumps(body, indent=1, ensure_ascii=False)}\n".encode())


def _read(path: Path) -> Any:
    try:
        body = json.loads(path.read_bytes())
        return body if path.name == _UNDERWAY else {"number": int(body["number"]), "previous": str(body["previous"])}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BrokenStore("A proof of removal cannot be read.", file=path.name, then="Restore it.") from fault
