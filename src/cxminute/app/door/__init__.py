"""The door: the HTTP server that takes events in, and the worker that brings them from the inbox into the log."""
