"""Readers of other people's formats that need a database driver or a binary file library."""
