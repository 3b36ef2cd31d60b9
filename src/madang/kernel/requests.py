"""Requests that carry an idempotency key: who asks again gets the first answer, nothing is done twice.

The key is written in the transaction of the change itself, so that the two cannot come apart; the answer
follows once it is known. These rows say nothing about the world: the ledger does not cover them, and
they are forgotten after a week.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from madang.kernel import clock
from madang.kernel.database import Session
from madang.kernel.errors import AlreadyDone, KeyReused
from madang.kernel.ledger.log import UNRECORDED, metadata

KEPT = timedelta(days=7)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("member", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.LargeBinary),
    info=UNRECORDED,
)


@dataclass(frozen=True)
class Asked:
    """A request by its member, its key, and the digest of what it asks."""

    member: str
    key: str
    digest: str

    def answer(self, session: Session) -> tuple[int, bytes] | None:
        """The first answer (status, body); None where the request is new.

        Raises KeyReused where the key came with another request, AlreadyDone where the change was made
        and its answer is not kept.
        """
        row = session.row(sa.select(requests).where(*self._where()))
        if row is None or row["asked_at"] < clock.to_text(clock.now() - KEPT):
            return None
        if row["digest"] != self.digest:
            raise KeyReused(key=self.key)
        if row["status"] is None:
            raise AlreadyDone(key=self.key, subject=row["subject"])
        return int(row["status"]), bytes(row["body"])

    def write(self, session: Session) -> None:
        """Keep the key, in the transaction of the change."""
        old = clock.to_text(clock.now() - KEPT)
        session.connection.execute(
            requests.delete().where(requests.c.member == self.member, requests.c.asked_at < old)
        )
        row: dict[str, Any] = {"member": self.member, "key": self.key, "digest": self.digest}
        row |= {"asked_at": clock.to_text(clock.now()), "subject": ", ".join(session.subjects)}
        session.connection.execute(requests.insert(), row)

    def keep(self, session: Session, status: int, body: bytes) -> None:
        """Keep the answer, for whoever asks again; where the request changed nothing, with its key."""
        told = requests.update().where(*self._where()).values(status=status, body=body)
        if session.connection.execute(told).rowcount == 0:
            self.write(session)
            session.connection.execute(told)

    def _where(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (requests.c.member == self.member, requests.c.key == self.key)
