"""The books: postings between accounts, and what is derived from them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from madang.allocations.model import SUPPLY, postings
from madang.kernel import clock
from madang.kernel.database import Session
from madang.kernel.errors import Defect
from madang.kernel.ids import new_id


def post(session: Session, source: str, target: str, resource_seconds: int) -> None:
    """Move an amount between two accounts; the caller records the entry."""
    if resource_seconds == 0:
        return
    if resource_seconds < 0 or (source != SUPPLY and balance(session, source) < resource_seconds):
        raise Defect(source=source, target=target, amount=resource_seconds)
    session.insert(
        postings,
        {
            "posting_id": new_id("pst"),
            "source": source,
            "target": target,
            "resource_seconds": resource_seconds,
            "posted_at": clock.to_text(clock.now()),
        },
    )


def balance(session: Session, account: str) -> int:
    """What an account holds, in resource-seconds."""
    return _sum(session, postings.c.target == account) - _sum(session, postings.c.source == account)


def _sum(session: Session, where: sa.ColumnElement[bool]) -> int:
    return int(
        session.scalar(sa.select(sa.func.coalesce(sa.func.sum(postings.c.resource_seconds), 0)).where(where))
    )


def trial_balance(session: Session) -> dict[str, int]:
    """Every account's balance. The books balance when they sum to zero and only supply is negative."""
    totals: dict[str, int] = {}
    for row in session.rows(sa.select(postings)):
        totals[row["target"]] = totals.get(row["target"], 0) + row["resource_seconds"]
        totals[row["source"]] = totals.get(row["source"], 0) - row["resource_seconds"]
    return totals


def balanced(totals: Mapping[str, int]) -> bool:
    """Whether a trial balance holds."""
    return sum(totals.values()) == 0 and all(v >= 0 for account, v in totals.items() if account != SUPPLY)


def largest_remainder(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Split `total` by integer weights so that the parts sum to it (Hamilton's method).

    q_i = total * w_i / sum(w), floored; what is left goes to the largest fractions, ties in the order of
    `weights`. Raises ValueError where the weights sum to nothing.
    """
    whole = sum(weights.values())
    if whole <= 0 or min(weights.values()) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    parts = {name: total * weight // whole for name, weight in weights.items()}
    order = sorted(weights, key=lambda name: -(total * weights[name] % whole))
    for name in order[: total - sum(parts.values())]:
        parts[name] += 1
    return parts
