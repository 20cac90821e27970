"""From a permit to the streams of subjects: the index, brought up to the log, opened for what the permit covers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from cxminute.model.errors import UnknownName
from cxminute.privacy.permits import Permit
from cxminute.store.index import extend, open_index
from cxminute.store.log import Declared
from cxminute.store.protocols import Subjects
from cxminute.store.vault import PERSON_KINDS

if TYPE_CHECKING:  # project opens what stands here
    from cxminute.app.project import Project


def open_subjects(
    project: Project,
    per: str,
    leave: Permit,
    *,
    known_at: int | None = None,
    closes_at: int | None = None,
    paths: Collection[str] = (),
) -> Subjects:
    """All subjects of a kind, for what the permit covers.

    known_at:  as known then: corrections that came later are not seen; None for now
    closes_at: later events are not seen; None for the last event
    paths:     that are asked for beside those that the definitions name
    """
    spaces = {"person"} | {kind for kind in project.definitions.kinds if kind not in PERSON_KINDS}
    if per not in spaces:
        raise UnknownName("kind of subject", per, spaces)
    log = project.log
    past = known_at if known_at is not None and log.corrected_since(known_at) else None
    named = project.definitions.paths | frozenset(paths)
    declared = {name: Declared(source.paths, source.zone) for name, source in project.definitions.sources.items()}
    pieces = log.pieces(named, past, declared)
    folder = project.folder / "index" / per
    if past is not None:  # the log looked otherwise then: an index of its own
        said = "\0".join(sorted(piece.key for piece in pieces))
        folder = project.folder / "index" / "past" / f"{per}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
    extend(pieces, per, folder, log.codes())
    return open_index(folder, per, pieces, sources=leave.sources, closes_at=closes_at)
