"""Calls of the HTTP door: their bodies judged before they are acknowledged, and read afterwards by the same judge."""
