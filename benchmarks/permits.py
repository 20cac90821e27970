"""`permits`: may each of a million people be part of a use, and why not; beside a dictionary in Python and DuckDB.

Of each person zero to three things are known, said by up to two identifiers of theirs, of three purposes, on five ways;
one in a hundred objected, one in a thousand restricted the use of their data. Ours is what every use runs through:
`Neck.permit`, from the people's numbers to a reason for each, with the contracts of two sources of which one forbids
contact. That the three ways agree on every person is checked first. The peers answer the simpler half: a lookup in a
dictionary of answers that were made beforehand, and a join of the people with a table of these answers, in DuckDB, with
the reason as a CASE. Making our answers from what was said is timed beside, and told.
"""

from __future__ import annotations

from importlib import import_module
from time import perf_counter
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.outcome import Outcome, show
from cxminute.model.definitions import Document
from cxminute.privacy.consent import ANSWERS, settle
from cxminute.privacy.contracts import Contract, parse_contract
from cxminute.privacy.permits import REASONS, Neck, verdicts
from cxminute.privacy.purposes import DEFAULT
from cxminute.privacy.use import Use
from cxminute.store.consents import FACTS

EVENTS: Final = 1_000_000
"""People who are asked about."""
GOAL: Final = 1.0
_ROUNDS: Final = 5
_PURPOSE: Final = "marketing"
_USE: Final = Use(_PURPOSE, "send", channel="email", outcome="orders", insight="who waits stops")
_CONTRACT: Final = """name = "{name}"
[contract]
origin = "first-party"
purposes = ["marketing", "service-optimisation"]
contact = {contact}
"""


def measure(events: int) -> Outcome:
    """All three answer for the same people; that they agree is checked first."""
    facts, persons = _drawn(events)
    print(f"{events:,} people, {facts.num_rows:,} facts, {persons.size:,} identifiers", flush=True)
    began = perf_counter()
    said = settle(facts, DEFAULT, persons)
    settled = perf_counter() - began
    told = {"shop": np.arange(persons.size, dtype=np.int64), "desk": np.arange(100, dtype=np.int64)}
    neck = Neck(DEFAULT, {name: _contract(name) for name in told}, said, told=told.__getitem__, persons=persons)
    people = np.random.default_rng(2).permutation(events).astype(np.int64)
    found = neck.permit(_USE, people)
    answers = said.of(_PURPOSE, people)
    reasons = [list(REASONS)[code] for code in verdicts(DEFAULT, _PURPOSE).tolist()]
    by_dictionary, in_python = _dictionary(people, answers, reasons)
    by_sql, in_sql = _duckdb(people, answers, reasons)
    ours = list(REASONS)
    mine = [ours[code] for code in found.reasons.tolist()]
    if mine != by_dictionary or mine != by_sql:
        raise RuntimeError("the three ways do not agree")
    print(", ".join(f"{count:,} {reason}" for reason, count in found.counts.items()), flush=True)
    took = min(_timed(neck, people) for _ in range(_ROUNDS))
    each = took * 1e6 / events
    rows = [("neck", took), ("a dictionary in Python", in_python), ("a join in DuckDB", in_sql)]
    show(("", "seconds", "us/person"), [(what, f"{time:.3f}", f"{time * 1e6 / events:.3f}") for what, time in rows])
    print(f"answers from what was said: {settled:.2f} s, once for any number of uses")
    return Outcome(
        each < GOAL,
        f"{each:.3f} us a person (dictionary {in_python * 1e6 / events:.3f}, DuckDB {in_sql * 1e6 / events:.3f})",
        f"{GOAL:g} us",
    )


def _timed(neck: Neck, people: Any) -> float:
    began = perf_counter()
    neck.permit(_USE, people)
    return perf_counter() - began


def _contract(name: str) -> Contract:
    text = _CONTRACT.format(name=name, contact="true" if name == "shop" else "false")
    return parse_contract(Document(f"sources/{name}.toml", text), name)


def _drawn(people: int) -> tuple[pa.Table, Any]:
    """Facts of people, and whose the identifiers are: every fourth person has two."""
    draw = np.random.default_rng(1)
    second = np.flatnonzero(draw.random(people) < 0.25)
    persons = np.concatenate([np.arange(people), second]).astype(np.int64)
    count = int(people * 1.5)
    profile = draw.integers(0, persons.size, count)
    rare = draw.random(count)
    said = np.select([rare < 0.001, rare < 0.01, rare < 0.3, rare < 0.5], [4, 3, 2, 1], 0)
    words = {
        "purpose": (["marketing", "service-optimisation", "targeted-advertising"], draw.integers(0, 3, count)),
        "said": (["granted", "denied", "withdrawn", "objected", "restricted"], said),
        "how": (["consent object", "preference event", "import", "gpp", "hand"], draw.integers(0, 5, count)),
        "source": (["shop"], np.zeros(count, np.int64)),
        "why": ([""], np.zeros(count, np.int64)),
    }
    at = draw.integers(0, 10**11, count)
    columns: dict[str, Any] = {"profile": profile, "at": at, "known_at": at}
    for name, (texts, codes) in words.items():
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(texts, pa.string()))
    return pa.table(columns).select(FACTS.names), persons


def _dictionary(people: Any, answers: Any, reasons: list[str]) -> tuple[list[str], float]:
    """A lookup for each person among answers that were made beforehand."""
    known = dict(zip(people.tolist(), [ANSWERS[code] for code in answers.tolist()], strict=True))
    verdict = dict(zip(ANSWERS, reasons, strict=True))
    asked = people.tolist()
    began = perf_counter()
    found = [verdict[known.get(person, "unknown")] for person in asked]
    return found, perf_counter() - began


def _duckdb(people: Any, answers: Any, reasons: list[str]) -> tuple[list[str], float]:
    """A join of the people with their answers, and a CASE for the reason."""
    duckdb: Any = import_module("duckdb")
    with duckdb.connect() as duck:
        words = [ANSWERS[code] for code in answers.tolist()]
        duck.register("said_", pa.table({"person": people, "answer": words}))
        duck.register("people_", pa.table({"place": np.arange(people.size), "person": people}))
        duck.execute("CREATE TABLE said AS SELECT * FROM said_ ORDER BY person; CREATE TABLE people AS FROM people_")
        cases = " ".join(f"WHEN '{a}' THEN '{r}'" for a, r in zip(ANSWERS, reasons, strict=True))
        query = (
            f"SELECT place, CASE coalesce(answer, 'unknown') {cases} END AS reason "
            "FROM people LEFT JOIN said USING (person)"
        )
        times = []
        for _ in range(_ROUNDS):
            began = perf_counter()
            table = duck.sql(query).to_arrow_table()
            times.append(perf_counter() - began)
    order = np.argsort(table["place"].to_numpy())
    reason = table["reason"].to_pylist()
    return [reason[place] for place in order.tolist()], min(times)
