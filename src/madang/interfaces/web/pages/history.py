"""Pages: what differs between two versions, and what was taken back."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from madang.assets import differences, lineage
from madang.assets.model import Version
from madang.assets.withdrawing import service as withdrawing
from madang.assets.withdrawing.model import Withdrawal
from madang.interfaces.web.viewer import PART, Looking, Viewer, render
from madang.kernel.database import Session
from madang.kernel.paging import Slice, parted, slice_of
from madang.organizations import service as organizations
from madang.organizations.service import require_signed_in

router = APIRouter()
_SHOWN_CHANGES = 500
_SHOWN_NOTICES = 5


@router.get("/versions/{owner}/{asset_and_number}/changes")
def changes(owner: str, asset_and_number: str, viewer: Looking, since: str | None = None) -> Response:
    """The files that differ from the version before, or from another one."""
    name = f"{owner}/{asset_and_number}"
    older, found = differences.between(viewer.home, viewer.actor, name, since)
    with viewer.home.database.read() as session:
        version = lineage.see(session, viewer.actor, name)
    return render(
        viewer,
        "changes.html",
        version=version,
        older=older,
        changes=found[:_SHOWN_CHANGES],
        hidden=max(0, len(found) - _SHOWN_CHANGES),
        counts={kind: sum(one.kind == kind for one in found) for kind in differences.KINDS},
    )


@router.get("/withdrawals")
def withdrawals(viewer: Looking, cursor: str | None = None) -> Response:
    """What the viewer's organization took back, and what it was told that others took back."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        found = withdrawing.listed(session, viewer.actor, slice_of(PART, cursor))
        shown, following = parted(found, PART, lambda row: (row.withdrawal_id,))
        rows = [
            (one, lineage.get(session, one.version_id), withdrawing.told_of(session, one.withdrawal_id))
            for one in shown
        ]
        bodies = organizations.by_name(session)
    return render(viewer, "withdrawals.html", rows=rows, bodies=bodies, following=following)


def told_to(session: Session, viewer: Viewer) -> list[tuple[Withdrawal, Version]]:
    """The newest withdrawals by others of data from which the viewer's organization made something."""
    if not viewer.actor.organization:
        return []
    found = withdrawing.listed(session, viewer.actor, Slice(_SHOWN_NOTICES))
    own = viewer.actor.organization
    return [(one, lineage.get(session, one.version_id)) for one in found if one.organization != own]


def taken_back(session: Session, viewer: Viewer, version: Version) -> dict[str, Any]:
    """What ``version.html`` says of withdrawals: of the version itself, and of what it was made from."""
    return {
        "withdrawal": withdrawing.of(session, version.version_id),
        "withdrawn_above": withdrawing.above(session, version.version_id),
        "may_withdraw": viewer.actor.organization == version.owner,
    }
