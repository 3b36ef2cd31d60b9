"""Calls for compute: applications, reviews, a decision anyone can repeat, an explanation for each."""
