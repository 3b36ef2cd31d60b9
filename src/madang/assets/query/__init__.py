"""Queries in place: one SELECT over tables of versions, in a confined process, on record with what it read.

``service`` permits and lays out, ``confined`` runs an engine's functions (``port``) in the sandbox.
"""
