"""All readers, by the format of their sources."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from cxminute.collect.source import READERS

if TYPE_CHECKING:
    from cxminute.collect.readers.facts import Reader

_ROOM: Final = "cxminute.collect.readers"


def reader_of(form: str) -> Reader:
    """The reader of a format of source.READERS. Each is the name READER of the module that has its format's name."""
    if form not in READERS:
        raise KeyError(form)
    found: Reader = import_module(f"{_ROOM}.{form}").READER
    return found
