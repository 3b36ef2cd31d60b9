"""Versions that are taken back: what that affects, the withdrawal, the destruction of the bytes."""

from __future__ import annotations

from madang.assets import lineage
from madang.assets.withdrawing import service
from madang.assets.withdrawing.model import Withdrawal
from madang.interfaces.operations.declared import Caller, Cursor, Limit, Text, operation, page_of
from madang.interfaces.operations.versions import document
from madang.kernel.database import Session
from madang.kernel.paging import slice_of
from madang.programme import affected as programme
from madang.sdk import documents


def _document(session: Session, found: Withdrawal) -> documents.Withdrawal:
    return documents.Withdrawal.model_validate(
        {
            **vars(found),
            "version": lineage.get(session, found.version_id).name,
            "told": service.told_of(session, found.withdrawal_id),
        }
    )


@operation("GET", "/versions/{version:path}/affected")
def affected(caller: Caller, version: Text) -> documents.Affected:
    """Say what is affected if a version is withdrawn: what was made from it, and whose."""
    with caller.home.database.read() as session:
        found = programme.by(session, caller.actor, version)
    return documents.Affected(
        name=found.version.name,
        versions=[document(one) for one in found.versions],
        runs=[one.run_id for one in found.runs],
        submissions=[one.submission_id for one in found.submissions],
        told=found.owners,
    )


@operation("POST", "/withdrawals", status=201)
def withdraw(caller: Caller, new: documents.NewWithdrawal) -> documents.Withdrawal:
    """Take a version of yours back (a steward): nothing new may use it or what was made from it."""
    with caller.home.database.write() as session:
        made = service.withdraw(session, caller.actor, new.version, new.reason)
        return _document(session, made)


@operation("POST", "/destructions", keyless=True)
def destroy(caller: Caller, new: documents.NewDestruction) -> documents.Withdrawal:
    """Destroy the key and bytes of a withdrawn version of yours (a steward), for good."""
    made = service.destroy(caller.home, caller.actor, new.version)
    with caller.home.database.read() as session:
        return _document(session, made)


@operation("GET", "/withdrawals", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Withdrawal]:
    """List your organization's withdrawals and those it was told of, newest first; overseers see all."""
    with caller.home.database.read() as session:
        rows = service.listed(session, caller.actor, slice_of(limit, cursor))
        return page_of(rows, limit, lambda row: (row.withdrawal_id,), lambda row: _document(session, row))
