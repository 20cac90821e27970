"""Decisions, Events, Passages, Ledger -> Effects on KPIs. The verb: `measure`. Nothing lives here yet."""
