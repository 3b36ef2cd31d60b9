"""Compute: sites, capacities and their shares; one award with the runs that it pays."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.allocations import service
from madang.allocations.calls import service as calls
from madang.allocations.plans import service as plans
from madang.interfaces.operations.calls import state_of
from madang.interfaces.web.viewer import PART, Looking, render
from madang.kernel.ledger import log
from madang.kernel.paging import Slice, parted, slice_of
from madang.missions import service as missions
from madang.organizations import service as organizations
from madang.organizations.service import oversees, require_signed_in
from madang.runs import service as runs

router = APIRouter()
_LATEST = 10
"""Plans and calls that the page names."""


@router.get("/compute")
def index(viewer: Looking, cursor: str | None = None) -> Response:
    """Every capacity with what is left of its shares, and the awards of the viewer's missions."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        rows = service.every_capacity(session, slice_of(PART, cursor))
        shown, following = parted(rows, PART, lambda row: (row.starts_at, row.capacity_id))
        capacities = [(one, service.shares_of(session, one.capacity_id)) for one in shown]
        bodies = organizations.by_name(session)
        adopted = plans.every(session, Slice(_LATEST))
        opened = [(call, state_of(session, call)) for call in calls.every(session, Slice(_LATEST))]
        awards = [
            (award, service.balance_of(session, award))
            for mission in missions.taken_part_in(session, viewer.actor)
            for award in service.awards_of(session, mission.name)
        ]
    return render(
        viewer,
        "compute.html",
        plans=adopted,
        calls=opened,
        capacities=capacities,
        following=following,
        awards=awards,
        bodies=bodies,
    )


@router.get("/awards/{award_id}")
def show(award_id: str, viewer: Looking) -> Response:
    """One award: where its resource-seconds are, and the runs that hold or used them."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        award = service.see_award(session, viewer.actor, award_id)
        capacity = service.get_capacity(session, award.capacity_id)
        paid = [
            run for run in runs.visible_to(session, viewer.actor, award.mission) if run.award_id == award_id
        ]
        return render(
            viewer,
            "award.html",
            award=award,
            inside=viewer.actor.organization == award.organization or oversees(viewer.actor),
            capacity=capacity,
            balance=service.balance_of(session, award),
            body=organizations.get(session, award.organization),
            runs=paid,
            entries=log.find_all(session.connection, "award.made", award_id),
        )
