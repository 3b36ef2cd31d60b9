"""A copy of the demonstration's home as it was before the final half of its benchmark was opened."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from madang.interfaces.demo import cast
from madang.kernel.database import Session
from madang.kernel.ledger import log
from madang.scores import opening
from madang.scores.model import openings, scores, submissions
from tests import records
from tests.conftest import Played


def reopened(played: Played) -> None:
    """Take back the opening, the scores on the final half, and what was published."""
    with played.home.database.read() as session:
        told = opening.of(session, cast.MISSION)
    assert told is not None
    assert told.content is not None
    (played.home.path / "content" / told.content[:2] / told.content[2:]).unlink()
    records.tamper(
        played.home.database,
        "DELETE FROM openings",
        "DELETE FROM scores",
        "UPDATE submissions SET state = 'judged' WHERE state = 'scored'",
    )
    # On record, so that a later verification speaks of what the test does.
    with played.home.database.write() as session:
        for table in (openings, scores, submissions):
            for key in _known_keys(session, table):
                session._touch(table, key)
        session.record("test", "reopened", {"member": "-", "organization": "-"})


def _known_keys(session: Session, table: sa.Table) -> set[tuple[Any, ...]]:
    found = set()
    for row in session.rows(sa.select(log.entries.c.changes)):
        found |= {tuple(key) for name, key, _ in json.loads(row["changes"]) if name == table.name}
    return found
