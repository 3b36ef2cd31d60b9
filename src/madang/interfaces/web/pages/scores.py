"""A submission: what the board showed of it, its score, and the proof of its line."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.assets import lineage
from madang.interfaces.web.viewer import Looking, kept, render
from madang.kernel.ledger import log
from madang.kernel.ledger.proof import to_text as proof_text
from madang.missions import service as missions
from madang.organizations import service as organizations
from madang.organizations.service import require_signed_in
from madang.programme import line
from madang.scores import service
from madang.scores.statistics import wilson

router = APIRouter()
_KINDS = ("submission.made", "feedback.recorded", "submission.refused", "score.recorded")


@router.get("/submissions/{submission_id}")
def show(submission_id: str, viewer: Looking) -> Response:
    """One submission."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        submission, score = service.see(session, viewer.actor, submission_id)
        groups = score.groups.items() if score else ()
        return render(
            viewer,
            "submission.html",
            submission=submission,
            score=score,
            feedback=service.feedback_of(session, submission_id),
            version=lineage.get(session, submission.version_id),
            mission=missions.get(session, submission.mission),
            body=organizations.get(session, submission.organization),
            tasks=[(name, wilson(successes, n)) for name, (successes, n) in groups],
            entries=[
                entry for kind in _KINDS for entry in log.find_all(session.connection, kind, submission_id)
            ],
        )


@router.get("/submissions/{submission_id}/proof.json")
def proof(submission_id: str, viewer: Looking) -> Response:
    """The proof of the line that ends in this score, to keep and to check elsewhere."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        service.see(session, viewer.actor, submission_id)
        made = line.prove(session, viewer.home.database.keys, submission_id)
    return kept(proof_text(made["proof"]), f"proof-{submission_id}.json", "application/json")


@router.get("/submissions/{submission_id}/checkpoint.txt")
def checkpoint(submission_id: str, viewer: Looking) -> Response:
    """The signed tree head that the proof of this moment is checked against."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        service.see(session, viewer.actor, submission_id)
        note = log.current_checkpoint(session.connection)
    return kept(note, "checkpoint.txt")
