"""What organizations owe under agreements: due dates, evidence, what is due soon.

An obligation comes into being with the last signature. What evidence a duty asks for beyond a statement
is checked by whoever knows the things it names: see :func:`register_evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from madang.agreements.errors import AlreadyMet, NoEvidence, NoSuchObligation
from madang.agreements.model import Agreement, Clause, Obligation, obligations, parties
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.paging import Slice, cut
from madang.organizations.service import oversees

_LONGEST = 2_000
KINDS_OF_EVIDENCE = ("text", "link", "version")

Check = Callable[[Session, Principal, Agreement, Obligation, dict[str, str]], dict[str, str]]
"""Checks evidence, raising a UserError; returns it as it is kept."""

_checks: dict[str, Check] = {}


def register_evidence(duty: str, check: Check) -> None:
    """Let a higher domain check the evidence of a duty (``return-model`` names a version)."""
    _checks[duty] = check


def arise(session: Session, agreement: Agreement, found: list[Clause]) -> None:
    """Insert what is owed under an agreement that everybody has signed; the signature's entry covers it."""
    for clause in found:
        document = clause.document
        if document.effect != "oblige":
            continue
        if document.due_on is not None:
            day = document.due_on
            due = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        else:
            due = clock.from_text(agreement.ends_at) + timedelta(days=document.due_days_after_end or 0)
        session.insert(
            obligations,
            *(
                {
                    "agreement": agreement.name,
                    "number": clause.number,
                    "organization": organization,
                    "duty": document.duty,
                    "due_at": clock.to_text(due),
                }
                for organization in sorted(set(document.by))
            ),
        )


def meet(
    session: Session, actor: Principal, agreement: Agreement, number: int, evidence: dict[str, str]
) -> Obligation:
    """Put on record that the actor's organization has done what a clause obliges it to, with evidence."""
    organization = actor.organization
    request = Request(actor, "obligation.meet", "Agreement", agreement.name, {"owner": organization})
    authorize(session, request)
    owed = find(session, agreement.name, number, organization)
    if owed.met_at:
        raise AlreadyMet(agreement=agreement.name, number=number, when=owed.met_at)
    given = {key: value.strip() for key, value in evidence.items() if value and value.strip()}
    if not given or any(len(value) > _LONGEST for value in given.values()):
        raise NoEvidence(duty=owed.duty, most=_LONGEST)
    check = _checks.get(owed.duty)
    kept = check(session, actor, agreement, owed, given) if check else given
    now = clock.to_text(clock.now())
    session.update(
        obligations,
        (agreement.name, number, organization),
        met_at=now,
        met_by=actor.member,
        evidence=kept,
    )
    session.record(
        "obligation.met",
        f"{agreement.name}/{number}/{organization}",
        actor.as_fact(),
        duty=owed.duty,
        due_at=owed.due_at,
        late=now >= owed.due_at,
        version=kept.get("version"),
    )
    return find(session, agreement.name, number, organization)


def find(session: Session, agreement: str, number: int, organization: str) -> Obligation:
    """The obligation of an organization under a clause, or NoSuchObligation."""
    where = (
        (obligations.c.agreement == agreement)
        & (obligations.c.number == number)
        & (obligations.c.organization == organization)
    )
    row = session.row(sa.select(obligations).where(where))
    if row is None:
        raise NoSuchObligation(agreement=agreement, number=number, organization=organization)
    return Obligation(**row)


def of_agreement(session: Session, name: str) -> list[Obligation]:
    """What is owed under an agreement, in the order of due dates."""
    query = sa.select(obligations).where(obligations.c.agreement == name)
    ordered = query.order_by(obligations.c.due_at, obligations.c.number, obligations.c.organization)
    return [Obligation(**row) for row in session.rows(ordered)]


def visible_to(
    session: Session, actor: Principal, within_days: int | None = None, part: Slice | None = None
) -> list[Obligation]:
    """What is owed under agreements the actor may see; with `within_days`, only open ones due by then."""
    mine = sa.select(parties.c.agreement).where(parties.c.organization == actor.organization)
    query = sa.select(obligations)
    if not oversees(actor):
        query = query.where(obligations.c.agreement.in_(mine))
    if within_days is not None:
        until = clock.to_text(clock.now() + timedelta(days=within_days))
        query = query.where(obligations.c.met_at.is_(None), obligations.c.due_at <= until)
    named = (obligations.c.due_at, obligations.c.agreement, obligations.c.number, obligations.c.organization)
    return [Obligation(**row) for row in session.rows(cut(query, named, part))]
