"""Side by side with the peers, on the same rows, in one run: `python -m benchmarks --list`."""
