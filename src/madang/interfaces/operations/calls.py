"""Calls for compute, applications, reviews, decisions and their explanations."""

from __future__ import annotations

from typing import Any

from madang.allocations.calls import deciding, service
from madang.allocations.calls.explaining import Explanation
from madang.allocations.calls.model import (
    POINT,
    Application,
    ApplicationDocument,
    Call,
    CallDocument,
    Decision,
    Review,
)
from madang.allocations.calls.ranking import Ranked
from madang.allocations.calls.telling import sentences
from madang.interfaces.operations.declared import Caller, Cursor, Limit, Name, operation, page_of
from madang.kernel import clock
from madang.kernel.canonical import canonical_bytes
from madang.kernel.database import Session
from madang.kernel.errors import BadValue
from madang.kernel.paging import slice_of
from madang.organizations.service import oversees
from madang.sdk import documents


def _facts(session: Session, call: Call) -> dict[str, Any]:
    document = call.document
    return {
        **{name: getattr(call, name) for name in ("name", "share", "digest", "opened_at", "closes_at")},
        **{name: getattr(document, name) for name in ("title_en", "title_ko", "months")},
        "state": state_of(session, call),
    }


def state_of(session: Session, call: Call) -> str:
    """open, closed or decided."""
    if service.decision_of(session, call.name) is not None:
        return "decided"
    return "open" if clock.to_text(clock.now()) < call.closes_at else "closed"


def application_document(one: Application) -> documents.Application:
    """An application in its form."""
    asked = one.document
    return documents.Application(
        application_id=one.application_id,
        call=one.call,
        organization=one.organization,
        mission=one.mission,
        title=asked.title,
        summary=asked.summary,
        site=asked.site,
        kind=asked.kind,
        request=asked.request,
        requested=asked.total,
        minimum=asked.minimum or asked.total,
        applied_at=one.applied_at,
        withdrawn_at=one.withdrawn_at,
    )


@operation("GET", "/calls", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Call]:
    """List calls for compute, the latest first."""
    with caller.home.database.read() as session:
        rows = service.every(session, slice_of(limit, cursor))
        return page_of(
            rows,
            limit,
            lambda row: (row.opened_at, row.name),
            lambda row: documents.Call(**_facts(session, row)),
        )


@operation("POST", "/calls", status=201)
def open_(caller: Caller, call: CallDocument) -> documents.Call:
    """Open a call on a share (a ministry's officer)."""
    with caller.home.database.write() as session:
        made = service.open_call(session, caller.actor, call)
        return documents.Call(**_facts(session, made))


@operation("GET", "/calls/{call}")
def show(caller: Caller, call: Name) -> documents.CallWhole:
    """Show a call and what it has at each site, of each kind, in each month."""
    with caller.home.database.read() as session:
        found = service.get(session, call)
        offers = [
            documents.Offer(site=site, kind=kind, hours=hours)
            for (site, kind), hours in sorted(service.supply_of(session, found.document).items())
        ]
        document = found.document.model_dump(mode="json")
        if not oversees(caller.actor):
            document["reviewers"] = [
                name for name in document["reviewers"] if name.startswith(f"{caller.actor.organization}/")
            ]
        return documents.CallWhole(
            **_facts(session, found),
            document=document,
            offers=offers,
            applications=service.count_of(session, call),
        )


@operation("GET", "/calls/{call}/applications")
def applications(caller: Caller, call: Name) -> documents.Page[documents.Application]:
    """List a call's applications that you may read: your own, those you review, as overseer all."""
    with caller.home.database.read() as session:
        found = service.get(session, call)
        rows = service.visible_applications(session, caller.actor, found.name)
    return documents.Page(items=[application_document(one) for one in rows])


@operation("POST", "/applications", status=201)
def apply(caller: Caller, application: ApplicationDocument) -> documents.Application:
    """Apply for compute (a researcher of an organization that takes part in the mission)."""
    with caller.home.database.write() as session:
        return application_document(service.apply(session, caller.actor, application))


@operation("GET", "/applications/{application_id}")
def show_application(caller: Caller, application_id: Name) -> documents.Application:
    """Show an application."""
    with caller.home.database.read() as session:
        return application_document(service.see(session, caller.actor, application_id))


@operation("DELETE", "/applications/{application_id}")
def withdraw(caller: Caller, application_id: Name) -> documents.Application:
    """Take an application back while its call is open."""
    with caller.home.database.write() as session:
        return application_document(service.withdraw(session, caller.actor, application_id))


@operation("POST", "/applications/{application_id}/reviews", status=201)
def review(caller: Caller, application_id: Name, new: documents.NewReview) -> documents.Review:
    """Score an application, or declare a conflict of interest, which stands (a named reviewer)."""
    if (new.score is None) is not new.conflict:
        raise BadValue(file="request", key="score", reason="Give either a score or conflict = true.")
    with caller.home.database.write() as session:
        return review_document(service.review(session, caller.actor, application_id, new.score, new.comment))


def review_document(one: Review) -> documents.Review:
    """A review in its form."""
    return documents.Review(
        application_id=one.application_id,
        reviewer=one.reviewer,
        score=one.score,
        conflict=one.score is None,
        comment=one.comment,
        reviewed_at=one.reviewed_at,
    )


@operation("GET", "/applications/{application_id}/reviews")
def reviews(caller: Caller, application_id: Name) -> documents.Page[documents.Review]:
    """List an application's reviews (a ministry's or an auditor's token)."""
    with caller.home.database.read() as session:
        rows = service.reviews_for(session, caller.actor, application_id)
    return documents.Page(items=[review_document(one) for one in rows])


def ranked_document(one: Ranked, whole: bool = True) -> documents.RankedApplication:
    """A place of the ranking in its form; without `whole` only what was granted, not how it was judged."""
    entry = one.entry
    return documents.RankedApplication(
        application_id=entry.application,
        rank=one.rank if whole else None,
        site=entry.site,
        kind=entry.kind,
        score=_points(entry.score) if whole else None,
        requested=sum(entry.request),
        granted=sum(one.granted),
        reason=one.reason,
    )


def _points(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / POINT


def _decision(caller: Caller, session: Session, call: Call, made: Decision) -> documents.CallDecision:
    ranking = deciding.repeat(made)
    shown = deciding.shown_ranking(session, caller.actor, call, ranking)
    return documents.CallDecision(
        call=call.name,
        inputs_digest=made.inputs_digest,
        decided_at=made.decided_at,
        granted=sum(sum(one.granted) for one in ranking),
        ranking=[ranked_document(one, whole) for one, whole in shown],
        optimum=made.outcome["optimum"] if oversees(caller.actor) else None,
    )


@operation("POST", "/calls/{call}/decision", status=201)
def decide(caller: Caller, call: Name, new: documents.NewDecision) -> documents.CallDecision:
    """Decide a closed call and make its awards (a ministry's officer)."""
    with caller.home.database.read() as session:
        advice = deciding.advise(session, caller.actor, call)
    with caller.home.database.write(grouped=True) as session:
        made = deciding.decide_call(session, caller.actor, call, advice, unreviewed=new.unreviewed)
        return _decision(caller, session, service.get(session, call), made)


@operation("GET", "/calls/{call}/decision")
def decision(caller: Caller, call: Name) -> documents.CallDecision:
    """Show a decision: what was granted and your own applications; overseers see the whole ranking."""
    with caller.home.database.read() as session:
        found = service.get(session, call)
        return _decision(caller, session, found, deciding.decided(session, call))


@operation("GET", "/calls/{call}/decision/inputs", media="application/json")
def inputs(caller: Caller, call: Name) -> bytes:
    """Give what a decision follows from, in the bytes of its digest (a ministry's or auditor's token)."""
    with caller.home.database.read() as session:
        return canonical_bytes(deciding.inputs_for(session, caller.actor, call))


def explanation_document(told: Explanation) -> documents.Explanation:
    """An explanation in its form, with its sentences."""
    facts = {name: value for name, value in vars(told).items() if name not in ("application", "share")}
    for name in ("score", "winning_score", "least_score"):
        facts[name] = _points(facts[name])
    said = sentences(told)
    return documents.Explanation(
        application_id=told.application,
        **facts,
        sentences_en=[one.in_language("en") for one in said],
        sentences_ko=[one.in_language("ko") for one in said],
    )


@operation("GET", "/applications/{application_id}/explanation")
def explain(caller: Caller, application_id: Name) -> documents.Explanation:
    """Explain why an application got what it got, and the smallest change that would have won."""
    with caller.home.database.read() as session:
        _, told = deciding.explain(session, caller.actor, application_id)
    return explanation_document(told)
