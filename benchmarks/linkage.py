"""`linkage`: a model learnt and pairs proposed over records of people, beside Splink alone with the same settings.

The records are drawn (benchmarks/linkage_people.py): names, births, addresses, an eighth of the values with a mistake.
Both learn and predict from the same table, each in a process of its own, so that neither finds anything warm; they take
turns, and of each the quickest of three runs counts, since a machine's noise is as large as what is looked for. The
table comes to both as it is drawn. Ours runs what `cxm linkage NAME train` and `score` run between the vault and the
proposals: values are cleaned, the model is learnt, written and read, pairs are weighed and explained, and grouped under
the limits of a person. Splink is told the same comparisons, blocks and blocks of training, learns by itself, and
clusters by its own means. How right both are is printed beside: the truth of drawn people is known.

How right linkage is where people have labelled the truth is told after it, where the labels are here: the benchmark
`linkage_labels`, which runs by itself too.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import linkage_labels
from benchmarks.linkage_people import draw, groups
from benchmarks.outcome import Outcome, show
from cxminute.model.definitions import Document
from cxminute.resolve.linkage.accuracy import accuracy, pairs_of
from cxminute.resolve.linkage.definition import Linkage, parse_linkage

EVENTS: Final = 1_000_000
"""Records: one of them is what a person was last told to be called, to live at and to be reached by."""
GOAL: Final = 1.2
_RUNS: Final = 3
DEFINITION: Final = """name = "drawn"
sources = ["drawn"]
[fields.first_name]
form = "name"
paths = ["properties.first_name"]
rare = true
[fields.surname]
form = "name"
paths = ["properties.surname"]
rare = true
[fields.birth]
form = "date"
paths = ["properties.birth"]
[fields.email]
form = "email"
paths = ["properties.email"]
[fields.postcode]
form = "postcode"
paths = ["properties.postcode"]
[fields.city]
form = "text"
paths = ["properties.city"]
rare = true
[blocking]
rules = [["email"], ["surname", "birth"], ["first_name", "birth"], ["surname", "postcode"], ["birth", "postcode"]]
every = 0
[training]
sure = [["email"], ["first_name", "surname", "birth"]]
recall = 0.8
rules = [["email"], ["surname", "birth"]]
pairs = 2_000_000
"""


def measure(events: int) -> Outcome:
    """Both over the same records; how right their pairs are is printed beside the seconds."""
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as name:
        path = Path(name) / "records.parquet"
        table = draw(events, seed=2026)
        pq.write_table(table, path)
        truth = pairs_of(groups(table))
        print(f"{table.num_rows:,} records, {len(truth):,} pairs of one person's, drawn with seed 2026", flush=True)
        del table
        runs = [(_in_process("ours", path), _in_process("splink", path)) for _ in range(_RUNS)]
    ours, theirs = (min(some, key=lambda told: float(told["all"])) for some in zip(*runs, strict=True))
    rows = [
        (
            said,
            *(f"{told[key]:.1f}" for key in ("learn", "pairs", "groups", "all")),
            f"{told['found']:,}",
            f"{told['gib']:.1f}",
        )
        for said, told in (("cxm linkage", ours), ("Splink alone", theirs))
    ]
    show(("", "learn s", "pairs s", "groups s", "all s", "pairs found", "GiB at most"), rows)
    for said, told in (("cxm linkage", ours), ("Splink alone", theirs)):
        right = told["right"]
        print(f"{said}: precision {right / told['found']:.4f}, recall {right / len(truth):.4f} at match weight 4")
    ratio = ours["all"] / theirs["all"]
    said = f"{ratio:.2f} of Splink alone ({ours['all']:.1f} s to {theirs['all']:.1f} s)"
    if not linkage_labels.SHARED.is_dir():
        return Outcome(ratio <= GOAL, said, f"{GOAL}")
    right = linkage_labels.measure(linkage_labels.EVENTS)
    return Outcome(ratio <= GOAL and right.met, f"{said}; {right.figure}", f"{GOAL}; {right.goal}")


def defined(text: str = DEFINITION, source: str = "drawn") -> Linkage:
    """A definition in a text, over one source."""
    document = Document("linkage.toml", text)
    found = parse_linkage(document, sources={source})
    if found is None:
        raise RuntimeError("; ".join(str(fault) for fault in document.faults))
    return found


def _in_process(who: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.linkage", who, str(path)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- ourselves
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _ours(path: Path) -> dict[str, float]:
    """Seconds of each part; imports count, as a command pays for them."""
    began = perf_counter()
    from cxminute.resolve.linkage import scoring, training  # noqa: PLC0415 -- part of what is measured
    from cxminute.resolve.linkage.cleaning import records  # noqa: PLC0415 -- likewise
    from cxminute.resolve.linkage.clusters import cluster  # noqa: PLC0415 -- likewise
    from cxminute.resolve.linkage.model import read  # noqa: PLC0415 -- likewise
    from cxminute.store.linking import linking_api  # noqa: PLC0415 -- likewise

    linkage = defined()
    table = pq.read_table(path, columns=["unique_id", *linkage.fields])
    cleaned = records(table, linkage.fields)
    learnt = training.train(linkage, cleaned, linking_api())
    model = read(learnt.body, linkage, "drawn.model.json")
    learning = perf_counter()
    pairs = scoring.score(linkage, model, cleaned, linking_api())
    said = scoring.explained(pairs, model)
    paired = perf_counter()
    users = np.arange(0, table.num_rows, 10, dtype=np.int64)
    grouped = cluster(pairs["a"].to_numpy(), pairs["b"].to_numpy(), owned={"user_id": users}, most={"user_id": 1})
    ended = perf_counter()
    if len(said) != pairs.num_rows or not grouped.sizes.size:
        raise RuntimeError("not every pair is explained")
    return _seconds(began, learning, paired, ended) | _right(pairs, path)


def _splink(path: Path) -> dict[str, float]:
    """The same of Splink alone."""
    began = perf_counter()
    import duckdb  # noqa: PLC0415 -- part of what is measured
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 -- likewise

    from cxminute.resolve.linkage.comparing import condition, settings  # noqa: PLC0415 -- the settings

    linkage = defined()
    logging.getLogger("splink").addHandler(logging.NullHandler())
    duck = duckdb.connect()
    duck.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    api = DuckDBAPI(duck)
    table = pq.read_table(path, columns=["unique_id", *linkage.fields])
    told = settings(linkage, tuple(linkage.fields), {}, 0.0001, table.num_rows)
    linker: Any = Linker(api.register(table), told, log_level=None)
    sure = [condition(rule) for rule in linkage.training.sure]
    linker.training.estimate_probability_two_random_records_match(sure, recall=linkage.training.recall)
    linker.training.estimate_u_using_random_sampling(
        max_pairs=linkage.training.pairs, seed=linkage.training.seed, min_count_per_level=None
    )
    for rule in linkage.training.rules:
        linker.training.estimate_parameters_using_expectation_maximisation(condition(rule))
    learning = perf_counter()
    predicted = linker.inference.predict(threshold_match_weight=linkage.propose, warning_mode="never")
    found = predicted.as_pyarrow_table()
    paired = perf_counter()
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predicted, threshold_match_weight=linkage.propose
    )
    clusters.as_pyarrow_table()
    ended = perf_counter()
    pairs = pa.table({"a": found["unique_id_l"], "b": found["unique_id_r"], "weight": found["match_weight"]})
    return _seconds(began, learning, paired, ended) | _right(pairs, path)


def _seconds(began: float, learning: float, paired: float, ended: float) -> dict[str, float]:
    return {"learn": learning - began, "pairs": paired - learning, "groups": ended - paired, "all": ended - began}


def _right(pairs: pa.Table, path: Path) -> dict[str, float]:
    import resource  # noqa: PLC0415 -- after all that is measured

    truth = pairs_of(groups(pq.read_table(path, columns=["unique_id", "person"])))
    rows = zip(*(pairs[name].to_pylist() for name in ("a", "b", "weight")), strict=True)
    judged = accuracy(rows, truth, [float("-inf")])[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"found": judged.found, "right": judged.right, "gib": peak}


if __name__ == "__main__":
    print(json.dumps({"ours": _ours, "splink": _splink}[sys.argv[1]](Path(sys.argv[2]))))
