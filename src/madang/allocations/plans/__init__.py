"""Capacity plans: what compute a programme means to have, from month to month, and whose it will be."""
