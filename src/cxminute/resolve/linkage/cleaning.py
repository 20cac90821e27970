"""Values as they are compared: what differs in spelling alone is the same, and what is no such thing is no value."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.resolve.linkage.definition import Field

KEY: Final = "unique_id"
"""The column that numbers records."""
FEWEST: Final = 2
"""A record with fewer fields than this says too little to be compared."""
_DAY: Final = r"^(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$"
_DOTTED: Final = r"^(\d{1,2})\.(\d{1,2})\.(\d{4})$"  # 24.05.1971: with dots the day comes first wherever dots are used


def clean(values: pa.ChunkedArray, form: str) -> pa.Array:
    """Texts as they are compared, null where there is none: each of a form (definition.FORMS).

    name, text: lower case, blanks and signs as one blank; of a name, digits go too
    date:       YYYY-MM-DD, of 1971-05-24, 19710524, 24.05.1971 and times; a day that no month has stays: it is a slip
    email:      lower case; null without an @
    phone:      digits, without a leading 00; null with fewer than six
    postcode, code: upper case letters and digits
    """
    texts = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(texts, pa.ChunkedArray):  # of no chunk, or too large for one
        texts = pa.concat_arrays(texts.chunks) if texts.num_chunks else pa.array([], texts.type)
    coded = texts.dictionary_encode()
    words = pc.utf8_trim_whitespace(pc.utf8_normalize(coded.dictionary.cast(pa.string()), form="NFKC"))
    spelled = _FORMS[form](words)
    spelled = pc.if_else(pc.equal(spelled, ""), None, spelled)
    return pc.take(spelled, coded.indices)


def _name(words: pa.Array) -> pa.Array:
    signs = pc.replace_substring_regex(pc.utf8_lower(words), pattern=r"[^\p{L}\p{M}]+", replacement=" ")
    return pc.utf8_trim_whitespace(signs)


def _text(words: pa.Array) -> pa.Array:
    signs = pc.replace_substring_regex(pc.utf8_lower(words), pattern=r"[^\p{L}\p{M}\p{N}]+", replacement=" ")
    return pc.utf8_trim_whitespace(signs)


def _date(words: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(words, pattern=_DAY, replacement=r"\1-\2-\3")
    padded = pc.replace_substring_regex(plain, pattern=r"^(\d)\.", replacement=r"0\1.")
    padded = pc.replace_substring_regex(padded, pattern=r"\.(\d)\.", replacement=r".0\1.")
    found = pc.replace_substring_regex(padded, pattern=_DOTTED, replacement=r"\3-\2-\1")
    return pc.if_else(pc.match_substring_regex(found, pattern=r"^\d{4}-\d{2}-\d{2}$"), found, None)


def _email(words: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(words, pattern=r"^[^@\s]+@[^@\s]+$"), pc.utf8_lower(words), None)


def _phone(words: pa.Array) -> pa.Array:
    digits = pc.replace_substring_regex(words, pattern=r"\D+", replacement="")
    digits = pc.replace_substring_regex(digits, pattern="^00", replacement="")
    return pc.if_else(pc.greater_equal(pc.utf8_length(digits), 6), digits, None)


def _code(words: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_upper(words), pattern=r"[^\p{L}\p{N}]+", replacement="")


_FORMS: Final = {
    "name": _name,
    "text": _text,
    "date": _date,
    "email": _email,
    "phone": _phone,
    "postcode": _code,
    "code": _code,
}


def records(table: pa.Table, fields: Mapping[str, Field]) -> pa.Table:
    """Records as they are compared: `unique_id` (int64), and a text column for each field that any of them has.

    table: `unique_id`, and a column of texts by the name of a field; other columns are left out
    Records of which fewer than two fields are known are left out: they would be like too many.
    """
    names = [name for name in fields if name in table.column_names]
    with ThreadPoolExecutor() as threads:
        cleaned = threads.map(lambda name: clean(table[name].cast(pa.string()), fields[name].form), names)
        columns = dict(zip(names, cleaned, strict=True))
    kept = {name: column for name, column in columns.items() if column.null_count < len(column)}
    found = pa.table({KEY: table[KEY].cast(pa.int64()), **kept})
    if not kept:
        return found.slice(0, 0)
    known = pa.array([0], pa.int8())[0]
    for column in kept.values():
        known = pc.add(known, column.is_valid().cast(pa.int8()))
    return found.filter(pc.greater_equal(known, FEWEST))
