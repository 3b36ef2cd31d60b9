"""Agreements: the list, and one agreement with its clauses, signatures and duties."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.agreements import obligations, service
from madang.interfaces.web.viewer import PART, Looking, render
from madang.kernel import clock
from madang.kernel.ledger import log
from madang.kernel.paging import parted, slice_of
from madang.organizations import service as organizations
from madang.organizations.service import require_signed_in
from madang.programme.rehearsal import meaning

router = APIRouter()


@router.get("/agreements")
def index(viewer: Looking, cursor: str | None = None) -> Response:
    """The agreements the viewer may see."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        rows = service.visible_to(session, viewer.actor, slice_of(PART, cursor))
    shown, following = parted(rows, PART, lambda row: (row.name,))
    now = clock.to_text(clock.now())
    return render(viewer, "agreements.html", agreements=shown, following=following, now=now)


@router.get("/agreements/{name}")
def show(name: str, viewer: Looking) -> Response:
    """One agreement: each clause as signed and in plain words, who signed when, what is owed."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        agreement = service.see(session, viewer.actor, name)
        clauses = service.clauses_of(session, name)
        bodies = organizations.by_name(session)
        owed = obligations.of_agreement(session, name)
        entries = log.find_all(session.connection, "agreement.drafted", name)
        for party in agreement.signatures:
            entries += log.find_all(session.connection, "agreement.signed", f"{name}/{party}")
    document = service.document_of(agreement, clauses)
    return render(
        viewer,
        "agreement.html",
        agreement=agreement,
        clauses=[(clause, meaning(document, clause.document)) for clause in clauses],
        bodies=bodies,
        obligations=owed,
        entries=sorted(entries, key=lambda entry: entry.position),
        now=clock.to_text(clock.now()),
    )
