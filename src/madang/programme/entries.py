"""Single ledger entries: who may see which, and the proof that one is in the log."""

from __future__ import annotations

from typing import Any

from madang.agreements import service as agreements
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.errors import NotFound
from madang.kernel.ledger import log, proof
from madang.kernel.ledger.log import Entry
from madang.missions import service as missions
from madang.organizations.service import oversees
from madang.programme.errors import NoSuchEntry
from madang.programme.line import ENTRY


def require_overseer(session: Session, actor: Principal) -> None:
    """NotPermitted for whoever may not read the whole ledger."""
    authorize(session, Request(actor, "ledger.read", "Ledger", "ledger", {"owner": actor.organization}))


def see(session: Session, actor: Principal, position: int) -> Entry:
    """The entry, for an overseer, for whose organization made it, and where it speaks of an agreement or a
    mission that the actor may see inside; else NoSuchEntry."""
    entry = log.at(session.connection, position)
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
    family, _, _ = entry.kind.partition(".")
    mission = entry.subject if family in ("mission", "benchmark", "opening") else entry.facts.get("mission")
    if mission and missions.takes_part(session, actor, str(mission)):
        return True
    if family != "agreement":
        return False
    try:
        agreements.see(session, actor, str(entry.facts.get("agreement", entry.subject)))
    except NotFound:
        return False
    return True


def prove(session: Session, keys: log.Keys, entry: Entry) -> dict[str, Any]:
    """The `proof` that an entry is in the log, and the `checkpoint` of the same moment."""
    made = proof.make(session.connection, keys, [proof.Link(ENTRY, entry)])
    return {"proof": made, "checkpoint": log.current_checkpoint(session.connection)}
