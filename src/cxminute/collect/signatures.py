"""Whether a signature on the curve P-256 (ECDSA) fits a message: checked by `cryptography`; nothing here signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"


def public_key(published: bytes) -> EllipticCurvePublicKey:
    """A public key as it is published: PEM, with or without its line ends, or the base64 between them.

    raises: ValueError where it is no such key of this curve
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 -- takes a while, and few need it
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 -- as above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 -- as above

    text = published.decode("ascii", "replace").replace("\\n", "\n")  # as line ends are written in an environment
    between = "".join(text.replace(_BEGIN, "").replace(_END, "").split())
    try:
        found = load_pem_public_key(f"{_BEGIN}\n{between}\n{_END}\n".encode())
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if isinstance(found, ec.EllipticCurvePublicKey) and isinstance(found.curve, ec.SECP256R1):
        return found
    raise ValueError("This is no public key of the curve P-256.")


def fits(message: bytes, signature: bytes, key: EllipticCurvePublicKey, digest: str) -> bool:
    """Whether a signature (DER) is one of this message by the owner of the key.

    digest: SHA1 or SHA256, as the sender chose
    raises: KeyError for another digest
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- takes a while, and few need it
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 -- as above
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415 -- as above

    made = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}[digest]
    try:
        key.verify(signature, message, ECDSA(made()))
    except InvalidSignature:
        return False
    return True
