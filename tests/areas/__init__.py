"""A member's own area."""
