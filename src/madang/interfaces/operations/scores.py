"""Submissions and scores."""

from __future__ import annotations

from madang.assets import lineage
from madang.interfaces.operations.declared import (
    Caller,
    Cursor,
    Limit,
    Name,
    Text,
    operation,
    page_of,
)
from madang.kernel.database import Session
from madang.kernel.paging import slice_of
from madang.missions import service as missions
from madang.programme import line
from madang.scores import service
from madang.scores.model import Score, Submission
from madang.scores.statistics import wilson
from madang.sdk import documents


def _score(score: Score) -> documents.Score:
    groups = {}
    for name, (successes, n) in score.groups.items():
        found = wilson(successes, n)
        groups[name] = documents.Group(value=found.mean, lower=found.lower, upper=found.upper, n=n)
    names = ("value", "lower", "upper", "n", "outcome", "scored_at")
    return documents.Score(**{name: getattr(score, name) for name in names}, groups=groups)


def document(session: Session, submission: Submission, score: Score | None) -> documents.Submission:
    """A submission in its form."""
    return documents.Submission(
        submission_id=submission.submission_id,
        mission=submission.mission,
        version=lineage.get(session, submission.version_id).name,
        organization=submission.organization,
        state=submission.state,
        submitted_at=submission.submitted_at,
        problem=submission.problem or None,
        score=_score(score) if score else None,
    )


@operation("GET", "/submissions", pages=True)
def list_(
    caller: Caller, mission: Text, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Submission]:
    """List a mission's submissions and scores, oldest first."""
    with caller.home.database.read() as session:
        missions.require_part(session, caller.actor, mission)
        rows = service.of_mission(session, mission, slice_of(limit, cursor))
        return page_of(
            rows,
            limit,
            lambda row: (row[0].submitted_at, row[0].submission_id),
            lambda row: document(session, *row),
        )


@operation("POST", "/submissions", status=201)
def submit(caller: Caller, new: documents.NewSubmission) -> documents.Submission:
    """Submit a model version of your organization to a mission's evaluator."""
    with caller.home.database.write() as session:
        made = service.submit(session, caller.actor, new.mission, new.version)
        return document(session, made, None)


@operation("GET", "/submissions/{submission}")
def show(caller: Caller, submission: Name) -> documents.Submission:
    """Show a submission and its score, with Wilson's interval of each task."""
    with caller.home.database.read() as session:
        return document(session, *service.see(session, caller.actor, submission))


@operation("GET", "/submissions/{submission}/proof")
def prove(caller: Caller, submission: Name) -> documents.Proof:
    """Give the proof of the whole line that ends in a score, and the checkpoint to check against."""
    with caller.home.database.read() as session:
        service.see(session, caller.actor, submission)
        return documents.Proof(**line.prove(session, caller.home.database.keys, submission))
