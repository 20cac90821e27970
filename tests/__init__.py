"""The tests: a tree that mirrors the source, and laws, scenarios and oracles beside it."""
