"""Adding sources, and reading what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from madang.assets.catalogue.errors import (
    BadSource,
    NoSuchHarvest,
    NoSuchRecord,
    NoSuchSource,
    SourceEnded,
    SourceExists,
)
from madang.assets.catalogue.model import (
    PRESENT,
    Harvest,
    Problem,
    Record,
    Source,
    harvests,
    problems,
    records,
    sources,
)
from madang.assets.content import blobs
from madang.assets.metadata.model import REPOSITORY
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ids import check_slug
from madang.kernel.paging import Slice, cut
from madang.missions import service as missions
from madang.organizations.service import oversees

LONGEST_URL = 2000


def add(
    session: Session,
    actor: Principal,
    name: str,
    kind: str,
    url: str,
    options: Mapping[str, str],
    mission: str | None = None,
) -> Source:
    """Add a source of the actor's organization. What it describes is told to every member, or with a
    mission to those who take part in it. SourceExists, BadSource, NoSuchMission."""
    authorize(session, Request(actor, "source.add", "Source", name, {"owner": actor.organization}))
    check_slug(name, "source name")
    _check_url(name, url)
    if session.row(sa.select(sources.c.name).where(sources.c.name == name)):
        raise SourceExists(source=name)
    if mission is not None:
        missions.require_part(session, actor, mission)
    row = {
        "name": name,
        "owner": actor.organization,
        "kind": kind,
        "url": url,
        "options": dict(options),
        "mission": mission,
        "since": None,
        "created_at": clock.to_text(clock.now()),
        "ended_at": None,
    }
    session.insert(sources, row)
    made = Source(**row)  # type: ignore[arg-type]
    session.record("source.added", name, actor.as_fact(), kind=kind, owner=made.owner, where=made.where)
    return made


def change(session: Session, actor: Principal, name: str, url: str, options: Mapping[str, str]) -> Source:
    """Say where a source of the actor's organization is by now. Its records stay; the next harvest walks
    through all of it. One that ended is taken up again. NoSuchSource, BadSource."""
    source = see(session, actor, name)
    authorize(session, Request(actor, "source.change", "Source", name, {"owner": source.owner}))
    _check_url(name, url)
    session.update(sources, name, url=url, options=dict(options), since=None, ended_at=None)
    changed = get(session, name)
    kind = "source.resumed" if source.ended_at else "source.changed"
    session.record(kind, name, actor.as_fact(), owner=source.owner, where=changed.where)
    return changed


def end(session: Session, actor: Principal, name: str) -> Source:
    """End a source of the actor's organization: its records stay on record, and nobody finds them or harvests
    it until :func:`change` takes it up again. NoSuchSource, SourceEnded."""
    source = see(session, actor, name)
    authorize(session, Request(actor, "source.end", "Source", name, {"owner": source.owner}))
    require_going_on(source)
    session.update(sources, name, ended_at=clock.to_text(clock.now()))
    session.record("source.ended", name, actor.as_fact(), owner=source.owner)
    return get(session, name)


def require_going_on(source: Source) -> None:
    """SourceEnded where it is not harvested any more."""
    if source.ended_at:
        raise SourceEnded(source=source.name)


def _check_url(name: str, url: str) -> None:
    if len(url) > LONGEST_URL or any(ord(sign) < 32 for sign in url):
        raise BadSource(source=name, reason=Message("catalogue.bad-url"))
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise BadSource(source=name, reason=Message("catalogue.secret-url"))


def _visible(actor: Principal) -> sa.ColumnElement[bool]:
    """The sources whose records an actor may know of."""
    if not actor.organization:
        return sa.false()
    if oversees(actor):
        return sa.true()
    own = sources.c.owner == actor.organization
    return own | sources.c.mission.is_(None) | missions.inside(actor, sources.c.mission)


def get(session: Session, name: str) -> Source:
    """The source of that name, or NoSuchSource."""
    row = session.row(sa.select(sources).where(sources.c.name == name))
    if row is None:
        raise NoSuchSource(source=name)
    return Source(**row)


def see(session: Session, actor: Principal, name: str) -> Source:
    """The source where the actor may know of it; NoSuchSource otherwise."""
    row = session.row(sa.select(sources).where(sources.c.name == name, _visible(actor)))
    if row is None:
        raise NoSuchSource(source=name)
    return Source(**row)


def address_for(actor: Principal, source: Source) -> str:
    """A source's address; that of one which is no address of the web (a folder of the operator's machine) for
    its own organization and overseers, and its last part for others."""
    public = source.url.startswith(("http://", "https://"))
    if public or actor.organization == source.owner or oversees(actor):
        return source.url
    return source.url.rstrip("/").rpartition("/")[2]


def visible_to(session: Session, actor: Principal, part: Slice | None = None) -> list[Source]:
    """The sources whose records an actor may know of, by name."""
    query = cut(sa.select(sources).where(_visible(actor)), (sources.c.name,), part)
    return [Source(**row) for row in session.rows(query)]


def record(session: Session, actor: Principal, record_id: str) -> Record:
    """A record that the actor may know of; NoSuchRecord otherwise."""
    found = records_by_id(session, actor, [record_id])
    if not found:
        raise NoSuchRecord(record=record_id)
    return found[record_id]


def records_by_id(session: Session, actor: Principal, ids: Sequence[str]) -> dict[str, Record]:
    """Those of the records that the actor may know of."""
    query = sa.select(records).join(sources, sources.c.name == records.c.source)
    found = records.c.record_id.in_(ids) & sources.c.ended_at.is_(None)
    rows = session.rows(query.where(found, _visible(actor)))
    return {row["record_id"]: Record(**row) for row in rows}


def original(home: Home, found: Record) -> bytes:
    """The record as its source gave it, byte for byte (the caller has seen it)."""
    return blobs.part(home, found.original, found.original_offset, found.original_bytes)


def records_of(session: Session, actor: Principal, source: str, part: Slice | None = None) -> list[Record]:
    """The records of a source that are there, by their id; none of one that ended."""
    if see(session, actor, source).ended_at:
        return []
    where = (records.c.source == source) & (records.c.state == PRESENT)
    query = cut(sa.select(records).where(where), (records.c.record_id,), part)
    return [Record(**row) for row in session.rows(query)]


def count(session: Session, source: str, *, of_data: bool = False) -> int:
    """How many records of a source are there. of_data: without that of the repository around the data."""
    where = (records.c.source == source) & (records.c.state == PRESENT)
    if of_data:
        where &= records.c.document["layer"].as_string() != REPOSITORY
    return int(session.scalar(sa.select(sa.func.count()).select_from(records).where(where)))


def shown(session: Session, source: Source) -> int:
    """How many records of a source may be found: none of one that ended."""
    return 0 if source.ended_at else count(session, source.name)


def harvests_of(session: Session, source: str, part: Slice | None = None) -> list[Harvest]:
    """The harvests of a source, newest first (the caller has seen it)."""
    query: sa.Select[Any] = sa.select(harvests).where(harvests.c.source == source)
    return [Harvest(**row) for row in session.rows(cut(query, (harvests.c.harvest_id,), part, falling=True))]


def see_harvest(session: Session, actor: Principal, harvest_id: str) -> Harvest:
    """A harvest of a source that the actor may know of; NoSuchHarvest otherwise."""
    query = sa.select(harvests).join(sources, sources.c.name == harvests.c.source)
    row = session.row(query.where(harvests.c.harvest_id == harvest_id, _visible(actor)))
    if row is None:
        raise NoSuchHarvest(harvest=harvest_id)
    return Harvest(**row)


def problems_of(session: Session, harvest_id: str, part: Slice | None = None) -> list[tuple[int, Problem]]:
    """(number, problem) of a harvest in order (the caller has seen its source)."""
    query = cut(sa.select(problems).where(problems.c.harvest_id == harvest_id), (problems.c.number,), part)
    return [(row["number"], Problem(row["remote_id"], row["what"])) for row in session.rows(query)]
