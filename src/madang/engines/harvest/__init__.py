"""Harvesters: one module a kind of source."""
