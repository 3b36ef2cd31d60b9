"""Agreements: signed clauses, turned into policies that every use of data is decided by."""
