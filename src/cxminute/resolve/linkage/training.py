"""Training: from records alone, without labels, how often one person's records are alike, and how often two people's.

How often two people's are alike is counted over pairs taken at random, nearly all of which are two people's. How often
one person's are is learnt by expectation maximisation (Splink; Fellegi and Sunter 1969) within blocks of records that
agree on something, in which both are common. The same records and the same seed give the same model, in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from splink import Linker

from cxminute.model.errors import BadData
from cxminute.resolve.linkage.cleaning import KEY
from cxminute.resolve.linkage.comparing import condition, known_rules, levels, settings
from cxminute.resolve.linkage.definition import LIKELY, Linkage, Rule
from cxminute.resolve.linkage.model import LEAST, Model, Trained, Weighed, compared, read, rounded, written

FEWEST: Final = 10
"""Records without which there is nothing to learn from."""
_AT_FIRST: Final = 50_000
_LIKELIEST: Final = 0.5
"""Where half of all pairs are one person's there is nothing to find."""


@dataclass(frozen=True, slots=True)
class Training:
    """A model, the file that it lies in, and what was odd about it."""

    model: Model
    body: bytes
    remarks: tuple[str, ...]


def train(linkage: Linkage, records: pa.Table, api: Any, step: Callable[[str], None] = lambda _: None) -> Training:
    """A model learnt from records.

    records: as `cleaning.records` gives them
    api:     Splink's way to a database (store.linking)
    step:    told what is being done
    raises:  BadData where there are too few records, or none of them agree where they should
    """
    known = tuple(name for name in linkage.fields if name in records.column_names)
    rules = _checked(linkage, records, known)
    told = settings(linkage, known, {}, linkage.training.match or LIKELY, records.num_rows)
    linker = Linker(api.register(_in_order(records)), told, log_level=None)
    if linkage.training.match is None:
        step("counting sure pairs")
        _count(linkage, linker, known)
    step("pairs at random")
    linker.training.estimate_u_using_random_sampling(
        max_pairs=linkage.training.pairs, seed=linkage.training.seed, min_count_per_level=None
    )
    empty = []
    for rule in rules:
        said = " and ".join(part.field for part in rule)
        if not _agree(records, rule):  # Splink would lose the fields of a block that is empty
            empty.append(said)
            continue
        step(f"learning within {said}")
        linker.training.estimate_parameters_using_expectation_maximisation(condition(rule))
    trained = _trained(linkage, linker.misc.save_model_to_json(), known, records.num_rows)
    body = written(trained)
    model = read(body, linkage, "")
    left = [f"The block of training on {said} holds no pair: nothing was learnt in it." for said in empty]
    return Training(model, body, (*left, *_remarks(linkage, model, known)))


def _checked(linkage: Linkage, records: pa.Table, known: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules to learn by, of those that the records can follow."""
    if records.num_rows < FEWEST or len(known) < 2:
        raise BadData(
            f"There is too little to learn from: {records.num_rows:,} records with {len(known)} fields.",
            allowed=f"{FEWEST} records and 2 fields at least",
            then="Nothing was written.",
        )
    rules = known_rules(linkage.training.rules, known)
    unlearnt = [name for name in known if all(name in {part.field for part in rule} for rule in rules)]
    if unlearnt:
        raise BadData(
            f"No block of training can say how {' and '.join(unlearnt)} differ: other fields are not known.",
            allowed="a rule of training over fields that events carry",
            then="Nothing was written.",
        )
    return rules


def _in_order(records: pa.Table) -> pa.Table:
    """Records by their number, as they nearly always are: a sample of them is the same in any order."""
    numbers = records[KEY].to_numpy()
    return records if bool((numbers[1:] > numbers[:-1]).all()) else records.sort_by(KEY)


def _agree(records: pa.Table, rule: Rule) -> bool:
    """Whether any two records agree on all of a rule."""
    names = [f"part {place}" for place in range(len(rule))]
    for size in (_AT_FIRST, records.num_rows):  # of many records some of the first do, nearly always
        some = records.slice(0, size)
        columns = [pc.utf8_slice_codeunits(some[part.field], 0, part.length or None) for part in rule]
        told = pa.table(columns, names=names).drop_null()
        if told.group_by(names).aggregate([]).num_rows < told.num_rows:
            return True
    return False


def _count(linkage: Linkage, linker: Any, known: tuple[str, ...]) -> None:
    """How likely two records taken at random are one person's, by the rules that are sure."""
    sure = known_rules(linkage.training.sure, known)
    then = "Nothing was written."
    if not sure:
        allowed = "a rule of 'sure' over fields that events carry, or 'match'"
        raise BadData("No rule that is sure can be followed: the fields are not known.", allowed=allowed, then=then)
    allowed = "rules under which records are one person's nearly always"
    too_many = BadData("The sure rules hold for too many pairs.", allowed=allowed, then=then)
    try:
        linker.training.estimate_probability_two_random_records_match(
            [condition(rule) for rule in sure], recall=linkage.training.recall
        )
    except ValueError as fault:  # more pairs than there can be
        raise too_many from fault
    match = linker.misc.save_model_to_json()["probability_two_random_records_match"]
    if match > _LIKELIEST:
        raise too_many
    if match <= 0:
        raise BadData(
            "No two records agree by the rules that are sure.",
            allowed="rules that some pairs follow, or 'match' in their place",
            then=then,
        )


def _trained(linkage: Linkage, saved: dict[str, Any], known: tuple[str, ...], records: int) -> Trained:
    fields = {}
    for name, comparison in zip(known, saved["comparisons"], strict=True):
        weighed = [one for one in comparison["comparison_levels"] if not one.get("is_null_level")]
        words = [level.word for level in levels(linkage.fields[name], known)[1:]]
        if not any(one.get("m_probability") for one in weighed):
            raise BadData(
                f"Nothing was learnt of '{name}': no block of training that does not ask for it holds a pair.",
                allowed="a rule of training under which some records agree",
                then="Nothing was written.",
            )
        fields[name] = [
            _weighed(word, one.get("m_probability"), one.get("u_probability"))
            for word, one in zip(words, weighed, strict=True)
        ]
    match = rounded(saved["probability_two_random_records_match"]) or LIKELY
    return Trained(linkage.name, compared(linkage, known), records, match, fields)


def _weighed(word: str, m: float | None, u: float | None) -> Weighed:
    """A level that none of one person's pairs had is rare there; one that no pair at random had counts for nothing."""
    return Weighed(word, rounded(max(m or 0.0, LEAST)), rounded(u)) if u else Weighed(word, None, None)


def _remarks(linkage: Linkage, model: Model, known: tuple[str, ...]) -> list[str]:
    lost = [name for name in linkage.fields if name not in known]
    said = [f"Field '{name}' is left out: no record has a value." for name in lost]
    said += [
        f"'{word}' of field '{name}' was met in no pair at random: it counts for nothing."
        for name, word in model.untrained
    ]
    for name, weighed in model.trained.fields.items():
        same, other = weighed[0].weight, weighed[-1].weight
        if same <= other:
            said.append(f"To agree on '{name}' counts for less than to differ: look at its blocks of training.")
    return said
