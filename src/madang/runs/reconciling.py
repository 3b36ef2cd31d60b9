"""Comparing our books with a scheduler's own accounting, job by job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from madang.allocations.quotas import service as quotas
from madang.kernel import extension
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home
from madang.runs import attempts
from madang.runs.errors import NoAccounting
from madang.runs.launching import Accounted, Accounts
from madang.runs.model import Attempt


@dataclass(frozen=True)
class Difference:
    """A job on which the two do not agree; amounts in resource-seconds.

    what -- differs: both have it, with other amounts; not-ours: it used an award's account and no run of ours
    is it; not-accounted: we booked it, and accounting does not know it.
    """

    what: str
    award_id: str
    job: str
    name: str
    booked: int
    accounted: int


@dataclass(frozen=True)
class Reconciliation:
    """jobs: how many both know. booked, accounted: totals, in resource-seconds."""

    site: str
    jobs: int
    booked: int
    accounted: int
    differences: Sequence[Difference]


def reconcile(home: Home, actor: Principal, site: str | None = None) -> Reconciliation:
    """Compare what was booked on a site's awards with what its scheduler counted (the site's operator).

    Raises NoAccounting where the run engine keeps no accounts, SchedulerSilent.
    """
    wanted = quotas.see(home, actor, site)
    launcher = extension.engine("runs", home.values.run_engine)(home.values)
    if not isinstance(launcher, Accounts):
        raise NoAccounting(engine=home.values.run_engine)
    kinds = {one.award_id: one.kind for one in wanted.awards}
    with home.database.read() as session:
        ended = attempts.ended_with_jobs(session, list(kinds))
        live = attempts.live_names(session, list(kinds))
    booked = {str(attempt.job): (attempt, award) for attempt, award in ended}
    counted: dict[str, Accounted] = {one.job: one for one in launcher.accounted(kinds, sorted(booked))}
    waiting = {job for job, one in counted.items() if one.name in live}
    compared = [
        found
        for job in sorted({*booked, *counted} - waiting, key=int)
        if (found := _difference(job, booked.get(job), counted.get(job))) is not None
    ]
    return Reconciliation(
        wanted.site,
        len(set(booked) & set(counted)),
        sum(attempt.used_resource_seconds or 0 for attempt, _ in booked.values()),
        sum(one.seconds * one.count for one in counted.values()),
        compared,
    )


def _difference(job: str, booked: tuple[Attempt, str] | None, counted: Accounted | None) -> Difference | None:
    ours = booked[0].used_resource_seconds or 0 if booked else 0
    theirs = counted.seconds * counted.count if counted else 0
    if booked is None and counted is not None:
        # A job that was refused or cancelled before it began used nothing.
        return Difference("not-ours", counted.award_id, job, counted.name, 0, theirs) if theirs else None
    if booked is not None and counted is None:
        return Difference("not-accounted", booked[1], job, booked[0].run_id, ours, 0)
    if booked is not None and counted is not None and ours != theirs:
        return Difference("differs", booked[1], job, counted.name, ours, theirs)
    return None
