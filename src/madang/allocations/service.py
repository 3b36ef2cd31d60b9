"""Declaring and splitting capacity, awarding it, and leasing it to runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from madang.allocations import books
from madang.allocations.errors import (
    AlreadySplit,
    AwardNotOpen,
    AwardOfAnother,
    AwardTooSmall,
    BadPeriod,
    BadShares,
    NoSuchAward,
    NoSuchCapacity,
    NotParticipant,
    ShareTooSmall,
    TooManyUnits,
)
from madang.allocations.model import (
    DEFAULT_SPLIT,
    SUPPLY,
    Award,
    AwardBalance,
    Capacity,
    awards,
    capacities,
    postings,
    sites,
)
from madang.allocations.plans.model import plans
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.i18n import Message
from madang.kernel.ids import check_slug, new_id
from madang.kernel.paging import Slice, cut
from madang.missions import service as missions
from madang.organizations import service as organizations

MOST_COUNT = 10_000_000


def declare(
    session: Session, actor: Principal, site: str, kind: str, count: int, starts: datetime, ends: datetime
) -> Capacity:
    """Declare that a site offers `count` of `kind` from `starts` to `ends`.

    Total: count * seconds of the period, in resource-seconds. The first declaration makes the site the
    actor's organization's; nobody else may declare for it afterwards.
    """
    check_slug(site, "site name")
    check_slug(kind, "kind")
    owner = operator(session, site) or _planned_operator(session, site) or actor.organization
    authorize(session, Request(actor, "capacity.declare", "Site", site, {"owner": owner}))
    if not (starts < ends and 0 < count <= MOST_COUNT):
        raise BadPeriod(starts=clock.to_text(starts), ends=clock.to_text(ends), count=count)
    return insert(session, actor, Capacity.of(site, kind, count, starts, ends))


def insert(session: Session, actor: Principal, capacity: Capacity) -> Capacity:
    """Put a capacity (and its site, where that is new) on record; whoever calls has authorized it."""
    if operator(session, capacity.site) is None:
        session.insert(sites, {"name": capacity.site, "operator": actor.organization})
    session.insert(capacities, vars(capacity))
    books.post(session, SUPPLY, f"capacity:{capacity.capacity_id}", capacity.resource_seconds)
    session.record(
        "capacity.declared", capacity.capacity_id, actor.as_fact(), site=capacity.site, kind=capacity.kind,
        count=capacity.count, resource_seconds=capacity.resource_seconds,
    )  # fmt: skip
    return capacity


def plan_of(session: Session, site: str) -> Mapping[str, Any] | None:
    """The document of the plan adopted last that names a site; None where none does."""
    query = sa.select(plans.c.document).order_by(plans.c.adopted_at.desc(), plans.c.number.desc())
    for row in session.rows(query):
        document: Mapping[str, Any] = row["document"]
        if any(one["name"] == site for one in document["site"]):
            return document
    return None


def _planned_operator(session: Session, site: str) -> str | None:
    """Whom that plan gives the site to."""
    document = plan_of(session, site)
    named = document["site"] if document else ()
    return next((str(one["operator"]) for one in named if one["name"] == site), None)


def operator(session: Session, site: str) -> str | None:
    """The organization that operates a site; None where nobody has declared for it yet."""
    found = session.scalar(sa.select(sites.c.operator).where(sites.c.name == site))
    return None if found is None else str(found)


def split(
    session: Session, actor: Principal, capacity_id: str, weights: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Split a capacity into shares by largest remainder; 50/30/20 unless told otherwise."""
    authorize(session, Request(actor, "capacity.split", "Capacity", capacity_id))
    capacity = get_capacity(session, capacity_id)
    if capacity.split_at:
        raise AlreadySplit(capacity=capacity_id)
    chosen = dict(weights or DEFAULT_SPLIT)
    if not chosen or min(chosen.values()) < 0 or sum(chosen.values()) <= 0:
        raise BadShares(reason=Message("allocations.bad-weights"))
    for share in chosen:
        if check_share(share).partition("/")[0] not in DEFAULT_SPLIT:
            raise BadShares(reason=Message("allocations.unknown-share", share=share))
    parts = books.largest_remainder(books.balance(session, f"capacity:{capacity_id}"), chosen)
    session.update(capacities, capacity_id, split_at=clock.to_text(clock.now()))
    insert_split(session, actor, capacity_id, parts)
    return parts


def insert_split(session: Session, actor: Principal, capacity_id: str, parts: Mapping[str, int]) -> None:
    """Put the parts of a split capacity on record; whoever calls has authorized it."""
    for share, amount in parts.items():
        books.post(session, f"capacity:{capacity_id}", f"share:{capacity_id}:{share}", amount)
    session.record("capacity.split", capacity_id, actor.as_fact(), shares=dict(parts))


def check_share(name: str) -> str:
    """`name` where it is a share's: slugs joined by "/"; else BadName."""
    for part in name.split("/"):
        check_slug(part, "share")
    return name


def award(
    session: Session,
    actor: Principal,
    mission: str,
    organization: str,
    capacity_id: str,
    share: str,
    resource_hours: float,
) -> Award:
    """Award resource-hours from a share to an organization of a mission. ShareTooSmall where too few."""
    authorize(session, Request(actor, "award.make", "Mission", mission))
    organizations.get(session, organization)
    if organization not in missions.participants_of(session, missions.get(session, mission).name):
        raise NotParticipant(organization=organization, mission=mission)
    get_capacity(session, capacity_id)
    check_share(share)
    amount = math.floor(resource_hours * 3600) if math.isfinite(resource_hours) else 0
    source = f"share:{capacity_id}:{share}"
    known = shares_of(session, capacity_id)
    if share not in known:
        told = {"capacity": capacity_id, "share": share, "known": ", ".join(known)}
        raise BadShares(reason=Message("allocations.not-split", **told))
    left = books.balance(session, source)
    if amount <= 0 or amount > left:
        raise ShareTooSmall(
            share=share, capacity=capacity_id, asked=resource_hours, left=math.floor(left / 36) / 100
        )
    made = Award(new_id("awd"), capacity_id, share, mission, organization, amount, clock.to_text(clock.now()))
    insert_award(session, actor, made)
    return made


def insert_award(session: Session, actor: Principal, made: Award) -> None:
    """Put an award on record; whoever calls has authorized it and knows that its share holds as much."""
    session.insert(awards, vars(made))
    source = f"share:{made.capacity_id}:{made.share}"
    books.post(session, source, f"award:{made.award_id}", made.resource_seconds)
    applied = {"application": made.application_id} if made.application_id else {}
    session.record(
        "award.made", made.award_id, actor.as_fact(), capacity=made.capacity_id, mission=made.mission,
        organization=made.organization, resource_seconds=made.resource_seconds, share=made.share, **applied,
    )  # fmt: skip


def lease(
    session: Session, award_id: str, run_id: str, organization: str, mission: str, count: int, seconds: int
) -> None:
    """Hold count * seconds of an award for a run (inside the transaction that queues the run).

    Raises AwardOfAnother, AwardNotOpen, or AwardTooSmall with what is left.
    """
    check_lease(session, award_id, organization, mission, count, seconds)
    books.post(session, f"award:{award_id}", f"lease:{run_id}", count * seconds)


def check_lease(
    session: Session, award_id: str, organization: str, mission: str, count: int, seconds: int
) -> None:
    """Raise what :func:`lease` would raise."""
    held = get_award(session, award_id)
    if (held.organization, held.mission) != (organization, mission):
        raise AwardOfAnother(
            award=award_id, holder=held.organization, mission=held.mission, organization=organization
        )
    capacity = get_capacity(session, held.capacity_id)
    if count > capacity.count:
        raise TooManyUnits(award=award_id, asked=count, count=capacity.count)
    if not capacity.starts_at <= clock.to_text(clock.now()) < capacity.ends_at:
        raise AwardNotOpen(award=award_id, starts=capacity.starts_at, ends=capacity.ends_at)
    left = books.balance(session, f"award:{award_id}")
    if count * seconds > left:
        raise AwardTooSmall(award=award_id, asked=count * seconds, left=left, count=count, seconds=seconds)


def settle(
    session: Session, award_id: str, run_id: str, used: int, *, lost: bool = False, exact: bool = False
) -> int:
    """Turn a run's lease into usage and give the rest back to the award; returns what was booked.

    `used` resource-seconds above the lease are booked only up to it: the job was stopped there. exact: a
    scheduler counted them, and what exceeds the lease (a job that was slow to stop) is taken from what is
    left of the award. lost: the run failed or was preempted, so that what it used came to nothing; it is
    charged all the same, and told apart.
    """
    held = books.balance(session, f"lease:{run_id}")
    if exact and used > held:
        more = min(used - held, books.balance(session, f"award:{award_id}"))
        books.post(session, f"award:{award_id}", f"lease:{run_id}", more)
        held += more
    booked = min(used, held)
    books.post(session, f"lease:{run_id}", f"lost:{run_id}" if lost else f"usage:{run_id}", booked)
    books.post(session, f"lease:{run_id}", f"award:{award_id}", held - booked)
    return booked


def held_for(session: Session, run_id: str) -> int:
    """Resource-seconds that were held for a run, over all its attempts."""
    query = sa.select(sa.func.sum(postings.c.resource_seconds)).where(postings.c.target == f"lease:{run_id}")
    return int(session.scalar(query) or 0)


def site_of(session: Session, award_id: str) -> tuple[str, str]:
    """(site whose capacity an award is of, the organization that operates it)."""
    capacity = get_capacity(session, get_award(session, award_id).capacity_id)
    return capacity.site, str(operator(session, capacity.site))


def get_capacity(session: Session, capacity_id: str) -> Capacity:
    """The capacity of that id, or NoSuchCapacity."""
    row = session.row(sa.select(capacities).where(capacities.c.capacity_id == capacity_id))
    if row is None:
        raise NoSuchCapacity(capacity=capacity_id)
    return Capacity(**row)


def every_capacity(session: Session, part: Slice | None = None) -> list[Capacity]:
    """All capacities, oldest first. Supply is public among members."""
    columns = (capacities.c.starts_at, capacities.c.capacity_id)
    return [Capacity(**row) for row in session.rows(cut(sa.select(capacities), columns, part))]


def declared_at(session: Session) -> dict[str, str]:
    """capacity -> when it was put on record."""
    query = sa.select(postings.c.target, postings.c.posted_at).where(postings.c.source == SUPPLY)
    return {row["target"].partition(":")[2]: row["posted_at"] for row in session.rows(query)}


def shares_of(session: Session, capacity_id: str) -> dict[str, tuple[int, int]]:
    """share -> (allotted, not yet awarded), in resource-seconds: the programme's shares first, then by name.
    A capacity that is not split yet has the programme's, with nothing."""
    rows = session.rows(sa.select(postings).where(postings.c.source == f"capacity:{capacity_id}"))
    allotted = dict.fromkeys(() if rows else DEFAULT_SPLIT, 0)
    allotted |= {row["target"].split(":", 2)[2]: row["resource_seconds"] for row in rows}
    return {
        share: (allotted[share], books.balance(session, f"share:{capacity_id}:{share}"))
        for share in sorted(allotted, key=_share_order)
    }


def _share_order(share: str) -> tuple[int, str]:
    tops = list(DEFAULT_SPLIT)
    top = share.partition("/")[0]
    return (tops.index(top) if top in tops else len(tops), share)


def get_award(session: Session, award_id: str) -> Award:
    """The award of that id, or NoSuchAward."""
    row = session.row(sa.select(awards).where(awards.c.award_id == award_id))
    if row is None:
        raise NoSuchAward(award=award_id)
    return Award(**row)


def awards_of(session: Session, mission: str, part: Slice | None = None) -> list[Award]:
    """Awards for a mission, oldest first."""
    query = sa.select(awards).where(awards.c.mission == mission)
    columns = (awards.c.awarded_at, awards.c.award_id)
    return [Award(**row) for row in session.rows(cut(query, columns, part))]


def awards_of_application(session: Session, application_id: str) -> list[Award]:
    """What a call awarded to an application, oldest capacity first; whoever calls may see the application."""
    query = (
        sa.select(awards)
        .join(capacities, capacities.c.capacity_id == awards.c.capacity_id)
        .where(awards.c.application_id == application_id)
        .order_by(capacities.c.starts_at, awards.c.award_id)
    )
    return [Award(**row) for row in session.rows(query)]


def see_award(session: Session, actor: Principal, award_id: str) -> Award:
    """The award, where the actor takes part in its mission; else NoSuchAward."""
    held = get_award(session, award_id)
    if actor.organization != held.organization and not missions.takes_part(session, actor, held.mission):
        raise NoSuchAward(award=award_id)
    return held


def balance_of(session: Session, held: Award) -> AwardBalance:
    """Awarded, leased, used, lost and left of an award, in resource-seconds."""
    account = f"award:{held.award_id}"
    left = books.balance(session, account)
    runs = session.rows(sa.select(postings.c.target).where(postings.c.source == account).distinct())
    names = [row["target"].partition(":")[2] for row in runs]
    leased, used, lost = (
        sum(books.balance(session, f"{account}:{name}") for name in names)
        for account in ("lease", "usage", "lost")
    )
    return AwardBalance(held.resource_seconds, leased, used, lost, left)
