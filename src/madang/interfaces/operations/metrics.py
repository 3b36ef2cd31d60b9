"""The supply and its use in Prometheus' text format."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from madang.allocations import service
from madang.interfaces.operations.declared import Caller, operation
from madang.kernel.authorizer import Request, authorize
from madang.kernel.database import Session
from madang.missions import service as missions
from madang.runs.service import count_by_state


@operation("GET", "/metrics", media="text/plain; version=0.0.4")
def show(caller: Caller) -> str:
    """Give shares, awards and runs as metrics for Prometheus (a ministry's or an auditor's token).

    In resource-seconds. Scrape it with the token as bearer credentials.
    """
    registry = CollectorRegistry()
    with caller.home.database.read() as session:
        owner = {"owner": caller.actor.organization}
        authorize(session, Request(caller.actor, "ledger.read", "Books", "books", owner))
        _shares(registry, session)
        _awards(registry, session, caller)
        states = Gauge("madang_runs", "Runs by state", ["state"], registry=registry)
        for state, count in count_by_state(session).items():
            states.labels(state).set(count)
    return generate_latest(registry).decode()


def _shares(registry: CollectorRegistry, session: Session) -> None:
    labels = ["capacity", "site", "kind", "share", "state"]
    gauge = Gauge("madang_share_resource_seconds", "A share, allotted and left", labels, registry=registry)
    for one in service.every_capacity(session):
        if one.split_at:
            for share, (allotted, left) in service.shares_of(session, one.capacity_id).items():
                place = (one.capacity_id, one.site, one.kind, share)
                gauge.labels(*place, "allotted").set(allotted)
                gauge.labels(*place, "left").set(left)


def _awards(registry: CollectorRegistry, session: Session, caller: Caller) -> None:
    labels = ["award", "organization", "mission", "share", "state"]
    gauge = Gauge("madang_award_resource_seconds", "An award by what became of it", labels, registry=registry)
    for mission in missions.visible_to(session, caller.actor):
        for award in service.awards_of(session, mission.name):
            for state, amount in vars(service.balance_of(session, award)).items():
                holder = (award.award_id, award.organization, award.mission, award.share)
                gauge.labels(*holder, state).set(amount)
