"""What needs all the domains: a mission's progress, and the proof of a whole line."""
