"""Passages, Insights -> Decisions: who, what and why. The verb: `decide`. Nothing lives here yet."""
