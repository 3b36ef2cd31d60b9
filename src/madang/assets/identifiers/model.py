"""DOIs: dataclass and table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.assets.metadata.model import Description
from madang.kernel.ledger.log import metadata

DRAFT, FINDABLE = "draft", "findable"

dois = sa.Table(
    "dois",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("doi", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("registered_at", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Doi:
    """The DOI of a version. state: draft (known to nobody else) or findable (told to the world).

    document: what was told of it then (``Description.to_json``).
    """

    version_id: str
    doi: str
    state: str
    document: Mapping[str, Any]
    member: str
    registered_at: str

    @property
    def description(self) -> Description:
        """What was told of the version."""
        return Description.from_json(self.document)
