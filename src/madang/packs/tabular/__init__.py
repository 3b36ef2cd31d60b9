"""Tabular science: tables of measurements, supervised models, held-out scores."""
