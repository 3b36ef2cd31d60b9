"""Opening calls, applying, reviewing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from madang.allocations import books
from madang.allocations.calls import policies  # noqa: F401  (registers who may review)
from madang.allocations.calls.model import (
    Application,
    ApplicationDocument,
    Call,
    CallDocument,
    Decision,
    Review,
    applications,
    calls,
    decisions,
    reviews,
)
from madang.allocations.calls.ranking import Hours, Place
from madang.allocations.errors import (
    AlreadyApplied,
    ApplicationWithdrawn,
    BadScore,
    CallDecided,
    CallExists,
    CallOver,
    ClosesInPast,
    ConflictDeclared,
    MonthsOver,
    NoSuchApplication,
    NoSuchCall,
    NothingToAward,
    NotParticipant,
    OverTheCall,
    TooFewReviewers,
)
from madang.allocations.model import Capacity, capacities
from madang.allocations.plans.apportionment import month_name, months
from madang.allocations.service import check_share
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Row, Session
from madang.kernel.ids import new_id
from madang.kernel.paging import Slice, cut
from madang.missions import service as missions
from madang.organizations import service as organizations
from madang.organizations.model import members
from madang.organizations.service import oversees

HOUR = 3600


def open_call(session: Session, actor: Principal, document: CallDocument) -> Call:
    """Open a call on a share (a ministry's officer).

    Raises CallExists, ClosesInPast, MonthsOver where its first month ends before it closes, TooFewReviewers,
    NothingToAward where no capacity of a month has hours of the share left, NoSuchMember.
    """
    authorize(session, Request(actor, "call.open", "Call", document.name))
    check_share(document.share)
    if session.row(sa.select(calls.c.name).where(calls.c.name == document.name)):
        raise CallExists(call=document.name)
    closes = clock.to_text(document.closes)
    if document.closes <= clock.now():
        raise ClosesInPast(call=document.name, closes=closes)
    first_end = next(following for _, following in months(document.starts, document.ends))
    if closes >= f"{first_end.isoformat()}T":
        raise MonthsOver(call=document.name, closes=closes, starts=document.starts)
    if document.reviews > len(document.reviewers):
        raise TooFewReviewers(reviews=document.reviews, reviewers=len(document.reviewers))
    for name in document.reviewers:
        organization, _, member = name.partition("/")
        organizations.find_member(session, organization, member)
    if not supply_of(session, document):
        raise NothingToAward(call=document.name, share=document.share, months=", ".join(document.months))
    content = document.model_dump(mode="json")
    row = {
        "name": document.name,
        "share": document.share,
        "digest": canonical_digest(content),
        "document": content,
        "opened_at": clock.to_text(clock.now()),
        "closes_at": closes,
    }
    session.insert(calls, row)
    session.record(
        "call.opened", document.name, actor.as_fact(), digest=row["digest"], share=document.share,
        months=list(document.months), closes=closes,
    )  # fmt: skip
    return _call(row)


def supply_of(session: Session, document: CallDocument) -> dict[Place, Hours]:
    """(site, kind) -> whole resource-hours of the share not yet awarded, month by month."""
    found: dict[Place, list[int]] = {}
    for place, month, capacity in month_capacities(session, document):
        hours = found.setdefault(place, [0] * len(document.months))
        hours[document.months.index(month)] += hours_left(session, capacity, document.share)
    return {place: tuple(hours) for place, hours in found.items() if any(hours)}


def hours_left(session: Session, capacity: Capacity, share: str) -> int:
    """Whole resource-hours of a capacity's share that are not yet awarded."""
    return books.balance(session, f"share:{capacity.capacity_id}:{share}") // HOUR


def month_capacities(session: Session, document: CallDocument) -> list[tuple[Place, str, Capacity]]:
    """The split capacities that lie within one month of the call (a plan's are declared so)."""
    found = []
    for first, following in months(document.starts, document.ends):
        query = (
            sa.select(capacities)
            .where(capacities.c.split_at.is_not(None))
            .where(capacities.c.starts_at >= f"{first.isoformat()}T")
            .where(capacities.c.ends_at <= f"{following.isoformat()}T00:00:00.000Z")
            .order_by(capacities.c.starts_at, capacities.c.capacity_id)
        )
        for row in session.rows(query):
            found.append(((row["site"], row["kind"]), month_name(first), Capacity(**row)))
    return found


def apply(session: Session, actor: Principal, document: ApplicationDocument) -> Application:
    """Apply for an organization that takes part in a mission (its researcher).

    Raises CallOver, NotParticipant, OverTheCall where more is asked than the call has at that site, of that
    kind, in that month.
    """
    owner = {"owner": actor.organization}
    authorize(session, Request(actor, "application.make", "Call", document.call, owner))
    call = get(session, document.call)
    _require_open(call)
    mission = missions.see(session, actor, document.mission).name
    if actor.organization not in missions.participants_of(session, mission):
        raise NotParticipant(organization=actor.organization, mission=mission)
    _require_within(session, call, document)
    for one in applications_of(session, call.name, actor.organization):
        if one.document == document:
            raise AlreadyApplied(application=one.application_id)
    made = Application(
        new_id("app"), call.name, actor.organization, mission, document, actor.member,
        clock.to_text(clock.now()), None,
    )  # fmt: skip
    content = document.model_dump(mode="json")
    session.insert(applications, {**vars(made), "document": content})
    session.record(
        "application.made", made.application_id, actor.as_fact(), call=call.name, mission=mission,
        organization=actor.organization, digest=canonical_digest(content),
    )  # fmt: skip
    return made


def _require_open(call: Call) -> None:
    if clock.to_text(clock.now()) >= call.closes_at:
        raise CallOver(call=call.name, closes=call.closes_at)


def _require_within(session: Session, call: Call, document: ApplicationDocument) -> None:
    place, known = (document.site, document.kind), call.document.months
    supply = supply_of(session, call.document)
    there = dict(zip(known, supply.get(place, (0,) * len(known)), strict=True))
    for month, asked in sorted(document.request.items()):
        if asked > there.get(month, 0):
            raise OverTheCall(
                call=call.name, month=month, asked=asked, most=there.get(month, 0),
                place=f"{document.site} {document.kind}",
                places="; ".join(f"{site} {kind}" for site, kind in sorted(supply)) or "-",
            )  # fmt: skip


def withdraw(session: Session, actor: Principal, application_id: str) -> Application:
    """Take an application back, as long as its call takes applications."""
    found = see(session, actor, application_id)
    owner = {"owner": found.organization}
    authorize(session, Request(actor, "application.make", "Call", found.call, owner))
    _require_open(get(session, found.call))
    if found.withdrawn_at is None:
        session.update(applications, application_id, withdrawn_at=clock.to_text(clock.now()))
        session.record("application.withdrawn", application_id, actor.as_fact(), call=found.call)
    return get_application(session, application_id)


def review(
    session: Session, actor: Principal, application_id: str, score: int | None, comment: str
) -> Review:
    """Score an application from 0 to 100, or (None) declare a conflict of interest, which stands. Until the
    decision.

    Raises NotPermitted for who is not named as a reviewer, or belongs to an organization of the mission or to
    one that applied in the same call; ApplicationWithdrawn, ConflictDeclared, BadScore, CallDecided.
    """
    found = get_application(session, application_id)
    call = get(session, found.call)
    authorize(
        session, Request(actor, "application.review", "Application", application_id, _ties(session, found))
    )
    if decision_of(session, call.name) is not None:
        raise CallDecided(call=call.name)
    if found.withdrawn_at is not None:
        raise ApplicationWithdrawn(application=application_id, withdrawn=found.withdrawn_at)
    if score is not None and not 0 <= score <= 100:
        raise BadScore(score=score)
    key = application_id, actor.member
    row = {"score": score, "comment": comment, "reviewed_at": clock.to_text(clock.now())}
    before = _review_by(session, actor, application_id)
    if before is not None and before["score"] is None and score is not None:
        raise ConflictDeclared(application=application_id)
    if before is not None:
        session.update(reviews, key, **row)
    else:
        session.insert(reviews, {"application_id": application_id, "reviewer": actor.member, **row})
    session.record(
        "application.reviewed", application_id, actor.as_fact(), call=call.name, conflict=score is None
    )
    return Review(*key, **row)  # type: ignore[arg-type]


def _ties(session: Session, application: Application) -> dict[str, Any]:
    """Who may review an application, and which organizations have a part in it: those of its mission, and
    those that compete with it."""
    involved = _applicants(session, application.call)
    involved |= set(missions.participants_of(session, application.mission))
    return {"reviewers": _reviewers(session, application.call), "involved": sorted(involved)}


def _reviewers(session: Session, call: str) -> list[str]:
    """The members whom a call names."""
    named = [name.partition("/") for name in get(session, call).document.reviewers]
    return [organizations.find_member(session, body, member).member_id for body, _, member in named]


def _applicants(session: Session, call: str) -> set[str]:
    query = sa.select(applications.c.organization).where(
        applications.c.call == call, applications.c.withdrawn_at.is_(None)
    )
    return {row["organization"] for row in session.rows(query.distinct())}


def may_review(session: Session, actor: Principal, application: Application) -> bool:
    """Whether the actor is a reviewer of an application, without a part in it and no conflict declared."""
    ties = _ties(session, application)
    if actor.member not in ties["reviewers"] or actor.organization in ties["involved"]:
        return False
    return not _declared_conflict(session, actor, application.application_id)


def get(session: Session, name: str) -> Call:
    """The call of that name, or NoSuchCall. Calls are public among members."""
    row = session.row(sa.select(calls).where(calls.c.name == name))
    if row is None:
        raise NoSuchCall(call=name)
    return _call(row)


def every(session: Session, part: Slice | None = None) -> list[Call]:
    """All calls, the latest first."""
    return [
        _call(row)
        for row in session.rows(cut(sa.select(calls), (calls.c.opened_at, calls.c.name), part, falling=True))
    ]


def _call(row: Row) -> Call:
    return Call(**{**row, "document": CallDocument.model_validate(row["document"])})


def get_application(session: Session, application_id: str) -> Application:
    """The application of that id, or NoSuchApplication."""
    row = session.row(sa.select(applications).where(applications.c.application_id == application_id))
    if row is None:
        raise NoSuchApplication(application=application_id)
    return _application(row)


def _application(row: Row) -> Application:
    return Application(**{**row, "document": ApplicationDocument.model_validate(row["document"])})


def see(session: Session, actor: Principal, application_id: str) -> Application:
    """An application where the actor may read it; else NoSuchApplication."""
    found = get_application(session, application_id)
    if not may_see(session, actor, found):
        raise NoSuchApplication(application=application_id)
    return found


def may_see(session: Session, actor: Principal, application: Application) -> bool:
    """Whether the actor may read an application: its own organization, overseers, its reviewers. A declared
    conflict closes it to its reviewer."""
    if actor.organization == application.organization:
        return True
    if oversees(actor):
        return not _declared_conflict(session, actor, application.application_id)
    return may_review(session, actor, application)


def _declared_conflict(session: Session, actor: Principal, application_id: str) -> bool:
    row = _review_by(session, actor, application_id)
    return row is not None and row["score"] is None


def _review_by(session: Session, actor: Principal, application_id: str) -> Row | None:
    where = (reviews.c.application_id == application_id) & (reviews.c.reviewer == actor.member)
    return session.row(sa.select(reviews.c.score).where(where))


def applications_of(session: Session, call: str, organization: str | None = None) -> list[Application]:
    """The applications of a call (of one organization) that were not withdrawn, in the order they came."""
    query = sa.select(applications).where(applications.c.call == call, applications.c.withdrawn_at.is_(None))
    if organization is not None:
        query = query.where(applications.c.organization == organization)
    query = query.order_by(applications.c.applied_at, applications.c.application_id)
    return [_application(row) for row in session.rows(query)]


def count_of(session: Session, call: str) -> int:
    """How many applications a call has that were not withdrawn."""
    where = (applications.c.call == call) & applications.c.withdrawn_at.is_(None)
    return int(session.scalar(sa.select(sa.func.count()).select_from(applications).where(where)))


def visible_applications(session: Session, actor: Principal, call: str) -> list[Application]:
    """The applications of a call that the actor may read."""
    if not oversees(actor) and actor.member not in _reviewers(session, call):
        return applications_of(session, call, actor.organization)
    return [one for one in applications_of(session, call) if may_see(session, actor, one)]


def reviews_of(session: Session, application_id: str) -> list[Review]:
    """The reviews of an application; whoever calls decides who reads them."""
    query = sa.select(reviews).where(reviews.c.application_id == application_id)
    return [Review(**row) for row in session.rows(query.order_by(reviews.c.reviewer))]


def decision_of(session: Session, call: str) -> Decision | None:
    """The decision on a call, once there is one."""
    row = session.row(sa.select(decisions).where(decisions.c.call == call))
    return Decision(**row) if row else None


def scores_of(session: Session, call: str) -> dict[str, Sequence[int]]:
    """application -> its reviewers' scores in points. Left out: declared conflicts, and reviewers whose
    organization applied in the call, whichever came first."""
    query = (
        sa.select(reviews.c.application_id, reviews.c.score)
        .join(applications, applications.c.application_id == reviews.c.application_id)
        .join(members, members.c.member_id == reviews.c.reviewer)
        .where(applications.c.call == call, reviews.c.score.is_not(None))
        .where(members.c.organization.not_in(_applicants(session, call)))
    )
    found: dict[str, list[int]] = {}
    for row in session.rows(query):
        found.setdefault(row["application_id"], []).append(row["score"])
    return dict(found)


def reviews_for(session: Session, actor: Principal, application_id: str) -> list[Review]:
    """The reviews of an application, for overseers."""
    found = see(session, actor, application_id)
    owner = {"owner": actor.organization}
    authorize(session, Request(actor, "ledger.read", "Application", found.application_id, owner))
    return reviews_of(session, application_id)
