"""What events say of consent, on their way into the log."""

from __future__ import annotations

import pyarrow as pa

from cxminute.app.project import Project
from cxminute.privacy.contracts import Contract


def consents_of(project: Project, kept: pa.Table, personal: pa.Table, contract: Contract) -> pa.Table | None:  # noqa: ARG001 -- for now
    """What events said of consent, as the log's chunk takes it; None where they said nothing."""
    return None
