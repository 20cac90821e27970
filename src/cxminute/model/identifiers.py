"""What stands inside identifiers as the project keeps them, and therefore in none that a sender gives."""

from __future__ import annotations

from typing import Final

APART: Final = "\x1f"
"""Stands between a source and its own identifier, where its contract lets nobody link it. A sender's identifier that
held it could name somebody of that source: it is no identifier."""
