"""Opening missions and reading their charters."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from madang.agreements import service as agreements
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Row, Session
from madang.kernel.ids import check_slug
from madang.kernel.paging import Slice, cut
from madang.missions.errors import (
    AgreementOfAnotherMission,
    EvaluatorIsTrainer,
    MissionExists,
    NoSuchMission,
    OutsideAgreement,
)
from madang.missions.model import Mission, MissionDocument, missions, participants
from madang.organizations import service as organizations
from madang.organizations.service import oversees


def open_mission(session: Session, actor: Principal, document: MissionDocument) -> Mission:
    """Open a mission under an agreement in force. The lead opens it; another must evaluate it."""
    header = document.mission
    authorize(session, Request(actor, "mission.open", "Mission", header.name, {"owner": header.lead}))
    check_slug(header.name, "mission name")
    if session.row(sa.select(missions.c.name).where(missions.c.name == header.name)):
        raise MissionExists(name=header.name)
    if header.evaluator == header.lead:
        raise EvaluatorIsTrainer(organization=header.lead)
    agreement = agreements.require_in_force(session, header.agreement)
    if agreement.mission != header.name:
        raise AgreementOfAnotherMission(
            agreement=agreement.name, mission=header.name, named=agreement.mission
        )
    members = sorted({header.lead, header.evaluator, *header.organizations})
    for name in members:
        organizations.get(session, name)
        if name not in agreement.signatures:
            raise OutsideAgreement(organization=name, agreement=agreement.name)
    _insert(session, actor, document, members)
    return get(session, header.name)


def _insert(session: Session, actor: Principal, document: MissionDocument, members: list[str]) -> None:
    header, objective = document.mission, document.objective
    content = document.model_dump(mode="json")
    digest = canonical_digest(content)
    session.insert(
        missions,
        {
            "name": header.name,
            "digest": digest,
            "document": content,
            "lead": header.lead,
            "evaluator": header.evaluator,
            "agreement": header.agreement,
            "visibility": header.visibility,
            "opened_at": clock.to_text(clock.now()),
        },
    )
    session.insert(participants, *({"mission": header.name, "organization": name} for name in members))
    session.record(
        "mission.opened",
        header.name,
        actor.as_fact(),
        digest=digest,
        agreement=header.agreement,
        evaluator=header.evaluator,
        lead=header.lead,
        n=objective.n,
        target=objective.target,
        confidence=objective.confidence,
        guardrails={rail.metric: rail.at_most for rail in document.guardrail},
    )


def _mission(row: Row) -> Mission:
    document = MissionDocument.model_validate(row["document"])
    return Mission(row["name"], row["digest"], document, row["opened_at"])


def get(session: Session, name: str) -> Mission:
    """The mission of that name, or NoSuchMission."""
    row = session.row(sa.select(missions).where(missions.c.name == name))
    if row is None:
        raise NoSuchMission(name=name)
    return _mission(row)


def takes_part(session: Session, actor: Principal, name: str) -> bool:
    """Whether the actor may see inside the mission: participants, ministries and auditors."""
    if oversees(actor):
        return True
    where = (participants.c.mission == name) & (participants.c.organization == actor.organization)
    return session.row(sa.select(participants).where(where)) is not None


def require_part(session: Session, actor: Principal, name: str) -> None:
    """NoSuchMission where the actor may not see inside the mission."""
    get(session, name)
    if not takes_part(session, actor, name):
        raise NoSuchMission(name=name)


def joined(session: Session, actor: Principal) -> list[str] | None:
    """The missions the actor may see inside; None where these are all."""
    if oversees(actor):
        return None
    return [row["mission"] for row in session.rows(_mine(actor).order_by(participants.c.mission))]


def _mine(actor: Principal) -> sa.Select[Any]:
    return sa.select(participants.c.mission).where(participants.c.organization == actor.organization)


def branches(
    session: Session,
    actor: Principal,
    query: sa.Select[Any],
    mission: sa.ColumnElement[Any],
    owner: sa.ColumnElement[Any],
) -> list[sa.Select[Any]]:
    """What of a query's rows the actor may see: each mission's of its own, then what is its organization's
    elsewhere. (For :func:`madang.kernel.paging.cut_each`.)"""
    mine = joined(session, actor)
    if mine is None:
        return [query]
    elsewhere = query.where(owner == actor.organization, mission.not_in(mine))
    if len(mine) > _MOST_BRANCHES:
        return [query.where(mission.in_(mine)), elsewhere]
    return [*(query.where(mission == name) for name in mine), elsewhere]


_MOST_BRANCHES = 50
"""A database takes a few hundred parts of a query."""


def inside(actor: Principal, mission: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The same for the rows of a query, whose missions stand in the column `mission`."""
    if oversees(actor):
        return sa.true()
    return mission.in_(_mine(actor))


def see(session: Session, actor: Principal, name: str) -> Mission:
    """The mission, where the actor may know of it; else NoSuchMission."""
    mission = get(session, name)
    if mission.header.visibility != "public" and not takes_part(session, actor, name):
        raise NoSuchMission(name=name)
    return mission


def visible_to(session: Session, actor: Principal, part: Slice | None = None) -> list[Mission]:
    """Missions the actor may know of, newest first."""
    known = (missions.c.visibility == "public") | inside(actor, missions.c.name)
    columns = (missions.c.opened_at, missions.c.name)
    return [
        _mission(row)
        for row in session.rows(cut(sa.select(missions).where(known), columns, part, falling=True))
    ]


def taken_part_in(session: Session, actor: Principal) -> list[Mission]:
    """Missions the actor may see inside, newest first."""
    query = sa.select(missions).where(inside(actor, missions.c.name))
    rows = session.rows(cut(query, (missions.c.opened_at, missions.c.name), None, falling=True))
    return [_mission(row) for row in rows]


def participants_of(session: Session, name: str) -> list[str]:
    """Organizations of a mission by name."""
    query = sa.select(participants.c.organization).where(participants.c.mission == name)
    return [row["organization"] for row in session.rows(query.order_by(participants.c.organization))]
