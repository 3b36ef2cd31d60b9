"""Organizations: the list, and one organization with what it takes part in."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.agreements import service as agreements
from madang.interfaces.web.viewer import PART, Looking, render
from madang.kernel.paging import parted, slice_of
from madang.missions import service as missions
from madang.organizations import service
from madang.organizations.service import require_signed_in

router = APIRouter()


@router.get("/organizations")
def index(viewer: Looking, cursor: str | None = None) -> Response:
    """Every organization, for members."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        rows = service.every(session, slice_of(PART, cursor))
    shown, following = parted(rows, PART, lambda row: (row.name,))
    return render(viewer, "organizations.html", organizations=shown, following=following)


@router.get("/organizations/{name}")
def show(name: str, viewer: Looking) -> Response:
    """One organization: its agreements and missions as far as the viewer may see them."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        body = service.get(session, name)
        members = service.members_of(session, viewer.actor, name)
        signed = [a for a in agreements.visible_to(session, viewer.actor) if name in a.signatures]
        joined = [
            mission
            for mission in missions.taken_part_in(session, viewer.actor)
            if name in missions.participants_of(session, mission.name)
        ]
    inside = viewer.actor.organization == name or service.oversees(viewer.actor)
    return render(
        viewer,
        "organization.html",
        body=body,
        members=members,
        agreements=signed,
        missions=joined,
        inside=inside,
    )
