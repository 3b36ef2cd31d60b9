"""What stewards wrote of versions: dataclass and table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.assets.metadata.model import Description
from madang.kernel.ledger.log import metadata

descriptions = sa.Table(
    "descriptions",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("described_at", sa.Text, nullable=False),
)
"""Of a version; a later version of the asset that has none of its own has the last before it."""


@dataclass(frozen=True)
class Written:
    """What was written; see ``descriptions``."""

    version_id: str
    document: Mapping[str, Any]
    member: str
    described_at: str

    @property
    def description(self) -> Description:
        """The description, typed."""
        return Description.from_json(self.document)
