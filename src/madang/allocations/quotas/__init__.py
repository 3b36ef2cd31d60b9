"""Quotas: what a site's scheduler must hold awards and shares to, and how far it does."""
