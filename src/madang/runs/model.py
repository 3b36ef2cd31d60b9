"""Runs and their attempts: dataclasses and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.kernel.i18n import Message
from madang.kernel.ledger.log import metadata

STATES = ("queued", "waiting", "running", "succeeded", "failed", "cancelled")
LIVE = ("queued", "waiting", "running")
"""waiting: a supervisor has handed it to a scheduler, which has not begun it yet."""

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("mission", sa.Text, sa.ForeignKey("missions.name"), nullable=False, index=True),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("submitted_by", sa.Text, sa.ForeignKey("members.member_id"), nullable=False),
    sa.Column("recipe", sa.Text, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("award_id", sa.Text, sa.ForeignKey("awards.award_id"), nullable=False),
    sa.Column("cores", sa.Integer, nullable=False),
    sa.Column("wall_seconds", sa.Integer, nullable=False),
    sa.Column("output_asset", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("cancel_asked", sa.Boolean, nullable=False),
    sa.Column("queued_at", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text),
    sa.Column("ended_at", sa.Text),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("isolation", sa.Text),
    sa.Column("supervisor", sa.Text),
    sa.Column("exit_code", sa.Integer),
    sa.Column("used_resource_seconds", sa.BigInteger),
    sa.Column("log", sa.Text),
    sa.Column("metrics", sa.Text),
    sa.Column("may_borrow", sa.Boolean),
    sa.Column("attempt", sa.Integer),
    sa.Index("runs_by_time", "queued_at", "run_id"),
    sa.Index("runs_of_mission", "mission", "queued_at", "run_id"),
    sa.Index("runs_of_organization", "organization", "queued_at", "run_id"),
)
inputs = sa.Table(
    "run_inputs",
    metadata,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
)
attempts = sa.Table(
    "run_attempts",
    metadata,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("supervisor", sa.Text, nullable=False),
    sa.Column("claimed_at", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text),
    sa.Column("ended_at", sa.Text),
    sa.Column("job", sa.Text),
    sa.Column("borrowed", sa.Boolean),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("used_resource_seconds", sa.BigInteger),
    sa.Column("log", sa.Text),
    sa.Index("attempts_by_end", "ended_at", "run_id", "number"),
)


@dataclass(frozen=True)
class Attempt:
    """One time that a run was executed. A run has several where its job was preempted or its node failed.

    number: from 1. job: the scheduler's id of it. borrowed: on what another share left idle. reason: why it
    ended, as a run's. used_resource_seconds: what was booked for it, once it has ended.
    """

    run_id: str
    number: int
    engine: str
    supervisor: str
    claimed_at: str
    started_at: str | None
    ended_at: str | None
    job: str | None
    borrowed: bool | None
    reason: str
    used_resource_seconds: int | None
    log: str | None


@dataclass(frozen=True)
class Run:
    """One execution of a recipe under an award with pinned inputs.

    supervisor: who claimed it. reason: why it ended, or what it waits for (a message id below
    ``runs.reason``, ":" and a detail). log, metrics: digests of what the job wrote, once it has ended.
    may_borrow: it may use what other shares leave idle. attempt: the number of its latest; None before the
    first.
    """

    run_id: str
    mission: str
    organization: str
    submitted_by: str
    recipe: str
    parameters: Mapping[str, Any]
    award_id: str
    cores: int
    wall_seconds: int
    output_asset: str
    state: str
    reason: str
    cancel_asked: bool
    queued_at: str
    started_at: str | None
    ended_at: str | None
    engine: str
    isolation: str | None
    supervisor: str | None
    exit_code: int | None
    used_resource_seconds: int | None
    log: str | None
    metrics: str | None
    may_borrow: bool | None = None
    attempt: int | None = None
    inputs: Sequence[str] = ()

    @property
    def why(self) -> Message | None:
        """Why it ended, or what it waits for, in words."""
        reason, _, detail = self.reason.partition(":")
        return Message(f"runs.reason.{reason}", detail=detail) if reason else None

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state in LIVE
