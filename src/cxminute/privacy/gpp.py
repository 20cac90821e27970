"""Strings of the IAB Global Privacy Platform: what a consent dialogue of that kind says, as far as it concerns us.

Read are the header (which sections there are), the section of the US (7, `usnat`), and that of Europe (2, `tcfeuv2`),
of each its first part and whether the browser's Global Privacy Control was on. Other sections stay as they came, and
grant nothing; so does a string, or a section, that cannot be read.

Source: IAB Tech Lab, Global Privacy Platform, Consent String Specification 1.0 and the specifications of the sections
(https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform); IAB Europe, Transparency and Consent
Framework 2.2. The header's Fibonacci code: Fraenkel and Klein (1996).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

TCF_EU: Final = 2
US_NATIONAL: Final = 7
OPTED_OUT: Final = 1
"""What a field of the US section says of who opted out; 0: it does not apply, 2: did not opt out."""
LONGEST: Final = 16_384
"""Characters of a string that is read; longer ones are kept as they came."""

_ALPHABET: Final = {
    letter: place for place, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
}
_STRING: Final = re.compile(r"[A-Za-z0-9_-]+(~[A-Za-z0-9._-]*)*")
_HEADER: Final = 3  # type of the header
_SECTIONS: Final = 512  # more ids than there can be: a range may claim any number
_OPT_OUTS: Final = 18  # bits before them: version, and six notices
_SPECIFIC: Final = 138  # bits of the European section before IsServiceSpecific
_PURPOSES: Final = 152  # bits before PurposeConsent
_ASKED: Final = 24  # purposes that the section has room for
_BROWSER: Final = 1  # type of the part of the US section that says whether the browser's control was on


@dataclass(frozen=True, slots=True)
class Gpp:
    """What a string says.

    sections:   ids of all its sections, in their order
    sale, sharing, advertising: of `usnat`: 0 does not apply, 1 opted out, 2 did not; None without the section
    browser:    whether the browser's Global Privacy Control was on, as `usnat` says
    consents:   of `tcfeuv2`: the numbers of the purposes consented to; None without the section
    is_valid:   whether these hold for this service: a string of the former global kind grants nothing
    """

    sections: tuple[int, ...]
    sale: int | None = None
    sharing: int | None = None
    advertising: int | None = None
    browser: bool = False
    consents: frozenset[int] | None = None
    is_valid: bool = False


def read(text: str) -> Gpp | None:
    """What a GPP string says; None where it is none."""
    if len(text) > LONGEST or not _STRING.fullmatch(text):
        return None
    header, *parts = text.split("~")
    ids = _ids(_bits(header))
    if ids is None or len(ids) != len(parts):
        return None
    said = dict(zip(ids, parts, strict=True))
    us, eu = _us(said.get(US_NATIONAL, "")), _eu(said.get(TCF_EU, ""))
    sale, sharing, advertising, browser = us if us is not None else (None, None, None, False)
    consents, is_valid = eu if eu is not None else (None, False)
    return Gpp(ids, sale, sharing, advertising, browser, consents, is_valid)


def _us(section: str) -> tuple[int, int, int, bool] | None:
    """The three opt-outs, at the same place in each version, and the browser's control; None where unreadable."""
    core, *further = section.split(".")
    bits = _bits(core)
    if len(bits) < _OPT_OUTS + 6 or _number(bits, 0, 6) not in (1, 2):
        return None
    sale, sharing, advertising = (_number(bits, _OPT_OUTS + place, 2) for place in (0, 2, 4))
    parts = [_bits(part) for part in further]
    return sale, sharing, advertising, any(_number(part, 0, 2) == _BROWSER and part[2:3] == "1" for part in parts)


def _eu(section: str) -> tuple[frozenset[int], bool] | None:
    """The purposes consented to, and whether they hold for this service; None where it is no section of version 2."""
    bits = _bits(section.partition(".")[0])
    if len(bits) < _PURPOSES + _ASKED or _number(bits, 0, 6) != TCF_EU:
        return None
    asked = bits[_PURPOSES : _PURPOSES + _ASKED]
    return frozenset(place + 1 for place, bit in enumerate(asked) if bit == "1"), bits[_SPECIFIC] == "1"


def _ids(bits: str) -> tuple[int, ...] | None:
    """The ids of the sections: a range in Fibonacci code, whose offsets count from the last id."""
    if len(bits) < 24 or _number(bits, 0, 6) != _HEADER or _number(bits, 6, 6) != 1:
        return None
    found: list[int] = []
    place, last = 24, 0
    for _ in range(_number(bits, 12, 12)):
        several = bits[place : place + 1] == "1"
        offset, place = _fibonacci(bits, place + 1)
        length = 0
        if several:
            length, place = _fibonacci(bits, place)
        if not offset or (several and not length) or len(found) + length > _SECTIONS:
            return None
        found += range(last + offset, last + offset + length + 1)
        last = found[-1]
    return tuple(found)


def _fibonacci(bits: str, place: int) -> tuple[int, int]:
    """The number that is coded from a place on, and where the next begins; 0 where none ends."""
    end = bits.find("11", place)
    if end < 0:
        return 0, len(bits)
    total, low, high = 0, 1, 2
    for bit in bits[place : end + 1]:
        total += low if bit == "1" else 0
        low, high = high, low + high
    return total, end + 2


def _bits(text: str) -> str:
    """The bits of a text in base64 of the web-safe kind; '' where a character is none of it."""
    if not all(letter in _ALPHABET for letter in text):
        return ""
    return "".join(f"{_ALPHABET[letter]:06b}" for letter in text)


def _number(bits: str, place: int, length: int) -> int:
    part = bits[place : place + length]
    return int(part, 2) if part else 0
