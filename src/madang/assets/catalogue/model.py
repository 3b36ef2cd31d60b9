"""Sources, records, harvests and their problems: dataclasses and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import blake3
import sqlalchemy as sa

from madang.assets.metadata.model import Description
from madang.kernel.canonical import canonical_digest
from madang.kernel.ids import id_of_digest
from madang.kernel.ledger.log import metadata

PRESENT, GONE = "present", "gone"

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("mission", sa.Text),
    sa.Column("since", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)
records = sa.Table(
    "records",
    metadata,
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, sa.ForeignKey("sources.name"), nullable=False),
    sa.Column("remote_id", sa.Text, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("original_offset", sa.BigInteger, nullable=False),
    sa.Column("original_bytes", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("harvest", sa.Text, nullable=False, index=True),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.UniqueConstraint("source", "remote_id", name="records_source_remote_id_key"),
    sa.Index("records_of_source", "source", "record_id"),
)
"""One record of each (source, remote id). original: digest of the stored bytes, and where in them the record
stands as its source gave it. harvest: the one that changed it last."""

harvests = sa.Table(
    "harvests",
    metadata,
    sa.Column("harvest_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, sa.ForeignKey("sources.name"), nullable=False, index=True),
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("seen", sa.Integer, nullable=False),
    sa.Column("made", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("gone", sa.Integer, nullable=False),
    sa.Column("problems", sa.Integer, nullable=False),
    sa.Column("begun_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)
problems = sa.Table(
    "harvest_problems",
    metadata,
    sa.Column("harvest_id", sa.Text, sa.ForeignKey("harvests.harvest_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("remote_id", sa.Text, nullable=False),
    sa.Column("what", sa.JSON, nullable=False),
)
"""A record that could not be read, or a harvest that could not go on; what: the error in both languages."""


@dataclass(frozen=True)
class Source:
    """Where descriptions come from. since: what the next incremental harvest asks from. ended_at: since when
    its records are found no more; None while they are."""

    name: str
    owner: str
    kind: str
    url: str
    options: Mapping[str, str]
    mission: str | None
    since: str | None
    created_at: str
    ended_at: str | None

    @property
    def where(self) -> str:
        """A digest of its address and options: another place is walked through anew."""
        return canonical_digest({"url": self.url, "options": dict(self.options)})


@dataclass(frozen=True)
class Record:
    """A description as a source gave it last, and where its original stands."""

    record_id: str
    source: str
    remote_id: str
    document: Mapping[str, Any]
    format: str
    digest: str
    original: str
    original_offset: int
    original_bytes: int
    state: str
    harvest: str
    changed_at: str

    @property
    def description(self) -> Description:
        """The description, typed."""
        return Description.from_json(self.document)


@dataclass(frozen=True)
class Harvest:
    """One walk through a source. whole: all of it, not only what changed since the last."""

    harvest_id: str
    source: str
    whole: bool
    state: str
    seen: int
    made: int
    changed: int
    gone: int
    problems: int
    begun_at: str
    ended_at: str | None


@dataclass(frozen=True)
class Problem:
    """What went wrong with a record; what: {"en": text, "ko": text}."""

    remote_id: str
    what: Mapping[str, str]


def record_id(source: str, remote_id: str) -> str:
    """The same source and remote id are always the same record."""
    return id_of_digest("rec", blake3.blake3(f"{source}\n{remote_id}".encode()).digest())
