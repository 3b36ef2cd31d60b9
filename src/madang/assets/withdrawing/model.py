"""Withdrawals: dataclass and table."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from madang.kernel.ledger.log import metadata

withdrawals = sa.Table(
    "withdrawals",
    metadata,
    sa.Column("withdrawal_id", sa.Text, primary_key=True),
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), nullable=False, unique=True),
    sa.Column("organization", sa.Text, nullable=False),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("withdrawn_at", sa.Text, nullable=False),
    sa.Column("destroyed_at", sa.Text),
)
notices = sa.Table(
    "withdrawal_notices",
    metadata,
    sa.Column("withdrawal_id", sa.Text, sa.ForeignKey("withdrawals.withdrawal_id"), primary_key=True),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), primary_key=True, index=True),
)
"""Who was told of a withdrawal: the owners of what had been made from the version."""


@dataclass(frozen=True)
class Withdrawal:
    """A version taken back."""

    withdrawal_id: str
    version_id: str
    organization: str
    member: str
    reason: str
    withdrawn_at: str
    destroyed_at: str | None
