"""The only place that knows a database or a file format: the event log, the state, the journey index, the engines."""
