"""Benchmarks on record, submissions, and scores as the evaluator signed them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from madang.assets import lineage
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes, canonical_digest
from madang.kernel.database import Session
from madang.kernel.i18n import Message
from madang.kernel.ids import new_id
from madang.kernel.ledger.note import Verifier
from madang.kernel.paging import Slice, cut
from madang.missions import service as missions
from madang.missions.model import Mission
from madang.scores import opening
from madang.scores.errors import (
    AlreadyAnswered,
    AlreadySealed,
    AlreadySubmitted,
    BenchmarkOpened,
    DeadlinePassed,
    ForgedScore,
    JudgeSubmits,
    NoSuchSubmission,
    NotAModel,
    NotSealed,
    SubmissionsSpent,
)
from madang.scores.model import (
    Benchmark,
    Feedback,
    Score,
    Standing,
    Submission,
    benchmarks,
    feedback,
    scores,
    submissions,
)


def record_benchmark(session: Session, actor: Principal, mission: Mission, benchmark: Benchmark) -> None:
    """Put a sealed benchmark's commitment on record. Only the mission's evaluator may, once."""
    owner = {"owner": mission.header.evaluator}
    authorize(session, Request(actor, "benchmark.seal", "Mission", mission.name, owner))
    if session.row(sa.select(benchmarks).where(benchmarks.c.mission == mission.name)):
        raise AlreadySealed(mission=mission.name)
    session.insert(benchmarks, benchmark.__dict__)
    session.record(
        "benchmark.sealed",
        mission.name,
        actor.as_fact(),
        commitment=benchmark.commitment,
        evaluator_key=benchmark.evaluator_key,
        feedback_commitment=benchmark.feedback_commitment,
        feedback_n=benchmark.feedback_n,
        n=benchmark.n,
        scorer=benchmark.scorer,
        scorer_digest=benchmark.scorer_digest,
    )


def benchmark_of(session: Session, mission: str) -> Benchmark:
    """The sealed benchmark of a mission, or NotSealed."""
    row = session.row(sa.select(benchmarks).where(benchmarks.c.mission == mission))
    if row is None:
        raise NotSealed(mission=mission)
    return Benchmark(**row)


def submit(session: Session, actor: Principal, mission: str, name: str) -> Submission:
    """Offer a model version of the actor's organization to the mission's evaluator.

    Its whole lineage must allow evaluation by the evaluator's organization. Every submission counts
    against the budgets, a second one of the same version and one that is refused later too.
    """
    version = lineage.see(session, actor, name)
    authorize(session, Request(actor, "score.submit", "Version", version.name, {"owner": version.owner}))
    opened = missions.get(session, mission)
    benchmark_of(session, mission)
    if actor.organization == opened.header.evaluator:
        raise JudgeSubmits(organization=actor.organization, mission=mission)
    if clock.now().date() > opened.header.deadline:
        raise DeadlinePassed(mission=mission, deadline=opened.header.deadline.isoformat())
    if version.kind != "model" or version.mission != mission:
        reason = Message("scores.not-a-model", kind=version.kind, mission=version.mission)
        raise NotAModel(version=version.name, reason=reason)
    judge = Principal("", opened.header.evaluator, "institute", frozenset({"evaluator"}))
    grounds = lineage.authorize_use(session, judge, "evaluate", version)
    if opening.of(session, mission) is not None:
        raise BenchmarkOpened(mission=mission)
    already = sa.select(submissions).where(
        submissions.c.version_id == version.version_id, submissions.c.state == "waiting"
    )
    if session.row(already):
        raise AlreadySubmitted(version=version.name, mission=mission)
    line = _lineage_key(session, version.version_id)
    _within_budget(session, opened, actor.organization, line)
    made = Submission(
        new_id("sub"), mission, version.version_id, actor.organization, "waiting",
        clock.to_text(clock.now()), "", line,
    )  # fmt: skip
    session.insert(submissions, made.__dict__)
    session.record(
        "submission.made",
        made.submission_id,
        actor.as_fact(),
        grounds=grounds,
        manifest=version.manifest,
        mission=mission,
        version=version.version_id,
    )
    return made


def _lineage_key(session: Session, version_id: str) -> str:
    """Stands for what the deposits at the bottom of a version's lineage hold, whatever they are called."""
    return canonical_digest(sorted({root.manifest for root in lineage.roots_of(session, version_id)}))


def _within_budget(session: Session, mission: Mission, organization: str, line: str) -> None:
    """SubmissionsSpent where the organization, or the lineage, has had all its tries."""
    rules = mission.document.benchmark
    for whose, where, most in (
        ("organization", submissions.c.organization == organization, rules.submissions),
        ("lineage", submissions.c.lineage == line, rules.submissions_per_lineage),
    ):
        if used(session, mission.name, where) >= most:
            whom = Message(f"scores.budget-{whose}", organization=organization)
            raise SubmissionsSpent(mission=mission.name, whose=whom, most=most)


def used(session: Session, mission: str, where: sa.ColumnElement[bool]) -> int:
    """How many submissions to a mission there have been, of those that `where` picks."""
    query = sa.select(sa.func.count()).select_from(submissions)
    return int(session.scalar(query.where(submissions.c.mission == mission, where)))


def record_feedback(
    session: Session,
    actor: Principal,
    submission: Submission,
    statement: Mapping[str, Any],
    signature: bytes,
) -> Feedback:
    """Put on record what the board shows after a submission, as the evaluator signed it."""
    _require_genuine(session, actor, submission, statement, signature)
    _require_state(session, submission, "waiting")
    shown = statement["shown"]
    made = Feedback(
        submission.submission_id,
        bool(statement["released"]),
        shown["value"],
        shown["lower"],
        shown["upper"],
        statement["n"],
        dict(statement),
        base64.b64encode(signature).decode(),
        clock.to_text(clock.now()),
    )
    session.insert(feedback, made.__dict__)
    session.update(submissions, submission.submission_id, state="judged")
    session.record(
        "feedback.recorded",
        submission.submission_id,
        actor.as_fact(),
        signature=made.signature,
        statement=dict(statement),
    )
    return made


def record_score(
    session: Session,
    actor: Principal,
    submission: Submission,
    statement: Mapping[str, Any],
    signature: bytes,
) -> Score:
    """Put a score on the final half on record: with the evaluator's token, signed by the key that sealed it.

    Raises NotOpened before two people have opened the final half.
    """
    _require_genuine(session, actor, submission, statement, signature)
    opening.require_confirmed(session, submission.mission)
    _require_state(session, submission, "judged")
    row = {
        "submission_id": submission.submission_id,
        "value": statement["value"],
        "lower": statement["lower"],
        "upper": statement["upper"],
        "n": statement["n"],
        "outcome": statement["outcome"],
        "groups": statement["groups"],
        "statement": dict(statement),
        "signature": base64.b64encode(signature).decode(),
        "scored_at": clock.to_text(clock.now()),
    }
    session.insert(scores, row)
    session.update(submissions, submission.submission_id, state="scored")
    session.record(
        "score.recorded",
        submission.submission_id,
        actor.as_fact(),
        signature=row["signature"],
        statement=dict(statement),
    )
    return Score(**row)


def _require_genuine(
    session: Session,
    actor: Principal,
    submission: Submission,
    statement: Mapping[str, Any],
    signature: bytes,
) -> None:
    mission = missions.get(session, submission.mission)
    owner = {"owner": mission.header.evaluator}
    authorize(session, Request(actor, "score.record", "Submission", submission.submission_id, owner))
    verifier = Verifier.parse(benchmark_of(session, submission.mission).evaluator_key)
    about = (statement.get("submission"), statement.get("version"))
    genuine = verifier.holds(canonical_bytes(dict(statement)), signature)
    if not genuine or about != (submission.submission_id, submission.version_id):
        raise ForgedScore(submission=submission.submission_id)


def refuse(session: Session, actor: Principal, submission: Submission, state: str, problem: str) -> None:
    """Put on record that a submission, being in `state`, could not be judged, and why."""
    mission = missions.get(session, submission.mission)
    owner = {"owner": mission.header.evaluator}
    authorize(session, Request(actor, "score.record", "Submission", submission.submission_id, owner))
    _require_state(session, submission, state)
    session.update(submissions, submission.submission_id, state="refused", problem=problem)
    session.record(
        "submission.refused", submission.submission_id, actor.as_fact(), version=submission.version_id
    )


def _require_state(session: Session, submission: Submission, wanted: str) -> None:
    """A submission is answered once on each half, whichever evaluator's process comes first."""
    state = get_submission(session, submission.submission_id).state
    if state != wanted:
        raise AlreadyAnswered(submission=submission.submission_id, state=state)


def get_submission(session: Session, submission_id: str) -> Submission:
    """The submission of that id, or NoSuchSubmission."""
    row = session.row(sa.select(submissions).where(submissions.c.submission_id == submission_id))
    if row is None:
        raise NoSuchSubmission(submission=submission_id)
    return Submission(**row)


def see(session: Session, actor: Principal, submission_id: str) -> tuple[Submission, Score | None]:
    """A submission and its score, where the actor may know of them."""
    submission = get_submission(session, submission_id)
    inside = missions.takes_part(session, actor, submission.mission)
    if not inside and actor.organization != submission.organization:
        raise NoSuchSubmission(submission=submission_id)
    return submission, score_of(session, submission_id)


def score_of(session: Session, submission_id: str) -> Score | None:
    """The score of a submission, once there is one."""
    row = session.row(sa.select(scores).where(scores.c.submission_id == submission_id))
    return Score(**row) if row else None


def feedback_of(session: Session, submission_id: str) -> Feedback | None:
    """What the board showed after a submission, once it was judged."""
    row = session.row(sa.select(feedback).where(feedback.c.submission_id == submission_id))
    return Feedback(**row) if row else None


def shown(session: Session, mission: str, organization: str) -> tuple[Submission, Feedback] | None:
    """The submission whose value the board shows for an organization: its latest released one."""
    query = (
        sa.select(feedback.c.submission_id)
        .join(submissions, submissions.c.submission_id == feedback.c.submission_id)
        .where(
            submissions.c.mission == mission, submissions.c.organization == organization, feedback.c.released
        )
        .order_by(feedback.c.judged_at.desc(), feedback.c.submission_id.desc())
        .limit(1)
    )
    found = session.scalar(query)
    if found is None:
        return None
    told = feedback_of(session, found)
    return (get_submission(session, found), told) if told else None


def board(session: Session, mission: Mission) -> list[Standing]:
    """The scoreboard: each organization's best on the feedback half, best first."""
    query = sa.select(submissions.c.organization).where(submissions.c.mission == mission.name).distinct()
    standings = []
    for organization in sorted(str(row["organization"]) for row in session.rows(query)):
        best = shown(session, mission.name, organization)
        if best is None:
            continue
        submission, told = best
        standings.append(
            Standing(
                organization,
                submission.submission_id,
                submission.version_id,
                told.value,
                told.lower,
                told.upper,
                told.n,
                used(session, mission.name, submissions.c.organization == organization),
                mission.document.benchmark.submissions,
            )
        )
    return sorted(standings, key=lambda row: (-row.value, row.organization))


def waiting(session: Session) -> list[Submission]:
    """Submissions that the evaluator has not looked at, oldest first."""
    query = sa.select(submissions).where(submissions.c.state == "waiting")
    return [Submission(**row) for row in session.rows(query.order_by(submissions.c.submitted_at))]


def of_mission(
    session: Session, mission: str, part: Slice | None = None
) -> list[tuple[Submission, Score | None]]:
    """All submissions of a mission with their scores, oldest first (the caller checks visibility)."""
    query = sa.select(submissions).where(submissions.c.mission == mission)
    rows = session.rows(cut(query, (submissions.c.submitted_at, submissions.c.submission_id), part))
    return [(Submission(**row), score_of(session, row["submission_id"])) for row in rows]
