"""What somebody should look at: awards that run dry, stay unspent or lie idle; shares over their line.

Everything is computed from the books at the moment of asking; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from madang.allocations.model import Award, Capacity, awards, capacities, postings, share_title
from madang.allocations.service import balance_of, shares_of
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.i18n import Message
from madang.organizations.service import oversees

IDLE = timedelta(days=7)
"""So long without a lease or usage, and an award is idle."""
YOUNG = timedelta(days=1)
"""An award is not judged by its rate before this."""
UNSPENT_PERCENT = 20
"""Of what was awarded: more than that would be left at this rate."""


@dataclass(frozen=True)
class Alert:
    """kind, whose it is, what it speaks of (an award's or a capacity's id), and the sentence."""

    kind: str
    organization: str
    subject: str
    told: Message


def alerts(session: Session, actor: Principal) -> list[Alert]:
    """All there are now: of every award for overseers, else of the organization's own; of shares for all."""
    now = clock.now()
    found: list[Alert] = []
    for award, capacity in _open(session, actor, now):
        found += _award(session, award, capacity, now)
    return found + [alert for capacity in _running(session, now) for alert in _shares(session, capacity, now)]


def _running(session: Session, now: datetime) -> list[Capacity]:
    at = clock.to_text(now)
    query = sa.select(capacities).where(capacities.c.starts_at <= at, capacities.c.ends_at > at)
    query = query.where(capacities.c.split_at.is_not(None)).order_by(capacities.c.capacity_id)
    return [Capacity(**row) for row in session.rows(query)]


def _open(session: Session, actor: Principal, now: datetime) -> Iterator[tuple[Award, Capacity]]:
    """Awards whose capacity stands now, as far as the actor answers for them."""
    for capacity in _running(session, now):
        query = sa.select(awards).where(awards.c.capacity_id == capacity.capacity_id)
        if not oversees(actor):
            query = query.where(awards.c.organization == actor.organization)
        for row in session.rows(query.order_by(awards.c.award_id)):
            yield Award(**row), capacity


def _award(session: Session, award: Award, capacity: Capacity, now: datetime) -> Iterator[Alert]:
    balance = balance_of(session, award)
    begun = max(clock.from_text(capacity.starts_at), clock.from_text(award.awarded_at))
    ends = clock.from_text(capacity.ends_at)
    if balance.left == 0 or now - begun < YOUNG:
        return

    def alert(kind: str, **values: object) -> Alert:
        values |= {
            "award": award.award_id,
            "left": f"{balance.left / 3600:,.1f}",
            "ends": capacity.ends_at[:10],
        }
        return Alert(kind, award.organization, award.award_id, Message(f"allocations.alert.{kind}", **values))

    last = _last_use(session, award)
    if now - max(last or begun, begun) >= IDLE:
        yield alert("award-idle", days=(now - max(last or begun, begun)).days)
        return
    spent = balance.used + balance.lost + balance.leased
    rate = spent / (now - begun).total_seconds()
    still = rate * (ends - now).total_seconds()
    if spent and balance.left < still:
        dry = now + timedelta(seconds=balance.left / rate)
        yield alert("award-runs-dry", day=clock.to_text(dry)[:10])
    elif 100 * (balance.left - still) > UNSPENT_PERCENT * balance.awarded:
        yield alert("award-unspent", unspent=f"{(balance.left - still) / 3600:,.1f}")


def _last_use(session: Session, award: Award) -> datetime | None:
    """When a run last took of an award or gave back to it."""
    account = f"award:{award.award_id}"
    moved = (postings.c.source == account) | (
        (postings.c.target == account) & postings.c.source.startswith("lease:")
    )
    last = session.scalar(sa.select(sa.func.max(postings.c.posted_at)).where(moved))
    return clock.from_text(last) if last else None


def _shares(session: Session, capacity: Capacity, now: datetime) -> Iterator[Alert]:
    """Shares that have drawn more than the part of their hours that the part of the time allows."""
    starts, ends = clock.from_text(capacity.starts_at), clock.from_text(capacity.ends_at)
    elapsed = (now - starts) / (ends - starts)
    for share, (allotted, _) in shares_of(session, capacity.capacity_id).items():
        query = sa.select(awards).where(awards.c.capacity_id == capacity.capacity_id, awards.c.share == share)
        held = [balance_of(session, Award(**row)) for row in session.rows(query)]
        drawn = sum(one.used + one.lost + one.leased for one in held)
        if allotted and drawn > allotted * elapsed:
            told = Message(
                "allocations.alert.share-over-line", share=share_title(share), capacity=capacity.capacity_id,
                drawn=f"{100 * drawn / allotted:.1f}", line=f"{100 * elapsed:.1f}",
            )  # fmt: skip
            yield Alert("share-over-line", "", capacity.capacity_id, told)
