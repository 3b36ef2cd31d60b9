"""Scores: sealed benchmarks, the evaluator, submissions, intervals and confidence sequences."""
