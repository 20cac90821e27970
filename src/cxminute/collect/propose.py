"""A proposed source file for data nobody has described yet: a guess with its reasons, for people to mend.

What is guessed: which columns are times, which name the row, the person and the order, what is worth a property, and
what is personal. What cannot be guessed (purposes, the true names of events) is proposed as little as possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.collect.moments import moments
from cxminute.collect.source import EPOCHS, KINDS, ROOTS
from cxminute.collect.values import flag, number, trimmed, type_of
from cxminute.model.errors import BadData

_FORMS: Final = (
    "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y",
    "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
    "%d-%m-%Y %H:%M", "%d-%b-%Y", "%a, %d %b %Y %H:%M:%S %z",
)  # fmt: skip
_KINDS: Final = (
    ("anonymous_id", r"anonymous|visitor|cookie|device_?id|session"),
    ("order_id", r"order|invoice|basket|purchase"),
    ("ticket_id", r"ticket|conversation"),
    ("request_id", r"request|case|enquiry|inquiry|claim"),
    ("user_id", r"customer|user|client|member|person|account|kunde|cliente"),
)
_NAMES: Final = r"(^|_)(id|ids|uuid|guid|key|number|no|nr|code|num|ref)$"
_PERSONAL: Final = (
    r"e_?mail|phone|mobile|address|street|postcode|postal|zip|(^|_)ip($|_)|(first|last|full|sur|given|family)_?name"
    r"|^name$|(customer|client|user|person)_?name|birth|iban|comment|notes?($|_)|messages?$|feedback|(^|_)text($|_)"
)
_DUE: Final = r"target|due|deadline|promis|expected|estimat|deliver_?by|until|valid|expir|planned"
_ASIDE: Final = r"received|(^|_)sent_|original|loaded|ingest|updated|modified"
_TIME_WORDS: Final = r"(^|_)(at|on|dt|date|datetime|time|timestamp|ts|utc)(?=_|$)"
_EVENT_NAMES: Final = r"^(event|event_?name|event_?type|action|activity)$"


@dataclass(frozen=True, slots=True)
class _Column:
    """What a sample tells of one column.

    word:   its name in small letters and underscores
    kind:   number, text, flag, time or '' (empty); form: a format of times; middle: the median time
    length: mean number of letters; mail: some are e-mail addresses; kinds: all are kinds of events (track, page)
    """

    name: str
    word: str
    kind: str
    form: str
    distinct: int
    filled: int
    middle: float
    length: float
    mail: bool
    kinds: bool


def propose(sample: pa.Table, name: str, form: str, zone: str, *, also: Mapping[str, str] | None = None) -> str:
    """The text of a source file for what the sample shows, with the reasons as comments.

    sample: some hundred rows or more, columns as the reader of the format gives them (`sample.sample_of`)
    name:   of the source; form: its format; zone: the project's, for times without an offset
    also:   further keys as they were found: delimiter, encoding, sheet, query, url
    raises: BadData where no column holds times: an event needs its time
    """
    columns = [_seen(sample, column, zone) for column in sample.column_names]
    times = sorted((column for column in columns if column.kind == "time"), key=lambda column: column.middle)
    happened = [column for column in times if not re.search(f"{_DUE}|{_ASIDE}", column.word)] or times[:1]
    if not happened:
        raise BadData(
            "No column holds times, and an event needs one.",
            allowed=f"a column of times; seen: {', '.join(column.name for column in columns[:12])}",
            then="Nothing was written.",
        )
    key = next((column for column in columns if _is_key(column, sample.num_rows)), None)
    named_by = next(
        (column for column in columns if re.search(_EVENT_NAMES, column.word) and column.kind == "text"), None
    )
    kinds = _identifiers([column for column in columns if column.kind in {"text", "number"}], key)
    used = {*kinds.values(), *(column.name for column in happened), *(found.name for found in (named_by, key) if found)}
    properties: dict[str, _Column] = {}
    for column in columns:
        if column.name not in used and column.kind:
            properties[_unused(_path(column, form), properties)] = column
    parts = [
        _head(name, form, zone, also or {}, times),
        _key(key),
        _identifier_lines(kinds),
        _property_lines(properties, form),
        *_event_lines(happened, named_by, next((column for column in columns if column.kinds), None), sample.num_rows),
        _contract_lines(properties),
    ]
    return "\n".join(parts)


def _seen(sample: pa.Table, name: str, zone: str) -> _Column:
    column = sample[name].combine_chunks()
    texts = trimmed(column)
    filled = len(texts) - texts.null_count
    kind, form, middle = _kind(column, texts, name, zone)
    return _Column(
        name=name,
        word=_snake(name),
        kind=kind if filled else "",
        form=form,
        distinct=pc.count_distinct(texts).as_py(),
        filled=filled,
        middle=middle,
        length=float(pc.mean(pc.utf8_length(texts)).as_py() or 0),
        mail=bool(pc.any(pc.match_substring_regex(texts, r"^[^@\s]+@[^@\s]+\.[^@\s]+$")).as_py()),
        kinds=_snake(name) == "type" and bool(pc.all(pc.is_in(pc.drop_null(texts), pa.array(KINDS))).as_py()),
    )


def _kind(column: pa.Array, texts: pa.Array, name: str, zone: str) -> tuple[str, str, float]:
    """(kind, format of times, median time)."""
    kind = type_of(column)
    forms: tuple[str, ...] = ("",)
    if kind == "text":
        american = zone.startswith("America/")
        forms = ("", *sorted(_FORMS, key=lambda form: form.startswith("%m") != american))
    elif kind == "number" and re.search(_TIME_WORDS, _snake(name)):
        forms = EPOCHS
    elif kind != "time":
        return kind, "", 0.0
    if kind == "text" and pc.all(pc.match_substring_regex(texts, r"^[+-]?[0-9]+(\.[0-9]*)?$")).as_py():
        forms = EPOCHS if re.search(_TIME_WORDS, _snake(name)) else ()
    for form in forms:
        read = moments(column, (form,) if form else (), zone)
        if not read.faults and read.values.null_count < len(read.values):
            middle = float(np.median(pc.drop_null(read.values).cast(pa.int64()).to_numpy()))
            if "epoch" not in form or 9e11 < middle < 4e12:  # 1998 to 2096: else it is a number, or the other epoch
                return "time", form, middle
    if kind == "text":
        if not number(column).faults:
            return "number", "", 0.0
        if not flag(column).faults:
            return "flag", "", 0.0
    return kind, "", 0.0


def _is_key(column: _Column, rows: int) -> bool:
    named = re.search(_NAMES, column.word) or any(
        re.fullmatch(words, column.word) for kind, words in _KINDS if kind not in {"user_id", "anonymous_id"}
    )  # a column 'ticket' or 'order' names one, as 'ticket_id' does
    return bool(named) and column.kind in {"text", "number"} and column.distinct == column.filled == rows > 1


def _identifiers(columns: list[_Column], key: _Column | None) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for column in columns:
        for kind, words in _KINDS:
            named = re.search(_NAMES, column.word) or re.fullmatch(words, column.word)
            if named and re.search(words, column.word) and kind not in kinds:
                kinds[kind] = column.name
                break
        else:
            if column.mail and "email" not in kinds:
                kinds["email"] = column.name
    if not kinds and key:
        kinds[key.word if key.word != "id" else "row_id"] = key.name
    return kinds


def _head(name: str, form: str, zone: str, also: Mapping[str, str], times: list[_Column]) -> str:
    forms = list(dict.fromkeys(column.form for column in times if column.form))
    lines = [
        "# Proposed from a sample: read it, mend it, then see what it makes of a file: `cxm collect FILE --dry-run`.",
        f"name   = {quoted(name)}",
        f"format = {quoted(form)}",
        f"zone   = {quoted(zone)}   # of times without an offset: where was their clock?",
        *(f"{key} = {quoted(value)}" for key, value in also.items()),
    ]
    if forms:
        lines.append(f"times  = [{', '.join(map(quoted, forms))}]   # beside ISO 8601; check day against month")
    return "\n".join(lines)


def _key(key: _Column | None) -> str:
    if key:
        return (
            f"key    = [{quoted(key.name)}]   # each once in the sample; a row that changes under it is a correction\n"
        )
    return "# No column is different in every row: a row is told by a hash of its cells. If you know one: key = [...]\n"


def _identifier_lines(kinds: dict[str, str]) -> str:
    lines = ["[identifiers]   # whom and what it is about; user_id and anonymous_id are people, the others their own"]
    lines += [f"{kind} = {quoted(column)}" for kind, column in kinds.items()]
    if not kinds:
        lines.append(
            "# no column looks like a person's or an order's id; events without one belong to nobody's journey"
        )
    return "\n".join(lines) + "\n"


def _path(column: _Column, form: str) -> str:
    """What a property is called: objects of NDJSON keep their place, a column its name."""
    if form == "ndjson" and column.name.startswith(("traits.", "context.")):
        return column.name
    return _snake(column.name.removeprefix("properties.")) if form == "ndjson" else column.word


def _property_lines(properties: dict[str, _Column], form: str) -> str:
    lines = ["[properties]"]
    for path, column in properties.items():
        plain = column.kind == "text" or (form not in {"csv", "tsv"} and column.kind != "time")
        value = quoted(column.name) if plain else f"{{ from = {quoted(column.name)}, type = {quoted(column.kind)} }}"
        lines.append(f"{path if path.isidentifier() and path.isascii() else quoted(path)} = {value}")
    return "\n".join(lines) + "\n"


def _event_lines(happened: list[_Column], named_by: _Column | None, kinds: _Column | None, rows: int) -> list[str]:
    kind = [f"kind = {{ from = {quoted(kinds.name)} }}"] if kinds else []
    parts = []
    for place, column in enumerate(happened):
        lines = [f"name = {quoted(_event_name(column, place))}", f"at   = {quoted(column.name)}", *kind]
        if named_by and not place:
            lines[0] = f"name = {{ from = {quoted(named_by.name)} }}"
            if named_by.filled < rows:
                lines.append(f"when = {quoted(f'`{named_by.name}` is present')}")
        if place:
            lines.append(f"# not_before = {quoted(happened[0].name)}   # sets rows apart in which it lies before that")
        parts.append("\n".join(["[[events]]", *lines, ""]))
    if named_by and kinds and named_by.filled < rows:  # pages and identifies carry no name of their own
        lines = [f"name = {{ from = {quoted(kinds.name)} }}", f"at   = {quoted(happened[0].name)}", *kind]
        parts.append("\n".join(["[[events]]", *lines, f"when = {quoted(f'`{named_by.name}` is missing')}", ""]))
    return parts


def _contract_lines(properties: dict[str, _Column]) -> str:
    found = [path for path, column in properties.items() if _is_personal(column)]
    personal = [path if path.startswith(ROOTS) else f"properties.{path}" for path in found]
    return "\n".join(
        [
            "[contract]   # required: nothing is used that nobody allowed",
            'origin   = "first-party"',
            'purposes = ["service-optimisation"]',
            f"personal = [{', '.join(map(quoted, personal))}]   # kept apart from the log, and forgotten on request",
            "",
        ]
    )


def _is_personal(column: _Column) -> bool:
    if column.kind != "text":
        return bool(re.search(_PERSONAL, column.word)) and column.kind not in {"time", "flag"}
    free = (
        column.length > 40 and column.distinct > column.filled / 2
    )  # long, and hardly ever the same: somebody wrote it
    return column.mail or free or bool(re.search(_PERSONAL, column.word))


def _event_name(column: _Column, place: int) -> str:
    words = re.sub(_TIME_WORDS, "", column.word).strip("_").replace("_", " ").strip()
    return words.title() if words else ("Event" if not place else f"Event {place + 1}")


def _snake(name: str) -> str:
    """A column's name in small letters, digits and underscores, beginning with a letter."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    word = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
    return word if re.match(r"[a-z]", word) else f"column_{word}".rstrip("_")


def _unused(word: str, taken: Iterable[str]) -> str:
    count, chosen, used = 1, word, {name.casefold() for name in taken}
    while chosen.casefold() in used:
        count += 1
        chosen = f"{word}_{count}"
    return chosen


def quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the delete character."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
