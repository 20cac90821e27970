"""What is too long for the suite: laws at scale, kill rounds, coverage of intervals. `python -m soaks --list`."""
