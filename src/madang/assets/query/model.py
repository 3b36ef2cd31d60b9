"""Queries on record: who asked what of which versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from madang.kernel.ledger.log import metadata

queries = sa.Table(
    "queries",
    metadata,
    sa.Column("query_id", sa.Text, primary_key=True),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), nullable=False, index=True),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("sql", sa.Text, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("grounds", sa.JSON, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("cut", sa.Boolean, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
)
"""versions: ids of what was read; grounds: the clauses and rules that permitted it; outcome: answered or
refused (a refusal may quote what was read); cut: whether the answer had more rows than were given."""


@dataclass(frozen=True)
class Query:
    """A query that was answered; see ``queries``."""

    query_id: str
    organization: str
    member: str
    sql: str
    versions: Sequence[str]
    grounds: Sequence[str]
    outcome: str
    rows: int
    cut: bool
    asked_at: str
