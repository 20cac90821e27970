"""Values by which people are recognised, taken from events on their way into the log."""

from __future__ import annotations

import pyarrow as pa

from cxminute.app.project import Project
from cxminute.privacy.contracts import Contract


def with_linking(project: Project, kept: pa.Table, personal: pa.Table, contract: Contract) -> pa.Table:  # noqa: ARG001 -- for now
    """The events with a text column `identifiers.@KIND` for each linking value that they carry, as it is compared."""
    return kept
