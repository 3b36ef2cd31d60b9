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
    sa.Column("feedback_n", sa.Integer),
    sa.Column("feedback_commitment", sa.Text),
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
    sa.Column("lineage", sa.Text),
)
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("submission_id", sa.Text, sa.ForeignKey("submissions.submission_id"), primary_key=True),
    sa.Column("released", sa.Boolean, nullable=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("lower", sa.Float, nullable=False),
    sa.Column("upper", sa.Float, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("statement", sa.JSON, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("judged_at", sa.Text, nullable=False),
)
openings = sa.Table(
    "openings",
    metadata,
    sa.Column("mission", sa.Text, sa.ForeignKey("missions.name"), primary_key=True),
    sa.Column("asked_by", sa.Text, sa.ForeignKey("members.member_id"), nullable=False),
    sa.Column("asked_for", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("confirmed_by", sa.Text, sa.ForeignKey("members.member_id")),
    sa.Column("confirmed_for", sa.Text, sa.ForeignKey("organizations.name")),
    sa.Column("confirmed_at", sa.Text),
    sa.Column("content", sa.Text),
    sa.Column("published_at", sa.Text),
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
    """A sealed benchmark: what is public of it. `evaluator_key` is a note verifier key.

    n and commitment are of the final half, feedback_n and feedback_commitment of the other.
    """

    mission: str
    scorer: str
    scorer_digest: str
    n: int
    commitment: str
    evaluator_key: str
    sealed_at: str
    feedback_n: int
    feedback_commitment: str

    def commitment_of(self, half: str) -> str:
        """The commitment to "feedback" or "final"."""
        return self.commitment if half == "final" else self.feedback_commitment


@dataclass(frozen=True)
class Submission:
    """A version offered to the evaluator.

    state: waiting | judged (on the feedback half) | scored (on the final half) | refused (then `problem`
    says why). lineage: what stands for the deposits below it.
    """

    submission_id: str
    mission: str
    version_id: str
    organization: str
    state: str
    submitted_at: str
    problem: str
    lineage: str


@dataclass(frozen=True)
class Feedback:
    """What the board shows of an organization after this submission.

    released: whether this submission is what the board shows; otherwise it is not better than the one
    before by more than chance explains, and nothing else is said of it until the benchmark is opened.
    """

    submission_id: str
    released: bool
    value: float
    lower: float
    upper: float
    n: int
    statement: Mapping[str, Any]
    signature: str
    judged_at: str


@dataclass(frozen=True)
class Opening:
    """The opening of a benchmark's final half: asked for by one person, confirmed by another.

    content: digest of what was published once the finals were scored.
    """

    mission: str
    asked_by: str
    asked_for: str
    asked_at: str
    confirmed_by: str | None
    confirmed_for: str | None
    confirmed_at: str | None
    content: str | None
    published_at: str | None


@dataclass(frozen=True)
class Standing:
    """A row of the board: an organization's best on the feedback half, and what it has left."""

    organization: str
    submission_id: str
    version_id: str
    value: float
    lower: float
    upper: float
    n: int
    used: int
    budget: int


@dataclass(frozen=True)
class Score:
    """What the evaluator found on the final half.

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
