"""Words and hand-over tables that every room may speak of. Imports nothing of ours, computes no result."""
