"""People who were forgotten: what comes of them later is refused before anything of it is kept or numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.app.people.recognising import kind_of_column
from cxminute.app.project import Project
from cxminute.app.rights.places import fields_of
from cxminute.collect.rejects import UNREAD
from cxminute.model.tables import REJECT
from cxminute.privacy.contracts import Contract
from cxminute.privacy.standing import Fields, is_telling
from cxminute.resolve.guards import normalised
from cxminute.store.suppressions import Suppressed
from cxminute.store.vault import APART, LINKING

REFUSED: Final = "forgotten"
"""Why such an event is refused, as its place in quarantine says; the row itself is not kept."""
_DETAIL: Final = "It carries an identifier of somebody who was forgotten; nothing of it is kept."
_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|[^\s,;:|"{}\[\]]+')
_BEGINS: Final = "identifiers."


def without_suppressed(
    project: Project, kept: pa.Table, personal: pa.Table, rejects: pa.Table, contract: Contract
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Events, their personal part, and rejects; those of people who were forgotten are among the rejects, empty.

    kept: with a text column `identifiers.COLUMN` for each kind of identifier
    An event goes with all others of its row. Rows that were set apart before are looked through, too.
    """
    held = project.suppressions.now()
    if not held.digests:
        return kept, personal, rejects
    met: dict[str, int] = {}
    rejects = _emptied(project, held, rejects, contract.source, met)
    gone = np.zeros(kept.num_rows, np.bool_)
    for name in [name for name in kept.column_names if name.startswith(_BEGINS)]:
        kind = kind_of_column(name.removeprefix(_BEGINS))
        if kind in held.kinds:
            gone |= _carrying(project, kind, kept[name], "" if contract.link else contract.source, met)
    project.suppressions.met(met)
    if not gone.any():
        return kept, personal, rejects
    positions = kept["position"].to_numpy()
    refused = np.unique(positions[gone])
    stays = pa.array(~np.isin(positions, refused))
    rejects = pa.concat_tables([rejects.cast(REJECT), _refusals(contract.source, refused.tolist())])
    return kept.filter(stays), personal.filter(stays), rejects


def emptied(project: Project, source: str, rejects: pa.Table) -> pa.Table:
    """Rejects without what those rows say that carry an identifier of somebody who was forgotten."""
    if not rejects.num_rows:
        return rejects
    met: dict[str, int] = {}
    found = _emptied(project, project.suppressions.now(), rejects, source, met)
    project.suppressions.met(met)
    return found


# -- inside ------------------------------------------------------------------------------------------------------------


def _carrying(
    project: Project, kind: str, values: pa.ChunkedArray, apart: str, met: dict[str, int]
) -> NDArray[np.bool_]:
    """Which events carry a suppressed identifier of a kind; apart: the source that it is numbered apart in, or ''."""
    coded = values.combine_chunks().dictionary_encode()
    words = [f"{apart}{APART}{word}" if apart else word for word in coded.dictionary.to_pylist()]
    hits = project.suppressions.hits(kind, words, project.vault.digests)
    if not hits:
        return np.zeros(len(values), np.bool_)
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    for place, word in enumerate(words):
        if word in hits:
            met[hits[word]] = met.get(hits[word], 0) + int(counts[place])
    of_words = np.array([word in hits for word in words] + [False], np.bool_)
    found: NDArray[np.bool_] = of_words[codes]
    return found


def _emptied(project: Project, held: Suppressed, rejects: pa.Table, source: str, met: dict[str, int]) -> pa.Table:
    if not held.digests or not rejects.num_rows:
        return rejects
    rows, reasons, details = (rejects[name].to_pylist() for name in ("row", "reason", "detail"))
    fields = Fields(fields_of(project))
    tokens = [_named(fields, row, reason) for row, reason in zip(rows, reasons, strict=True)]
    every = sorted({token for some in tokens for token in some})
    hits: dict[str, str] = {}
    for kind in sorted(held.kinds):
        forms: dict[str, set[str]] = {}
        for word in every:
            for form in _forms(kind, word, source):
                forms.setdefault(form, set()).add(word)
        found = project.suppressions.hits(kind, list(forms), project.vault.digests)
        hits.update((word, digest) for form, digest in found.items() for word in forms[form])
    if not hits:
        return rejects
    for place, some in enumerate(tokens):
        digests = {hits[token] for token in some if token in hits}
        if digests:
            rows[place], reasons[place], details[place] = "", REFUSED, _DETAIL
        for digest in digests:
            met[digest] = met.get(digest, 0) + 1
    for name, said in (("row", rows), ("reason", reasons), ("detail", details)):
        at = rejects.column_names.index(name)
        rejects = rejects.set_column(at, rejects.schema.field(at), pa.array(said, rejects.schema.field(at).type))
    return rejects


def _named(fields: Fields, row: str, reason: str) -> set[str]:
    """Words of a row that can be an identifier: those unlike any other, and short ones where identifiers are held."""
    short = (_unquoted(word) for word in fields.said_in(row, raw=reason in UNREAD))
    return {word for word in _tokens(row) if is_telling(word)}.union(short)


def _tokens(row: str) -> Iterator[str]:
    """Every text and bare word of a row, in JSON or as a line of a file, once."""
    seen = set()
    for found in _TOKEN.finditer(row):
        said = found.group(1)
        word = found.group() if said is None else _unquoted(said)
        if word.strip() and word not in seen:
            seen.add(word)
            yield word


def _unquoted(said: str) -> str:
    try:
        return msgspec.json.decode(f'"{said}"', type=str)
    except msgspec.DecodeError:
        return said


def _forms(kind: str, word: str, source: str) -> Iterator[str]:
    """A word as identifiers of a kind are spelled, by themselves and where their source is apart."""
    found = normalised(kind.removeprefix(LINKING), word) if kind.startswith(LINKING) else word.strip()
    if found:
        yield found
        yield f"{source}{APART}{found}"


def _refusals(source: str, positions: Sequence[int]) -> pa.Table:
    many = len(positions)
    columns = [[source] * many, positions, [REFUSED] * many, [_DETAIL] * many, [""] * many]
    made = [pa.array(column, field.type) for column, field in zip(columns, REJECT, strict=True)]
    return pa.Table.from_arrays(made, schema=REJECT)
