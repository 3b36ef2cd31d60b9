"""Adopting plans and reading them; declaring what a plan says as capacity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import sqlalchemy as sa

from madang.allocations import service as supply
from madang.allocations.errors import (
    AlreadyEnacted,
    NoSuchPlan,
    NotInPlan,
    PlanSuperseded,
    PlanUnchanged,
    SiteOfAnother,
)
from madang.allocations.model import Capacity, capacities
from madang.allocations.plans.apportionment import apportion, months
from madang.allocations.plans.checking import require_sound
from madang.allocations.plans.model import CapacityDocument, Plan, PlanDocument, plans
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Row, Session
from madang.kernel.paging import Slice, cut


def adopt(session: Session, actor: Principal, document: PlanDocument) -> Plan:
    """Put a sound plan on record as the next of its name; earlier ones stay.

    Raises what :func:`checking.problems` finds, PlanUnchanged where the latest is the same.
    """
    name = document.plan.name
    authorize(session, Request(actor, "plan.adopt", "Plan", name))
    require_sound(document)
    content = document.model_dump(mode="json")
    digest = canonical_digest(content)
    latest = _latest(session, name)
    if latest is not None and latest.digest == digest:
        raise PlanUnchanged(plan=latest.reference)
    number = latest.number + 1 if latest else 1
    row = {
        "name": name,
        "number": number,
        "digest": digest,
        "document": content,
        "adopted_at": clock.to_text(clock.now()),
    }
    session.insert(plans, row)
    session.record("plan.adopted", f"{name}@{number}", actor.as_fact(), digest=digest)
    return _plan(row)


def _plan(row: Row) -> Plan:
    return Plan(**{**row, "document": PlanDocument.model_validate(row["document"])})


def _latest(session: Session, name: str) -> Plan | None:
    query = sa.select(plans).where(plans.c.name == name).order_by(plans.c.number.desc()).limit(1)
    row = session.row(query)
    return _plan(row) if row else None


def get(session: Session, reference: str) -> Plan:
    """The plan ``name`` (its latest) or ``name@number``; else NoSuchPlan. Plans are public among members."""
    name, at, number = reference.partition("@")
    if not at:
        found = _latest(session, name)
    else:
        wanted = int(number) if number.isdecimal() and len(number) < 9 else 0
        row = session.row(sa.select(plans).where(plans.c.name == name, plans.c.number == wanted))
        found = _plan(row) if row else None
    if found is None:
        raise NoSuchPlan(plan=reference)
    return found


def every(session: Session, part: Slice | None = None) -> list[Plan]:
    """All plans, the latest adopted first."""
    columns = (plans.c.adopted_at, plans.c.name, plans.c.number)
    return [_plan(row) for row in session.rows(cut(sa.select(plans), columns, part, falling=True))]


def enact(session: Session, actor: Principal, plan: Plan, site: str) -> list[Capacity]:
    """Declare and split what a plan says of a site (its operator), month by month, in a grouped transaction.

    Each month is a capacity of its own, so that an award holds in its month; months that were declared as
    they stand in the plan are passed over. Raises NotInPlan, PlanSuperseded, SiteOfAnother, AlreadyEnacted.
    """
    document = plan.document
    lines = [line for line in document.capacity if line.site == site]
    if not lines:
        known = ", ".join(sorted({line.site for line in document.capacity}))
        raise NotInPlan(plan=plan.reference, site=site, known=known)
    planned = next(one.operator for one in document.site if one.name == site)
    latest = get(session, plan.name)
    if latest.number != plan.number:
        raise PlanSuperseded(plan=plan.reference, latest=latest.reference)
    grounds = authorize(session, Request(actor, "capacity.declare", "Site", site, {"owner": planned})).by
    operator = supply.operator(session, site) or planned
    if operator != planned:
        raise SiteOfAnother(site=site, operator=operator)
    made: list[Capacity] = []
    for one, only in _new_months(session, lines):
        session.decided(grounds)
        supply.insert(session, actor, one)
        session.decided(grounds)
        supply.insert_split(session, actor, one.capacity_id, apportion(document, one.resource_seconds, only))
        made.append(one)
    session.decided(grounds)
    session.record(
        "plan.enacted", plan.reference, actor.as_fact(), digest=plan.digest, site=site,
        capacities=[one.capacity_id for one in made],
    )  # fmt: skip
    return made


def _new_months(
    session: Session, lines: Sequence[CapacityDocument]
) -> list[tuple[Capacity, tuple[str, ...]]]:
    """Each month of the lines that was not declared as it stands here, and whom it is for.

    Raises AlreadyEnacted where something else of that kind was declared for a time that overlaps, or where
    nothing is new.
    """
    now, found, last = clock.to_text(clock.now()), [], ""
    for line in lines:
        for starts, ends in _months_of(line):
            one = Capacity.of(line.site, line.kind, line.count, starts, ends, now)
            there = _declared(session, one)
            if there is None:
                found.append((one, line.only))
                continue
            last = there["capacity_id"]
            if any(there[name] != getattr(one, name) for name in ("count", "starts_at", "ends_at")):
                raise AlreadyEnacted(site=line.site, kind=line.kind, capacity=last)
    if not found:
        raise AlreadyEnacted(site=lines[0].site, kind=lines[0].kind, capacity=last)
    return found


def _months_of(line: CapacityDocument) -> Sequence[tuple[datetime, datetime]]:
    def instant(day: date) -> datetime:
        return datetime.combine(day, time(), UTC)

    return [
        (instant(max(first, line.starts)), instant(min(following, line.ends)))
        for first, following in months(line.starts, line.ends)
    ]


def _declared(session: Session, one: Capacity) -> Row | None:
    """A capacity of the same site and kind whose time overlaps."""
    return session.row(
        sa.select(capacities)
        .where(capacities.c.site == one.site, capacities.c.kind == one.kind)
        .where(capacities.c.starts_at < one.ends_at, capacities.c.ends_at > one.starts_at)
        .order_by(capacities.c.starts_at)
        .limit(1)
    )
