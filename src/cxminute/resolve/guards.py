"""Values as they are compared, and values that stand for nobody. Pure functions of text, and the same over columns.

What is known of marketplaces' relay addresses is from their own pages and sample documents; a domain that is not
listed is taken for a person's, and where it is shared by many its addresses still are not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.model.placeholders import is_nobodys
from cxminute.resolve.kinds import THEMSELVES

PHONE_DIGITS: Final = (7, 15)
"""How many digits a telephone number has at least and at most (E.164)."""

_SIGNS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u2212]+")
_TRUNK = re.compile(r"^((?:\+|00)[\d\s]*)\(0\)")
_NOBODYS_BOX: Final = re.compile(
    r"(?:no|do-?not|donot)[._-]?reply.*|test(?:er|ing)?[._-]?\d*|mailer-daemon|postmaster|asdf\w*|qwerty\w*|abc(?:123)?"
    r"|foo(?:bar)?|no-?(?:e?mail|one)|not-?(?:available|provided)|username|your-?(?:e?mail|name)|(.)\1{2,}"
)
"""The part before the @ of addresses that are made up, or nobody reads."""
_ONE_LETTER: Final = re.compile(r"(.)@\1+\..*")
_NOBODYS_DOMAIN: Final = re.compile(r"(?:.+\.)?(?:invalid|test|localhost)|test\.\w+|(?:no-?e?mail|none)\.\w+")
"""Domains that are reserved for never being anybody's (RFC 2606), or made up for want of an address. `example` is
reserved too, and what documentation and trial runs use for people: it is left to be one."""
_STEPS: Final = ("0123456789", "9876543210")
_SAME_DIGIT: Final = re.compile(r"(\d)\1{6,}$")

_RELAYS: Final = re.compile(
    r"(?:.+\.)?(?:"
    r"(?:marketplace\.amazon|members\.ebay)\.[a-z]{2,3}(?:\.[a-z]{2})?"
    r"|relay\.walmart\.com"
    r"|(?:verkopen|klantbericht)\.bol\.com"
    r"|kaufland-online\.de"
    r"|customer\.otto\.market"
    r"|allegromail\.(?:pl|com)"
    r"|notification\.mirakl\.net"
    r"|mail\.mercadoli(?:bre|vre)\.com(?:\.[a-z]+)?"
    r"|fw\.rakuten\.ne\.jp"
    r"|scs\.tiktok\w*\.\w+"
    r"|(?:message|relay|convos?)\.etsy\.com"
    r")"
)
"""Domains of the addresses that marketplaces give out in place of buyers' own."""


def normalised(kind: str, value: str) -> str:
    """A value of a kind as it is compared with others; '' where it is no such thing.

    email:  without blanks around it, in one case and one Unicode form (NFC); dots and + parts are kept, since only
            some hosts ignore them
    phone:  its digits, after + where it was written with + or 00; a national number stays apart from the same with its
            country. Extensions make it another thing than a number: ''
    others: without blanks around it, in NFC
    Idempotent.
    """
    text = unicodedata.normalize("NFC", value).strip()
    if kind == "email":
        return _email(text)
    if kind == "phone":
        return _phone(text)
    return text


def _email(text: str) -> str:
    before, found = "", text
    while before != found:  # one case can be another form, and one form another case
        before = found
        found = unicodedata.normalize("NFC", found.casefold().removeprefix("mailto:")).strip().rstrip(".")
    name, at, domain = found.partition("@")
    usable = at and name and domain and "@" not in domain and not any(sign.isspace() for sign in found)
    return found if usable else ""


def _phone(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text.casefold().removeprefix("tel:")).strip()
    bare = _SIGNS.sub("", _TRUNK.sub(r"\1", plain))
    digits = bare.removeprefix("+")
    if not digits.isdecimal():
        return ""
    whole = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    country = whole.removeprefix("00") if whole.startswith("00") else whole if bare.startswith("+") else "0"
    found = whole if country.startswith("0") else f"+{country}"  # no country's number begins with 0
    least, most = PHONE_DIGITS
    return found if least <= len(found.removeprefix("+")) <= most else ""


def is_placeholder(kind: str, value: str) -> bool:
    """Whether a value of a kind stands for want of one: 'guest', nil UUIDs, `noreply@...`, a phone of nines.

    value: normalised, or as it came; a single letter is no device or address, and may be somebody's user id
    """
    text = value.strip()
    if is_nobodys(text):
        return True
    if kind == "email":
        address = text.casefold()
        name, _, domain = address.rpartition("@")
        made_up = _NOBODYS_BOX.fullmatch(name) or _NOBODYS_DOMAIN.fullmatch(domain) or _ONE_LETTER.fullmatch(address)
        return made_up is not None or is_nobodys(name)
    if kind == "phone":
        digits = "".join(sign for sign in text if sign.isdecimal())
        return bool(_SAME_DIGIT.search(digits)) or any(steps[:9] in digits or steps[1:9] in digits for steps in _STEPS)
    return len(text) < 2 and kind not in THEMSELVES


def relay_of(email: str) -> bool:
    """Whether an address is a marketplace's relay: it stands for a buyer there, and is nobody's anywhere else."""
    return _RELAYS.fullmatch(email.strip().casefold().rpartition("@")[2]) is not None


def compared(kind: str, values: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, int]:
    """A column of texts as they are compared, null for what is no such thing or a placeholder; and how many were.

    values: of a kind, nulls allowed, dictionary-encoded or not
    Each different value is looked at once.
    """

    def one(value: str) -> str | None:
        found = normalised(kind, value)
        return None if not found or is_placeholder(kind, found) else found

    found = over_unique(values, one)
    return found, found.null_count - values.null_count


def over_unique(
    values: pa.Array | pa.ChunkedArray, say: Callable[[str], Any], kind: pa.DataType | None = None
) -> pa.Array:
    """What a function says of each text of a column, asked once for each different one; null where there is none."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    said = [None if word is None else say(word) for word in coded.dictionary.to_pylist()]
    return pc.take(pa.array(said, kind or pa.string()), coded.indices)
