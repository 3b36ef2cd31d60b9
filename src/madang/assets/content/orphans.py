"""Holdings that nothing names: what a process left that was killed before its version was on record."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from madang.assets.content import drafts, holdings
from madang.assets.content.model import holdings as table
from madang.assets.content.port import open_keys
from madang.kernel import clock
from madang.kernel.home import Home
from madang.kernel.ids import time_of

SETTLED = timedelta(days=1)
"""A younger holding may be on its way to a version."""


def found(home: Home) -> list[str]:
    """Holdings with a key that no version and no draft names, older than a day.

    They are destroyed by an operator only, never by themselves: where the records were restored from an older
    backup, all that came after it is among them.
    """
    with home.database.read() as session:
        named = {row["holding_id"] for row in session.rows(sa.select(table.c.holding_id))}
    named |= drafts.under_way(home)
    before = clock.now() - SETTLED
    return [one for one in open_keys(home).names() if one not in named and time_of(one) < before]


def destroy(home: Home, holding_id: str) -> None:
    """Destroy one of them, if nothing names it still."""
    if holding_id in found(home):
        holdings.destroy(home, holding_id)
