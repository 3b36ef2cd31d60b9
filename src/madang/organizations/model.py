"""Organizations, members, tokens: frozen dataclasses and their tables."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from madang.kernel.ledger.log import metadata

KINDS = ("ministry", "institute", "company", "university")
ROLES = ("officer", "steward", "researcher", "operator", "auditor", "evaluator")
"""officer: a ministry's programme officer; steward: signs and deposits for an organization;
researcher: trains and submits; operator: runs a site; auditor: reads; evaluator: opens sealed benchmarks."""

organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("title_ko", sa.Text, nullable=False),
    sa.Column("registered_at", sa.Text, nullable=False),
)
members = sa.Table(
    "members",
    metadata,
    sa.Column("member_id", sa.Text, primary_key=True),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("joined_at", sa.Text, nullable=False),
    sa.UniqueConstraint("organization", "name", name="members_organization_name_key"),
)
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("member_id", sa.Text, sa.ForeignKey("members.member_id"), nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)


@dataclass(frozen=True)
class Organization:
    """A ministry, institute, company or university."""

    name: str
    kind: str
    title_en: str
    title_ko: str
    registered_at: str

    def title(self, language: str) -> str:
        """The title in a language."""
        return self.title_ko if language == "ko" else self.title_en


@dataclass(frozen=True)
class Member:
    """A person in an organization."""

    member_id: str
    organization: str
    name: str
    roles: tuple[str, ...]
