"""Attempts: each time that a run is executed, and what was booked for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from madang.kernel import clock
from madang.kernel.database import Session
from madang.runs.model import LIVE, Attempt, Run, attempts, runs

MOST = 20
"""So often a run is executed at most, whatever its award would still pay."""


def begin(session: Session, run: Run, engine: str, supervisor: str) -> Attempt:
    """Put the next attempt of a run on record; the caller's entry tells of it."""
    number = (run.attempt or 0) + 1
    row: dict[str, Any] = {
        "run_id": run.run_id,
        "number": number,
        "engine": engine,
        "supervisor": supervisor,
        "claimed_at": clock.to_text(clock.now()),
        "reason": "",
    }
    session.insert(attempts, row)
    session.update(runs, run.run_id, attempt=number)
    return current(session, run.run_id, number)


def current(session: Session, run_id: str, number: int) -> Attempt:
    """The attempt of a run with that number."""
    row = session.row(sa.select(attempts).where(attempts.c.run_id == run_id, attempts.c.number == number))
    if row is None:
        raise LookupError(f"{run_id} has no attempt {number}")
    return Attempt(**row)


def change(session: Session, run: Run, **changes: Any) -> None:
    """Change a run's latest attempt. A run that was begun by a version without attempts has none."""
    if run.attempt is not None:
        session.update(attempts, (run.run_id, run.attempt), **changes)


def of_run(session: Session, run_id: str) -> list[Attempt]:
    """A run's attempts, the first first."""
    query = sa.select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
    return [Attempt(**row) for row in session.rows(query)]


def used_before(session: Session, run: Run) -> int:
    """Resource-seconds booked for the attempts before a run's latest."""
    query = sa.select(sa.func.coalesce(sa.func.sum(attempts.c.used_resource_seconds), 0))
    earlier = (attempts.c.run_id == run.run_id) & (attempts.c.number < (run.attempt or 1))
    return int(session.scalar(query.where(earlier)))


def live_names(session: Session, award_ids: Sequence[str]) -> set[str]:
    """Names of the jobs of runs on these awards that have not ended for us."""
    query = sa.select(runs.c.run_id, runs.c.attempt).where(
        runs.c.award_id.in_(list(award_ids)), runs.c.state.in_(LIVE)
    )
    return {name_of(row["run_id"], row["attempt"]) for row in session.rows(query)}


def name_of(run_id: str, number: int | None) -> str:
    """The name of an attempt: its folder's, and its job's."""
    return run_id if number in (None, 1) else f"{run_id}.{number}"


def ended_with_jobs(session: Session, award_ids: Sequence[str]) -> list[tuple[Attempt, str]]:
    """(attempt, award) of every ended attempt on these awards that a scheduler has a job of."""
    query = (
        sa.select(attempts, runs.c.award_id)
        .join(runs, runs.c.run_id == attempts.c.run_id)
        .where(attempts.c.job.is_not(None), attempts.c.ended_at.is_not(None))
        .where(runs.c.award_id.in_(list(award_ids)))
        .order_by(attempts.c.ended_at, attempts.c.run_id, attempts.c.number)
    )
    found = []
    for row in session.rows(query):
        values = dict(row)
        award_id = str(values.pop("award_id"))
        found.append((Attempt(**values), award_id))
    return found
