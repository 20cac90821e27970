"""Events -> People: whose stream an event belongs to. The verb: `resolve`."""
