"""Readers of formats, by field. Each runs confined, under a limit of time and memory."""
