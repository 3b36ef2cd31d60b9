"""A module a noun: its routes, and what its template needs."""
