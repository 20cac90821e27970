"""The loop that runs it live: timers, autonomy, approvals, the register. The verb: `run`. Nothing lives here yet."""
