"""Capacity plans."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from madang.allocations.plans import apportionment, comparing, service
from madang.allocations.plans.model import Plan, PlanDocument
from madang.interfaces.operations.compute import capacity_document
from madang.interfaces.operations.declared import Caller, Cursor, Limit, Name, operation, page_of
from madang.kernel.paging import slice_of
from madang.sdk import documents

Other = Annotated[str, Field(min_length=1, max_length=100, description="The plan to compare with.")]


def _facts(plan: Plan) -> dict[str, Any]:
    header = plan.document.plan
    own = {name: getattr(plan, name) for name in ("name", "number", "digest", "adopted_at")}
    return own | {name: getattr(header, name) for name in ("title_en", "title_ko", "starts", "ends")}


def month_documents(plan: PlanDocument) -> list[documents.PlanMonth]:
    """Each month of a sound plan in its form."""
    shares, sites = [share.name for share in plan.leaves()], [site.name for site in plan.site]
    return [
        documents.PlanMonth(
            month=one.month,
            count=one.count,
            hours=one.hours,
            assumed=one.assumed_hours,
            normalised=decimal_text(one.normalised_hours),
            by_share={share: one.of_share(share)[0] for share in shares},
            assumed_by_share={share: one.of_share(share)[1] for share in shares},
            by_site={site: one.of_site(site) for site in sites},
        )
        for one in apportionment.by_month(plan)
    ]


def decimal_text(value: Fraction) -> str:
    """A fraction whose denominator divides a power of ten, as decimal digits without an exponent."""
    return f"{(Decimal(value.numerator) / Decimal(value.denominator)).normalize():f}"


def difference_document(before: PlanDocument, after: PlanDocument) -> documents.PlanDifference:
    """What changes from one sound plan to another."""
    edits = [
        documents.PlanEdit(
            table=one.table,
            name=one.name,
            change=one.change,
            values={key: [old, new] for key, old, new in one.values},
        )
        for one in comparing.edits(before, after)
    ]
    shifts = [documents.PlanShift(**vars(one)) for one in comparing.shifts(before, after)]
    return documents.PlanDifference(edits=edits, shifts=shifts)


@operation("GET", "/plans", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Plan]:
    """List capacity plans, the latest adopted first."""
    with caller.home.database.read() as session:
        rows = service.every(session, slice_of(limit, cursor))
    return page_of(
        rows,
        limit,
        lambda row: (row.adopted_at, row.name, row.number),
        lambda row: documents.Plan(**_facts(row)),
    )


@operation("POST", "/plans", status=201)
def adopt(caller: Caller, plan: PlanDocument) -> documents.Plan:
    """Adopt a capacity plan: the next number of its name (a ministry's officer)."""
    with caller.home.database.write() as session:
        return documents.Plan(**_facts(service.adopt(session, caller.actor, plan)))


@operation("GET", "/plans/{plan}")
def show(caller: Caller, plan: Name) -> documents.PlanWhole:
    """Show a plan, `name` or `name@number`, with what it gives to each share from month to month."""
    with caller.home.database.read() as session:
        found = service.get(session, plan)
    content = found.document.model_dump(mode="json")
    return documents.PlanWhole(**_facts(found), document=content, months=month_documents(found.document))


@operation("GET", "/plans/{plan}/difference")
def diff(caller: Caller, plan: Name, to: Other) -> documents.PlanDifference:
    """Show what changes from one plan to another: lines, and GPU-hours by month and share."""
    with caller.home.database.read() as session:
        before, after = service.get(session, plan), service.get(session, to)
    return difference_document(before.document, after.document)


@operation("POST", "/plans/{plan}/capacities", status=201)
def enact(caller: Caller, plan: Name, new: documents.NewEnactment) -> documents.Page[documents.Capacity]:
    """Declare and split what a plan says of a site, month by month (the site's operator)."""
    with caller.home.database.write(grouped=True) as session:
        made = service.enact(session, caller.actor, service.get(session, plan), new.site)
        return documents.Page(items=[capacity_document(session, one) for one in made])
