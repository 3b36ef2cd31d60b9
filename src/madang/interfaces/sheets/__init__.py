"""Sheets to hand out: one page of paper as PDF, in either language."""
