"""Decisions -> Messages: gates, templates, channels, outbox. The verb: `send`. Nothing lives here yet."""
