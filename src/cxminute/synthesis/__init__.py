"""Passages, Ledger, Effects -> Insights: what changed, where it comes from, what to do. The verb: `explain`."""
