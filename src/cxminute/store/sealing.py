"""Sealing: text under a key of its own (AES-256-GCM, NIST SP 800-38D). A destroyed key opens nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cxminute.store.keyring import DESTROYED

_NONCE: Final = 12


def seal(keys: Sequence[bytes], texts: Sequence[str]) -> list[bytes | None]:
    """Each text under its key: nonce, ciphertext and tag; None under a destroyed key."""
    nonces = os.urandom(_NONCE * len(keys))
    return [
        None if key == DESTROYED else nonce + AESGCM(key).encrypt(nonce, text.encode(), None)
        for key, text, nonce in zip(
            keys, texts, (nonces[i : i + _NONCE] for i in range(0, len(nonces), _NONCE)), strict=True
        )
    ]


def unseal(keys: Sequence[bytes], sealed: Sequence[bytes | None]) -> list[str | None]:
    """What each says; None where its key was destroyed, or is another one."""
    return [_opened(key, body) for key, body in zip(keys, sealed, strict=True)]


def _opened(key: bytes, body: bytes | None) -> str | None:
    if body is None or key == DESTROYED:
        return None
    try:
        return AESGCM(key).decrypt(body[:_NONCE], body[_NONCE:], None).decode()
    except InvalidTag:
        return None
