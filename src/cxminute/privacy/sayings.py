"""What events say of consent: the Segment consent object, preference events, the browser's signal, GPP strings.

Of an event of the Segment specification are read
- `context.consent.categoryPreferences`: each category as true or not; a purpose for which categories stand is said yes
  to where all of them are true, and no where they are not, or where there are no preferences at all,
- `context.gpc`, which the door sets from the request's `Sec-GPC: 1`,
- `context.gpp`, `context.consent.gpp` and `properties.gpp`: strings of the Global Privacy Platform (gpp).

Almost every event of a site repeats them, so texts are looked through for the words first, and each distinct answer is
read once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.privacy import gpp
from cxminute.privacy.purposes import Purposes

PREFERENCE: Final = "Segment Consent Preference Updated"
"""The event that a consent dialogue sends when somebody sets their preferences."""
TCF: Final = {
    "targeted-advertising": frozenset({3, 4}),
    "service-personalisation": frozenset({5, 6}),
    "research-and-development": frozenset({10}),
}
"""By our purpose, the purposes of the Transparency and Consent Framework that stand for it, all of them."""

_WORDS: Final = '"(consent|gpc|gpp)"'
_CONSENT: Final = "context.consent."
_PREFERENCES: Final = "context.consent.categoryPreferences."
_COLUMNS: Final = ("context.gpc", "context.gpp", "context.consent.gpp", "properties.gpp")

Say = tuple[str, str, str]
"""Of a purpose, what was said, and how."""


class _Rest(msgspec.Struct):
    context: msgspec.Raw = msgspec.Raw(b"null")
    properties: msgspec.Raw = msgspec.Raw(b"null")


class _Context(msgspec.Struct):
    consent: msgspec.Raw = msgspec.Raw(b"null")
    gpc: msgspec.Raw = msgspec.Raw(b"null")
    gpp: msgspec.Raw = msgspec.Raw(b"null")


class _Properties(msgspec.Struct):
    gpp: msgspec.Raw = msgspec.Raw(b"null")


_rest: Final = msgspec.json.Decoder(_Rest)
_context: Final = msgspec.json.Decoder(_Context)
_properties: Final = msgspec.json.Decoder(_Properties)
_any: Final = msgspec.json.Decoder()
_Found = tuple[bytes, bytes, bytes, bytes]  # consent, gpc, gpp of the context, gpp of the properties: JSON
_NOTHING: Final[_Found] = (b"null", b"null", b"null", b"null")


def sayings(kept: pa.Table, personal: pa.Table, purposes: Purposes) -> pa.Table | None:
    """What events say: `id` of the event, `profile`, `purpose`, `said`, `how`, `at` (UTC ms); None for nothing.

    kept:     events with `id`, `name`, `at`, `profile`, and what is open of them: typed columns, and `rest`, JSON
    personal: what is not, row for row: a category may be called 'email'
    """
    where = np.flatnonzero(_mentioned(kept) | _mentioned(personal))
    if not len(where):
        return None
    reader = _Reader(purposes)
    places, several = pa.array(where), _split_over_columns(kept) or _mentioned(personal).any()
    told = _texts(kept, places), _texts(personal, places)
    names = kept["name"].cast(pa.string()).take(places).to_pylist()
    if several:
        columns = _typed(kept, personal, places)
        codes = [
            reader.merged(one, other, row, name == PREFERENCE)
            for one, other, row, name in zip(*told, columns, names, strict=True)
        ]
    else:
        codes = [reader.plain(text, name == PREFERENCE) for text, name in zip(told[0], names, strict=True)]
    return _table(kept, where, np.array(codes, np.int64), reader)


class _Reader:
    """Reads each distinct answer once; answers have codes, in the order in which they were met."""

    def __init__(self, purposes: Purposes) -> None:
        self._purposes = purposes
        self._met: dict[tuple[_Found, bool], int] = {}
        self.said: list[tuple[Say, ...]] = []

    def plain(self, text: str | None, is_preference: bool) -> int:  # noqa: FBT001 -- called for every event
        """The code of what a leftover says."""
        key = (_found(text) if text is not None else _NOTHING, is_preference)
        code = self._met.get(key)
        return self._learn(key) if code is None else code

    def merged(self, one: str | None, other: str | None, columns: Mapping[str, Any], is_preference: bool) -> int:  # noqa: FBT001 -- as above
        """The code of what an event says whose answer lies in several places."""
        parts = [_found(text) if text is not None else _NOTHING for text in (one, other)]
        objects = [_decoded(part[0]) for part in parts]
        consent: dict[str, Any] = {}
        preferences: dict[str, Any] | None = None
        for found in objects:
            if isinstance(found, dict):
                inner = found.get("categoryPreferences")
                preferences = {**(preferences or {}), **inner} if isinstance(inner, dict) else preferences
                consent |= found
        for name, value in columns.items():
            if name.startswith(_PREFERENCES):
                preferences = {**(preferences or {}), name.removeprefix(_PREFERENCES): value in (True, "true")}
        if preferences is not None:
            consent["categoryPreferences"] = preferences
        if "context.consent.gpp" in columns:
            consent["gpp"] = columns["context.consent.gpp"]
        values = [next((part[place] for part in parts if part[place] != b"null"), b"null") for place in (1, 2, 3)]
        for place, name in enumerate(("context.gpc", "context.gpp", "properties.gpp")):
            if name in columns:
                values[place] = msgspec.json.encode(True if columns[name] == "true" else columns[name])
        key: tuple[_Found, bool] = (
            (msgspec.json.encode(consent or None), values[0], values[1], values[2]), is_preference
        )  # fmt: skip
        code = self._met.get(key)
        return self._learn(key) if code is None else code

    def _learn(self, key: tuple[_Found, bool]) -> int:
        (consent, browser, first, second), is_preference = key
        code = self._met[key] = len(self.said)
        said: dict[tuple[str, str], str] = {}
        told = _decoded(consent)
        strings = [_decoded(first), _decoded(second)]
        if isinstance(told, dict):
            preferences = told.get("categoryPreferences")
            how = "preference event" if is_preference else "consent object"
            if isinstance(preferences, dict):
                said |= {(purpose, how): word for purpose, word in _preferred(preferences, self._purposes).items()}
            strings.append(told.get("gpp"))
        is_on = _decoded(browser) is True
        for text in strings:
            if isinstance(text, str) and (read := gpp.read(text)) is not None:
                is_on |= read.browser
                for purpose, word in _platform(read).items():
                    if said.get((purpose, "gpp")) != "denied":
                        said[purpose, "gpp"] = word
        if is_on:
            said |= {(purpose, "gpc"): "denied" for purpose in self._purposes.by_browser}
        self.said.append(tuple((purpose, word, how) for (purpose, how), word in said.items()))
        return code


def _preferred(preferences: Mapping[str, Any], purposes: Purposes) -> dict[str, str]:
    """What preferences say of the purposes for which categories stand."""
    said = {}
    for name, purpose in purposes.items():
        stated = [preferences[category] is True for category in purpose.categories if category in preferences]
        if purpose.categories and (stated or not preferences):
            whole = len(stated) == len(purpose.categories) and all(stated)
            said[name] = "granted" if whole else "denied"
    return said


def _platform(read: gpp.Gpp) -> dict[str, str]:
    """What a GPP string says of our purposes: who did not opt out has not said yes."""
    said = {}
    if read.consents is not None:
        for name, wanted in TCF.items():
            if not wanted <= read.consents:
                said[name] = "denied"
            elif read.is_valid:
                said[name] = "granted"
    if gpp.OPTED_OUT in (read.sale, read.sharing):
        said["sale-or-sharing"] = "denied"
    if read.advertising == gpp.OPTED_OUT:
        said["targeted-advertising"] = "denied"
    return said


def _table(kept: pa.Table, where: NDArray[np.int64], codes: NDArray[np.int64], reader: _Reader) -> pa.Table | None:
    """A row for each thing that an event says."""
    flat = [say for said in reader.said for say in said]
    sizes = np.array([len(said) for said in reader.said], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    each = sizes[codes]
    total = int(each.sum())
    if not total:
        return None
    within = np.arange(total) - np.repeat(np.cumsum(each) - each, each)
    of = np.repeat(starts[codes], each) + within
    rows = pa.array(np.repeat(where, each))
    columns = {"id": kept["id"].take(rows), "profile": kept["profile"].take(rows)}
    for place, name in enumerate(("purpose", "said", "how")):
        columns[name] = pa.array([say[place] for say in flat], pa.string()).dictionary_encode().take(pa.array(of))
    columns["at"] = kept["at"].take(rows).cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    found = pa.table(columns)
    found = found.filter(pc.is_valid(found["profile"]))
    return found if found.num_rows else None


def _mentioned(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows may say something."""
    found = np.zeros(table.num_rows, np.bool_)
    for name in _typed_names(table):
        found |= pc.is_valid(table[name]).to_numpy()
    if "rest" in table.column_names:
        words = pc.match_substring_regex(table["rest"], _WORDS)
        found |= pc.fill_null(words, False).to_numpy()
    return found


def _typed_names(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name in _COLUMNS or name.startswith(_PREFERENCES)]


def _split_over_columns(kept: pa.Table) -> bool:
    return bool(_typed_names(kept))


def _typed(kept: pa.Table, personal: pa.Table, places: pa.Array) -> list[dict[str, Any]]:
    """By event, what typed columns say."""
    found: list[dict[str, Any]] = [{} for _ in range(len(places))]
    for table in (kept, personal):
        for name in _typed_names(table):
            for row, value in zip(found, table[name].take(places).to_pylist(), strict=True):
                if value is not None:
                    row[name] = value
    return found


def _texts(table: pa.Table, places: pa.Array) -> list[str | None]:
    if "rest" not in table.column_names:
        return [None] * len(places)
    said: list[str | None] = table["rest"].take(places).to_pylist()
    return said


def _found(text: str) -> _Found:
    """The parts of a leftover that may say something, as JSON."""
    try:
        rest = _rest.decode(text)
        context = _in_context(rest.context)
        second = b"null"
        if b'"gpp"' in bytes(rest.properties):
            second = bytes(_properties.decode(rest.properties).gpp)
    except msgspec.MsgspecError:  # what stands there is of another form, and says nothing
        return _NOTHING
    return bytes(context.consent), bytes(context.gpc), bytes(context.gpp), second


def _in_context(said: msgspec.Raw) -> _Context:
    return _context.decode(said) if bytes(said).startswith(b"{") else _Context()


def _decoded(said: bytes) -> Any:
    try:
        return _any.decode(said)
    except (msgspec.MsgspecError, RecursionError):
        return None
