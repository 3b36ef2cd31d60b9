"""The ledger: entries with their proofs, the checkpoint, verification."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from madang.interfaces.operations.declared import Caller, Cursor, Limit, operation, page_of
from madang.kernel import clock
from madang.kernel.ledger import log
from madang.kernel.ledger.verify import Verdict
from madang.kernel.paging import slice_of
from madang.programme import entries as found
from madang.programme.verification import verify_home
from madang.sdk import documents

Narrow = Annotated[str | None, Field(max_length=500, pattern=r"^[^\x00]*$")]


def _facts(entry: log.Entry) -> dict[str, object]:
    return {
        "position": entry.position,
        "kind": entry.kind,
        "subject": entry.subject,
        "at": clock.to_text(entry.at),
        "by": entry.by["organization"],
        "decided": list(entry.decided),
        "facts": dict(entry.facts),
    }


def document(entry: log.Entry) -> documents.Entry:
    """An entry in its form."""
    return documents.Entry.model_validate(_facts(entry))


@operation("GET", "/ledger/entries", pages=True)
def list_(
    caller: Caller, kind: Narrow = None, subject: Narrow = None, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Entry]:
    """List entries, newest first (a ministry's or an auditor's token)."""
    with caller.home.database.read() as session:
        found.require_overseer(session, caller.actor)
        rows = log.tail(session.connection, slice_of(limit, cursor), kind=kind, subject=subject)
    return page_of(rows, limit, lambda row: (row.position,), document)


@operation("GET", "/ledger/entries/{position}")
def show(caller: Caller, position: Annotated[int, Field(ge=0, lt=2**53)]) -> documents.EntryWhole:
    """Show an entry with its proof, where it speaks of what you may know of."""
    with caller.home.database.read() as session:
        entry = found.see(session, caller.actor, position)
        proven = found.prove(session, caller.home.database.keys, entry)
    return documents.EntryWhole.model_validate({**_facts(entry), **proven})


@operation("GET", "/ledger/checkpoint", public=True, media="text/plain")
def checkpoint(caller: Caller) -> str:
    """Give the signed tree head: public, so that anyone may keep it."""
    with caller.home.database.read() as session:
        return log.current_checkpoint(session.connection)


@operation("GET", "/ledger/verification")
def verify(caller: Caller) -> documents.Verdict:
    """Compare the ledger with itself and every row (a ministry's or an auditor's token)."""
    with caller.home.database.read() as session:
        found.require_overseer(session, caller.actor)
    return verdict_document(verify_home(caller.home))


def verdict_document(verdict: Verdict) -> documents.Verdict:
    """What a verification found, in its form."""
    differing = [documents.Disagreement(**vars(one)) for one in verdict.disagreements]
    return documents.Verdict(holds=verdict.holds, entries=verdict.size, rows=verdict.rows, found=differing)
