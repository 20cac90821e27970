"""Journeys that wait for one another, and subjects of several keys: streams as such a journey sees them."""
