"""Laws of the check of the signatures that eBay makes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.signatures import fits, public_key

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DIGESTS = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}  # noqa: S303 -- what eBay signs with
OWNER = ec.derive_private_key(20_260_301, ec.SECP256R1())


def published(owner: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as it is published."""
    return owner.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed(owner: ec.EllipticCurvePrivateKey, message: bytes, digest: str = "SHA1") -> bytes:
    """Their signature of a message."""
    return owner.sign(message, ec.ECDSA(DIGESTS[digest]))


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=200), st.integers(1, ORDER - 1), st.sampled_from(sorted(DIGESTS)), st.binary(max_size=200))
def test_what_its_owner_signed_fits_and_nothing_else(message: bytes, number: int, digest: str, other: bytes) -> None:
    """Whoever the owner: their signature fits their message by their key, and no other message, key or digest."""
    owner = ec.derive_private_key(number, ec.SECP256R1())
    key, signature = public_key(published(owner)), signed(owner, message, digest)
    assert fits(message, signature, key, digest)
    assert fits(other, signature, key, digest) == (other == message)
    assert not fits(message, signature, public_key(published(OWNER)), digest) or number == 20_260_301
    assert not fits(message, signature, key, "SHA256" if digest == "SHA1" else "SHA1")


def test_a_signature_is_written_in_one_way() -> None:
    """Cut off, lengthened, re-encoded or out of range: none of it fits."""
    key, signature = public_key(published(OWNER)), signed(OWNER, b"notice")
    r, s = decode_dss_signature(signature)
    bad = [signature[:size] for size in range(len(signature))]
    bad += [signature + b"\0", b"\x31" + signature[1:], signature[:2] + b"\x03" + signature[3:]]
    bad += [encode_dss_signature(*pair) for pair in ((0, s), (r, 0), (ORDER, s), (r, ORDER), (r + ORDER, s), (s, r))]
    assert fits(b"notice", signature, key, "SHA1")
    assert not any(fits(b"notice", one, key, "SHA1") for one in bad)


def test_a_key_is_a_point_of_its_curve() -> None:
    """PEM as it is published, in one line or with written line ends; another curve or a made-up point is refused."""
    pem = published(OWNER)
    assert public_key(pem) == public_key(pem.replace(b"\n", b"")) == public_key(pem.replace(b"\n", b"\\n"))
    other = published(ec.derive_private_key(7, ec.SECP384R1()))
    for bad in (b"", b"\xff", b"no key", pem[:60], other, pem.replace(b"A", b"B", 30)):
        with pytest.raises(ValueError, match="public key"):
            public_key(bad)
    with pytest.raises(KeyError):
        fits(b"", signed(OWNER, b""), public_key(pem), "MD5")
