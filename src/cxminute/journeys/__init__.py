"""Events of a subject -> Passages: language, plan, one `advance`, scan. The verb: `find`."""
