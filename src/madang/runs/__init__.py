"""Runs: recipes, the queue, the supervisor, logs, and the collection of outputs."""
