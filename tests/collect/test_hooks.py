"""Laws of webhooks: what is genuine, what is not, and what a shop asks for in a person's name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.collect.hooks import NotGenuine, challenge, genuine, is_ping, key_id, pointer, request_of
from cxminute.model.errors import BadData, UnknownName
from tests.collect.test_signatures import OWNER, published, signed

SECRET = b"a secret of both"
BODY = b'{"id": 5001, "financial_status": "paid"}'
AT = 1_772_355_600_000


def _hmac(body: bytes, secret: bytes = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret, body, "sha256")).decode()


def _shopify(body: bytes, secret: bytes = SECRET, prefix: str = "X-Shopify-") -> dict[str, str]:
    return {
        f"{prefix}Hmac-SHA256": _hmac(body, secret),
        f"{prefix}Topic": "orders/updated",
        f"{prefix}Webhook-Id": "b54557e4-bdd9",
        f"{prefix}Triggered-At": "2026-03-01T09:00:00.123456789Z",
    }


@pytest.mark.parametrize("prefix", ["X-Shopify-", "x-shopify-", "Shopify-", "shopify-"])
def test_a_shopify_webhook_is_what_its_signature_says(prefix: str) -> None:
    """Whatever the case of its headers, by names with and without X-, it is one delivery with topic and time."""
    hook = genuine("shopify", _shopify(BODY, prefix=prefix), BODY, [SECRET])
    assert (hook.message, hook.topic, hook.body) == ("b54557e4-bdd9", "orders/updated", BODY)
    assert hook.sent_at == AT + 123


def test_a_woocommerce_webhook_is_what_its_signature_says() -> None:
    """The same way of signing under its own names; it says no time of sending."""
    headers = {"X-WC-Webhook-Signature": _hmac(BODY), "X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-ID": "4"}
    hook = genuine("woocommerce", {**headers, "X-WC-Webhook-Delivery-ID": "72"}, BODY, [SECRET])
    assert (hook.message.split()[0], hook.topic, hook.sent_at) == ("72", "order.updated", None)
    unnumbered = genuine("woocommerce", headers, BODY, [SECRET])
    assert unnumbered.message == hashlib.sha256(BODY).hexdigest(), "the same body again is the same delivery"


def test_woocommerce_s_orders_of_one_second_are_deliveries_apart() -> None:
    """It numbers deliveries by the webhook and the second: two orders of one second share a number, and both count."""
    other = BODY.replace(b"5001", b"5002")
    found = [
        genuine("woocommerce", {"X-WC-Webhook-Signature": _hmac(b), "X-WC-Webhook-Delivery-ID": "72"}, b, [SECRET])
        for b in (BODY, other, BODY)
    ]
    assert found[0].message == found[2].message != found[1].message


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(min_size=1, max_size=40))
def test_a_changed_body_or_another_secret_is_not_genuine(body: bytes, other: bytes, secret: bytes) -> None:
    """The signature of one body fits no other body, and no body by another secret."""
    headers = _shopify(body, secret)
    assert genuine("shopify", headers, body, [secret]).body == body
    if other != body:
        with pytest.raises(NotGenuine):
            genuine("shopify", headers, other, [secret])
    with pytest.raises(NotGenuine):
        genuine("shopify", headers, body, [secret + b"!"])


@pytest.mark.parametrize(
    "signature",
    ["", " ", "x", "é\udce9", _hmac(BODY)[:-4], _hmac(BODY).lower(), hmac.digest(SECRET, BODY, "sha256").hex()],
)
def test_a_wrong_or_missing_signature_is_refused(signature: str) -> None:
    """Missing, cut off, in another case or in hex: refused in a sentence that quotes neither body nor secret."""
    headers = _shopify(BODY) | {"X-Shopify-Hmac-SHA256": signature}
    with pytest.raises(NotGenuine) as fault:
        genuine("shopify", headers, BODY, [SECRET])
    assert "5001" not in str(fault.value)
    assert SECRET.decode() not in str(fault.value)
    with pytest.raises(NotGenuine):
        genuine("woocommerce", _shopify(BODY), BODY, [SECRET])


def test_two_secrets_are_good_while_one_takes_the_other_s_place() -> None:
    """During a change of secrets what either signed is genuine; an empty secret is none, and none refuses all."""
    for secret in (b"old", b"new"):
        assert genuine("shopify", _shopify(BODY, secret), BODY, [b"old", b"new"]).topic == "orders/updated"
    for secrets in ([], [b""]):
        with pytest.raises(NotGenuine, match="no secret"):
            genuine("shopify", _shopify(BODY, b""), BODY, secrets)


def test_the_same_delivery_again_is_known_by_its_number() -> None:
    """A delivery that is sent again carries the same number; under another it is still the same body."""
    first, again = (genuine("shopify", _shopify(BODY), BODY, [SECRET]) for _ in range(2))
    assert first == again
    renamed = genuine("shopify", _shopify(BODY) | {"X-Shopify-Webhook-Id": "another"}, BODY, [SECRET])
    assert (renamed.message, renamed.body) == ("another", first.body)


def test_headers_that_make_no_sense_do_no_harm() -> None:
    """Numbers of a length that nobody gives and times that are none are left aside: no signature covers them."""
    odd = {"X-Shopify-Webhook-Id": "x" * 5_000, "X-Shopify-Topic": "or ders\n", "X-Shopify-Triggered-At": "soon"}
    hook = genuine("shopify", _shopify(BODY) | odd, BODY, [SECRET])
    assert (hook.message, hook.topic, hook.sent_at) == (hashlib.sha256(BODY).hexdigest(), "", None)


def test_who_signs_nothing_has_no_genuine_webhook() -> None:
    """A format whose sender signs nothing is refused by name; what Mercado Libre sends is a pointer, no more."""
    with pytest.raises(UnknownName, match="woocommerce"):
        genuine("mercadolibre", {}, b"{}", [SECRET])
    assert pointer(b'{"resource": "/orders/2195160686", "topic": "orders_v2"}') == "/orders/2195160686"
    for bad in (b"{", b"[]", b'{"resource": "/users/1"}', b'{"resource": "/orders/1/../2"}', b'{"resource": 7}'):
        with pytest.raises(BadData, match="points at nothing"):
            pointer(bad)


def test_woocommerce_s_greeting_is_known() -> None:
    """The unsigned form by which it tries an address is told apart from everything else."""
    assert is_ping("woocommerce", b"webhook_id=42")
    for form, body in (("woocommerce", b"webhook_id=42&x=1"), ("woocommerce", BODY), ("shopify", b"webhook_id=42")):
        assert not is_ping(form, body)


def test_the_challenge_is_answered_as_ebay_reckons_it() -> None:
    """The hash is over code, token and address, in this order, in hex."""
    said = challenge("code", "token", "https://example.org/hook")
    assert said == hashlib.sha256(b"codetokenhttps://example.org/hook").hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", said)


NOTICE = json.dumps(
    {
        "metadata": {"topic": "MARKETPLACE_ACCOUNT_DELETION", "schemaVersion": "1.0"},
        "notification": {
            "notificationId": "49feeaeb-4982",
            "publishDate": "2026-03-01T09:00:00.000Z",
            "data": {"username": "ann_lee", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ"},
        },
    }
).encode()


def _ebay(body: bytes, **changed: str) -> dict[str, str]:
    said = {"alg": "ECDSA", "kid": "9936261a-7d7b", "digest": "SHA1"}
    said |= {"signature": base64.b64encode(signed(OWNER, body)).decode()} | changed
    return {"X-EBAY-SIGNATURE": base64.b64encode(json.dumps(said).encode()).decode()}


def test_an_ebay_notice_is_held_against_its_key() -> None:
    """With eBay's public key among the secrets a notice that it did not sign, or that was changed, is refused."""
    headers, key = _ebay(NOTICE), published(OWNER)
    assert key_id(headers) == "9936261a-7d7b"
    hook = genuine("ebay", headers, NOTICE, [b"token", key])
    assert (hook.message, hook.topic, hook.sent_at) == ("49feeaeb-4982", "MARKETPLACE_ACCOUNT_DELETION", AT)
    for bad, body in (
        (headers, NOTICE.replace(b"ann_lee", b"bob_lee")),
        (_ebay(NOTICE, signature="AA=="), NOTICE),
        (_ebay(NOTICE, signature="\u00e9"), NOTICE),
        (_ebay(NOTICE, digest="MD5"), NOTICE),
        ({"X-EBAY-SIGNATURE": "e30="}, NOTICE),
        ({"X-EBAY-SIGNATURE": "\u00e9"}, NOTICE),
        ({}, NOTICE),
    ):
        with pytest.raises(NotGenuine):
            genuine("ebay", bad, body, [b"token", key])
    with pytest.raises(NotGenuine, match="names no key"):
        key_id({"x-ebay-signature": "e30="})


def test_without_ebay_s_key_the_secret_address_is_what_is_believed() -> None:
    """No key: the notice is taken since it came to an address that eBay alone knows, if it is signed at all."""
    assert genuine("ebay", _ebay(NOTICE), NOTICE, [b"token"]).message == "49feeaeb-4982"
    for headers, secrets in (({}, [b"token"]), (_ebay(NOTICE), [])):
        with pytest.raises(NotGenuine):
            genuine("ebay", headers, NOTICE, secrets)


def _asked(**said: object) -> bytes:
    return json.dumps({"shop_id": 1, "shop_domain": "shop.example.org", **said}).encode()


def test_the_three_requests_of_shopify_are_understood() -> None:
    """Access and erasure name the customer and the orders, by number alone; a shop that left names itself."""
    customer = {"id": 90, "email": "ann@example.org", "phone": "1"}
    access = _asked(customer=customer, orders_requested=[299938, 280263], data_request={"id": 9999})
    erasure = _asked(customer=customer, orders_to_redact=[299938])
    asked = request_of("shopify", "customers/data_request", access)
    assert asked is not None
    assert (asked.kind, asked.about) == ("access", {"user_id": ("90",), "order_id": ("299938", "280263")})
    asked = request_of("shopify", "customers/redact", erasure)
    assert asked is not None
    assert (asked.kind, asked.about) == ("erasure", {"user_id": ("90",), "order_id": ("299938",)})
    asked = request_of("shopify", "shop/redact", _asked())
    assert asked is not None
    assert (asked.kind, asked.about, asked.shop) == ("closing", {}, "shop.example.org")


def test_a_topic_that_its_body_does_not_bear_out_asks_for_nothing() -> None:
    """No signature covers the topic: a genuine request to see data, sent again as one to erase it, erases nothing."""
    customer = {"id": 90}
    access = _asked(customer=customer, orders_requested=[1])
    for topic in ("customers/redact", "shop/redact"):
        assert request_of("shopify", topic, access) is None
    for body in (b"{", b"[]", BODY, _asked(orders_to_redact=[]), _asked(customer=[], orders_to_redact=[True, None])):
        assert request_of("shopify", "customers/redact", body) is None
    assert request_of("shopify", "orders/updated", access) is None
    assert request_of("woocommerce", "customers/redact", access) is None


def test_a_closed_account_is_to_be_erased() -> None:
    """A notice of eBay names a user by number and by name: both are asked for; half a notice asks for nothing."""
    asked = request_of("ebay", "MARKETPLACE_ACCOUNT_DELETION", NOTICE)
    assert asked is not None
    assert (asked.kind, asked.about) == ("erasure", {"user_id": ("ma8vp1jySJC", "ann_lee")})
    assert request_of("ebay", "MARKETPLACE_ACCOUNT_DELETION", NOTICE[:80]) is None
    assert request_of("ebay", "ITEM_MARKED_SHIPPED", NOTICE) is None
