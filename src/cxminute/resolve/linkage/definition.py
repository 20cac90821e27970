"""A linkage as it is defined: whose records are compared, by which fields, and from which weight on a pair is proposed.

```toml
name    = "people"
purpose = "service-optimisation"      # what the values are read for; the contracts of the sources must allow it
sources = ["shop", "support"]         # whose people are compared
says    = "Customers who ordered as guests, and wrote to support."

[fields.surname]
form  = "name"                        # how values are read: name, text, date, email, phone, postcode, code
paths = ["traits.last_name"]          # where events carry it; the first that has a value counts
rare  = true                          # to agree on a rare value says more than on a common one
swap  = "first_name"                  # the two may stand in each other's place
# compare = "alike"                   # exact, alike or slips, in place of what the form does
# at    = [0.92, 0.8]                 # alike: Jaro-Winkler likeness at least; slips: characters that differ at most

[blocking]
rules = [["surname", "birth:4"], ["email"]]   # only pairs that agree on all of one rule are compared; :4, its beginning
# every = 2000                        # up to so many records every pair is compared

[training]
sure   = [["email"], ["surname", "birth"]]    # rules under which two records are one person's, nearly always
recall = 0.7                          # and which share of all such pairs they find
# match = 0.0001                      # in place of both: how likely two records taken at random are one person's
rules  = [["surname"], ["birth"]]     # blocks in which the model learns how one person's records differ

[thresholds]
propose = 4                           # match weight from which on a pair is proposed
# accept = 12                         # from which on it is accepted without anybody looking
```

Match weight is log2 of the odds that two records are one person's: 4 is 16 to 1, 12 about 4,000 to 1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cxminute.model.definitions import Document
from cxminute.model.errors import nearest
from cxminute.privacy.purposes import PURPOSES, READING

FORMS: Final = ("name", "text", "date", "email", "phone", "postcode", "code")
"""How values of a field are read, and compared where nothing else is said."""
COMPARES: Final = ("exact", "alike", "slips")
"""exact: the same or not; alike: by Jaro-Winkler likeness; slips: by characters that differ."""
MOST_EVERY: Final = 20_000
EVERY: Final = 2_000
"""Up to so many records every pair is compared: two million pairs take a second."""
LEAST_PAIRS: Final = 10_000
MOST_PAIRS: Final = 10**10
PAIRS: Final = 2_000_000
"""Pairs taken at random that say how often records of two people agree."""
LIKELY: Final = 0.0001
"""How likely two records are one person's before it is counted: Splink's own."""
PROPOSE: Final = 4.0
RECALL: Final = 0.7
MOST_LEVELS: Final = 4
LINKAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What a linkage may be called."""
FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PART: Final = re.compile(rf"({FIELD.pattern})(?::([1-9][0-9]?))?")


@dataclass(frozen=True, slots=True)
class Part:
    """A field that two records agree on, or its first `length` characters; 0 for all."""

    field: str
    length: int = 0


Rule = tuple[Part, ...]
"""Two records agree on every part of it, and have a value in each."""


@dataclass(frozen=True, slots=True)
class Field:
    """What records are compared by.

    form:    one of FORMS
    paths:   where events carry it; the first that has a value counts
    compare: one of COMPARES; '' for what the form does
    at:      the levels of `compare`, the strictest first
    rare:    whether to agree on a rare value says more than to agree on a common one
    swap:    the field whose value may stand in place of this one's; '' for none
    """

    name: str
    form: str
    paths: tuple[str, ...] = ()
    compare: str = ""
    at: tuple[float, ...] = ()
    rare: bool = False
    swap: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """How a model is learnt, without labels.

    sure:   rules under which two records are one person's, nearly always
    recall: which share of all such pairs these rules find
    match:  how likely two records taken at random are one person's; None to count by `sure` and `recall`
    rules:  blocks in which the model learns how one person's records differ; what a block agrees on it learns in others
    pairs:  how many pairs taken at random say how often records of two people agree
    seed:   of that draw
    """

    sure: tuple[Rule, ...] = ()
    recall: float = RECALL
    match: float | None = None
    rules: tuple[Rule, ...] = ()
    pairs: int = PAIRS
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Linkage:
    """A definition, read and found in order.

    blocking: only pairs under one of these rules are compared
    every:    up to so many records every pair is compared
    propose:  match weight from which on a pair is proposed
    accept:   from which on it is accepted without anybody looking; None for never
    """

    name: str
    purpose: str
    sources: tuple[str, ...]
    fields: Mapping[str, Field]
    blocking: tuple[Rule, ...]
    training: Training
    every: int = EVERY
    propose: float = PROPOSE
    accept: float | None = None
    says: str = ""

    @property
    def paths(self) -> frozenset[str]:
        """Every path that one of its fields is read from."""
        return frozenset(path for field in self.fields.values() for path in field.paths)


def parse_linkage(
    document: Document, *, sources: Collection[str], purposes: Collection[str] = PURPOSES
) -> Linkage | None:
    """The linkage that a file defines, or None where it has faults; all of them stand in `document.faults`.

    sources, purposes: names that are defined
    """
    before = len(document.faults)
    name, purpose = document.text("name"), document.text("purpose", READING)
    if name and not LINKAGE.fullmatch(name):
        document.fault(f"'{name}' is not a name.", key="name", allowed="letters, digits, hyphens and underscores")
    if purpose not in purposes:
        document.unknown("purpose", purpose, purposes, key="purpose")
    used = document.texts("sources")
    if "sources" in document and not used:
        document.fault("It says not whose people are compared.", key="sources", allowed="sources = [names of sources]")
    for source in used:
        if source not in sources:
            document.unknown("source", source, sources, key="sources")
    fields = _fields(document.section("fields"))
    if not fields:
        document.fault("It compares no field.", key="fields", allowed="a table [fields.NAME] for each")
    blocking, thresholds = document.section("blocking"), document.section("thresholds")
    rules = _rules(blocking, "rules", fields)
    if not rules:
        blocking.fault("It says not which pairs are compared.", key="rules", allowed='rules = [["surname", "birth"]]')
    propose = thresholds.number("propose", PROPOSE, high=100)
    accept = thresholds.number("accept", 0, high=100)
    unseen = "accept" in thresholds
    if unseen and accept < propose:
        thresholds.fault("It would accept what it does not propose.", key="accept", allowed=f"{propose:g} or more")
    found = Linkage(
        name=name,
        purpose=purpose,
        sources=used,
        fields=MappingProxyType(fields),
        blocking=rules,
        training=_training(document.section("training"), fields),
        every=int(blocking.number("every", EVERY, high=MOST_EVERY)),
        propose=propose,
        accept=accept if unseen else None,
        says=document.text("says", ""),
    )
    for part in (blocking, thresholds, document):
        part.done()
    return found if len(document.faults) == before else None


def _fields(document: Document) -> dict[str, Field]:
    found = {}
    for name in document.keys:
        part = document.section(name)
        if not FIELD.fullmatch(name):
            document.fault(f"'{name}' is not a name of a field.", key=name, allowed="a letter, then a-z, 0-9 and _")
            continue
        compare = part.text("compare", "", allowed=("", *COMPARES))
        found[name] = Field(
            name=name,
            form=part.text("form", allowed=FORMS),
            paths=_paths(part),
            compare=compare,
            at=_levels(part, compare),
            rare=part.flag("rare", default=False),
            swap=part.text("swap", ""),
        )
        part.done()
    for name, field in found.items():
        if field.swap and (field.swap not in found or field.swap == name):
            others = [other for other in found if other != name]
            document.section(name).unknown("field", field.swap, others, key="swap")
    return found


def _paths(part: Document) -> tuple[str, ...]:
    paths = part.texts("paths")
    if "paths" in part and not all(path.strip() for path in paths or ("",)):
        part.fault("It says not where events carry the field.", key="paths", allowed='paths = ["traits.last_name"]')
    return tuple(path if "." in path else f"properties.{path}" for path in paths)


def _levels(part: Document, compare: str) -> tuple[float, ...]:
    """The levels that a field names; those that its comparison has without, where it names none."""
    raw = part.raw("at")
    if raw is None:
        return {"alike": (0.92, 0.8), "slips": (1.0, 2.0)}.get(compare, ())
    allowed = {
        "alike": "likenesses above 0 and below 1, falling: [0.92, 0.8]",
        "slips": "numbers of characters from 1 to 9, rising: [1, 2]",
    }.get(compare)
    if allowed is None:
        part.fault(
            "'at' stands without a comparison that has levels.", key="at", allowed='compare = "alike" or "slips"'
        )
        return ()
    listed = raw if isinstance(raw, list) else [raw]
    numbers = [float(one) for one in listed if isinstance(one, int | float) and not isinstance(one, bool)]
    order = sorted(set(numbers), reverse=compare == "alike")
    within = all(0 < one < 1 if compare == "alike" else one in range(1, 10) for one in numbers)
    if len(numbers) != len(listed) or not 1 <= len(numbers) <= MOST_LEVELS or numbers != order or not within:
        part.fault(f"'at' are no levels of '{compare}'.", key="at", allowed=f"{allowed}; at most {MOST_LEVELS}")
        return ()
    return tuple(numbers)


def _training(document: Document, fields: Collection[str]) -> Training:
    match = document.number("match", LIKELY, low=1e-12, high=0.5)
    stated = "match" in document
    found = Training(
        sure=_rules(document, "sure", fields),
        recall=document.number("recall", RECALL, low=0.01, high=1),
        match=match if stated else None,
        rules=_rules(document, "rules", fields),
        pairs=int(document.number("pairs", PAIRS, low=LEAST_PAIRS, high=MOST_PAIRS)),
        seed=int(document.number("seed", 1, high=2**31)),
    )
    if not found.sure and (not stated or "sure" in document):
        document.fault(
            "Nothing says how likely two records are one person's.",
            key="sure",
            allowed='sure = [["email"]] with recall, or match = 0.0001',
        )
    if stated and found.sure:
        document.fault("Both 'match' and 'sure' say how likely two records match.", key="match", allowed="one of them")
    if not found.rules:
        document.fault("It says not in which blocks a model learns.", key="rules", allowed='rules = [["surname"]]')
    learnt = [{part.field for part in rule} for rule in found.rules]
    for name in fields if found.rules else ():
        if all(name in block for block in learnt):
            document.fault(
                f"Every block of training agrees on '{name}': nothing is learnt of it.",
                key="rules",
                allowed=f"one more rule, without '{name}'",
            )
    document.done()
    return found


def _rules(document: Document, key: str, fields: Collection[str]) -> tuple[Rule, ...]:
    """Rules as lists of fields; a list of texts is one rule of each."""
    raw = document.raw(key)
    if raw is None:
        return ()
    said = f'{key} = [["surname", "birth:4"], ["email"]]'
    if not isinstance(raw, list):
        document.fault(f"'{key}' is no list of rules.", key=key, allowed=said)
        return ()
    return tuple(rule for one in raw if (rule := tuple(_parts(document, key, one, fields, said))))


def _parts(document: Document, key: str, raw: object, fields: Collection[str], said: str) -> Iterator[Part]:
    words = [raw] if isinstance(raw, str) else raw
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        document.fault(f"A rule of '{key}' is no list of fields.", key=key, allowed=said)
        return
    for word in words:
        shaped = _PART.fullmatch(word)
        if shaped is None or shaped[1] not in fields:
            name = word.partition(":")[0]
            document.fault(
                f"'{word}' is no field." if shaped is None else f"There is no field '{name}'.",
                key=key,
                allowed=", ".join(sorted(fields)) or said,
                near=nearest(name, fields),
            )
            continue
        yield Part(shaped[1], int(shaped[2] or 0))
