"""JSON Schemas of the definition files: they know what the readers know, no more and no less."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it comes without types

from cxminute.app.cli import run
from cxminute.app.commands.setup import TEMPLATES
from cxminute.app.project import read_definitions
from cxminute.app.schema import files, schema

Table = dict[str, object]
Place = tuple[str | int, ...]

WHOLE: dict[str, Table] = {
    "cxm.toml": {
        "name": "shop",
        "timezone": "Europe/London",
        "week_start": "monday",
        "currency": "EUR",
        "purpose": "service-optimisation",
        "state": "env:STATE",
        "engine": {"name": "spark", "master": "spark://127.0.0.1:7077", "threads": 2},
        "minute": {"dimensions": ["carrier"]},
        "log": {"segment_rows": 1_000},
        "purposes": {
            "letter": {
                "parent": "marketing",
                "basis": "consent",
                "says": "On Fridays",
                "dpv": "https://w3id.org/dpv#Marketing",
                "fides": "marketing",
                "categories": ["Letter"],
                "gpc": False,
            },
        },
        "identity": {
            "user_id": {"strength": "certain", "priority": 1, "most": 1, "shared": 100},
            "email": {"enabled": True, "paths": ["traits.email"]},
            "card": {"strength": "strong", "priority": 6, "most": 2, "shared": 4, "paths": ["traits.card"]},
        },
        "accounts": {
            "role": ["traits.role", "job"],
            "kind": "traits.group_type",
            "given": ["carrier of Bought"],
            "received": "properties.carrier of Gone",
        },
    },
    "journeys/j.toml": {
        "name": "j",
        "per": ["person", "sku"],
        "pattern": "Viewed => Bought",
        "unless": ["Gone"],
        "ignoring": "Viewed where (carrier = 1)",
        "window": "2 days",
        "reentry": "always",
        "purpose": "service-optimisation",
        "kpi": "repeat-purchase",
        "on_change": "stop",
    },
    "promises/p.toml": {
        "name": "p",
        "per": "order_id",
        "by": "partner",
        "to": "customer",
        "made": "Bought",
        "due": "properties.due",
        "kept": "Sent",
        "void": "Gone",
        "amended": "Viewed",
        "tolerance": "15 minutes",
        "target": 0.9,
        "kpi": "repeat-purchase",
        "purpose": "service-optimisation",
    },
    "sources/s.toml": {
        "name": "s",
        "format": "csv",
        "zone": "Europe/London",
        "encoding": "utf-8",
        "times": ["%d.%m.%Y"],
        "key": ["n"],
        "delimiter": ";",
        "identifiers": {"order_id": ["shop", "order"], "user_id": "customer"},
        "properties": {"carrier": "c", "due": {"from": "d", "type": "time"}, "sku": "s", "by": "b"},
        "events": [
            {
                "name": name,
                "kind": "track",
                "at": "at",
                "not_before": "made",
                "when": "n > 0",
                "once": "order_id",
                "properties": ["carrier", "due", "sku", "by"],
            }
            for name in ("Viewed", "Bought", "Sent", "Gone")
        ],
        "contract": {
            "origin": "first-party",
            "purposes": ["service-optimisation"],
            "personal": ["*_name"],
            "open": ["sku"],
            "keep_personal": "30 days",
            "from": ["Sent", "Bought"],
            "wait": "14 days",
            "keep_rest": "365 days",
            "link": True,
            "contact": True,
            "channels": ["email"],
            "train": True,
            "combine": True,
            "smallest_group": 5,
            "keep_by_law": ["Bought"],
            "law": "HGB 257",
            "keep_by_law_for": "3650 days",
        },
    },
    "sources/door.toml": {
        "name": "door",
        "format": "http",
        "zone": "Europe/London",
        "times": ["%d.%m.%Y"],
        "identifiers": {"order_id": "properties.order.id", "seat": ["properties.row", "properties.seat"]},
        "properties": {"total": {"type": "number"}, "street": "properties.home.street", "due": {"type": "time"}},
        "contract": {"origin": "first-party", "purposes": ["service-optimisation"]},
    },
    **{
        f"sources/{form}.toml": {"name": form, "format": form, "pull": pull}
        for form, pull in {
            "amazon": {
                **dict.fromkeys(("client_id", "client_secret", "refresh_token"), "env:A"),
                "api": "orders-2026-01-01",
                "what": "orders",
                "marketplaces": ["A1PA6795UKMFR9"],
                "included": ["PACKAGES"],
                "token_url": "https://api.amazon.com/auth/o2/token",
            },
            "mercadolibre": {"token": "env:A", "seller": "1", "since": "2026-01-01", "overlap": "1 hour", "size": 9},
            "mirakl": {"url": "https://market.example", "token": "env:A", "shop": "7", "every": "2 minutes"},
        }.items()
    },
    **{
        f"sources/{form}.toml": {
            "name": form,
            "format": form,
            "pull": {"url": "https://shop.example", **pull},
            "contract": {"origin": "first-party", "purposes": ["service-optimisation"]},
        }
        for form, pull in {
            "shopify": {"token": "env:A", "version": "2026-10"},
            "woocommerce": {"key": "env:A", "secret": "env:B"},
            "zendesk": {"email": "env:A", "token": "env:B"},
        }.items()
    },
    "sources/hooked.toml": {
        "name": "hooked",
        "format": "ebay",
        "hooks": {"secret": ["env:A", "env:B"], "endpoint": "https://ours.example/hooks"},
    },
    "initiatives/i.toml": {
        "name": "i",
        "purpose": "service-optimisation",
        "sources": ["s"],
        "journey": "j",
        "channel": "webhook",
        "kpi": "repeat-purchase",
        "insight": "Who waits for a week writes to the desk",
        "says": "A word to those who wait.",
        "train": False,
        "combine": True,
        "link": True,
    },
    "linkage/l.toml": {
        "name": "l",
        "purpose": "service-optimisation",
        "sources": ["s"],
        "says": "Guests who come again.",
        "fields": {
            "surname": {
                "form": "name",
                "paths": ["properties.last_name"],
                "compare": "slips",
                "at": [1],
                "rare": True,
                "swap": "",
            },
            "birth": {"form": "date", "paths": ["properties.birthday"]},
        },
        "blocking": {"rules": [["surname", "birth:4"]], "every": 9},
        "training": {"sure": [["surname"]], "recall": 0.7, "rules": [["surname"], "birth"], "pairs": 20_000, "seed": 1},
        "thresholds": {"propose": 2, "accept": 9},
    },
    "plans/s.toml": {
        "source": "s",
        "unknown": "flag",
        "faults": "quarantine",
        "events": {
            "Viewed": {
                "required": ["carrier"],
                "aliases": ["viewed"],
                "properties": {"carrier": "text", "plan": {"type": "text", "one_of": ["free", "pro"]}},
            }
        },
    },
}
"""A project in which every key is written once."""

FOLDERS = ("journeys", "promises", "sources", "plans", "initiatives", "linkage")
KINDS = {**dict.fromkeys(FOLDERS, ""), "cxm.toml": "project"}
NAMED = (("identifiers",), ("properties",), ("events", "Viewed", "properties"), ("fields",))
"""Tables whose keys are names that people give, and that other keys refer to."""
GIVEN = {*NAMED, ("events",), ("identity",), ("purposes",)}
"""Tables whose keys are names that people give."""


def kind_of(file: str) -> str:
    """The name of a file's schema."""
    folder = file.partition("/")[0]
    return KINDS[folder] or folder


def fits(file: str, content: object) -> bool:
    """Whether the schema has nothing to say against a file's content."""
    return bool(Draft202012Validator(schema(kind_of(file))).is_valid(content))


def toml(value: object) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {toml(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(toml(inner) for inner in value)}]"
    return json.dumps(value)


def write(root: Path, file: str, content: Table) -> None:
    """A definition file of this content."""
    path = root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in content.items()), "utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project in which every key is written."""
    for file, content in WHOLE.items():
        write(tmp_path, file, content)
    return tmp_path


def told(root: Path, file: str) -> list[str]:
    """What the readers have to say against a file."""
    return [str(fault) for fault in read_definitions(root).faults if fault.file == file]


def places(content: object, place: Place = ()) -> Iterator[Place]:
    """Every key of a file, at any depth; of several like tables the first."""
    for key, value in content.items() if isinstance(content, dict) else ():
        yield (*place, key)
        yield from places(value, (*place, key))
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from places(value[0], (*place, key, 0))


def changed(content: Table, place: Place, value: object) -> Table:
    """The same content with another value at a place; without the key where the value is None."""
    found = deepcopy(content)
    inside: object = found
    for key in place[:-1]:
        inside = inside[key]  # type: ignore[index]  # the place is one of the content
    assert isinstance(inside, dict)
    if value is None:
        inside.pop(place[-1])
    else:
        inside[place[-1]] = value
    return found


@pytest.mark.parametrize("name", files())
def test_a_schema_is_one(name: str) -> None:
    """Each schema keeps to the draft that it names."""
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.toml")), ids=lambda path: "-".join(path.parts[-3:]))
def test_the_templates_fit(path: Path) -> None:
    """Every definition that comes with the project is one that its schema allows."""
    content = tomllib.loads(path.read_text("utf-8"))
    assert [
        fault.message
        for fault in Draft202012Validator(schema(KINDS.get(path.name) or path.parent.name)).iter_errors(content)
    ] == []


def test_a_project_with_every_key_is_well_defined(project: Path) -> None:
    """Readers and schemas accept a project in which every key is written that they know."""
    for file, content in WHOLE.items():
        assert told(project, file) == []
        assert fits(file, content)


def keys_of(part: object) -> Iterator[str]:
    """Every key that a schema names, at any depth."""
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict) and part.get("type") == "object":
            yield from part["properties"]
        for inner in part.values():
            yield from keys_of(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from keys_of(inner)


@pytest.mark.parametrize("kind", files())
def test_schemas_and_readers_know_the_same_keys(project: Path, kind: str) -> None:
    """In every table, the keys that the reader offers instead of an unknown one are those of the schema."""
    offered: set[str] = set()
    for file in [file for file in WHOLE if kind_of(file) == kind]:
        for place in {place[:-1] for place in places(WHOLE[file])} - GIVEN:
            write(project, file, changed(WHOLE[file], (*place, "zzz"), 1))
            (fault,) = [fault for fault in read_definitions(project).faults if "'zzz'" in fault.what]
            offered |= set((fault.allowed or "").split(", "))
            assert not fits(file, changed(WHOLE[file], (*place, "zzz"), 1))
        write(project, file, WHOLE[file])
        plain = {"engine": "spark", "master": "spark://127.0.0.1:7077"} if file == "cxm.toml" else {}
        assert fits(file, WHOLE[file] | plain)
    assert offered == set(keys_of(schema(kind)))


@pytest.mark.parametrize(("file", "place"), [(file, place) for file in WHOLE for place in places(WHOLE[file])])
def test_schemas_and_readers_refuse_the_same(project: Path, file: str, place: Place) -> None:
    """Each key left out, and with values of every type: what the one refuses, the other does."""
    values: list[object] = [True, 2.5, -1, "", " ", [], [3], [""], {"from": 3}, [{}]]
    if not any(
        place[: len(named)] == named for named in NAMED
    ):  # whether another key refers to what is missing, a schema cannot say
        values += [None, {}]
    judged = {}
    for value in values:
        content = changed(WHOLE[file], place, value)
        write(project, file, content)
        judged[json.dumps(value)] = (not told(project, file), fits(file, content))
    assert {value: both for value, both in judged.items() if both[0] != both[1]} == {}


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("journeys/j.toml", "reentry", "onec"),
        ("journeys/j.toml", "on_change", "finsh"),
        ("journeys/j.toml", "purpose", "servce-optimisation"),
        ("journeys/j.toml", "window", "2 fortnights"),
        ("journeys/j.toml", "window", "0.0 days"),
        ("journeys/j.toml", "per", ["sku", "sku"]),
        ("promises/p.toml", "by", "me"),
        ("promises/p.toml", "target", 1.5),
        ("promises/p.toml", "quantity", 3),
        ("promises/p.toml", "tolerance", "a while"),
        ("promises/p.toml", "name", "a name"),
        ("sources/s.toml", "format", "xml"),
        ("sources/s.toml", "format", "excel"),
        ("sources/s.toml", "format", "sql"),
        ("sources/s.toml", "sheet", "Orders"),
        ("sources/s.toml", "times", "noon"),
        ("sources/s.toml", "delimiter", ";;"),
        ("sources/s.toml", "contract", {"origin": "marketplace-global", "purposes": ["marketing"]}),
        ("sources/s.toml", "contract", {"origin": "marketplace-global", "purposes": [], "link": True}),
        ("sources/door.toml", "key", "messageId"),
        ("sources/door.toml", "encoding", "utf-8"),
        ("sources/door.toml", "events", [{"name": "Viewed", "at": "timestamp"}]),
        ("sources/door.toml", "identifiers", {"user_id": "properties.who"}),
        ("sources/door.toml", "delimiter", ";"),
        ("plans/s.toml", "unknown", "refuse"),
        ("plans/s.toml", "events", {"A": {"properties": {"x": "txt"}}}),
        ("plans/s.toml", "events", {"A": {"properties": {"x": {"type": "list", "one_of": [1]}}}}),
        ("plans/s.toml", "events", {"A": {"properties": {"x": {"type": "number", "one_of": [True]}}}}),
        ("plans/s.toml", "events", {"A": {"properties": {"x": {"type": "number", "one_of": [2**60]}}}}),
        ("cxm.toml", "engine", "spark"),
        ("cxm.toml", "engine", "sparc"),
        ("cxm.toml", "engine", {"name": "spark"}),
        ("cxm.toml", "engine", {"name": "local", "master": "spark://127.0.0.1:7077"}),
        ("cxm.toml", "engine", {"threads": 5_000}),
        ("cxm.toml", "master", "spark://127.0.0.1:7077"),
        ("cxm.toml", "state", "postgresql://me:secret@localhost/x"),
        ("cxm.toml", "week_start", "sunday"),
        ("cxm.toml", "purpose", "profit"),
    ],
)
def test_wrong_words_are_marked_while_they_are_typed(project: Path, file: str, key: str, value: object) -> None:
    """Words and forms that a reader refuses, the schema refuses too."""
    content = WHOLE[file] | {key: value}
    write(project, file, content)
    assert told(project, file)
    assert not fits(file, content)


def test_the_command_lists_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """`cxm schema` lists the kinds of file, `cxm schema NAME` prints one as JSON, and a wrong name has its nearest."""
    assert run(["schema"]) == 0
    assert "journeys/*.toml" in capsys.readouterr().out
    for name in files():
        assert run(["schema", name]) == 0
        assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(schema(name)))
    assert run(["schema", "jorneys"]) == 2
    assert "Did you mean 'journeys'?" in capsys.readouterr().err
