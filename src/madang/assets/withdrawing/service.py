"""Withdrawing and destroying versions. Each is one transaction with one ledger entry."""

from __future__ import annotations

import sqlalchemy as sa

from madang.assets import lineage
from madang.assets.content import drafts, holdings
from madang.assets.content.model import holdings as kept_in
from madang.assets.model import GONE, Version, versions
from madang.assets.withdrawing.errors import AlreadyWithdrawn, NoKey, NoReason, NotWithdrawn
from madang.assets.withdrawing.model import Withdrawal, notices, withdrawals
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.ids import new_id
from madang.kernel.paging import Slice, cut
from madang.organizations.service import oversees

LONGEST_REASON = 1000


def withdraw(session: Session, actor: Principal, name: str, reason: str) -> Withdrawal:
    """Take a version of the actor's organization back, whatever its state (a steward).

    Nothing new may use it, or anything made from it. Raises AlreadyWithdrawn, NoReason.
    """
    version = lineage.see(session, actor, name)
    authorize(session, _request(actor, version))
    if version.state in GONE:
        raise AlreadyWithdrawn(version=version.name, state=version.state)
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise NoReason(most=LONGEST_REASON)
    below = lineage.descendants_of(session, version.version_id)
    row = {
        "withdrawal_id": new_id("wdr"),
        "version_id": version.version_id,
        "organization": actor.organization,
        "member": actor.member,
        "reason": reason.strip(),
        "withdrawn_at": clock.to_text(clock.now()),
        "destroyed_at": None,
    }
    told = sorted({one.owner for one in below} - {version.owner})
    session.insert(withdrawals, row)
    key = row["withdrawal_id"]
    session.insert(notices, *({"withdrawal_id": key, "organization": name} for name in told))
    session.update(versions, version.version_id, state="withdrawn")
    session.record(
        "version.withdrawn",
        version.version_id,
        actor.as_fact(),
        affects=[one.version_id for one in below],
        name=version.name,
        told=told,
        withdrawal=key,
    )
    return Withdrawal(**row)  # type: ignore[arg-type]


def destroy(home: Home, actor: Principal, name: str) -> Withdrawal:
    """Destroy the key of a withdrawn version, and its bytes (a steward). Nothing brings them back.

    The entry stands before the key goes: where this was cut off, it is done when it is repeated. Raises
    NotWithdrawn, and NoKey for a version whose bytes were stored before there were keys.
    """
    with home.database.write() as session:
        version = lineage.see(session, actor, name)
        authorize(session, _request(actor, version))
        if version.state not in GONE:
            raise NotWithdrawn(version=version.name, state=version.state)
        holding = session.row(sa.select(kept_in).where(kept_in.c.version_id == version.version_id))
        if holding is None:
            raise NoKey(version=version.name)
        told = of(session, version.version_id)
        assert told is not None
        if version.state != "destroyed":
            now = clock.to_text(clock.now())
            session.update(versions, version.version_id, state="destroyed")
            session.update(withdrawals, told.withdrawal_id, destroyed_at=now)
            session.update(kept_in, version.version_id, destroyed_at=now)
            session.record(
                "version.destroyed",
                version.version_id,
                actor.as_fact(),
                key=holding["key_id"],
                manifest=version.manifest,
                name=version.name,
                withdrawal=told.withdrawal_id,
            )
            told = of(session, version.version_id)
            assert told is not None
    holdings.destroy(home, holding["holding_id"])
    with drafts.kept_for(home, version.owner, version.asset) as journal:
        drafts.discard(home, journal)  # what was begun of the same files
    return told


def _request(actor: Principal, version: Version) -> Request:
    return Request(actor, "asset.withdraw", "Version", version.name, {"owner": version.owner})


def of(session: Session, version_id: str) -> Withdrawal | None:
    """The withdrawal of a version (the caller has seen that)."""
    row = session.row(sa.select(withdrawals).where(withdrawals.c.version_id == version_id))
    return Withdrawal(**row) if row else None


def above(session: Session, version_id: str) -> list[tuple[Version, Withdrawal]]:
    """What was taken back of that from which a version was made (the caller has seen it)."""
    made_from = [one for one in lineage.ancestors_of(session, version_id) if one.version_id != version_id]
    found = [(one, of(session, one.version_id)) for one in made_from if one.state in GONE]
    return [(version, told) for version, told in found if told is not None]


def tell(session: Session, version: Version) -> None:
    """Tell the owner of a version made just now what of its lineage was taken back meanwhile."""
    for one, told in above(session, version.version_id):
        row = {"withdrawal_id": told.withdrawal_id, "organization": version.owner}
        if version.owner != one.owner and version.owner not in told_of(session, told.withdrawal_id):
            session.insert(notices, row)


def told_of(session: Session, withdrawal_id: str) -> list[str]:
    """The organizations that were told of a withdrawal, by name."""
    query = sa.select(notices.c.organization).where(notices.c.withdrawal_id == withdrawal_id)
    return [row["organization"] for row in session.rows(query.order_by(notices.c.organization))]


def listed(session: Session, actor: Principal, part: Slice | None = None) -> list[Withdrawal]:
    """Withdrawals of the actor's organization and those that it was told of, newest first; all for an
    overseer."""
    query = sa.select(withdrawals)
    if not oversees(actor):
        told = sa.select(notices.c.withdrawal_id).where(notices.c.organization == actor.organization)
        own = withdrawals.c.organization == actor.organization
        query = query.where(own | withdrawals.c.withdrawal_id.in_(told))
    rows = session.rows(cut(query, (withdrawals.c.withdrawal_id,), part, falling=True))
    return [Withdrawal(**row) for row in rows]
