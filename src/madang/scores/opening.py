"""Opening the final half: two people of two organizations, once; then everything is published."""

from __future__ import annotations

import sqlalchemy as sa

from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.missions import service as missions
from madang.scores.errors import (
    AlreadyOpened,
    NothingToOpen,
    NotOpened,
    NotPublished,
    NotSealed,
    SamePerson,
    StillWaiting,
)
from madang.scores.model import Opening, benchmarks, feedback, openings, submissions


def of(session: Session, mission: str) -> Opening | None:
    """How far the opening of a mission's benchmark is; None where nobody has asked for it."""
    row = session.row(sa.select(openings).where(openings.c.mission == mission))
    return Opening(**row) if row else None


def approve(session: Session, actor: Principal, name: str) -> Opening:
    """Ask for the final half to be opened, or confirm what somebody of another organization has asked.

    From the first approval on no submission is taken. Raises NothingToOpen, StillWaiting, SamePerson,
    AlreadyOpened.
    """
    mission = missions.see(session, actor, name)
    owner = {"owner": mission.header.evaluator}
    authorize(session, Request(actor, "benchmark.open", "Mission", name, owner))
    if session.row(sa.select(benchmarks).where(benchmarks.c.mission == name)) is None:
        raise NotSealed(mission=name)
    present = of(session, name)
    if present is None:
        _ask(session, actor, name)
    elif present.confirmed_by is not None:
        raise AlreadyOpened(mission=name, first=present.asked_for, second=present.confirmed_for)
    elif actor.member == present.asked_by or actor.organization == present.asked_for:
        raise SamePerson(mission=name, organization=present.asked_for)
    else:
        now = clock.to_text(clock.now())
        session.update(
            openings, name, confirmed_by=actor.member, confirmed_for=actor.organization, confirmed_at=now
        )
        session.record("opening.confirmed", name, actor.as_fact(), finalists=_finalists(session, name))
    made = of(session, name)
    assert made is not None
    return made


def _ask(session: Session, actor: Principal, name: str) -> None:
    finalists = _finalists(session, name)
    if not finalists:
        raise NothingToOpen(mission=name)
    where = (submissions.c.mission == name) & (submissions.c.state == "waiting")
    waiting = int(session.scalar(sa.select(sa.func.count()).select_from(submissions).where(where)))
    if waiting:
        raise StillWaiting(mission=name, n=waiting)
    row = Opening(
        name, actor.member, actor.organization, clock.to_text(clock.now()), None, None, None, None, None
    )
    session.insert(openings, row.__dict__)
    session.record("opening.asked", name, actor.as_fact(), finalists=finalists)


def _finalists(session: Session, name: str) -> list[str]:
    return [submission_id for submission_id, _ in finalists(session, name)]


def finalists(session: Session, name: str) -> list[tuple[str, str]]:
    """(submission, organization): what the board shows of each organization goes into the final."""
    query = (
        sa.select(feedback.c.submission_id, submissions.c.organization)
        .join(submissions, submissions.c.submission_id == feedback.c.submission_id)
        .where(submissions.c.mission == name, feedback.c.released)
        .order_by(feedback.c.judged_at, feedback.c.submission_id)
    )
    latest = {str(row["organization"]): str(row["submission_id"]) for row in session.rows(query)}
    return sorted((submission_id, organization) for organization, submission_id in latest.items())


def require_confirmed(session: Session, mission: str) -> Opening:
    """The opening where both have approved; else NotOpened."""
    present = of(session, mission)
    if present is None or present.confirmed_by is None:
        raise NotOpened(mission=mission)
    return present


def confirmed(session: Session) -> list[str]:
    """Missions whose final half is open and whose benchmark is not published yet."""
    where = openings.c.confirmed_by.is_not(None) & openings.c.published_at.is_(None)
    query = sa.select(openings.c.mission).where(where).order_by(openings.c.confirmed_at)
    return [str(row["mission"]) for row in session.rows(query)]


def publish(session: Session, actor: Principal, name: str, content: str) -> None:
    """Put on record where the opened benchmark's content is (the digest of stored bytes)."""
    mission = missions.get(session, name)
    owner = {"owner": mission.header.evaluator}
    authorize(session, Request(actor, "score.record", "Mission", name, owner))
    present = require_confirmed(session, name)
    if present.published_at is not None:
        raise AlreadyOpened(mission=name, first=present.asked_for, second=present.confirmed_for)
    session.update(openings, name, content=content, published_at=clock.to_text(clock.now()))
    session.record("benchmark.opened", name, actor.as_fact(), content=content)


def published(session: Session, actor: Principal, name: str) -> str:
    """The digest of an opened benchmark's content, for whoever may know of the mission; NotPublished."""
    missions.see(session, actor, name)
    present = of(session, name)
    if present is None or present.content is None:
        raise NotPublished(mission=name)
    return present.content
