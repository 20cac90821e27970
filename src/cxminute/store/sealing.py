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
    ciphers: dict[bytes, AESGCM] = {}  # one costs as much as to seal a document, and people come with many
    sealed: list[bytes | None] = []
    for place, (key, text) in enumerate(zip(keys, texts, strict=True)):
        if key == DESTROYED:
            sealed.append(None)
            continue
        if (cipher := ciphers.get(key)) is None:
            cipher = ciphers[key] = AESGCM(key)
        nonce = nonces[place * _NONCE : place * _NONCE + _NONCE]
        sealed.append(nonce + cipher.encrypt(nonce, text.encode(), None))
    return sealed


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
