"""Deriving a site's quotas from its capacity, shares and awards, and having its scheduler hold to them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from madang.allocations import service as supply
from madang.allocations.books import largest_remainder
from madang.allocations.errors import NoQuotaEngine, NoSuchSite, OtherSite, WhichSite
from madang.allocations.model import Award, Capacity, awards, capacities, sites
from madang.allocations.plans.model import PlanDocument, ShareDocument
from madang.allocations.quotas.model import AwardQuota, Drift, Scheduler, ShareQuota, SiteQuotas
from madang.kernel import clock, extension
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.locks import alone


def see(home: Home, actor: Principal, site: str | None = None) -> SiteQuotas:
    """What the scheduler of a site of the actor's is to enforce now.

    site: its name; the home's setting `site` where it is left out, or the only one that the actor's
    organization operates. Raises NoSuchSite, WhichSite, NotPermitted.
    """
    with home.database.read() as session:
        name = _site(home, session, actor, site)
        owner = {"owner": supply.operator(session, name)}
        authorize(session, Request(actor, "quota.enforce", "Site", name, owner))
        return of_site(session, name)


def check(home: Home, actor: Principal, site: str | None = None) -> tuple[SiteQuotas, Sequence[Drift]]:
    """What is to be enforced, and where the scheduler does not."""
    wanted = see(home, actor, site)
    return wanted, scheduler(home).drift(wanted)


def apply(home: Home, actor: Principal, site: str | None = None) -> tuple[int, Sequence[Drift]]:
    """Have the scheduler enforce a site's quotas; (changes made, what it does not hold to all the same).

    An entry tells what was enforced, whenever that changed.
    """
    engine = scheduler(home)
    with alone(home.path / "quotas.lock"):  # two at once would each add what the other adds
        wanted = see(home, actor, site)
        changes = engine.apply(wanted)
        left = engine.drift(wanted)
    if changes:
        with home.database.write() as session:
            owner = {"owner": supply.operator(session, wanted.site)}
            authorize(session, Request(actor, "quota.enforce", "Site", wanted.site, owner))
            session.record(
                "quota.enforced", wanted.site, actor.as_fact(), awards=sum(one.open for one in wanted.awards),
                changes=changes, digest=_digest(wanted), drift=len(left), engine=home.values.quota_engine,
            )  # fmt: skip
    return changes, left


def scheduler(home: Home) -> Scheduler:
    """The scheduler that the settings name. Raises NoQuotaEngine where they name none, UnknownEngine."""
    name = home.values.quota_engine
    if not name:
        raise NoQuotaEngine(known=", ".join(sorted(extension.engines("quotas"))))
    found: Scheduler = extension.engine("quotas", name)(home.values)
    return found


def of_site(session: Session, site: str) -> SiteQuotas:
    """What a site's scheduler is to enforce now; whoever calls has authorized it."""
    now = clock.to_text(clock.now())
    here = [Capacity(**row) for row in session.rows(sa.select(capacities).where(capacities.c.site == site))]
    current = [one for one in here if one.starts_at <= now < one.ends_at]
    return SiteQuotas(
        site, _shares(session, site, current), _awards(session, site, {c.capacity_id: c for c in current})
    )


def _shares(session: Session, site: str, current: Sequence[Capacity]) -> list[ShareQuota]:
    rules = _rules(session, site)
    counts: dict[tuple[str, str], int] = {}
    for capacity in current:
        allotted = {
            share: amount for share, (amount, _) in supply.shares_of(session, capacity.capacity_id).items()
        }
        if not any(allotted.values()):
            continue
        for share, count in largest_remainder(capacity.count, allotted).items():
            counts[share, capacity.kind] = counts.get((share, capacity.kind), 0) + count
    found = []
    for (share, kind), count in sorted(counts.items()):
        rule = rules.get(share)
        lends, borrows, reclaim = (
            (rule.lends, rule.borrows, rule.reclaim) if rule else (True, True, "preempt")
        )
        found.append(ShareQuota(share, kind, count, lends, borrows, reclaim == "preempt"))
    return found


def _rules(session: Session, site: str) -> dict[str, ShareDocument]:
    """The shares' rules for lending, from the plan adopted last that names the site; none without a plan."""
    document = supply.plan_of(session, site)
    return {share.name: share for share in PlanDocument.model_validate(document).share} if document else {}


def _awards(session: Session, site: str, current: dict[str, Capacity]) -> list[AwardQuota]:
    query = (
        sa.select(awards, capacities.c.kind)
        .join(capacities, capacities.c.capacity_id == awards.c.capacity_id)
        .where(capacities.c.site == site)
        .order_by(awards.c.award_id)
    )
    found = []
    for row in session.rows(query):
        kind = str(row["kind"])
        held = Award(**{key: value for key, value in row.items() if key != "kind"})
        found.append(
            AwardQuota(
                held.award_id, held.organization, held.mission, held.share, kind, held.resource_seconds,
                held.capacity_id in current,
            )
        )  # fmt: skip
    return found


def _site(home: Home, session: Session, actor: Principal, named: str | None) -> str:
    if named and home.values.site not in ("", named):
        raise OtherSite(site=named, own=home.values.site)
    named = named or home.values.site
    if named:
        if supply.operator(session, named) is None:
            raise NoSuchSite(site=named)
        return named
    query = sa.select(sites.c.name).where(sites.c.operator == actor.organization).order_by(sites.c.name)
    own = [row["name"] for row in session.rows(query)]
    if len(own) != 1:
        raise WhichSite(organization=actor.organization, known=", ".join(own) or "-")
    return str(own[0])


def _digest(wanted: SiteQuotas) -> str:
    shares = [[one.share, one.kind, one.count] for one in wanted.shares]
    held = [[one.award_id, one.resource_seconds] for one in wanted.awards if one.open]
    return canonical_digest({"shares": shares, "awards": held})
