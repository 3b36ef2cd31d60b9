"""Agreements, their clauses, and what is owed under them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from madang.agreements import obligations as duties
from madang.agreements import service
from madang.agreements.model import Agreement, AgreementDocument, Clause, Obligation
from madang.assets import reads
from madang.interfaces.operations.declared import (
    Caller,
    Cursor,
    Limit,
    Name,
    operation,
    page_of,
    told,
)
from madang.kernel import clock
from madang.kernel.paging import slice_of
from madang.programme import rehearsal
from madang.sdk import documents

Days = Annotated[int, Field(ge=1, le=3650, description="How many days back the replay goes.")]
Number = Annotated[int, Field(ge=1, lt=2**31, description="The clause's number.")]
Within = Annotated[
    int | None, Field(ge=0, le=36_500, description="Only what is open and due in so many days.")
]


def _facts(agreement: Agreement) -> dict[str, object]:
    names = (
        "name",
        "mission",
        "title_en",
        "title_ko",
        "digest",
        "drafted_by",
        "drafted_at",
        "signatures",
        "last_day",
    )
    return {name: getattr(agreement, name) for name in names} | {
        "state": agreement.state(clock.to_text(clock.now()))
    }


def document(agreement: Agreement) -> documents.Agreement:
    """An agreement in its form."""
    return documents.Agreement.model_validate(_facts(agreement))


def clause_document(clause: Clause) -> documents.Clause:
    """A clause in its form."""
    return documents.Clause(
        number=clause.number,
        name=clause.name,
        effect=clause.document.effect,
        text_en=clause.document.text_en,
        text_ko=clause.document.text_ko,
        document=clause.document.model_dump(mode="json", exclude={"text_en", "text_ko"}),
    )


def obligation_document(owed: Obligation, now: str) -> documents.Obligation:
    """A duty in its form."""
    names = ("agreement", "organization", "duty", "last_day", "met_at", "evidence")
    facts = {name: getattr(owed, name) for name in names}
    return documents.Obligation.model_validate({**facts, "clause": owed.number, "state": owed.state(now)})


@operation("GET", "/agreements", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Agreement]:
    """List the agreements you may see, by name."""
    with caller.home.database.read() as session:
        rows = service.visible_to(session, caller.actor, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row.name,), document)


@operation("POST", "/agreements", status=201)
def draft(caller: Caller, document_: AgreementDocument) -> documents.Agreement:
    """Put an agreement on record for its parties to sign."""
    with caller.home.database.write() as session:
        return document(service.draft(session, caller.actor, document_))


@operation("POST", "/rehearsals", keyless=True)
def rehearse(caller: Caller, document_: AgreementDocument, days: Days = 30) -> documents.Rehearsal:
    """Try a draft: each clause in plain words, and last month's uses under it.

    Nothing is put on record.
    """
    reads.record(caller.home)
    with caller.home.database.read() as session:
        found = rehearsal.rehearse(session, caller.actor, document_, days)
    clauses = [
        documents.PlainClause(
            number=one.number, text_en=one.text_en, text_ko=one.text_ko, means=told(one.means)
        )
        for one in found.clauses
    ]
    replayed = [documents.Replayed(**asdict(one)) for one in found.replayed]
    return documents.Rehearsal(clauses=clauses, replayed=replayed)


@operation("GET", "/agreements/{name}")
def show(caller: Caller, name: Name) -> documents.AgreementWhole:
    """Show an agreement: clauses, parties, signatures."""
    with caller.home.database.read() as session:
        agreement = service.see(session, caller.actor, name)
        clauses = [clause_document(clause) for clause in service.clauses_of(session, name)]
    return documents.AgreementWhole.model_validate({**_facts(agreement), "clauses": clauses})


@operation("POST", "/agreements/{name}/signatures", status=201)
def sign(caller: Caller, name: Name, new: documents.NewSignature) -> documents.Agreement:
    """Sign for your organization."""
    with caller.home.database.write() as session:
        return document(service.sign(session, caller.actor, name, new.digest))


@operation("GET", "/obligations", pages=True)
def obligations(
    caller: Caller, within_days: Within = None, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Obligation]:
    """List what is owed under the agreements you may see, the earliest due date first."""
    now = clock.to_text(clock.now())
    with caller.home.database.read() as session:
        rows = duties.visible_to(session, caller.actor, within_days, slice_of(limit, cursor))
    return page_of(
        rows,
        limit,
        lambda row: (row.due_at, row.agreement, row.number, row.organization),
        lambda row: obligation_document(row, now),
    )


@operation("POST", "/agreements/{name}/clauses/{number}/evidence", status=201)
def meet(caller: Caller, name: Name, number: Number, evidence: documents.Evidence) -> documents.Obligation:
    """Put on record that your organization has done what a clause obliges it to, with evidence."""
    with caller.home.database.write() as session:
        agreement = service.see(session, caller.actor, name)
        met = duties.meet(session, caller.actor, agreement, number, evidence.model_dump())
    return obligation_document(met, clock.to_text(clock.now()))
