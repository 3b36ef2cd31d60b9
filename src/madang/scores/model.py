"""Benchmarks, submissions and scores: dataclasses and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.kernel.ledger.log import metadata

OUTCOMES = ("reached", "not-reached")

benchmarks = sa.Table(
    "benchmarks",
    metadata,
    sa.Column("mission", sa.Text, sa.ForeignKey("missions.name"), primary_key=True),
    sa.Column("scorer", sa.Text, nullable=False),
    sa.Column("scorer_digest", sa.Text, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False),
    sa.Column("evaluator_key", sa.Text, nullable=False),
    sa.Column("sealed_at", sa.Text, nullable=False),
)
submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("submission_id", sa.Text, primary_key=True),
    sa.Column("mission", sa.Text, sa.ForeignKey("missions.name"), nullable=False, index=True),
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), nullable=False),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("submitted_at", sa.Text, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
)
scores = sa.Table(
    "scores",
    metadata,
    sa.Column("submission_id", sa.Text, sa.ForeignKey("submissions.submission_id"), primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("lower", sa.Float, nullable=False),
    sa.Column("upper", sa.Float, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("statement", sa.JSON, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("scored_at", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Benchmark:
    """A sealed benchmark: what is public of it. `evaluator_key` is a note verifier key."""

    mission: str
    scorer: str
    scorer_digest: str
    n: int
    commitment: str
    evaluator_key: str
    sealed_at: str


@dataclass(frozen=True)
class Submission:
    """A version offered to the evaluator. state: waiting | scored | refused (then `problem` says why)."""

    submission_id: str
    mission: str
    version_id: str
    organization: str
    state: str
    submitted_at: str
    problem: str


@dataclass(frozen=True)
class Score:
    """What the evaluator found.

    value: mean over n items; lower, upper: confidence sequence; groups: name -> [successes, n] of each
    task; statement: what the evaluator signed (base64 Ed25519 in `signature`).
    """

    submission_id: str
    value: float
    lower: float
    upper: float
    n: int
    outcome: str
    groups: Mapping[str, tuple[float, int]]
    statement: Mapping[str, Any]
    signature: str
    scored_at: str
