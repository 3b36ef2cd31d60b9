"""Calls for compute: what there is, who was granted what, and why."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.allocations.calls import deciding, service
from madang.allocations.calls.model import POINT
from madang.allocations.calls.telling import sentences
from madang.allocations.service import awards_of_application
from madang.interfaces.operations.calls import state_of
from madang.interfaces.web.viewer import Looking, render
from madang.kernel.ledger import log
from madang.organizations import service as organizations
from madang.organizations.service import oversees, require_signed_in

router = APIRouter()


@router.get("/calls/{name}")
def show(name: str, viewer: Looking) -> Response:
    """One call: its supply, and once it is decided the ranking with its cut-off."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        call = service.get(session, name)
        made = service.decision_of(session, name)
        ranking = deciding.repeat(made) if made else []
        visible = service.visible_applications(session, viewer.actor, name)
        return render(
            viewer,
            "call.html",
            call=call,
            state=state_of(session, call),
            supply=sorted(service.supply_of(session, call.document).items()),
            decision=made,
            ranking=deciding.shown_ranking(session, viewer.actor, call, ranking),
            granted=sum(sum(one.granted) for one in ranking),
            applications={one.application_id: one for one in visible},
            bodies=organizations.by_name(session),
            overseer=oversees(viewer.actor),
            point=POINT,
            entries=log.find_all(session.connection, "call.opened", name)
            + log.find_all(session.connection, "call.decided", name),
        )


@router.get("/applications/{application_id}")
def application(application_id: str, viewer: Looking) -> Response:
    """One application, and once its call is decided the explanation of its outcome."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        found = service.see(session, viewer.actor, application_id)
        told = None
        if service.decision_of(session, found.call) is not None:
            _, told = deciding.explain(session, viewer.actor, application_id)
        return render(
            viewer,
            "application.html",
            application=found,
            explained=told,
            sentences=[one.in_language(viewer.language) for one in sentences(told)] if told else [],
            awards=awards_of_application(session, application_id),
            body=organizations.get(session, found.organization),
            point=POINT,
            entries=log.find_all(session.connection, "application.made", application_id),
        )
