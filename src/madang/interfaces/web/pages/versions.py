"""Versions: the list, and one version."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from madang.agreements import service as agreements
from madang.assets import lineage, service
from madang.assets.model import Version
from madang.interfaces.web.pages import contents, history
from madang.interfaces.web.viewer import PART, Looking, Viewer, kept, render
from madang.kernel.database import Session
from madang.kernel.ledger import log
from madang.kernel.paging import parted, slice_of
from madang.organizations import service as organizations
from madang.programme import uses as used
from madang.runs import service as runs

router = APIRouter()
_SHOWN_FILES, _SHOWN_VERSIONS = 200, 50
_ENTRIES = (
    "version.deposited", "version.probed", "version.checked", "version.described", "version.pooled",
    "version.withdrawn", "version.destroyed",
)  # fmt: skip


@router.get("/versions")
def index(
    viewer: Looking,
    mission: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    cursor: str | None = None,
) -> Response:
    """The versions the viewer may know of, narrowed by mission, state or kind."""
    with viewer.home.database.read() as session:
        part = slice_of(PART, cursor)
        found = service.visible_to(session, viewer.actor, mission, part, state=state, kind=kind)
        bodies = organizations.by_name(session) if found else {}
    shown, following = parted(found, PART, lambda row: (row.created_at, row.version_id))
    narrowed = {"mission": mission, "state": state, "kind": kind}
    here = urlencode({name: value for name, value in narrowed.items() if value})
    return render(
        viewer, "versions.html", versions=shown, bodies=bodies, following=following, path=f"/versions?{here}&"
    )


@router.get("/versions/{owner}/{asset_and_number}")
def show(owner: str, asset_and_number: str, viewer: Looking) -> Response:
    """One version: manifest, findings, terms, where it came from and went."""
    with viewer.home.database.read() as session:
        version = lineage.see(session, viewer.actor, f"{owner}/{asset_and_number}")
        bodies = organizations.by_name(session)
        members = lineage.concerned(session, version)
        terms = lineage.terms_of(session, version, members)
        parents = lineage.parents_of(session, version.version_id)
        children = lineage.seen_of(session, viewer.actor, lineage.children_of(session, version.version_id))
        others = lineage.others_of(session, viewer.actor, version, _SHOWN_VERSIONS)
        farther = _farther(session, viewer, version, [*parents, *children])
        findings = service.findings_of(session, version)
        uses = [
            run
            for run in runs.visible_to(session, viewer.actor, version.mission)
            if version.version_id in run.inputs
        ]
        agreement = agreements.get(session, version.agreement) if version.agreement else None
        entries = [
            entry for kind in _ENTRIES for entry in log.find_all(session.connection, kind, version.version_id)
        ]
        told = used.of(session, viewer.actor, version) if used.may_see(viewer.actor, version) else None
        back = history.taken_back(session, viewer, version)
        if version.made_by:
            entries += log.find_all(session.connection, "run.ended", version.made_by)
    files = service.look(viewer.home, viewer.actor, version.name)[1].files
    return render(
        viewer,
        "version.html",
        version=version,
        bodies=bodies,
        terms=terms,
        parents=parents,
        children=children,
        others=others,
        farther=farther,
        findings=findings,
        runs=uses,
        agreement=agreement,
        entries=entries,
        files=files[:_SHOWN_FILES],
        more_files=max(0, len(files) - _SHOWN_FILES),
        everyone=len(members),
        told_uses=told,
        **contents.shown(viewer, version),
        **back,
    )


def _farther(
    session: Session, viewer: Viewer, version: Version, near: Sequence[Version]
) -> dict[str, list[Version]]:
    """What is more than one step away in a version's lineage, as far as the viewer may know of it."""
    shown = {version.version_id, *(one.version_id for one in near)}
    every = {"from": lineage.ancestors_of, "to": lineage.descendants_of}
    return {
        side: [
            one for one in lineage.seen_of(session, viewer.actor, found(session, version.version_id))
            if one.version_id not in shown
        ]
        for side, found in every.items()
    }  # fmt: skip


@router.get("/versions/{owner}/{asset_and_number}/receipt")
def receipt(owner: str, asset_and_number: str, viewer: Looking) -> Response:
    """The signed list of each use, for the owner: a text to keep."""
    name = f"{owner}/{asset_and_number}"
    note = used.receipt(viewer.home, viewer.actor, name, viewer.language)
    return kept(note, f"receipt-{owner}-{asset_and_number.replace('@', '-')}.txt")
