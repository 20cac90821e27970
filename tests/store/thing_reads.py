"""Which segments are looked through for whose things are."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cxminute.store import things
from cxminute.store.pieces import Piece


def noted_reads(patch: pytest.MonkeyPatch) -> list[str]:
    """Notes from here on each segment that is read, and for what: 'SEGMENT KIND BESIDE'."""
    read: list[str] = []
    original = things.read_pairs

    def noted(piece: Piece, kind: str, beside: str) -> pa.RecordBatch:
        read.append(f"{piece.path.stem} {kind} {beside}")
        return original(piece, kind, beside)

    patch.setattr(things, "read_pairs", noted)
    return read
