"""Capacity, shares, awards and the books."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from madang.allocations import alerts as watch
from madang.allocations import books as accounts
from madang.allocations import service, statements
from madang.allocations.model import Award, Capacity
from madang.interfaces.operations.declared import (
    Caller,
    Cursor,
    Limit,
    Name,
    Text,
    operation,
    page_of,
)
from madang.kernel.authorizer import Request, authorize
from madang.kernel.database import Session
from madang.kernel.errors import BadValue
from madang.kernel.paging import slice_of
from madang.missions import service as missions
from madang.sdk import documents

By = Annotated[
    str, Field(max_length=200, description="Any of organization, mission, share, site, month, with commas.")
]

_KEYS = ",".join(statements.KEYS)


def capacity_document(session: Session, capacity: Capacity) -> documents.Capacity:
    """A capacity with what is left of its shares."""
    shares = [
        documents.ShareBalance(share=share, allotted=allotted, left=left)
        for share, (allotted, left) in service.shares_of(session, capacity.capacity_id).items()
    ]
    return documents.Capacity(**vars(capacity), shares=shares)


def award_document(session: Session, held: Award) -> documents.Award:
    """An award with its balance."""
    facts = {name: value for name, value in vars(held).items() if name != "resource_seconds"}
    return documents.Award(**facts, **vars(service.balance_of(session, held)))


def _instant(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError as error:
        raise BadValue(file="request", key=at.isoformat(), reason="It is outside the calendar.") from error


@operation("GET", "/capacities", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Capacity]:
    """List capacities and what is left of their shares."""
    with caller.home.database.read() as session:
        rows = service.every_capacity(session, slice_of(limit, cursor))
        return page_of(
            rows,
            limit,
            lambda row: (row.starts_at, row.capacity_id),
            lambda row: capacity_document(session, row),
        )


@operation("POST", "/capacities", status=201)
def declare(caller: Caller, new: documents.NewCapacity) -> documents.Capacity:
    """Declare capacity (the site's operator)."""
    starts, ends = _instant(new.starts), _instant(new.ends)
    with caller.home.database.write() as session:
        made = service.declare(session, caller.actor, new.site, new.kind, new.count, starts, ends)
        return capacity_document(session, made)


@operation("POST", "/capacities/{capacity}/split", status=201)
def split(caller: Caller, capacity: Name, new: documents.NewSplit) -> documents.Capacity:
    """Split a capacity into shares; 50/30/20 unless told otherwise (a ministry's officer)."""
    with caller.home.database.write() as session:
        service.split(session, caller.actor, capacity, new.shares)
        return capacity_document(session, service.get_capacity(session, capacity))


@operation("POST", "/awards", status=201)
def award(caller: Caller, new: documents.NewAward) -> documents.Award:
    """Award resource-hours to an organization of a mission (a ministry's officer)."""
    with caller.home.database.write() as session:
        made = service.award(
            session, caller.actor, new.mission, new.organization, new.capacity, new.share, new.resource_hours
        )
        return award_document(session, made)


@operation("GET", "/awards", pages=True)
def awards(
    caller: Caller, mission: Text, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Award]:
    """List a mission's awards with their balances."""
    with caller.home.database.read() as session:
        missions.require_part(session, caller.actor, mission)
        rows = service.awards_of(session, mission, slice_of(limit, cursor))
        return page_of(
            rows, limit, lambda row: (row.awarded_at, row.award_id), lambda row: award_document(session, row)
        )


@operation("GET", "/awards/{award_id}")
def show_award(caller: Caller, award_id: Name) -> documents.Award:
    """Show an award with its balance."""
    with caller.home.database.read() as session:
        return award_document(session, service.see_award(session, caller.actor, award_id))


@operation("GET", "/statement")
def statement(caller: Caller, by: By = _KEYS) -> documents.Statement:
    """Show the books by organization, mission, share, site, month: awarded, leased, returned, used, lost.

    A ministry's or an auditor's token sees everybody's lines, any other its organization's.
    """
    wanted = [name.strip() for name in by.split(",") if name.strip()]
    unknown = sorted(set(wanted) - set(statements.KEYS))
    if unknown:
        raise BadValue(file="by", key=unknown[0], reason=f"It is any of {', '.join(statements.KEYS)}.")
    with caller.home.database.read() as session:
        lines = statements.statement(session, caller.actor, wanted)
    return documents.Statement(by=wanted, lines=[documents.StatementLine(**vars(line)) for line in lines])


@operation("GET", "/alerts")
def alerts(caller: Caller) -> documents.Page[documents.Alert]:
    """List awards that run dry, stay unspent or lie idle, and shares over their line."""
    with caller.home.database.read() as session:
        found = watch.alerts(session, caller.actor)
    return documents.Page(
        items=[
            documents.Alert(
                kind=one.kind,
                subject=one.subject,
                organization=one.organization,
                en=one.told.in_language("en"),
                ko=one.told.in_language("ko"),
            )
            for one in found
        ]
    )


@operation("GET", "/books")
def books(caller: Caller) -> documents.Books:
    """Show every account's balance (a ministry's or an auditor's token)."""
    actor = caller.actor
    with caller.home.database.read() as session:
        authorize(session, Request(actor, "ledger.read", "Books", "books", {"owner": actor.organization}))
        totals = accounts.trial_balance(session)
    rows = [documents.Account(account=name, resource_seconds=total) for name, total in sorted(totals.items())]
    return documents.Books(balanced=accounts.balanced(totals), accounts=rows)
