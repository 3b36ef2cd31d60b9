"""Finding what one may know of by a part of its name or title."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from madang.agreements import service as agreements
from madang.allocations import service as allocations
from madang.assets import service as assets
from madang.assets.model import versions
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.errors import NotFound
from madang.kernel.ids import nfc
from madang.missions import service as missions
from madang.organizations import service as organizations
from madang.runs import service as runs
from madang.scores import service as scores

MOST = 20


@dataclass(frozen=True)
class Hit:
    """Something found. page: where to look at it."""

    kind: str
    name: str
    title_en: str
    title_ko: str
    page: str


def search(session: Session, actor: Principal, words: str) -> list[Hit]:
    """At most twenty things, those whose name begins with `words` first."""
    wanted = nfc(words).strip().lower()
    if not wanted:
        return []
    exact = list(_by_id(session, actor, wanted))
    if exact:
        return exact
    hits = [hit for hit in _named(session, actor) if wanted in _told(hit)]
    hits += _versions(session, actor, wanted)
    return sorted(hits, key=lambda h: (h.name != wanted, not h.name.startswith(wanted), len(h.name)))[:MOST]


def _told(hit: Hit) -> str:
    return nfc(f"{hit.name} {hit.title_en} {hit.title_ko}").lower()


def _by_id(session: Session, actor: Principal, wanted: str) -> Iterator[Hit]:
    """What a whole id names."""
    kinds: tuple[tuple[str, str, Callable[[], object], str], ...] = (
        ("run-", "run", lambda: runs.see(session, actor, wanted), "/runs/"),
        ("sub-", "submission", lambda: scores.see(session, actor, wanted), "/submissions/"),
        ("awd-", "award", lambda: allocations.see_award(session, actor, wanted), "/awards/"),
    )
    for prefix, kind, see, page in kinds:
        if wanted.startswith(prefix):
            try:
                see()
            except NotFound:
                continue
            yield Hit(kind, wanted, "", "", page + wanted)


def _named(session: Session, actor: Principal) -> Iterator[Hit]:
    """Everything with a title."""
    for mission in missions.visible_to(session, actor):
        header = mission.header
        yield Hit("mission", mission.name, header.title_en, header.title_ko, f"/missions/{mission.name}")
    if not actor.organization:
        return
    for one in agreements.visible_to(session, actor):
        yield Hit("agreement", one.name, one.title_en, one.title_ko, f"/agreements/{one.name}")
    for body in organizations.every(session):
        yield Hit("organization", body.name, body.title_en, body.title_ko, f"/organizations/{body.name}")


def _versions(session: Session, actor: Principal, wanted: str) -> list[Hit]:
    name = versions.c.owner + "/" + versions.c.asset + "@" + sa.cast(versions.c.number, sa.Text)
    query = assets.visible_query(session, actor).where(name.contains(wanted, autoescape=True))
    likely = sa.case((name == wanted, 0), (name.startswith(wanted, autoescape=True), 1), else_=2)
    rows = session.rows(
        query.order_by(likely, sa.func.length(name), versions.c.created_at.desc()).limit(MOST)
    )
    found = [f"{row['owner']}/{row['asset']}@{row['number']}" for row in rows]
    return [Hit("version", one, "", "", f"/versions/{one}") for one in found]
