"""Which holding keeps the bytes of a version: table and dataclasses."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from madang.assets.content.manifest import Manifest
from madang.kernel.ledger.log import metadata

holdings = sa.Table(
    "holdings",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("holding_id", sa.Text, nullable=False, unique=True),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("destroyed_at", sa.Text),
)
"""key_id: a digest of the key, by which its destruction is told; the key itself is never here."""


@dataclass(frozen=True)
class Stored:
    """Files that are durable in a holding, and not a version yet. digest: of the manifest."""

    manifest: Manifest
    digest: str
    holding_id: str
    key_id: str
