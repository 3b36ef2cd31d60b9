"""Statements: the books told by organization, mission, share, site and month.

Everything is summed from postings, so that two statements over the same months can never disagree:

    share -> award   awarded        award -> lease   leased
    lease -> usage   used           lease -> award   returned
    lease -> lost    lost (to failure or preemption)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from madang.allocations.model import Award, awards, capacities, postings
from madang.kernel.authorizer import Principal
from madang.kernel.database import Row, Session
from madang.organizations.service import oversees

KEYS = ("organization", "mission", "share", "site", "month")
FIGURES = ("awarded", "leased", "returned", "used", "lost")


def heads(named: Sequence[str]) -> dict[str, str]:
    """Each name as a column's head, with its unit where it is a figure: resource-seconds."""
    return {name: f"{name} (s)" if name in FIGURES else name for name in named}


@dataclass(frozen=True)
class Line:
    """One line of a statement, in resource-seconds. Keys that were not asked for are empty."""

    organization: str
    mission: str
    share: str
    site: str
    month: str
    awarded: int
    leased: int
    returned: int
    used: int
    lost: int

    @property
    def held(self) -> int:
        """What this line's leases still hold, where the line covers all months."""
        return self.leased - self.returned - self.used - self.lost


def statement(session: Session, actor: Principal, by: Collection[str] = KEYS) -> list[Line]:
    """The books as far as the actor may see them: overseers all, a member its organization's lines."""
    overseer = oversees(actor)
    held = {row["award_id"]: Award(**row) for row in session.rows(sa.select(awards))}
    site = {row["capacity_id"]: row["site"] for row in session.rows(sa.select(capacities))}
    totals: dict[tuple[str, ...], dict[str, int]] = {}
    for award_id, month, figure, amount in _movements(session):
        award = held.get(award_id)
        if award is None or (not overseer and award.organization != actor.organization):
            continue
        told = (award.organization, award.mission, award.share, site[award.capacity_id], month)
        key = tuple(value if name in by else "" for name, value in zip(KEYS, told, strict=True))
        line = totals.setdefault(key, dict.fromkeys(FIGURES, 0))
        line[figure] += amount
    lines = []
    for key, figures in sorted(totals.items()):
        lines.append(Line(*key, *(figures[name] for name in FIGURES)))  # type: ignore[arg-type]
    return lines


def _movements(session: Session) -> Iterator[tuple[str, str, str, int]]:
    """(award, month, figure, resource-seconds) of each posting that touches an award."""
    query = sa.select(postings).order_by(postings.c.posted_at, postings.c.posting_id)
    rows: Sequence[Row] = session.rows(query)
    # A lease is filled once, by its award: that says whose it is, in whatever order rows come.
    holder = {
        row["target"]: _id(row["source"])
        for row in rows
        if row["source"].startswith("award:") and row["target"].startswith("lease:")
    }
    for row in rows:
        source, target = row["source"], row["target"]
        move = source.partition(":")[0], target.partition(":")[0]
        figure = _FIGURE.get(move)
        if figure is None:
            continue
        award = _id(target) if figure == "awarded" else holder[target if figure == "leased" else source]
        yield award, row["posted_at"][:7], figure, row["resource_seconds"]


_FIGURE = {
    ("share", "award"): "awarded",
    ("award", "lease"): "leased",
    ("lease", "award"): "returned",
    ("lease", "usage"): "used",
    ("lease", "lost"): "lost",
}


def _id(account: str) -> str:
    return account.partition(":")[2]
