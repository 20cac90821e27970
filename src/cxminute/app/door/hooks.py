"""Webhooks at the door: POST /v1/hooks/KEY. The write key says whose they are, the signature that they are genuine.

What is genuine goes into the inbox as it came, with full sync, before the sender hears 200; the worker reads it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import msgspec

from cxminute.app.door.answers import Answer, Refusal, document
from cxminute.collect.hooks import SIGNED, NotGenuine, challenge, genuine, is_ping
from cxminute.collect.source import Hooks, parse_hooks
from cxminute.model.calls import HOOK, Call
from cxminute.model.definitions import Document

PATH: Final = "/v1/hooks/"
"""Begins the path; the source's write key ends it, since senders of webhooks know of no other place for it."""


class Terms(NamedTuple):
    """What a source's file says of its webhooks: the format that they have, and how they prove themselves."""

    form: str
    hooks: Hooks


class Kept(msgspec.Struct, frozen=True):
    """A webhook as the inbox keeps it.

    message:  the sender's number of this delivery: sent again, it is the same
    topic:    what it calls it
    document: the body as it came, bytes that are no UTF-8 replaced
    """

    message: str
    topic: str
    document: str


_encode: Final = msgspec.json.Encoder().encode
kept: Final = msgspec.json.Decoder(Kept).decode
"""A webhook out of the body of its call."""


def key_in(path: str) -> str:
    """The write key that ends the path."""
    return path[len(PATH) :].rstrip("/")


def call_of(terms: Terms, source: str, headers: Mapping[str, str], body: bytes, at: int) -> Call:
    """A webhook as a call for the inbox.

    raises: Refusal where the source's secret is not there, or the webhook is not genuine
    """
    secrets = _secrets(terms.hooks)
    try:
        hook = genuine(terms.form, headers, body, secrets)
    except NotGenuine as fault:
        raise Refusal("not_genuine", str(fault), read=True) from None
    told = Kept(hook.message, hook.topic, hook.body.decode("utf-8", "replace"))
    return Call(source, at, HOOK, hook.topic, 1, _encode(told))


def greets(terms: Terms, body: bytes) -> bool:
    """Whether a sender only tries the address, and says nothing."""
    return is_ping(terms.form, body)


def challenged(hooks: Hooks, query: str) -> Answer:
    """The answer to a sender that asks whether the door is ours, before it sends anything."""
    code = parse_qs(query).get("challenge_code", [""])[0]
    if not code or len(code) > 256 or not hooks.endpoint:
        raise Refusal("not_found", "There is no challenge to answer, or the source's [hooks] says no endpoint.")
    token = next((s.decode("utf-8", "replace") for s in _secrets(hooks) if not s.startswith(b"-----BEGIN")), "")
    return document({"challengeResponse": challenge(code, token, hooks.endpoint)})


def terms_of(root: Path, source: str) -> Terms:
    """What a source's file says of its webhooks, as it is now. raises: Refusal where the source takes none.

    root: the project's folder
    """
    form, hooks = "", None
    for path in sorted((root / "sources").glob("*.toml")):
        try:
            name, form, hooks = _read(path, path.stat().st_mtime_ns)
        except OSError:
            continue
        if name == source:
            break
        hooks = None
    if hooks is None or form not in SIGNED:
        raise Refusal("no_hooks", "The source of this key takes no webhooks: its file has no [hooks].")
    return Terms(form, hooks)


@lru_cache(maxsize=1_024)
def _read(path: Path, changed: int) -> tuple[str, str, Hooks | None]:  # noqa: ARG001 -- a changed file is read again
    doc = Document(path.name, path.read_text("utf-8", errors="replace"))
    hooks = parse_hooks(doc)
    return str(doc.raw("name") or ""), str(doc.raw("format") or ""), None if doc.faults else hooks


def _secrets(hooks: Hooks) -> list[bytes]:
    found = [os.environ[name].encode() for name in hooks.secrets if os.environ.get(name)]
    if not found:
        raise Refusal("no_secret", "The secret of these webhooks is not in the server's environment; try again later.")
    return found
