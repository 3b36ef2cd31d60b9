"""Who used a version, for what, under which clause, and what came of it; and the signed receipt of that.

Facts come from the ledger's entries about the uses (pools, runs, submissions) and from the recorded reads,
of the version itself and of everything that was made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from madang.assets import lineage
from madang.assets import reads as assets_reads
from madang.assets.model import Version, reads
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ledger import log
from madang.kernel.ledger.note import sign_note
from madang.organizations.service import oversees
from madang.programme.errors import NotYours
from madang.runs import service as runs
from madang.runs.model import inputs
from madang.runs.model import runs as runs_table
from madang.scores import service as scores
from madang.scores.model import submissions

FORMAT = "madang-receipt/1"


@dataclass(frozen=True)
class Use:
    """One use. action: pool | train | evaluate | download | look; entry: position in the ledger, or None
    where the use is a read in a batch."""

    at: str
    organization: str
    action: str
    of: str
    grounds: Sequence[str]
    came_of: Message
    entry: int | None


def may_see(actor: Principal, version: Version) -> bool:
    """Whether the uses of a version are the actor's to see: its owner's, the ministry's, auditors'."""
    return actor.organization == version.owner or oversees(actor)


def of(session: Session, actor: Principal, version: Version) -> list[Use]:
    """Every use of a version and of what was made from it, oldest first; NotYours for another's version."""
    if not may_see(actor, version):
        raise NotYours(version=version.name, owner=version.owner)
    below = [version, *lineage.descendants_of(session, version.version_id)]
    found = [*_pools(session, below), *_runs(session, below), *_submissions(session, below)]
    return sorted([*found, *_reads(session, below)], key=lambda use: (use.at, use.entry or 0))


def _use(entry: log.Entry, action: str, of: str, came_of: Message) -> Use:
    at, organization = clock.to_text(entry.at), entry.by["organization"]
    return Use(at, organization, action, of, entry.facts.get("grounds", ()), came_of, entry.position)


def _pools(session: Session, below: Sequence[Version]) -> Iterator[Use]:
    for child in below[1:]:
        entry = log.find(session.connection, "version.pooled", child.version_id)
        if entry is not None:
            held = [v.name for v in below if v.version_id in entry.facts["parents"]]
            came_of = Message("programme.use.pool", version=child.name, parts=len(entry.facts["parents"]))
            yield _use(entry, "pool", ", ".join(held), came_of)


def _runs(session: Session, below: Sequence[Version]) -> Iterator[Use]:
    names = {version.version_id: version.name for version in below}
    query = (
        sa.select(inputs.c.run_id, inputs.c.version_id)
        .join(runs_table, runs_table.c.run_id == inputs.c.run_id)
        .where(inputs.c.version_id.in_(list(names)))
        .order_by(runs_table.c.queued_at)
    )
    made = {version.made_by: version.name for version in below if version.made_by}
    for row in session.rows(query):
        entry = log.find(session.connection, "run.submitted", row["run_id"])
        if entry is None:
            continue
        run = runs.get(session, row["run_id"])
        if run.run_id in made:
            came_of = Message("programme.use.run-made", run=run.run_id, model=made[run.run_id])
        else:
            came_of = Message("programme.use.run", run=run.run_id, state=Message(f"runs.state.{run.state}"))
        yield _use(entry, "train", names[row["version_id"]], came_of)


def _submissions(session: Session, below: Sequence[Version]) -> Iterator[Use]:
    names = {version.version_id: version.name for version in below}
    query = sa.select(submissions.c.submission_id, submissions.c.version_id)
    found = query.where(submissions.c.version_id.in_(list(names))).order_by(submissions.c.submitted_at)
    for row in session.rows(found):
        entry = log.find(session.connection, "submission.made", row["submission_id"])
        if entry is not None:
            came_of = _judgement(session, row["submission_id"])
            yield _use(entry, "evaluate", names[row["version_id"]], came_of)


def _judgement(session: Session, submission_id: str) -> Message:
    score = scores.score_of(session, submission_id)
    if score is None:
        state = scores.get_submission(session, submission_id).state
        return Message(
            "programme.use.submission", submission=submission_id, state=Message(f"scores.state.{state}")
        )
    return Message(
        "programme.use.score",
        submission=submission_id,
        value=f"{score.value:.3f}",
        lower=f"{score.lower:.3f}",
        upper=f"{score.upper:.3f}",
        n=score.n,
        outcome=Message(f"scores.outcome.{score.outcome}"),
    )


def _reads(session: Session, below: Sequence[Version]) -> Iterator[Use]:
    names = {version.version_id: version.name for version in below}
    query = sa.select(reads).where(reads.c.version_id.in_(list(names))).order_by(reads.c.read_at)
    for row in session.rows(query):
        came_of = Message(f"programme.use.{row['action']}")
        yield Use(
            row["read_at"], row["organization"], row["action"], names[row["version_id"]], row["grounds"],
            came_of, None,
        )  # fmt: skip


def receipt(home: Home, actor: Principal, name: str, language: str) -> str:
    """A version's uses as a note signed with the ledger's key: readable, and checkable by whoever has it."""
    assets_reads.record(home)
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        found = of(session, actor, version)
        size = log.size_of(session.connection)
    lines = [
        FORMAT,
        home.database.keys.signer.name,
        _said("head", language, version=version.name, owner=version.owner, id=version.version_id),
        _said("manifest", language, manifest=version.manifest),
        _said("as-of", language, at=clock.to_text(clock.now()), size=size, n=len(found)),
        "",
    ]
    for number, use in enumerate(found, start=1):
        lines.append(f"{number}. {use.at}  {use.organization or '-'}  {use.action}  {use.of}")
        entry = "" if use.entry is None else f"  (#{use.entry})"
        lines.append(f"   {_said('grounds', language, grounds=', '.join(use.grounds) or '-')}{entry}")
        lines.append(f"   -> {use.came_of.in_language(language)}")
    if not found:
        lines.append(_said("none", language))
    return sign_note("\n".join(lines) + "\n", home.database.keys.signer)


def _said(message: str, language: str, **values: object) -> str:
    return Message(f"programme.receipt.{message}", **values).in_language(language)
