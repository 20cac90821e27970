"""Ghosts through the same path: a seed, a moved clock and a written truth. The verb: `simulate`."""
