"""Keeping an index level with the ledger: what an entry tells to have changed is put in anew.

The ledger is the one list of all changes, so nothing that changes a record or a version has to know that
there is an index. A new index, or one that was cut off while it was made, is made from the tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import blake3
import sqlalchemy as sa

from madang.assets import lineage
from madang.assets.catalogue.model import PRESENT, Record, Source, records, sources
from madang.assets.describing.model import descriptions
from madang.assets.model import Version, versions
from madang.assets.probing.tables import probes
from madang.assets.search import entries
from madang.assets.search.port import Entry, SearchIndex, open_index
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.ledger import log
from madang.kernel.locks import alone

Progress = Callable[[int], None]

_BATCH = 1000
_WHOLE = 20_000
"""Changes after which making the index anew is the shorter way."""
_MAKING = "making"
_ENDINGS = ("source.ended", "source.resumed")
"""Entries after which a source's records are found no more, or again."""


def level(home: Home, progress: Progress | None = None) -> SearchIndex:
    """The home's index, holding everything that the ledger tells of by now."""
    index = open_index(home)
    with home.database.read() as session:
        place = place_at(session, log.size_of(session.connection))
    if index.position() != place:
        with alone(home.path / "search" / "following"):
            _follow(home, index, progress)
    return index


def make(home: Home, progress: Progress | None = None) -> int:
    """Make the index anew from the tables; returns how many entries it holds."""
    index = open_index(home)
    with alone(home.path / "search" / "following"):
        return _made(home, index, progress)


def _follow(home: Home, index: SearchIndex, progress: Progress | None) -> None:
    position = index.position()
    with home.database.read() as session:
        size = log.size_of(session.connection)
        place, begun = place_at(session, size), position.partition("/")[0]
        ours = begun.isdecimal() and int(begun) <= size and position == place_at(session, int(begun))
        changed = _changed(session, int(begun)) if ours else None
    if changed is None or len(changed) > _WHOLE:
        _made(home, index, progress)
        return
    keys = sorted(changed)
    with home.database.read() as session:
        found = list(_entries(session, keys))
    index.replace(found, set(keys) - {one.key for one in found}, place)


def place_at(session: Session, size: int) -> str:
    """A place in this ledger: how many entries stand before it, and what the last of them is. A ledger that
    came back from a backup has other entries there."""
    last = session.scalar(sa.select(log.entries.c.leaf).where(log.entries.c.position == size - 1))
    return f"{size}/{blake3.blake3(str(last or '').encode()).hexdigest(length=8)}"


def _changed(session: Session, position: int) -> set[str]:
    """Keys of records and versions that entries from `position` on changed; stops at _WHOLE and one more."""
    found: set[str] = set()
    moved: set[str] = set()
    wanted = {records.name, versions.name, probes.name, descriptions.name}
    query = sa.select(*log.entries.c["position", "kind", "subject", "changes"])
    while len(found) <= _WHOLE:
        where = log.entries.c.position >= position
        rows = session.rows(query.where(where).order_by(log.entries.c.position).limit(_BATCH))
        if not rows:
            break
        for row in rows:
            changes = [(table, str(key[0])) for table, key, _ in json.loads(row["changes"])]
            found |= {key for table, key in changes if table in wanted}
            moved |= {key for table, key in changes if table == versions.name}
            if row["kind"] in _ENDINGS:
                found |= set(_of_source(session, row["subject"]))
        position = rows[-1]["position"] + 1
    return found | _later(session, found) | lineage.derived_from(session, sorted(moved)[:_WHOLE])


def _of_source(session: Session, source: str) -> Iterator[str]:
    query = sa.select(records.c.record_id).where(records.c.source == source).limit(_WHOLE + 1)
    yield from (row["record_id"] for row in session.rows(query))


def _later(session: Session, keys: set[str]) -> set[str]:
    """Later versions of the assets of described versions: they may have their description from them."""
    told = sa.select(descriptions.c.version_id).where(descriptions.c.version_id.in_(sorted(keys)[:_WHOLE]))
    found: set[str] = set()
    for row in session.rows(told):
        described = sa.select(versions).where(versions.c.version_id == row["version_id"]).subquery()
        later = sa.select(versions.c.version_id).where(
            versions.c.owner == described.c.owner,
            versions.c.asset == described.c.asset,
            versions.c.number > described.c.number,
        )
        found |= {one["version_id"] for one in session.rows(later)}
    return found


def _made(home: Home, index: SearchIndex, progress: Progress | None) -> int:
    index.clear()
    count = 0
    with home.database.read() as session:
        place = place_at(session, log.size_of(session.connection))
        for keys in chain(_all(session, records.c.record_id), _all(session, versions.c.version_id)):
            index.replace(_entries(session, keys), (), _MAKING)
            count += len(keys)
            if progress:
                progress(count)
    index.replace((), (), place)
    return count


def everything(home: Home) -> Iterator[Entry]:
    """All that an index holds, read in parts, none of which keeps a session for longer than it takes."""
    for column in (records.c.record_id, versions.c.version_id):
        after = ""
        while True:
            with home.database.read() as session:
                keys = _next(session, column, after, _BATCH)
                found = list(_entries(session, keys))
            if not keys:
                break
            yield from found
            after = keys[-1]


def _all(session: Session, column: sa.Column[str]) -> Iterator[list[str]]:
    after = ""
    while keys := _next(session, column, after, _WHOLE):
        yield keys
        after = keys[-1]


def _next(session: Session, column: sa.Column[str], after: str, most: int) -> list[str]:
    query = sa.select(column).where(column > after).order_by(column).limit(most)
    return [row[column.name] for row in session.rows(query)]


def _entries(session: Session, keys: Sequence[str]) -> Iterator[Entry]:
    """Entries of those keys that an index holds: records that are there, and versions."""
    from_sources = {row["name"]: Source(**row) for row in session.rows(sa.select(sources))}
    for start in range(0, len(keys), 500):
        part = list(keys[start : start + 500])
        ended = [name for name, source in from_sources.items() if source.ended_at]
        there = (records.c.state == PRESENT) & records.c.source.not_in(ended)
        there &= records.c.record_id.in_(part)
        for row in session.rows(sa.select(records).where(there)):
            record = Record(**row)
            yield entries.of_record(record, from_sources[record.source])
        for row in session.rows(sa.select(versions).where(versions.c.version_id.in_(part))):
            yield entries.of_version(session, Version(**row))
