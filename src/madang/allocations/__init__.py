"""Compute: sites, capacity, shares, awards, leases and usage, kept as double-entry postings."""
