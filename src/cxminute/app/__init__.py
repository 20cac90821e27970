"""Composes the house. Only here is a clock read, an engine chosen, a network touched."""
