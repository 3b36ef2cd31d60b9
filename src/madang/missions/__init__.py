"""Missions: charters and objectives. The documents, not their progress (that is programme's)."""
