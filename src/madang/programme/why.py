"""Why something is as it is: one answer, computed from the facts, each sentence naming what it stands on.

``explain`` takes what people have in hand (a version, run, submission, mission or award) and follows the
rules that the services follow; it decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from madang.allocations import service as allocations
from madang.allocations.errors import NoSuchAward
from madang.allocations.model import share_title
from madang.assets import lineage
from madang.assets import service as assets
from madang.assets.errors import NotAccepted
from madang.assets.model import Version
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.errors import NotFound, NotPermitted
from madang.kernel.i18n import Message
from madang.missions import service as missions
from madang.missions.model import Mission
from madang.programme.errors import NothingKnown
from madang.runs import service as runs
from madang.runs.model import Run
from madang.scores import opening
from madang.scores import service as scores
from madang.scores.model import Score, Submission
from madang.scores.statistics import items_needed


@dataclass(frozen=True)
class Because:
    """A sentence, and the values it stands on: name -> value as it is on record."""

    says: Message
    stands_on: Mapping[str, object]


def explain(session: Session, actor: Principal, what: str, action: str | None = None) -> list[Because]:
    """Why `what` is as it is; with `action`, why the actor may or may not do that with a version.

    Raises NothingKnown where `what` names nothing that the actor may know of.
    """
    kinds: tuple[tuple[str, Callable[[], Iterator[Because]]], ...] = (
        ("sub-", lambda: _submission(session, *scores.see(session, actor, what))),
        ("run-", lambda: _run(session, runs.see(session, actor, what))),
        ("awd-", lambda: _award(session, actor, what)),
    )
    try:
        for prefix, answer in kinds:
            if what.startswith(prefix):
                return list(answer())
        if "@" in what or what.startswith("ver-"):
            version = lineage.see(session, actor, what)
            return list(_use(session, actor, version, action) if action else _version(session, version))
        return list(_mission(session, actor, missions.see(session, actor, what)))
    except NotFound as error:
        raise NothingKnown(what=what) from error


def _say(message: str, **values: object) -> Because:
    return Because(Message(f"programme.why.{message}", **values), values)


def _use(session: Session, actor: Principal, version: Version, action: str) -> Iterator[Because]:
    """May the actor do this with the version?"""
    asked = {"action": action, "version": version.name, "organization": actor.organization}
    try:
        grounds = lineage.authorize_use(session, actor, action, version)
    except NotPermitted as error:
        yield _say("denied", **asked)
        resource, reason = error.facts["resource"], error.facts["reason"]
        yield Because(
            Message("programme.why.denied-by", root=resource, reason=reason),
            {"root": resource, "clause": error.facts["clause"], "reason": str(reason)},
        )
    except NotAccepted as error:
        yield _say("denied", **asked)
        yield _say("not-accepted", version=error.facts["version"], state=error.facts["state"])
    else:
        yield _say("allowed", **asked)
        yield _say("allowed-by", grounds=", ".join(grounds))


def _version(session: Session, version: Version) -> Iterator[Because]:
    found = assets.findings_of(session, version)
    blocking = [finding for finding in found if finding.severity == "block"]
    if version.state == "received":
        yield _say("received", version=version.name, findings=len(found))
    elif version.state == "accepted":
        made = "made" if version.made_by else "accepted"
        yield _say(made, version=version.name, findings=len(found), run=version.made_by)
    else:
        yield _say("quarantined", version=version.name, blocking=len(blocking))
    for finding in blocking:
        values = {"place": finding.place, **finding.evidence}
        yield Because(Message(f"finding.{finding.check}.what", **values), values)
        yield Because(Message(f"finding.{finding.check}.remedy", **values), {"check": finding.check})


def _run(session: Session, run: Run) -> Iterator[Because]:
    if run.state == "queued":
        ahead = runs.ahead_of(session, run)
        yield _say("queued", run=run.run_id, queued_at=run.queued_at, ahead=ahead)
    elif run.state == "waiting":
        yield _say("handed-over", run=run.run_id, supervisor=run.supervisor, reason=run.why or "")
    elif run.state == "running":
        yield _say("running", run=run.run_id, supervisor=run.supervisor, started_at=run.started_at)
    else:
        state = Message(f"runs.state.{run.state}")
        detail = run.reason.partition(":")[2]
        yield _say("ended", run=run.run_id, state=state, reason=run.why or "", detail=detail or "-")
        used, held = run.used_resource_seconds, allocations.held_for(session, run.run_id)
        code = "-" if run.exit_code is None else run.exit_code
        yield _say("run-used", used=used, held=held, exit_code=code)


def _award(session: Session, actor: Principal, award_id: str) -> Iterator[Because]:
    award = allocations.get_award(session, award_id)
    if not missions.takes_part(session, actor, award.mission) and actor.organization != award.organization:
        raise NoSuchAward(award=award_id)
    balance = allocations.balance_of(session, award)
    yield _say(
        "award", award=award_id, awarded=balance.awarded, used=balance.used, leased=balance.leased,
        lost=balance.lost, left=balance.left, share=share_title(award.share), organization=award.organization,
    )  # fmt: skip


def _submission(session: Session, submission: Submission, score: Score | None) -> Iterator[Because]:
    mission = missions.get(session, submission.mission)
    if submission.state == "waiting":
        queue = [one.submission_id for one in scores.waiting(session) if one.mission == mission.name]
        ahead = queue.index(submission.submission_id)
        yield _say("waiting", submitted_at=submission.submitted_at, ahead=ahead)
    elif submission.state == "refused":
        yield _say("refused", problem=submission.problem)
    elif score is None:
        yield from _judged(session, submission, mission)
    else:
        yield from _scored(score, mission)


def _judged(session: Session, submission: Submission, mission: Mission) -> Iterator[Because]:
    told = scores.feedback_of(session, submission.submission_id)
    best = scores.shown(session, mission.name, submission.organization)
    if told is None or best is None:
        return
    value, n = round(best[1].value, 6), best[1].n
    if best[0].submission_id == submission.submission_id:
        yield _say("on-board", value=value, n=n)
    elif told.released:
        yield _say("overtaken", value=value, n=n, by=best[0].submission_id)
    else:
        yield _say("not-better", value=value, n=n, tries=mission.document.benchmark.submissions)
    present = opening.of(session, mission.name)
    if present is None:
        yield _say("final-sealed", mission=mission.name)
    elif present.confirmed_by is None:
        yield _say("final-asked", organization=present.asked_for, asked_at=present.asked_at)
    elif present.published_at is None:
        yield _say("final-open", confirmed_at=present.confirmed_at)
    else:
        yield _say("not-finalist", published_at=present.published_at)


def _scored(score: Score, mission: Mission) -> Iterator[Because]:
    target = mission.objective.target
    clears = "cleared" if score.lower >= target else "below"
    yield _say(clears, lower=score.lower, value=score.value, upper=score.upper, n=score.n, target=target)
    if score.lower < target:
        needed = items_needed(score.value, target, mission.objective.confidence)
        yield _say("needed" if needed else "none-would-do", value=score.value, target=target, needed=needed)
    for metric, guard in score.statement["guards"].items():
        kept = "guard-holds" if guard["holds"] else "guard-broken"
        yield _say(kept, metric=metric, **{key: guard[key] for key in ("upper", "at_most", "holds")})
    if score.statement["left_out"]:
        yield _say("left-out", left_out=score.statement["left_out"])


def _mission(session: Session, actor: Principal, mission: Mission) -> Iterator[Because]:
    """Why the objective is not reached, or by what it is; and what the asker has to compute with."""
    if not missions.takes_part(session, actor, mission.name):
        yield _say("outsider", mission=mission.name, target=mission.objective.target)
        return
    finals = [(s, score) for s, score in scores.of_mission(session, mission.name) if score is not None]
    reached = next((pair for pair in finals if pair[1].outcome == "reached"), None)
    if reached is not None:
        yield _say("reached", mission=mission.name, submission=reached[0].submission_id)
        yield from _scored(reached[1], mission)
    elif finals:
        best = max(finals, key=lambda pair: pair[1].lower)
        named = best[0].submission_id
        yield _say("not-reached", mission=mission.name, finals=len(finals), submission=named)
        yield from _scored(best[1], mission)
    else:
        yield from _unscored(session, mission)
    yield from _compute(session, actor, mission)


def _unscored(session: Session, mission: Mission) -> Iterator[Because]:
    board, present = scores.board(session, mission), opening.of(session, mission.name)
    if not board:
        count = len(scores.of_mission(session, mission.name))
        yield _say("nothing-judged", mission=mission.name, submissions=count)
        return
    yield _say("only-board", organization=board[0].organization, value=board[0].value, n=board[0].n)
    if present is None:
        yield _say("final-sealed", mission=mission.name)
    elif present.confirmed_by is None:
        yield _say("final-asked", organization=present.asked_for, asked_at=present.asked_at)
    else:
        yield _say("final-open", confirmed_at=present.confirmed_at)


def _compute(session: Session, actor: Principal, mission: Mission) -> Iterator[Because]:
    """What the asker's organization was awarded for the mission; else what the shares still hold."""
    mine = [a for a in allocations.awards_of(session, mission.name) if a.organization == actor.organization]
    for award in mine:
        yield from _award(session, actor, award.award_id)
    if mine or actor.kind == "ministry":
        return
    left = {
        f"{capacity.site}/{share}": balance
        for capacity in allocations.every_capacity(session)
        if capacity.split_at and capacity.ends_at > clock.to_text(clock.now())
        for share, (_, balance) in allocations.shares_of(session, capacity.capacity_id).items()
    }
    told = ", ".join(f"{share} {seconds}" for share, seconds in left.items()) or "-"
    yield _say("not-awarded", organization=actor.organization, mission=mission.name, left=told)
