"""Webhooks: what a shop or a marketplace sends by itself, whether it is genuine, and what it asks for.

A signature covers the body alone, never the headers beside it: delivery id, topic and time are believed because the
body is. Whoever sends a genuine body again under another id therefore says again what is known already, and that
changes nothing; a topic that asks for something is held against the form of its body.

- Shopify, WooCommerce: HMAC-SHA256 of the body in base64, with a secret that both sides know. While it is exchanged,
  the old and the new one are good.
- eBay: a signature (ECDSA) that its public key fits, where the key stands among the secrets (`key_id` says which it
  is). Where it does not, the signature is not checked: a notice is believed because it came to an address that has a
  secret in it, the write key, which eBay alone was told.
- Mercado Libre signs nothing: what it sends is a pointer, of which nothing is believed but what one then fetches.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from cxminute.collect.signatures import fits, public_key
from cxminute.collect.source import SENDING
from cxminute.model.errors import BadData, CxmError, UnknownName
from cxminute.model.times import to_ms

Kind = Literal["access", "erasure", "closing"]

SIGNED: Final = SENDING
"""Formats whose webhooks carry a signature."""

_POINTER: Final = re.compile(r"/(?:orders|shipments|packs|claims)/[0-9]{1,20}")
_PUBLISHED: Final = b"-----BEGIN PUBLIC KEY-----"
_PLAIN: Final = re.compile(r"[\x21-\x7e]{1,128}")
_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Hook:
    """A genuine webhook.

    message: its delivery id: the same one again is the same delivery; of a sender that gave none, a hash of the body;
             of WooCommerce, which gives all of a second the same, both
    topic:   what its sender calls it: 'orders/updated', 'order.updated', 'MARKETPLACE_ACCOUNT_DELETION'
    sent_at: when it was sent, by the sender's clock, UTC ms; None where it does not say
    """

    message: str
    topic: str
    sent_at: int | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What a marketplace or shop asks for in a person's name, or in its own.

    kind:  access: what is known of a customer; erasure: of what is personal; closing: the shop left, with all its data
    about: kind of identifier -> values that the request names; none of them for `closing`
    shop:  whose data it is about, as the sender calls the shop; '' where it says none
    """

    kind: Kind
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shop: str = ""


class NotGenuine(CxmError):
    """A webhook that its sender cannot be shown to have sent: refuse it, and look at the secret."""


def genuine(form: str, headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Hook:
    """The webhook that a request is.

    form:    the format of its source, of SIGNED
    headers: by any case
    body:    as it came, not a byte changed
    secrets: any of which is good; of eBay those of its public keys, as published (PEM), that stand among them
    raises:  NotGenuine without a signature, or where it fits the body by none of the secrets; UnknownName for formats
             whose senders sign nothing
    """
    if form not in SIGNED:
        raise UnknownName("signed webhook of format", form, SIGNED)
    given = {name.casefold(): value.strip() for name, value in headers.items()}
    if form == "ebay":
        return _of_ebay(given, body, secrets)
    names = ("x-shopify-{}", "shopify-{}") if form == "shopify" else ("x-wc-webhook-{}",)

    def header(*words: str) -> str:
        return next((given[n.format(w)] for n in names for w in words if given.get(n.format(w))), "")

    signature = header("hmac-sha256", "signature")
    good = [secret for secret in secrets if secret]  # an empty one would be everybody's
    _needs(signature, good)
    wanted = [base64.b64encode(hmac.digest(secret, body, "sha256")) for secret in good]
    if not any(hmac.compare_digest(signature.encode("utf-8", "replace"), found) for found in wanted):
        raise _unfit()
    message = _plain(header("webhook-id", "delivery-id"))
    if form == "woocommerce" and message:  # the number is the webhook's and the second's: orders of one second share it
        message = f"{message} {_digest(body)}"
    return Hook(message or _digest(body), _plain(header("topic")), _moment(header("triggered-at")), body)


def is_ping(form: str, body: bytes) -> bool:
    """Whether it is the greeting, without a signature, by which WooCommerce tries an address: answered, and no more."""
    return form == "woocommerce" and _PING.fullmatch(body) is not None


def challenge(code: str, token: str, endpoint: str) -> str:
    """What eBay wants to hear (`challengeResponse`) before it believes that an address is one's own.

    code:     `challenge_code` of its request
    token:    the verification token that was set there
    endpoint: the address, exactly as it was set there
    """
    return hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest()


def key_id(headers: Mapping[str, str]) -> str:
    """The id of the public key with which eBay signed a notice. raises: NotGenuine where it says none."""
    given = {name.casefold(): value.strip() for name, value in headers.items()}
    found = _ebay_signature(given).get("kid")
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,128}", found):
        raise NotGenuine("The signature names no key.", then="Nothing was taken.")
    return found


def pointer(body: bytes) -> str:
    """What Mercado Libre points at: '/orders/2195160686', to be fetched from its API.

    raises: BadData where it is no pointer to an order, a shipment, a pack or a claim
    """
    found = _object(body).get("resource")
    if not isinstance(found, str) or not _POINTER.fullmatch(found):
        allowed = "a resource such as /orders/NUMBER or /shipments/NUMBER"
        raise BadData("The notice points at nothing that can be fetched.", allowed=allowed, then="It was left alone.")
    return found


def request_of(form: str, topic: str, body: bytes) -> Asked | None:
    """What a genuine webhook asks for.

    returns: None where it tells of orders and the like, and where the body does not say what its topic asks for: it is
             then read as a document, and set apart as one that makes no sense
    """
    if form == "ebay" and topic == "MARKETPLACE_ACCOUNT_DELETION":
        data = _inner(_inner(_object(body), "notification"), "data")
        named = _ids([data.get("userId"), data.get("username")])
        return Asked("erasure", {"user_id": named}) if named else None
    kind = _SHOPIFY.get(topic.casefold()) if form == "shopify" else None
    if kind is None:
        return None
    said = _object(body)
    shop = said.get("shop_domain")
    if not isinstance(shop, str) or not shop:
        return None
    if kind == "closing":
        return None if "customer" in said else Asked(kind, {}, shop)
    orders = "orders_requested" if kind == "access" else "orders_to_redact"
    about = {"user_id": _ids([_inner(said, "customer").get("id")]), "order_id": _ids(said.get(orders))}
    if orders not in said or not any(about.values()):
        return None
    return Asked(kind, {name: ids for name, ids in about.items() if ids}, shop)


_SHOPIFY: Final[Mapping[str, Kind]] = {
    "customers/data_request": "access",
    "customers/redact": "erasure",
    "shop/redact": "closing",
}


def _of_ebay(given: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Hook:
    said = _ebay_signature(given)
    _needs(given["x-ebay-signature"], [secret for secret in secrets if secret])
    keys = [secret for secret in secrets if secret.lstrip().startswith(_PUBLISHED)]
    if keys and not _fits_one(body, said, keys):
        raise _unfit()
    whole = _object(body)
    notice = _inner(whole, "notification")
    message = _plain(notice.get("notificationId")) or _digest(body)
    return Hook(message, _plain(_inner(whole, "metadata").get("topic")), _moment(notice.get("publishDate")), body)


def _fits_one(body: bytes, said: Mapping[str, Any], keys: Sequence[bytes]) -> bool:
    digest = str(said.get("digest") or "SHA1").upper().replace("-", "")
    try:
        signature = base64.b64decode(str(said.get("signature") or ""), validate=True)
    except ValueError:
        return False
    try:
        return any(fits(body, signature, public_key(key), digest) for key in keys)
    except KeyError:
        raise NotGenuine("The signature is made in an unknown way.", allowed="SHA1, SHA256") from None
    except ValueError as fault:
        raise NotGenuine(str(fault), allowed="the key as eBay gives it (getPublicKey)") from None


def _ebay_signature(given: Mapping[str, str]) -> Mapping[str, Any]:
    header = given.get("x-ebay-signature", "")
    if not header:
        raise _unsigned()
    try:
        found = msgspec.json.decode(base64.b64decode(header, validate=True))
    except (ValueError, msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _unfit()
    return found


def _needs(signature: str, secrets: Sequence[object]) -> None:
    if not signature:
        raise _unsigned()
    if not secrets:
        raise NotGenuine(
            "There is no secret to check the signature with.",
            allowed="the secret of the source's webhooks, in the environment",
            then="Nothing of it was taken.",
        )


def _unsigned() -> NotGenuine:
    return NotGenuine("The request has no signature.", then="Nothing of it was taken.")


def _unfit() -> NotGenuine:
    return NotGenuine(
        "The signature does not fit the body.",
        allowed="a body as it was sent, and the secret (or key) that signed it",
        then="Nothing of it was taken.",
    )


def _object(body: bytes) -> Mapping[str, Any]:
    """The object that a body is; one without anything in it where it is none, or half of one."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _inner(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inside = found.get(name)
    return inside if isinstance(inside, dict) else {}


def _ids(found: object) -> tuple[str, ...]:
    """Ids as texts, without those that are none: null, true, lists."""
    listed = found if isinstance(found, list) else []
    said = [str(one).strip() for one in listed if isinstance(one, str | int) and not isinstance(one, bool)]
    return tuple(dict.fromkeys(one for one in said if one))


def _plain(found: object) -> str:
    """An id or a topic as it was given; '' where it is none that could be one."""
    return found if isinstance(found, str) and _PLAIN.fullmatch(found) else ""


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _moment(written: object) -> int | None:
    """ISO 8601 with an offset; None for all else: a header's time is worth no refusal."""
    try:
        found = datetime.fromisoformat(written) if isinstance(written, str) else None
        return to_ms(found) if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
