"""What would be affected if a version were taken back: versions made from it, runs, submissions, owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from madang.assets import lineage
from madang.assets.model import Version
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.runs import service as runs
from madang.runs.model import Run
from madang.scores import service as scores
from madang.scores.model import Submission, submissions

UNDER_WAY = ("queued", "waiting", "running")


@dataclass(frozen=True)
class Affected:
    """runs: those that are not over. Scores that are on record stay there; nothing new is scored."""

    version: Version
    versions: Sequence[Version]
    runs: Sequence[Run]
    submissions: Sequence[Submission]

    @property
    def owners(self) -> list[str]:
        """Whose versions they are, besides the version's own owner: who is told."""
        return sorted({one.owner for one in self.versions} - {self.version.owner})


def by(session: Session, actor: Principal, name: str) -> Affected:
    """What a withdrawal of that version would affect, of what the actor may know."""
    version = lineage.see(session, actor, name)
    below = lineage.seen_of(session, actor, lineage.descendants_of(session, version.version_id))
    ids = {version.version_id, *(one.version_id for one in below)}
    under_way = [
        run
        for run in runs.visible_to(session, actor, version.mission)
        if run.state in UNDER_WAY and ids & set(run.inputs)
    ]
    query = sa.select(submissions.c.submission_id).where(submissions.c.version_id.in_(sorted(ids)))
    rows = session.rows(query.order_by(submissions.c.submitted_at))
    made = [scores.get_submission(session, row["submission_id"]) for row in rows]
    return Affected(version, below, under_way, made)
