"""Capacity plans: what is meant, month by month; the sheet to hand out."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.allocations.plans import service
from madang.allocations.plans.apportionment import by_month
from madang.interfaces.web import plan_chart
from madang.interfaces.web.viewer import Looking, render
from madang.kernel.ledger import log
from madang.organizations.service import require_signed_in

router = APIRouter()


@router.get("/plans/{reference}")
def show(reference: str, viewer: Looking) -> Response:
    """One plan: its months by share, its lines, what of them is assumed."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        plan = service.get(session, reference)
        entries = log.find_all(session.connection, "plan.adopted", plan.reference)
        entries += log.find_all(session.connection, "plan.enacted", plan.reference)
    document = plan.document
    months = by_month(document)
    return render(
        viewer,
        "plan.html",
        plan=plan,
        document=document,
        months=months,
        chart=plan_chart.drawn(document, months, viewer.language, viewer.text("web.plan.chart")),
        total=sum(one.hours for one in months),
        assumed=sum(one.assumed_hours for one in months),
        entries=entries,
    )


@router.get("/plans/{reference}/plan.pdf")
def sheet(reference: str, viewer: Looking) -> Response:
    """The plan as one page to hand out, in the viewer's language."""
    from madang.interfaces.sheets import plan_sheet

    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        plan = service.get(session, reference)
    made = plan_sheet.render(plan.document, viewer.language, f"{plan.reference}, {plan.digest[:23]}")
    name = f'attachment; filename="{plan.name}-{plan.number}.pdf"'
    return Response(made, media_type="application/pdf", headers={"Content-Disposition": name})
