"""Deciding a call: its inputs put together, the default policy applied, an award made for each grant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from madang.allocations.calls import optimum
from madang.allocations.calls.explaining import Explainer, Explanation
from madang.allocations.calls.model import POINT, Application, Call, Decision, decisions
from madang.allocations.calls.ranking import Entry, Inputs, Place, Ranked, decide
from madang.allocations.calls.service import (
    HOUR,
    applications_of,
    decision_of,
    get,
    hours_left,
    month_capacities,
    scores_of,
    see,
    supply_of,
)
from madang.allocations.errors import (
    ApplicationWithdrawn,
    CallDecided,
    CallOpen,
    DecisionChanged,
    NotAllReviewed,
    NotDecided,
)
from madang.allocations.model import Award
from madang.allocations.service import insert_award
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Session
from madang.kernel.ids import new_id
from madang.organizations.service import oversees


def inputs_of(session: Session, call: Call) -> Inputs:
    """What a decision on a call would follow from now."""
    known, scores = call.document.months, scores_of(session, call.name)
    entries = [
        Entry(
            one.application_id,
            one.document.site,
            one.document.kind,
            mean_score(scores.get(one.application_id, ()), call.document.reviews),
            tuple(one.document.request.get(month, 0) for month in known),
            one.document.minimum or one.document.total,
            one.applied_at,
        )
        for one in applications_of(session, call.name)
    ]
    supply = supply_of(session, call.document)
    minimum = call.document.minimum_score * POINT
    return Inputs(call.name, call.share, known, supply, minimum, tuple(entries))


def mean_score(points: Sequence[int], needed: int) -> int | None:
    """The mean in hundredths of a point, halves rounded up; None with fewer reviews than are needed."""
    if len(points) < needed:
        return None
    return (2 * POINT * sum(points) + len(points)) // (2 * len(points))


@dataclass(frozen=True)
class Advice:
    """The optimum beside a decision, and the digest of the inputs it was computed from."""

    inputs: str
    told: Mapping[str, Any] | None


def advise(session: Session, actor: Principal, name: str) -> Advice:
    """Compute the optimum of a closed call before its decision, outside of any writing transaction."""
    call, _ = _require_decidable(session, actor, name)
    inputs = inputs_of(session, call)
    return Advice(inputs.digest, optimum.advise(inputs))


def _require_decidable(session: Session, actor: Principal, name: str) -> tuple[Call, tuple[str, ...]]:
    """(the closed, undecided call, what permits the actor to decide it)."""
    grounds = authorize(session, Request(actor, "call.decide", "Call", name)).by
    call = get(session, name)
    if decision_of(session, name) is not None:
        raise CallDecided(call=name)
    if clock.to_text(clock.now()) < call.closes_at:
        raise CallOpen(call=name, closes=call.closes_at)
    return call, grounds


def decide_call(
    session: Session, actor: Principal, name: str, advice: Advice | None = None, *, unreviewed: bool = False
) -> Decision:
    """Decide a closed call (a ministry's officer) and make its awards, in one grouped transaction.

    unreviewed: leave out what has too few reviews. Raises CallOpen before it closes, CallDecided afterwards,
    NotAllReviewed where an application would be left out and that was not said.
    """
    call, grounds = _require_decidable(session, actor, name)
    inputs = inputs_of(session, call)
    outcome = decide(inputs)
    missing = [one.entry.application for one in outcome if one.reason == "too-few-reviews"]
    if missing and not unreviewed:
        raise NotAllReviewed(call=name, applications=", ".join(missing[:10]))
    ranking = [one.document() for one in outcome]
    told = advice.told if advice is not None and advice.inputs == inputs.digest else None
    made = Decision(
        name,
        inputs.digest,
        inputs.document(),
        {"ranking": ranking, "optimum": told},
        clock.to_text(clock.now()),
    )
    session.insert(decisions, vars(made))
    session.record(
        "call.decided", name, actor.as_fact(), inputs=made.inputs_digest, outcome=canonical_digest(ranking),
        awarded_hours=sum(sum(one.granted) for one in outcome),
    )  # fmt: skip
    for award in _awards(session, call, outcome):
        session.decided(grounds)
        insert_award(session, actor, award)
    return made


def _awards(session: Session, call: Call, outcome: Sequence[Ranked]) -> Iterator[Award]:
    """An award for each application and month with a grant, drawn from that month's capacities in turn."""
    applied = {one.application_id: one for one in applications_of(session, call.name)}
    there: dict[tuple[Place, str], list[str]] = {}
    left: dict[str, int] = {}
    for place, month, capacity in month_capacities(session, call.document):
        there.setdefault((place, month), []).append(capacity.capacity_id)
        left[capacity.capacity_id] = hours_left(session, capacity, call.share)
    for one in outcome:
        application = applied[one.entry.application]
        for month, hours in zip(call.document.months, one.granted, strict=True):
            for capacity_id in there.get((one.entry.place, month), ()):
                part = min(hours, left[capacity_id])
                if part:
                    left[capacity_id] -= part
                    hours -= part
                    yield _award(call, application, capacity_id, part)


def _award(call: Call, application: Application, capacity_id: str, hours: int) -> Award:
    return Award(
        new_id("awd"), capacity_id, call.share, application.mission, application.organization, hours * HOUR,
        clock.to_text(clock.now()), application.application_id,
    )  # fmt: skip


def decided(session: Session, name: str) -> Decision:
    """The decision on a call; NotDecided before there is one."""
    found = decision_of(session, get(session, name).name)
    if found is None:
        raise NotDecided(call=name)
    return found


def repeat(decision: Decision) -> list[Ranked]:
    """Decide anew from the inputs on record. DecisionChanged where the digest or the outcome differs."""
    try:
        inputs = Inputs.of(decision.inputs)
        outcome = decide(inputs)
        same = [one.document() for one in outcome] == list(decision.outcome["ranking"])
    except (KeyError, TypeError, ValueError) as error:
        raise DecisionChanged(call=decision.call) from error
    if inputs.digest != decision.inputs_digest or not same:
        raise DecisionChanged(call=decision.call)
    return outcome


def explain(session: Session, actor: Principal, application_id: str) -> tuple[Application, Explanation]:
    """Why an application got what it got, for those who may read it."""
    application = see(session, actor, application_id)
    if application.withdrawn_at is not None:
        raise ApplicationWithdrawn(application=application_id, withdrawn=application.withdrawn_at)
    decision = decided(session, application.call)
    return application, Explainer(Inputs.of(decision.inputs)).explain(application_id)


def shown_ranking(
    session: Session, actor: Principal, call: Call, ranking: Sequence[Ranked]
) -> list[tuple[Ranked, bool]]:
    """(place, whether its rank and score are for the actor) as far as the actor may see a ranking: overseers
    all; others what was granted to whom asked, and their own."""
    if oversees(actor):
        return [(one, True) for one in ranking]
    mine = {one.application_id for one in applications_of(session, call.name, actor.organization)}
    shown = ((one, one.entry.application in mine) for one in ranking)
    return [(one, own) for one, own in shown if own or one.won]


def inputs_for(session: Session, actor: Principal, name: str) -> Mapping[str, Any]:
    """What a decision follows from, for overseers: it holds every application's score."""
    made = decided(session, name)
    owner = {"owner": actor.organization}
    authorize(session, Request(actor, "ledger.read", "Call", name, owner))
    return made.inputs
