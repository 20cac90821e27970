"""The JSON Schema of `linkage/*.toml`, beside those of the other definition files (schema)."""

from __future__ import annotations

from typing import Final

from cxminute.privacy.purposes import PURPOSES, READING
from cxminute.resolve.linkage.definition import (
    COMPARES,
    EVERY,
    FIELD,
    FORMS,
    LEAST_PAIRS,
    LINKAGE,
    MOST_EVERY,
    MOST_LEVELS,
    MOST_PAIRS,
    PROPOSE,
)

Schema = dict[str, object]
_FIELD: Final = FIELD.pattern
_WRITTEN: Final[Schema] = {"type": "string", "pattern": r"\S"}


def linkage_schema() -> Schema:
    """What a definition of a linkage may say."""
    part: Schema = {"type": "string", "pattern": f"^{_FIELD}(:[1-9][0-9]?)?$"}
    rule: Schema = {"oneOf": [part, {"type": "array", "items": part, "minItems": 1}]}
    names: Schema = {"type": "array", "items": _WRITTEN, "minItems": 1}
    weight: Schema = {"type": "number", "minimum": 0, "maximum": 100}
    training = _table(
        {
            "sure": _rules("rules under which two records are one person's, nearly always", rule),
            "recall": _said("share of all such pairs that these rules find", {**_share(0.01), "maximum": 1}),
            "match": _said("how likely two records at random are one person's", {**_share(1e-12), "maximum": 0.5}),
            "rules": _rules("blocks in which the model learns how one person's records differ", rule),
            "pairs": {"type": "number", "minimum": LEAST_PAIRS, "maximum": MOST_PAIRS},
            "seed": {"type": "number", "minimum": 0, "maximum": 2**31},
        },
        required=["rules"],
    )
    training["oneOf"] = [{"required": ["sure"]}, {"required": ["match"]}]
    every: Schema = {"type": "number", "minimum": 0, "maximum": MOST_EVERY, "default": EVERY}
    blocking: Schema = {
        "rules": _rules("only pairs that agree on all of one rule are compared; :4 stands for a beginning", rule),
        "every": _said("up to so many records every pair is compared", every),
    }
    thresholds: Schema = {
        "propose": _said("match weight from which on a pair is proposed", {**weight, "default": PROPOSE}),
        "accept": _said("from which on it is accepted without anybody looking", weight),
    }
    return _table(
        {
            "name": {"type": "string", "pattern": f"^{LINKAGE.pattern}$"},
            "purpose": {"enum": [*PURPOSES], "default": READING},
            "sources": _said("whose people are compared", {"oneOf": [_WRITTEN, names]}),
            "says": _said("what it is, in a sentence", {"type": "string"}),
            "fields": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": f"^{_FIELD}$"},
                "additionalProperties": _field(),
            },
            "blocking": _table(blocking, required=["rules"]),
            "training": training,
            "thresholds": _table(thresholds),
        },
        required=["name", "sources", "fields", "blocking", "training"],
    )


def _field() -> Schema:
    paths: Schema = {"type": "array", "items": _WRITTEN, "minItems": 1}
    likeness: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    slips: Schema = {"type": "integer", "minimum": 1, "maximum": 9}
    found = _table(
        {
            "form": _said("how values are read", {"enum": [*FORMS]}),
            "paths": _said("where events carry it; the first that has a value counts", {"oneOf": [_WRITTEN, paths]}),
            "compare": _said("in place of what the form does", {"enum": ["", *COMPARES]}),
            "at": _said("levels of the comparison, from the strictest on", {}),
            "rare": _said("to agree on a rare value says more than on a common one", {"type": "boolean"}),
            "swap": _said("the field whose value may stand here", {"type": "string", "pattern": f"^{_FIELD}$|^$"}),
        },
        required=["form", "paths"],
    )
    found["allOf"] = [
        {"if": {"required": ["at"]}, "then": {"required": ["compare"]}},
        *(_levels(compare, level) for compare, level in (("alike", likeness), ("slips", slips))),
        {"if": {"properties": {"compare": {"enum": ["", "exact"]}}}, "then": {"properties": {"at": False}}},
    ]
    return found


def _levels(compare: str, level: Schema) -> Schema:
    """What `at` may be under one comparison."""
    several: Schema = {"type": "array", "items": level, "minItems": 1, "maxItems": MOST_LEVELS, "uniqueItems": True}
    stated: Schema = {"properties": {"compare": {"const": compare}}, "required": ["compare"]}
    return {"if": stated, "then": {"properties": {"at": {"oneOf": [level, several]}}}}


def _rules(said: str, rule: Schema) -> Schema:
    return _said(said, {"type": "array", "items": rule, "minItems": 1})


def _share(low: float) -> Schema:
    return {"type": "number", "minimum": low}


def _said(said: str, found: Schema) -> Schema:
    return {"description": said, **found}


def _table(properties: Schema, *, required: list[str] | None = None) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | ({"required": required} if required else {})
