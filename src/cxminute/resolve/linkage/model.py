"""A trained model: by field and level, how often one person's records are so alike, and how often two people's.

It lies beside the definition as `linkage/NAME.model.json`, in git: words and numbers, no SQL, nobody's values.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from cxminute.model.errors import BadDefinition
from cxminute.resolve.linkage.comparing import UNKNOWN, levels
from cxminute.resolve.linkage.definition import Linkage

ENDS: Final = ".model.json"
DIGITS: Final = 9
"""Significant digits of a trained figure: sums in another order differ behind them."""
LEAST: Final = 0.001
"""What no share of one person's pairs falls below: training meets some hundreds of them, which say no more; and a model
that holds a mistake for impossible lets one mistake outweigh everything else."""


NOTHING: Final = 0.5
_EVEN: Final = {"m": NOTHING, "u": NOTHING}


class Weighed(msgspec.Struct, frozen=True):
    """A level as it was trained.

    level: its word
    m:     share of one person's pairs of records that are so alike
    u:     share of two people's pairs that are; null, as m then is, where no pair taken at random was
    """

    level: str
    m: float | None
    u: float | None

    @property
    def weight(self) -> float:
        """What the level adds to a pair's match weight; 0 where it was not trained."""
        return math.log2(self.m / self.u) if self.m and self.u else 0.0


class Trained(msgspec.Struct, frozen=True):
    """The file: the linkage's name, the digest of what was compared how, and the figures."""

    linkage: str
    definition: str
    records: int
    match: float
    fields: dict[str, list[Weighed]]


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model and its file's digest, which is evidence of every link that it leads to."""

    trained: Trained
    digest: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it compares, in order."""
        return tuple(self.trained.fields)

    @property
    def start(self) -> float:
        """The match weight of two records of which nothing is known."""
        return math.log2(self.trained.match / (1 - self.trained.match))

    @property
    def figures(self) -> dict[str, list[dict[str, float]]]:
        """By field, `m` and `u` of each level; of a level that no random pair had, the same: it counts for nothing."""
        return {
            name: [{"m": one.m or NOTHING, "u": one.u or NOTHING} if one.weight else dict(_EVEN) for one in weighed]
            for name, weighed in self.trained.fields.items()
        }

    @property
    def untrained(self) -> tuple[tuple[str, str], ...]:
        """(field, level) of every level of which training learnt nothing; they count for nothing."""
        return tuple(
            (name, one.level)
            for name, weighed in self.trained.fields.items()
            for one in weighed
            if not (one.m and one.u)
        )


def compared(linkage: Linkage, known: Sequence[str]) -> str:
    """Digest of what is compared how: a model is of use as long as it stands."""
    said = [(name, [(level.word, level.sql, level.rare) for level in levels(linkage.fields[name], known)])
            for name in known]  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


def written(trained: Trained) -> bytes:
    """The file of a model."""
    return msgspec.json.format(msgspec.json.encode(trained), indent=2) + b"\n"


def read(body: bytes, linkage: Linkage, file: str) -> Model:
    """The model in a file.

    raises: BadDefinition where it is no model, or one of another linkage, or of what is compared otherwise by now
    """
    again = f"cxm linkage {linkage.name} train makes it anew."
    try:
        trained = msgspec.json.decode(body, type=Trained)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadDefinition("This is no model of a linkage.", file=file, then=again) from fault
    known = tuple(name for name in trained.fields if name in linkage.fields)
    if trained.linkage != linkage.name or len(known) < len(trained.fields):
        raise BadDefinition("The model is that of another linkage.", file=file, then=again)
    told = {
        name: [level.word for level in levels(linkage.fields[name], known) if level.word != UNKNOWN] for name in known
    }
    same = all([one.level for one in weighed] == told[name] for name, weighed in trained.fields.items())
    if not same or trained.definition != compared(linkage, known):
        raise BadDefinition(
            "The model was trained before the comparisons were changed.",
            file=file,
            allowed="a model of the fields and levels as they are defined",
            then=again,
        )
    if not _sound(trained):
        raise BadDefinition("The model's figures are no shares.", file=file, allowed="from 0 to 1", then=again)
    return Model(trained, hashlib.sha256(body).hexdigest())


def _sound(trained: Trained) -> bool:
    figures: Mapping[str, list[Weighed]] = trained.fields
    shares = [share for weighed in figures.values() for one in weighed for share in (one.m, one.u)]
    return 0 < trained.match < 1 and all(share is None or 0 <= share <= 1 for share in shares)


def rounded(figure: float) -> float:
    """A trained figure to as many digits as are the same in every order of adding up."""
    return float(f"{figure:.{DIGITS}g}")
