"""Decisions, Events, Passages, Ledger -> Effects on KPIs. The verb: `measure`. Only initiatives are read here yet."""
