"""How two values of a field are compared: levels from most alike to least, each a condition for DuckDB.

A level has a word that people read, and no value of anybody's: what explains a pair names levels and weights alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxminute.resolve.linkage.definition import Field, Linkage, Rule

UNKNOWN: Final = "unknown"
SAME: Final = "same"
OTHER: Final = "other"
ELSE: Final = "ELSE"
Weights = Mapping[str, Sequence[Mapping[str, float]]]
"""By field, `m` and `u` of each level after the first."""


@dataclass(frozen=True, slots=True)
class Level:
    """One outcome of a comparison.

    word: as people read it
    sql:  the condition, over NAME_l and NAME_r; ELSE for all that no other level took
    rare: whether the weight depends on how common the value is
    """

    word: str
    sql: str
    rare: bool = False


def levels(field: Field, known: Collection[str]) -> tuple[Level, ...]:
    """The levels of a field, from most alike to least, after the one where either has no value.

    known: fields that records have; a swap with one that they lack is no level
    """
    one, other = f'"{field.name}_l"', f'"{field.name}_r"'
    found = [
        Level(UNKNOWN, f"{one} IS NULL OR {other} IS NULL"),
        Level(SAME, f"{one} = {other}", rare=field.rare),
    ]
    between = _between(field, one, other)
    if field.swap in known:
        swapped = f'{one} = "{field.swap}_r" OR {other} = "{field.swap}_l"'
        at = len(between) - 1 if field.compare in ("", "alike") and len(between) > 1 else len(between)
        between.insert(at, Level(f"swapped with {field.swap}", swapped))
    return (*found, *between, Level(OTHER, ELSE))


def _between(field: Field, one: str, other: str) -> list[Level]:
    """The levels between the same and another."""

    def alike(*least: float) -> list[Level]:
        return [_alike(one, other, likeness) for likeness in least]

    def slips(*most: float) -> list[Level]:
        return [_slips(one, other, int(number)) for number in most]

    ending = Level("same ending", f"right({one}, 8) = right({other}, 8)")
    beginning = Level("same beginning", f"left({one}, 3) = left({other}, 3)")
    return {
        "exact": [],
        "alike": alike(*field.at),
        "slips": slips(*field.at),
        "name": [*slips(1), *alike(0.88, 0.7)],
        "text": [*slips(1), *alike(0.85, 0.7)],
        "date": _date(one, other),
        "email": _email(one, other),
        "phone": [ending, *slips(1)],
        "postcode": [*slips(1), beginning],
        "code": slips(1, 2),
    }[field.compare or field.form]


def _alike(one: str, other: str, least: float) -> Level:
    return Level(f"alike {least:g}", f"jaro_winkler_similarity({one}, {other}) >= {least!r}")


def _slips(one: str, other: str, most: int) -> Level:
    """Characters left out, put in, changed or swapped with their neighbour.

    What can be seen sooner is asked first, and changes nothing: lengths differ by no more than the slips are, and a
    swap is two changes. DuckDB counts with swaps ten times slower than without.
    """
    word = "one slip" if most == 1 else f"{most} slips"
    near = f"abs(length({one}) - length({other})) <= {most} AND levenshtein({one}, {other}) <= {2 * most}"
    return Level(word, f"{near} AND damerau_levenshtein({one}, {other}) <= {most}")


def _date(one: str, other: str) -> list[Level]:
    apart = f"date_diff('day', try_cast({one} AS DATE), try_cast({other} AS DATE))"
    return [
        _slips(one, other, 1),
        _slips(one, other, 2),
        Level("within a year", f"abs({apart}) <= 366"),
    ]


def _email(one: str, other: str) -> list[Level]:
    return [
        Level("same before the @", f"split_part({one}, '@', 1) = split_part({other}, '@', 1)"),
        _slips(one, other, 2),
        _alike(one, other, 0.88),
        Level("same after the @", f"split_part({one}, '@', 2) = split_part({other}, '@', 2)"),
        _alike(one, other, 0.75),
    ]


def known_rules(rules: Iterable[Rule], known: Collection[str]) -> tuple[Rule, ...]:
    """The rules whose fields records have."""
    return tuple(rule for rule in rules if all(part.field in known for part in rule))


def condition(rule: Rule) -> str:
    """A rule as a condition over two records, `l` and `r`; by equality alone, so that it costs what it finds."""
    return " AND ".join(_equal(part.field, part.length) for part in rule)


def _equal(field: str, length: int) -> str:
    if not length:
        return f'l."{field}" = r."{field}"'
    return f'left(l."{field}", {length}) = left(r."{field}", {length})'


def settings(linkage: Linkage, known: Sequence[str], weights: Weights, match: float, records: int) -> dict[str, Any]:
    """What Splink is told: comparisons with their levels, and the pairs to compare.

    known:   fields that records have, in order
    weights: by field, for each level after the first its `m` and `u`; {} before training
    match:   how likely two records taken at random are one person's
    records: how many there are: of few, every pair is compared
    """
    rules = known_rules(linkage.blocking, known)
    every = records <= linkage.every
    return {
        "link_type": "dedupe_only",
        "linker_uid": linkage.name,
        "probability_two_random_records_match": match,
        "comparisons": [_comparison(linkage.fields[name], known, weights.get(name)) for name in known],
        "blocking_rules_to_generate_predictions": ["1=1"] if every else [condition(rule) for rule in rules],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
    }


def _comparison(field: Field, known: Collection[str], weights: Sequence[Mapping[str, float]] | None) -> dict[str, Any]:
    told = []
    for place, level in enumerate(levels(field, known)):
        one: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.word}
        if level.word == UNKNOWN:
            one["is_null_level"] = True
        elif weights:
            one["m_probability"], one["u_probability"] = weights[place - 1]["m"], weights[place - 1]["u"]
        if level.rare:
            one["tf_adjustment_column"] = field.name
        told.append(one)
    return {"output_column_name": field.name, "comparison_levels": told}
