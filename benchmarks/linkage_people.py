"""Records of people who do not exist, with the mistakes that people make, and the truth of who is who."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SHARES: Final = (0.55, 0.25, 0.12, 0.08)
"""Of people with one record, two, three and four."""
_MISTAKEN: Final = 0.12
_EMPTY: Final = 0.08
_SOUNDS: Final = ("ba", "co", "da", "el", "fi", "go", "ha", "in", "jo", "ka", "li", "mo", "na", "or", "pe", "ra", "so")
_LETTERS: Final = "abcdefghijklmnoprstuvw"


def draw(records: int, seed: int) -> pa.Table:
    """About so many records: `unique_id`, `person` (who it is), first_name, surname, birth, email, postcode, city.

    Names and cities are drawn with heavy tails, as they are borne. About an eighth of values has one mistake: a letter
    left out, doubled, changed or two swapped; some are left empty.
    """
    rng = np.random.default_rng(seed)
    people = round(records / sum(share * size for size, share in enumerate(SHARES, start=1)))
    sizes = rng.choice(np.arange(1, len(SHARES) + 1), size=people, p=SHARES)
    person = np.repeat(np.arange(people), sizes)
    first = _names(rng, 2_000, 2)[_heavy(rng, 2_000, people)]
    last = _names(rng, 20_000, 3)[_heavy(rng, 20_000, people)]
    days = np.datetime64("1935-01-01") + rng.integers(0, 27_000, people)
    city = _names(rng, 800, 3)[_heavy(rng, 800, people)]
    post = np.char.add(rng.integers(1_000, 9_999, people).astype("U4"), rng.choice(list("abcdefghk"), people))
    mail = np.char.add(np.char.add(first, "."), np.char.add(last, rng.integers(1, 100, people).astype("U2")))
    mail = np.char.add(mail, rng.choice(["@mail.test", "@post.test", "@web.test"], people))
    values = {
        "first_name": first,
        "surname": last,
        "birth": days.astype("U10"),
        "email": mail,
        "postcode": post,
        "city": city,
    }
    order = rng.permutation(len(person))
    columns = {name: pa.array(_mistaken(rng, told[person[order]])) for name, told in values.items()}
    return pa.table({"unique_id": np.arange(len(order)), "person": person[order], **columns})


def groups(table: pa.Table) -> list[list[int]]:
    """The records of each person."""
    found: dict[int, list[int]] = {}
    for record, person in zip(table["unique_id"].to_pylist(), table["person"].to_pylist(), strict=True):
        found.setdefault(person, []).append(record)
    return list(found.values())


def _names(rng: np.random.Generator, number: int, sounds: int) -> NDArray[np.str_]:
    parts = rng.choice(_SOUNDS, size=(number, sounds + 1))
    lengths = rng.integers(2, sounds + 2, number)
    return np.array(["".join(row[:length]) for row, length in zip(parts, lengths, strict=True)])


def _heavy(rng: np.random.Generator, kinds: int, number: int) -> NDArray[np.int64]:
    """Places from 0 to kinds - 1, the first far more often than the last."""
    weights = 1 / (np.arange(kinds) + 10.0)
    found: NDArray[np.int64] = rng.choice(kinds, size=number, p=weights / weights.sum())
    return found


def _mistaken(rng: np.random.Generator, values: NDArray[np.str_]) -> list[str | None]:
    told: list[str | None] = values.tolist()
    for place in np.flatnonzero(rng.random(len(told)) < _MISTAKEN).tolist():
        told[place] = _slip(rng, str(told[place]))
    for place in np.flatnonzero(rng.random(len(told)) < _EMPTY).tolist():
        told[place] = None
    return told


def _slip(rng: np.random.Generator, said: str) -> str:
    at, kind = int(rng.integers(0, max(1, len(said) - 1))), int(rng.integers(0, 4))
    letter = str(rng.integers(0, 10)) if said[at].isdigit() else _LETTERS[int(rng.integers(0, len(_LETTERS)))]
    return {
        0: said[:at] + said[at + 1 :],
        1: said[:at] + said[at] + said[at:],
        2: said[:at] + letter + said[at + 1 :],
        3: said[:at] + said[at + 1 : at + 2] + said[at] + said[at + 2 :],
    }[kind]
