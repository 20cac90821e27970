"""Tracking plans of a project: enforced on what a source sends, before it goes into the log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cxminute.app.project import Definitions
from cxminute.collect.planned import judge
from cxminute.collect.receive import Received
from cxminute.collect.rejects import in_order, rejected
from cxminute.collect.rows import Rows

NOT_IN_PLAN = "not_in_plan"
"""The reason of rows that a plan sets apart."""


def enforce(definitions: Definitions, name: str, received: Received, rows: Rows) -> Received:
    """What was received of a source, as its tracking plan wants it; as it is where the source has no plan.

    rows:    those that were received: what is set apart is kept whole
    returns: events renamed, read as planned and flagged (`context.plan.fault`, `context.plan.renamed_from`); those that
             the plan refuses are rejects, so that rows = events' rows + rejects still; `counts` has also `flagged` and
             `renamed`
    """
    plan = definitions.plans.get(name)
    if plan is None:
        return received
    judged = judge(received.events, plan, definitions.sources[name])
    rejects = received.rejects
    if len(judged.rejected):
        places = np.searchsorted(rows.positions, judged.rejected)
        reasons, positions = [NOT_IN_PLAN] * len(places), judged.rejected.tolist()
        refused = rejected(name, positions, reasons, judged.details, rows.texts(places))
        rejects = in_order(rejects, refused)
    counts = received.counts | {"events": judged.events.num_rows, "rejects": rejects.num_rows}
    counts |= {"flagged": judged.flagged, "renamed": judged.renamed}
    return replace(received, events=judged.events, rejects=rejects, counts=counts)
