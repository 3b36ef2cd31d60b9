"""Sites, capacity, awards and the postings between their accounts: dataclasses and tables.

Amounts are integer resource-seconds (one core, or one GPU, for one second). A posting moves an amount
from one account to another; nothing else changes a balance, and no balance is stored::

    supply -> capacity:<id> -> share:<id>:<name> -> award:<id> -> lease:<run> -> usage:<run>
                                                        ^------------- returned -----'   or lost:<run>
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from madang.kernel import clock
from madang.kernel.i18n import Message
from madang.kernel.ids import new_id
from madang.kernel.ledger.log import metadata

DEFAULT_SPLIT = {"national-projects": 50, "industry": 30, "academia-research": 20}
"""The programme's shares. A capacity may be split into others, and into parts of them ("share/part")."""
SUPPLY = "supply"

sites = sa.Table(
    "sites",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("operator", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
)
capacities = sa.Table(
    "capacities",
    metadata,
    sa.Column("capacity_id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, sa.ForeignKey("sites.name"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("starts_at", sa.Text, nullable=False),
    sa.Column("ends_at", sa.Text, nullable=False),
    sa.Column("split_at", sa.Text),
)
awards = sa.Table(
    "awards",
    metadata,
    sa.Column("award_id", sa.Text, primary_key=True),
    sa.Column("capacity_id", sa.Text, sa.ForeignKey("capacities.capacity_id"), nullable=False),
    sa.Column("share", sa.Text, nullable=False),
    sa.Column("mission", sa.Text, sa.ForeignKey("missions.name"), nullable=False, index=True),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("resource_seconds", sa.BigInteger, nullable=False),
    sa.Column("awarded_at", sa.Text, nullable=False),
    sa.Column("application_id", sa.Text, index=True),
)
postings = sa.Table(
    "postings",
    metadata,
    sa.Column("posting_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False, index=True),
    sa.Column("target", sa.Text, nullable=False, index=True),
    sa.Column("resource_seconds", sa.BigInteger, nullable=False),
    sa.Column("posted_at", sa.Text, nullable=False),
    sa.CheckConstraint("resource_seconds > 0", name="postings_positive"),
)


def share_title(name: str) -> Message:
    """A share in words: the programme's own have titles, another is called by its name; "share / part"."""
    top, _, part = name.partition("/")
    title: Message | str = Message(f"allocations.share.{top}") if top in DEFAULT_SPLIT else top
    if part:
        return Message("allocations.share-part", share=title, part=part)
    return title if isinstance(title, Message) else Message("allocations.share-named", name=title)


@dataclass(frozen=True)
class Capacity:
    """So many of a kind at a site from an instant to another (UTC text)."""

    capacity_id: str
    site: str
    kind: str
    count: int
    starts_at: str
    ends_at: str
    split_at: str | None

    @classmethod
    def of(
        cls, site: str, kind: str, count: int, starts: datetime, ends: datetime, split_at: str | None = None
    ) -> Capacity:
        """A new one, with an id of its own."""
        return cls(new_id("cap"), site, kind, count, clock.to_text(starts), clock.to_text(ends), split_at)

    @property
    def resource_seconds(self) -> int:
        """All that it gives: count times the seconds of its period."""
        period = clock.from_text(self.ends_at) - clock.from_text(self.starts_at)
        return self.count * int(period.total_seconds())


@dataclass(frozen=True)
class Award:
    """A grant of resource-seconds from a share to an organization for a mission.

    application_id: of a call's award, what was applied for.
    """

    award_id: str
    capacity_id: str
    share: str
    mission: str
    organization: str
    resource_seconds: int
    awarded_at: str
    application_id: str | None = None


@dataclass(frozen=True)
class AwardBalance:
    """Where an award's resource-seconds are now. lost: what runs had that failed."""

    awarded: int
    leased: int
    used: int
    lost: int
    left: int
