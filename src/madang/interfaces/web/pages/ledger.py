"""The ledger: its head, the latest entries for overseers, and one entry with its proof."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.interfaces.web.viewer import PART, Looking, kept, render
from madang.kernel.canonical import canonical_bytes
from madang.kernel.ledger import log
from madang.kernel.ledger.proof import to_text as proof_text
from madang.kernel.paging import parted, slice_of
from madang.organizations.service import oversees, require_signed_in
from madang.programme import entries

router = APIRouter()


@router.get("/ledger")
def index(viewer: Looking, cursor: str | None = None) -> Response:
    """The signed head for everybody; the latest entries for a ministry and auditors."""
    with viewer.home.database.read() as session:
        note = log.current_checkpoint(session.connection)
        size = log.size_of(session.connection)
        rows = log.tail(session.connection, slice_of(PART, cursor)) if oversees(viewer.actor) else []
    shown, following = parted(rows, PART, lambda row: (row.position,))
    key = viewer.home.database.keys.signer.verifier
    return render(
        viewer, "ledger.html", note=note, size=size, key=key, entries=shown, following=following,
        overseer=oversees(viewer.actor),
    )  # fmt: skip


@router.get("/ledger/{position}")
def show(position: int, viewer: Looking) -> Response:
    """One entry: what it says, who acted, what permitted it, and its place in the tree."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        entry = entries.see(session, viewer.actor, position)
        proven = entries.prove(session, viewer.home.database.keys, entry)
    facts = {name: _plain(value) for name, value in entry.facts.items()}
    return render(viewer, "entry.html", entry=entry, facts=facts, proof=proven["proof"])


def _plain(value: object) -> str:
    return value if isinstance(value, str) else canonical_bytes(value).decode()


@router.get("/ledger/{position}/proof.json")
def proof(position: int, viewer: Looking) -> Response:
    """The proof that an entry is in the log, to keep and to check elsewhere."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        entry = entries.see(session, viewer.actor, position)
        proven = entries.prove(session, viewer.home.database.keys, entry)
    return kept(proof_text(proven["proof"]), f"entry-{position}.json", "application/json")


@router.get("/ledger/{position}/checkpoint.txt")
def checkpoint(position: int, viewer: Looking) -> Response:
    """The signed tree head that the proof of this moment is checked against."""
    require_signed_in(viewer.actor)
    with viewer.home.database.read() as session:
        entries.see(session, viewer.actor, position)
        note = log.current_checkpoint(session.connection)
    return kept(note, "checkpoint.txt")
