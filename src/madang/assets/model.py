"""Versions, their findings, profiles and parents: dataclasses and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import blake3
import sqlalchemy as sa

from madang.kernel.ids import id_of_digest
from madang.kernel.ledger.log import metadata

KINDS = ("dataset", "model", "benchmark", "report")
STATES = ("received", "accepted", "quarantined", "withdrawn", "destroyed")
GONE = ("withdrawn", "destroyed")
"""States of a version that its owner took back: nothing new may use it."""

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("version_id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("mission", sa.Text, nullable=False, index=True),
    sa.Column("agreement", sa.Text, sa.ForeignKey("agreements.name")),
    sa.Column("format", sa.Text),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("made_by", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.UniqueConstraint("owner", "asset", "number", name="versions_owner_asset_number_key"),
    sa.Index("versions_by_time", "created_at", "version_id"),
    sa.Index("versions_of_mission", "mission", "created_at", "version_id"),
    sa.Index("versions_of_owner", "owner", "created_at", "version_id"),
)
parents = sa.Table(
    "version_parents",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("parent_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True, index=True),
)
findings = sa.Table(
    "findings",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("check", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
)
profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), primary_key=True),
    sa.Column("checker", sa.Text, nullable=False),
    sa.Column("profile", sa.JSON, nullable=False),
    sa.Column("fingerprints", sa.Text),
)
"""What a checker measured in a version, kept so that others are compared with it without its data.

fingerprints: digest of a JSON list of short hashes, one a record, by which the evaluator sees whether a
benchmark's items were in the training data; they tell nobody what the records are.
"""


reads = sa.Table(
    "reads",
    metadata,
    sa.Column("read_id", sa.Text, primary_key=True),
    sa.Column("version_id", sa.Text, sa.ForeignKey("versions.version_id"), nullable=False, index=True),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("organization", sa.Text, nullable=False),
    sa.Column("grounds", sa.JSON, nullable=False),
    sa.Column("read_at", sa.Text, nullable=False),
)
"""Who looked at or took a version that is another's, by which rule or clause (see ``reads.py``)."""


@dataclass(frozen=True)
class Version:
    """An immutable version of an asset. `manifest` is the BLAKE3 digest of its manifest."""

    version_id: str
    owner: str
    asset: str
    number: int
    kind: str
    mission: str
    agreement: str | None
    format: str | None
    manifest: str
    size_bytes: int
    files: int
    facts: Mapping[str, Any]
    state: str
    made_by: str | None
    created_at: str

    @property
    def name(self) -> str:
        """``owner/asset@number``: what people type."""
        return f"{self.owner}/{self.asset}@{self.number}"


@dataclass(frozen=True)
class Finding:
    """What a check found. Its texts are ``finding.<check>.{what,remedy}``, filled from `evidence`.

    severity: "block" quarantines the version, "warn" and "info" do not. place: where in the version.
    """

    check: str
    severity: str
    place: str
    evidence: Mapping[str, Any]


def version_id(owner: str, asset: str, number: int, manifest: str) -> str:
    """Binds the content to its owner: equal bytes of two owners have different ids."""
    return id_of_digest("ver", blake3.blake3(f"{owner}\n{asset}\n{number}\n{manifest}".encode()).digest())
