"""JSON Schema (draft 2020-12) of the definition files, for editors: what each key is, which there are, which words fit.

A schema says what can be said without reading the languages inside (patterns, conditions) and without the other files;
`cxm check` says the rest. Words and limits come from the modules that read the files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from cxminute.app.people.account_rules import OF
from cxminute.app.people.linkage_schema import linkage_schema
from cxminute.app.settings import ENGINES, MASTERS, SEGMENT_ROWS
from cxminute.balance.promises import PARTIES
from cxminute.collect.plan import CHOICES, PLANNED_TYPES
from cxminute.collect.pulls.asking import Api
from cxminute.collect.pulls.catalogue import APIS, api_of
from cxminute.collect.pulls.settings import OVERLAP
from cxminute.collect.source import BUILT_IN, DOOR, EPOCHS, FORMATS, KINDS, LOGS, READERS, SENDING, TABULAR, TYPES
from cxminute.collect.values import LARGEST
from cxminute.journeys.definition import ON_CHANGE, PURPOSE, REENTRIES
from cxminute.journeys.language import CHANGED, PERSON, REENTRY
from cxminute.model.errors import UnknownName
from cxminute.model.times import UNITS
from cxminute.privacy.cards import CARDS, CHANNELS, MARKETPLACE_PURPOSES, RELAY, STARTS, Card
from cxminute.privacy.contracts import ORIGINS
from cxminute.privacy.purposes import ASKED, BASES, MOST_PURPOSES, PURPOSE_NAME, PURPOSES, READING
from cxminute.resolve.kinds import HIGHEST, MOST, NAME, STRENGTHS, THEMSELVES
from cxminute.resolve.kinds import KINDS as DEFAULT_KINDS

Schema = dict[str, object]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_UNIT = "|".join("".join(f"[{sign}{sign.upper()}]" for sign in unit) for unit in UNITS)
_DURATION = rf"\s*[0-9]+(\.[0-9]+)?\s*({_UNIT})[sS]?\s*"
_NOTHING = r"^\s*0+(\.0+)?\s*[A-Za-z]"
_STEP = (
    """a step: "quoted name" or bare_name, with `where` and a condition if need be: "Order Completed" where total > 0"""
)
_ANYWHERE = "a path such as properties.carrier; a bare name means properties.NAME"


def schema(name: str, purposes: Collection[str] = PURPOSES) -> Schema:
    """The schema of one kind of file; UnknownName where there is none.

    purposes: the words that a purpose may be: a project's own among them
    """
    if name not in _SCHEMAS:
        raise UnknownName("schema", name, _SCHEMAS)
    files, said, build = _SCHEMAS[name]
    found: Schema = {"$schema": DRAFT, "title": files, "description": said, **build()}
    return found if purposes is PURPOSES else _with_purposes(found, [*purposes])


def files() -> dict[str, tuple[str, str]]:
    """By name of a schema, the files that it is for, and what such a file says."""
    return {name: (files, said) for name, (files, said, _) in _SCHEMAS.items()}


def _journeys() -> Schema:
    pattern = (
        'Steps in order: "A" -> "B" within 2 days. Arrows: -> sooner or later, => directly. Ways: or. Any order: '
        '("A" and "B"). Optional: ?. Several times: {2} to {20}. Timing: within, after, without. '
        'Events: "quoted name", bare_name, any, journey NAME.completed, .broken or .expired.'
    )
    per = "whose events form a stream: person, or a kind of identifier; further keys are properties held constant"
    return _table(
        {
            "name": _written("the journey's name: that of its file"),
            "per": _texts(per, _written(), least=1, default=PERSON, unique=True),
            "pattern": _written(pattern),
            "unless": _texts(f"what breaks a passage wherever it stands; each {_STEP}", _written()),
            "ignoring": _texts(f"what => looks through; each {_STEP}", _written()),
            "window": _duration("from opening to completion, such as 14 days; more than nothing", positive=True),
            "reentry": _word("when another passage of the same subject may open", REENTRIES, default=REENTRY),
            "purpose": _word("what the events are used for", PURPOSES, default=PURPOSE),
            "kpi": _text("what completing it should move"),
            "on_change": _word("what becomes of open passages when this changes", ON_CHANGE, default=CHANGED),
        },
        required=("name", "pattern", "window"),
    )


def _promises() -> Schema:
    named = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
    return _table(
        {
            "name": _text("the promise's name: that of its file", pattern=named),
            "per": _text("person, or a kind of identifier such as order_id", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
            "by": _word("who promised", PARTIES, default="us"),
            "to": _word("to whom", PARTIES, default="customer"),
            "made": _written(f"what makes it: {_STEP}"),
            "due": _written(f"when it is due: {_ANYWHERE}; or a duration such as 2 days after made"),
            "kept": _written(f"what keeps it: {_STEP}"),
            "void": _if_any(f"what takes it out of the count: {_STEP}"),
            "amended": _if_any(f"what moves the due time, under the same path: {_STEP}"),
            "tolerance": _duration("how long after due it still counts as kept", or_none=True, default="0 minutes"),
            "target": _number("share to be kept over 28 days", 0, 1),
            "kpi": _text("what keeping it should move", pattern=rf"{named}|^$"),
            "purpose": _word("what the events are used for", PURPOSES, default=PURPOSE),
            "quantity": False,  # known to the reader, and refused by it, until there is more than kept and not kept
            "calendar": False,
        },
        required=("name", "per", "made", "due", "kept"),
    )


def _sources() -> Schema:
    column = {"from": _some("the column")}
    flat = r"^[^\"\n\r]?$"
    forms = f"%|^({'|'.join(EPOCHS)})$"
    rule = _table(
        {
            "name": {"oneOf": [_written("what happened"), _table(column, required=("from",))]},
            "kind": {
                "oneOf": [_word("what kind of event it is", KINDS), _table(column, required=("from",))],
                "default": "track",
            },
            "at": _written("the column of the time; no such event where it is empty"),
            "not_before": _text("the column of a time that `at` may not lie before"),
            "when": _if_any("a condition over columns, such as quantity > 0"),
            "once": _written("a kind of identifier: one event of all rows with the same"),
            "properties": _texts("which of the properties it carries; all without it", _written()),
        },
        required=("name", "at"),
    )
    typed = {**column, "type": _word("the type of its values; as the file has it, without one", TYPES)}
    named: Schema = {"if": {"type": "object"}, "then": {"required": ["from"]}}
    of_file: Schema = {
        "required": ["events"],
        "properties": {"properties": {"additionalProperties": named}},  # at the door a property may say its type alone
    }
    of_origin: Schema = {"properties": {"events": False, "key": False, "identifiers": False, "properties": False}}
    markets = [card for card in CARDS.values() if card.is_market]
    of_own: Schema = {
        "required": ["contract"],
        "properties": {"contract": {"required": ["origin", "purposes"]}},
    }
    at_door: Schema = {
        "properties": {
            "events": False,
            "key": False,
            "encoding": False,
            "identifiers": {"properties": dict.fromkeys(BUILT_IN, False)},
        }
    }
    return _table(
        {
            "name": _text("the source's name: that of its file", pattern=r"^[a-z][a-z0-9-]*$"),
            "format": _word(f"of the files; a query's rows are sql, what comes through the door is {DOOR}", FORMATS),
            "zone": _if_any("of times without an offset, such as Europe/London; the project's without it"),
            "encoding": _written("of csv, tsv and ndjson") | {"default": "utf-8"},
            "times": _texts(f"formats beside ISO 8601: with %, or {' or '.join(EPOCHS)}", _text(pattern=forms)),
            "key": _texts("the columns that together are a row's key"),
            "sheet": _text("of an Excel file"),
            "delimiter": _text("of csv and tsv: one character", pattern=flat),
            "query": _text("whose rows are taken"),
            "url": _text("of the database: duckdb:FILE, sqlite:FILE, postgresql://... or env:NAME"),
            "identifiers": {
                "description": "by kind of identifier (user_id, order_id), the column, or the columns that are joined",
                "type": "object",
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$", "not": {"const": "person"}},
                "additionalProperties": _texts("", _some(), least=1),
            },
            "properties": {
                "description": "by property (NAME means properties.NAME), the column that it comes from",
                "type": "object",
                "additionalProperties": {"oneOf": [_written("the column"), _table(typed)]},
            },
            "events": {
                "description": "the events that a row tells of: one [[events]] table each",
                "type": "array",
                "minItems": 1,
                "items": rule,
            },
            "columns": {
                "description": "of a reader's reports: by its own name of a column, what these files call it",
                "type": "object",
                "additionalProperties": _written("the column"),
            },
            "hooks": _table(
                {
                    "secret": _texts(
                        "env:NAME of each secret that signs its webhooks", _text(pattern="^env:.+$"), least=1
                    ),
                    "endpoint": _text("the URL that the sender was given, where it asks for it"),
                },
                required=("secret",),
            ),
            "pull": _pull(),
            "contract": _contract(),
        },
        required=("name", "format"),
        rules=(
            *(_with_format((card.name,), _under_card(card)) for card in markets),
            _with_format([form for form in FORMATS if form not in {card.name for card in markets}], of_own),
            _with_format((DOOR,), at_door),
            _with_format(TABULAR, of_file),
            _with_format((*READERS, *LOGS), of_origin),
            _only_for("columns", READERS),
            _only_for("hooks", SENDING),
            _only_for("pull", tuple(APIS)),
            *(_with_format((form,), {"properties": {"pull": _pull_of(form)}}) for form in APIS),
            _only_for("sheet", ("excel",)),
            _only_for("delimiter", ("csv", "tsv", *READERS)),
            _only_for("query", ("sql",)),
            _only_for("url", ("sql",)),
            {"if": _is("format", ("sql",)), "then": {"required": ["query", "url"]}},
        ),
    )


def _pull() -> Schema:
    """Every key that [pull] may have with one API or another; `_pull_of` says which of them."""
    local = r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?"
    url = rf"^(https://[^\s/?#@]+(/[^\s?#]*)?|{local})$"
    keys: dict[str, object] = {
        "api": _text("which one, where there are several"),
        "what": _texts("what is pulled; all that can be, without it", _written(), least=1),
        "url": _text("where the API is; the official endpoint without it, where there is one for all", pattern=url),
        "since": _text("where the first pull begins: ISO 8601; thirty days back without it", pattern=r"^$|^[0-9]{4}-"),
        "overlap": _duration("how far before the last pull's end each begins", or_none=True, default=OVERLAP),
        "every": _duration("least time between two questions", or_none=True),
        "size": _number("records of a page", 1),
    }
    for api in _apis():
        keys |= {key: _text("env:NAME of the secret", pattern="^env:[A-Za-z_][A-Za-z0-9_]*$") for key in api.secrets}
        for key, said in {**api.needs, **api.may}.items():
            keys[key] = _text(said, pattern=url) if key.endswith("_url") else _texts(said, _written(), least=1)
    return _table(keys, said="from where `cxm pull` fetches")


def _pull_of(form: str) -> Schema:
    """What [pull] says with one format: all that its API needs, and nothing that belongs to others."""
    apis = [api_of(form, name) for name in APIS[form]]
    own = {key for api in apis for key in (*api.secrets, *api.needs, *api.may)}
    others = {key for api in _apis() for key in (*api.secrets, *api.needs, *api.may)} - own
    needed = [*apis[0].secrets, *apis[0].needs, *([] if apis[0].url else ["url"])]
    streams = {stream for api in apis for stream in api.streams}
    parts: Schema = {
        "api": {"enum": [*APIS[form]]},
        "what": _texts("", {"enum": sorted(streams)}),
        "size": {"maximum": max(api.most for api in apis)},
        **dict.fromkeys(sorted(others), False),
    }
    return {"required": needed, "properties": parts}


def _apis() -> list[Api]:
    return [api_of(form, name) for form, names in APIS.items() for name in names]


def _plans() -> Schema:
    """A value listed under `one_of` is of the property's type."""
    listed: list[Schema] = []
    number = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
    for kind, item in (("text", {"type": "string"}), ("number", number), ("flag", {"type": "boolean"})):
        values = {"type": "array", "minItems": 1, "items": item}
        listed.append({"if": _is("type", (kind,)), "then": {"properties": {"one_of": values}}})
    bare = [kind for kind in PLANNED_TYPES if kind not in ("text", "number", "flag")]
    listed.append({"if": _is("type", bare), "then": {"properties": {"one_of": False}}})
    kinds = _word("its type", PLANNED_TYPES)
    term = _table(
        {"type": kinds, "one_of": {"description": "the only values it may have"}}, required=("type",), rules=listed
    )
    named: Schema = {"propertyNames": {"pattern": r"\S"}}
    event = _table(
        {
            "required": _texts("properties that every such event has", _written()),
            "aliases": _texts("its former names: what still comes under one is taken as this event", _written()),
            "properties": {
                "description": "by property (NAME means properties.NAME), its type, or type and values",
                "type": "object",
                "additionalProperties": {"oneOf": [kinds, term]},
                **named,
            },
        }
    )
    events = "the events by name: one [events.NAME] table each"
    return _table(
        {
            "source": _written("whose plan it is: that of its file"),
            "unknown": _word("events and properties that the plan does not name", CHOICES, default="accept"),
            "faults": _word("events that it names and that break it", CHOICES, default="flag"),
            "events": {"description": events, "type": "object", "additionalProperties": event, **named},
        },
        required=("source",),
    )


def _contract() -> Schema:
    markets = tuple(origin for origin in ORIGINS if origin.startswith("marketplace"))
    relayed = _texts("", _word("", (RELAY,)), least=1)
    never: Schema = {"link": {"const": False}, "train": {"const": False}, "combine": {"const": False}}
    lawful = ("keep_by_law", "law", "keep_by_law_for")  # all of them, or none
    together: Schema = {key: [other for other in lawful if other != key] for key in lawful}
    whole: Schema = {"dependentRequired": together}
    at_most = {"purposes": _texts("", {"enum": sorted(MARKETPLACE_PURPOSES)}), "channels": relayed, **never}
    return _table(
        {
            "origin": _word("who gathered the data", ORIGINS),
            "purposes": _texts("what it may be used for", _word("", PURPOSES)),
            "personal": _texts("paths that are personal beside the default ones; * stands for any text", _written()),
            "open": _texts("paths that a default calls personal, and that are not, here", _written()),
            "keep_personal": _duration("how long personal values are kept once their clock has started", or_none=True),
            "from": _texts(
                "events of an order that start the clock: the first of these that the order has", _written()
            ),
            "wait": _duration("after an order's first event, when its clock starts without any of them", or_none=True),
            "keep_rest": _duration("how long the rest is kept; what is older is counted, not removed", or_none=True),
            "link": _flag("may its people be linked to those of other sources"),
            "contact": _flag("may its people be contacted"),
            "channels": _texts("on which ways", _word("", CHANNELS)),
            "train": _flag("may models be trained on it"),
            "combine": _flag("may its figures be combined with other sources'"),
            "smallest_group": _number("fewer people than this are not to be shown", 1),
            "keep_by_law": _texts("events that stay when a person is forgotten, as a law says", _written(), least=1),
            "law": _written("which law says so"),
            "keep_by_law_for": _duration("after such an event, for how long the law says so", positive=True),
        },
        rules=({"if": _is("origin", markets), "then": {"properties": at_most}}, whole),
        said="what may be done with the source's data; what nobody allowed is not done",
    )


def _under_card(card: Card) -> Schema:
    """What a source of a marketplace's format may say of its contract: less than the card, never more."""
    origins = [origin for origin in ORIGINS if origin.startswith("marketplace")]
    parts: Schema = {
        "origin": _word("", origins),
        "purposes": _texts("", _word("", card.purposes)),
        "channels": _texts("", _word("", card.channels), least=1),
        "link": {"const": False},
        "train": {"const": False},
        "combine": {"const": False},
    }
    if card.keep_personal is not None:
        parts["from"] = _texts("", _word("", STARTS), least=1, unique=True)
    return {"properties": {"contract": {"properties": parts}}}


def _initiatives() -> Schema:
    whose: Schema = {"anyOf": [{"required": ["sources"]}, {"required": ["journey"]}]}
    return _table(
        {
            "name": _text("the initiative's name: that of its file", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$"),
            "purpose": _word("what data is used for", PURPOSES),
            "sources": _texts("whose people and events it uses", _written()),
            "journey": _if_any("whose events it uses: of all sources that tell of them"),
            "channel": _word("on which way; webhook and task reach no person", CHANNELS),
            "kpi": _written("what it should move"),
            "insight": _text("what it rests on; nothing is done for it before it is named"),
            "says": _text("what it is, in a sentence"),
            "train": _flag("whether a model is trained on the data"),
            "combine": _flag("whether figures of several sources are put together"),
            "link": _flag("whether people of one source are known in another"),
        },
        required=("name", "purpose", "channel", "kpi"),
        rules=(whose,),
    )


def _identity() -> Schema:
    """Tables [identity.KIND]: those of kinds that there are without it, and any other name."""
    allowed = {
        "enabled": _flag("whether people are recognised by it"),
        "strength": _word("certain, strong or weak", STRENGTHS),
        "priority": _number("1 is looked at first where links compete", 1, HIGHEST),
        "most": _number("of the kind in one person; 0 without a limit", 0, MOST),
        "shared": _number("known with more than this of another kind, it is nobody's; 0: any number", 0, MOST),
    }
    own = allowed | {"paths": _texts(f"where events carry it: {_ANYWHERE}", _written(), least=1)}
    without, known = "|".join(THEMSELVES), "|".join(DEFAULT_KINDS)
    tables = {
        f"^({without})$": _table(allowed),
        f"^(?!({without})$)({known})$": _table(own),
        f"^(?!({known})$){NAME}$": _table(own, required=("paths",)),
    }
    said = _about("kinds of identifier by which people are recognised")
    return {**said, "type": "object", "patternProperties": tables, "additionalProperties": False}


def _accounts() -> Schema:
    money = "a number of events of one name: properties.total of Order Completed"
    of_event: Schema = {"type": "string", "pattern": rf"\S.*{OF}.*\S"}
    return _table(
        {
            "role": _texts(f"what a member is in a group: {_ANYWHERE}", _written()),
            "kind": _texts(f"what a group is, account, household, partner: {_ANYWHERE}", _written()),
            "given": _texts(f"what accounts give us: {money}", of_event),
            "received": _texts(f"what they receive: {money}", of_event),
        }
    )


def _project() -> Schema:
    engine = _word("where analyses run", ENGINES, default=ENGINES[0])
    master = _text("URL of the Spark master, such as spark://HOST:7077")
    needed: Schema = {"required": ["master"], "properties": {"master": {"pattern": f"^({MASTERS})$"}}}
    threads = _number("of the local engine; 0 for one per core", 0, 1024)
    table = _table(
        {"name": engine, "master": master, "threads": threads},
        rules=({"if": _is("name", ("spark",)), "then": needed, "else": {"properties": {"master": {"const": ""}}}},),
    )
    rows = {**_number("source rows of one segment", 1), "default": SEGMENT_ROWS}
    return _table(
        {
            "name": _written("the project's name, as shown"),
            "timezone": _if_any("in which days and weeks are counted, such as Europe/Amsterdam", default="UTC"),
            "week_start": _word("weeks are ISO weeks", ("monday",)),
            "currency": _text("as shown"),
            "purpose": _word("of reading commands that name none", PURPOSES, default=READING),
            "purposes": _purposes(),
            "state": _text("database URL, or env:NAME; SQLite in the project's folder without it", pattern="^[^@]*$"),
            "engine": {"oneOf": [engine, table]},
            "master": master,
            "minute": _table({"dimensions": _texts(f"what the brief splits by: {_ANYWHERE}", _written())}),
            "log": _table({"segment_rows": rows}),
            "identity": _identity(),
            "accounts": _accounts(),
        },
        required=("name",),
        rules=({"if": _is("engine", ("spark",)), "then": needed, "else": {"properties": {"master": False}}},),
    )


_SCHEMAS: Final[dict[str, tuple[str, str, Callable[[], Schema]]]] = {
    "journeys": ("journeys/*.toml", "Which steps show that somebody is getting something done.", _journeys),
    "promises": ("promises/*.toml", "What was promised to whom, when it is due, and what keeps it.", _promises),
    "sources": ("sources/*.toml", "How a row of other people's data becomes events, and its contract.", _sources),
    "plans": ("plans/*.toml", "Which events a source may send, with which properties.", _plans),
    "initiatives": ("initiatives/*.toml", "What we do, with whose data, on which way, and for what.", _initiatives),
    "linkage": ("linkage/*.toml", "Whose records are compared, by what, and when a pair is proposed.", linkage_schema),
    "project": ("cxm.toml", "What a project says of itself.", _project),
}


def _with_purposes(part: Any, purposes: list[str]) -> Any:
    """The same with these words wherever the default purposes stand."""
    if isinstance(part, list):
        return purposes if part == [*PURPOSES] else [_with_purposes(each, purposes) for each in part]
    if isinstance(part, dict):
        return {key: _with_purposes(value, purposes) for key, value in part.items()}
    return part


def _purposes() -> Schema:
    one = _table(
        {
            "parent": _if_any("of which it is a part; a yes to that covers it, a no denies it"),
            "basis": _word("on what it rests", BASES, default=ASKED),
            "says": _text("what it is, to people"),
            "dpv": _text("IRI in the Data Privacy Vocabulary", pattern="://|^$"),
            "fides": _text("data use in fideslang"),
            "categories": _texts("of the Segment consent object: all of them must be true", _written()),
            "gpc": _flag("whether a browser's Global Privacy Control denies it"),
        }
    )
    said = "purposes of the project's own, and changes to the default ones: one [purposes.NAME] table each"
    return {
        **_about(said), "type": "object", "propertyNames": {"pattern": PURPOSE_NAME.pattern},
        "additionalProperties": one, "maxProperties": MOST_PURPOSES,
    }  # fmt: skip


def _table(
    properties: Mapping[str, object], *, required: Collection[str] = (), rules: Collection[Schema] = (), said: str = ""
) -> Schema:
    found: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return (
        _about(said) | found | ({"required": [*required]} if required else {}) | ({"allOf": [*rules]} if rules else {})
    )


def _text(said: str = "", *, pattern: str = "", default: str = "") -> Schema:
    asked: Schema = {"type": "string"}
    asked |= {"pattern": pattern} if pattern else {}
    return _about(said) | asked | ({"default": default} if default else {})


def _written(said: str = "") -> Schema:
    """A text that is not blank."""
    return _text(said, pattern=r"\S")


def _if_any(said: str, *, default: str = "") -> Schema:
    """A text that is nothing or not blank."""
    return _text(said, pattern=r"\S|^$", default=default)


def _some(said: str = "") -> Schema:
    """A text that is not empty; a column may be called by a blank."""
    return _about(said) | {"type": "string", "minLength": 1}


def _texts(said: str, each: Schema | None = None, *, least: int = 0, default: str = "", unique: bool = False) -> Schema:
    """A list of texts; a single one may stand for a list of one."""
    item = each or _text()
    several: Schema = {"type": "array", "items": item} | ({"minItems": least} if least else {})
    several |= {"uniqueItems": True} if unique else {}
    return _about(said) | {"oneOf": [item, several]} | ({"default": default} if default else {})


def _word(said: str, words: Collection[str], *, default: str = "") -> Schema:
    return _about(said) | {"enum": [*words]} | ({"default": default} if default else {})


def _duration(said: str, *, positive: bool = False, or_none: bool = False, default: str = "") -> Schema:
    found = _text(said, pattern=f"^{_DURATION}$" + ("|^$" if or_none else ""), default=default)
    return found | ({"not": {"pattern": _NOTHING}} if positive else {})


def _number(said: str, low: float, high: float | None = None) -> Schema:
    return _about(said) | {"type": "number", "minimum": low} | ({} if high is None else {"maximum": high})


def _flag(said: str) -> Schema:
    return _about(said) | {"type": "boolean"}


def _about(said: str) -> Schema:
    return {"description": said} if said else {}


def _is(key: str, words: Collection[str]) -> Schema:
    return {"properties": {key: {"enum": [*words]}}, "required": [key]}


def _with_format(formats: Collection[str], then: Schema) -> Schema:
    return {"if": _is("format", formats), "then": then}


def _only_for(key: str, formats: Collection[str]) -> Schema:
    return {
        "if": _is("format", [known for known in FORMATS if known not in formats]),
        "then": {"properties": {key: False}},
    }
