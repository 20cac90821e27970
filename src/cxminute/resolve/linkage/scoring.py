"""Scoring: pairs of records with their match weight, and how each field adds to it. Splink compares and adds up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from splink import Linker

from cxminute.model.errors import BadData
from cxminute.resolve.linkage.cleaning import KEY
from cxminute.resolve.linkage.comparing import UNKNOWN, known_rules, settings
from cxminute.resolve.linkage.definition import Linkage
from cxminute.resolve.linkage.model import Model

PAIRS: Final = pa.schema(
    [("a", pa.int64()), ("b", pa.int64()), ("weight", pa.float64()), ("probability", pa.float64())]
)
"""What `score` returns, beside two columns of weights for each field: FIELD, and FIELD.rare where rarity counts."""
RARE: Final = ".rare"
_AT_ONCE: Final = 50_000  # pairs explained: what is made on the way is as large as what is said
_FINE: Final = 10_000  # of rarity, four digits are told
_FAR: Final = 1 << 32  # no rarity is near it


def score(linkage: Linkage, model: Model, records: pa.Table, api: Any, *, least: float | None = None) -> pa.Table:
    """Every pair that the blocking rules compare and that weighs at least so much, the heaviest first.

    records: as `cleaning.records` gives them; fields that the model does not know are not compared
    least:   match weight; `propose` of the definition without it
    returns: a < b, weight, probability, and by field what it adds (PAIRS)
    """
    kept = [name for name in model.fields if name in records.column_names]
    missing = [name for name in model.fields if name not in kept]
    for name in missing:  # all of them unknown: it adds nothing to any pair
        records = records.append_column(name, pa.nulls(records.num_rows, pa.string()))
    least = linkage.propose if least is None else least
    if records.num_rows < 2:
        return PAIRS.empty_table()
    if records.num_rows > linkage.every and not known_rules(linkage.blocking, kept):
        raise BadData(
            "No rule says which pairs are compared: the fields of every block are not known.",
            allowed="a rule of blocking over fields that events carry",
            then="Nothing was proposed.",
        )
    told = settings(linkage, model.fields, model.figures, model.trained.match, records.num_rows)
    linker: Any = Linker(api.register(records.select([KEY, *model.fields])), told, log_level=None)
    predicted = linker.inference.predict(threshold_match_weight=least, warning_mode="never")
    return _named(predicted.as_pyarrow_table(), model)


def _named(found: pa.Table, model: Model) -> pa.Table:
    """The pairs in our words, in an order that no thread decides."""
    columns = {
        "a": pc.min_element_wise(found[f"{KEY}_l"], found[f"{KEY}_r"]),
        "b": pc.max_element_wise(found[f"{KEY}_l"], found[f"{KEY}_r"]),
        "weight": found["match_weight"],
        "probability": found["match_probability"],
    }
    for name in model.fields:
        columns[name] = found[f"mw_{name}"]
        if f"mw_tf_adj_{name}" in found.column_names:
            columns[f"{name}{RARE}"] = found[f"mw_tf_adj_{name}"]
    return pa.table(columns).sort_by([("weight", "descending"), ("a", "ascending"), ("b", "ascending")])


def explained(pairs: pa.Table, model: Model) -> pa.ChunkedArray:
    """For each pair, JSON: by field its level and what it adds to the weight, and by how much rarity changes that."""
    stretches = (pairs.slice(start, _AT_ONCE) for start in range(0, pairs.num_rows, _AT_ONCE))
    with ThreadPoolExecutor() as threads:
        said = list(threads.map(lambda some: _told(some, model), stretches))
    return pa.chunked_array(said, pa.string())


def _told(pairs: pa.Table, model: Model) -> pa.Array:
    parts = [_part(pairs, model, name) for name in model.fields if name in pairs.column_names]
    if not parts:
        return pa.array([""] * pairs.num_rows, pa.string())
    joined = pc.binary_join_element_wise(*parts, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", joined, "}", "")


def _part(pairs: pa.Table, model: Model, name: str) -> pa.Array:
    """What one field says of each pair, as a member of JSON; null where either record has no value.

    Which level it was is seen by what it adds. Few of the texts differ, and only those are written.
    """
    told = model.trained.fields[name]
    weights = np.array([0.0, *(one.weight for one in told)])
    words = [UNKNOWN, *(one.level for one in told)]
    met = _met(pairs[name])
    kinds = met.dictionary.to_numpy()
    level = np.argmin(np.abs(kinds[:, None] - weights[None, :]), axis=1) if len(kinds) else np.zeros(0, np.int64)
    said = level[met.indices.to_numpy()] * _FAR
    if f"{name}{RARE}" in pairs.column_names:
        met = _met(pairs[f"{name}{RARE}"])
        said += np.rint(met.dictionary.to_numpy() * _FINE).astype(np.int64)[met.indices.to_numpy()]
    which = pa.array(said).dictionary_encode()
    encode = msgspec.json.Encoder().encode
    texts: list[str | None] = []
    for kind in which.dictionary.to_pylist():
        place = (kind + _FAR // 2) // _FAR
        part: dict[str, object] = {"level": words[place], "weight": round(float(weights[place]), 4)}
        if more := kind - place * _FAR:
            part["rare"] = more / _FINE
        texts.append(encode({name: part}).decode()[1:-1] if place else None)
    return pa.array(texts, pa.string()).take(which.indices)


def _met(values: pa.ChunkedArray) -> pa.DictionaryArray:
    """The values that differ, and where each is met: few of those of a comparison do."""
    return values.combine_chunks().dictionary_encode()
