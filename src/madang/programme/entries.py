"""Single ledger entries: who may see which, and the proof that one is in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from madang.agreements import service as agreements
from madang.allocations import service as allocations
from madang.assets import lineage
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.errors import NotFound
from madang.kernel.ledger import log, proof
from madang.kernel.ledger.log import Entry
from madang.missions import service as missions
from madang.organizations.service import oversees
from madang.programme.errors import NoSuchEntry
from madang.programme.line import ENTRY
from madang.runs import service as runs
from madang.scores import service as scores


def require_overseer(session: Session, actor: Principal) -> None:
    """NotPermitted for whoever may not read the whole ledger."""
    authorize(session, Request(actor, "ledger.read", "Ledger", "ledger", {"owner": actor.organization}))


def see(session: Session, actor: Principal, position: int) -> Entry:
    """The entry, for an overseer, for whose organization made it, and where the actor may know of what it
    speaks of; else NoSuchEntry."""
    entry = log.at(session.connection, position) if 0 <= position < 2**53 else None
    if entry is None or not _known(session, actor, entry):
        raise NoSuchEntry(position=position)
    return entry


def _known(session: Session, actor: Principal, entry: Entry) -> bool:
    if oversees(actor):
        return True
    if not actor.organization:
        return False
    if entry.by["organization"] == actor.organization:
        return True
    see = _SUBJECTS.get(entry.kind.partition(".")[0])
    try:
        if see is not None:
            see(session, actor, entry.subject)
    except NotFound:
        return False
    return see is not None


def _agreement(session: Session, actor: Principal, subject: str) -> None:
    agreements.see(session, actor, subject.partition("/")[0])


def _public(session: Session, actor: Principal, subject: str) -> None:
    """Plans and calls are public among members."""


_SUBJECTS: dict[str, Callable[[Session, Principal, str], object]] = {
    "agreement": _agreement,
    "obligation": _agreement,
    "mission": missions.require_part,
    "benchmark": missions.require_part,
    "opening": missions.require_part,
    "version": lineage.see,
    "run": runs.see,
    "award": allocations.see_award,
    "plan": _public,
    "call": _public,
    "submission": scores.see,
    "feedback": scores.see,
    "score": scores.see,
}
"""Who may know of an entry's subject, by the first word of its kind; others are their makers'."""


def prove(session: Session, keys: log.Keys, entry: Entry) -> dict[str, Any]:
    """The `proof` that an entry is in the log, and the `checkpoint` of the same moment."""
    made = proof.make(session.connection, keys, [proof.Link(ENTRY, entry)])
    return {"proof": made, "checkpoint": log.current_checkpoint(session.connection)}
