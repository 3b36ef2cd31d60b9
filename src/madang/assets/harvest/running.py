"""One harvest from its begin to its end.

A walk goes part by part; each part is one transaction with one entry, after which its place is moved on, so
that a walk which was killed goes on where it was, and a part that comes twice changes nothing. What is gone
is marked last, behind the brake: where more vanished than a source may lose at once, nothing is marked, the
harvest is held back, and a person decides.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import blake3
import sqlalchemy as sa

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import (
    GONE,
    PRESENT,
    Harvest,
    Source,
    harvests,
    problems,
    record_id,
    records,
    sources,
)
from madang.assets.harvest.errors import HarvestBusy, NothingFound, TooManyVanished
from madang.assets.harvest.journal import Journal, Marks, Place
from madang.assets.harvest.port import Found, Page, Walk, harvester
from madang.assets.metadata import reading
from madang.assets.store import open_store
from madang.kernel import clock, outbound
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes, canonical_digest
from madang.kernel.database import Session
from madang.kernel.errors import MadangError
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ids import new_id

BRAKE_SHARE, BRAKE_LEAST = 0.1, 5
"""A harvest may mark a tenth of a source's records as gone, and five in any case."""
MOST_PROBLEMS = 10_000
"""Problems of a harvest that are listed; all of them are counted."""
_BATCH = 1000
_LONGEST_ID = 2000

Progress = Callable[[Harvest], None]


@dataclass(frozen=True)
class _Read:
    """A record that could be read: where it stands in the batch of originals, and what it says."""

    remote_id: str
    document: dict[str, Any]
    format: str
    digest: str
    original: bytes


@dataclass(frozen=True)
class _Failed:
    remote_id: str
    what: dict[str, str]


def run(
    home: Home,
    actor: Principal,
    name: str,
    *,
    whole: bool = False,
    accept_vanished: bool = False,
    progress: Progress | None = None,
) -> Harvest:
    """Harvest a source: what changed since the last time where it can tell that, else all of it.

    A walk that was cut off is taken up again. Raises HarvestBusy, NotFetched, BadAnswer, NothingFound or
    TooManyVanished; what was taken in before stays, and the harvest says why it ended.
    """
    with home.database.read() as session:
        source = catalogue.see(session, actor, name)
        authorize(session, _request(actor, source))
    with _alone(home, source) as folder:
        journal = Journal(folder)
        place = journal.place()
        if place is None or (whole and not place.whole):
            place = _begun(home, actor, source, journal, whole)
        try:
            place = _walk(home, actor, source, journal, place, progress)
            return _ended(home, actor, source, journal, place, accept_vanished)
        except MadangError as error:
            _interrupted(home, actor, source, place, error)
            raise


def _request(actor: Principal, source: Source) -> Request:
    return Request(actor, "harvest.run", "Source", source.name, {"owner": source.owner})


@contextmanager
def _alone(home: Home, source: Source) -> Iterator[Path]:
    folder = home.path / "harvest" / source.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HarvestBusy(source=source.name) from error
        yield folder


def _begun(home: Home, actor: Principal, source: Source, journal: Journal, whole: bool) -> Place:
    """Begin a walk. One that was cut off before, and is not gone on with, has ended."""
    whole = whole or source.since is None
    harvest_id = new_id("hrv")
    row = {
        "harvest_id": harvest_id,
        "source": source.name,
        "whole": whole,
        "state": "running",
        "begun_at": clock.to_text(clock.now()),
        "ended_at": None,
        **dict.fromkeys(("seen", "made", "changed", "gone", "problems"), 0),
    }
    with home.database.write() as session:
        authorize(session, _request(actor, source))
        session.insert(harvests, row)
        session.record("harvest.begun", harvest_id, actor.as_fact(), source=source.name, whole=whole)
    place = Place(harvest_id, whole, None if whole else source.since, None, None, 0)
    journal.begin(place)
    return place


def _walk(
    home: Home, actor: Principal, source: Source, journal: Journal, place: Place, progress: Progress | None
) -> Place:
    """Take in part after part; returns the place after the last."""
    also = outbound.networks(home.values.outbound_networks)
    engine = harvester(source.kind)
    with outbound.Fetcher(also) as fetcher:
        walk = Walk(source.url, source.options, fetcher, folders(home), since=place.since, token=place.token)
        for page in engine.pages(walk):
            taken = _taken(page)
            changed = _apply(home, actor, source, place, page, taken)
            seen = [one.remote_id for one in taken]
            journal.note(seen, [found.identifier for found in page.found if found.deleted])
            place = replace(
                place,
                token=page.token,
                next_since=place.next_since or page.since,
                pages=place.pages + 1,
            )
            journal.move(place)
            if progress:
                progress(changed)
    return place


def folders(home: Home) -> tuple[Path, ...]:
    """The folders of this machine that may be harvested."""
    told = home.values.harvest_folders.split(":")
    return tuple(Path(one).resolve() for one in told if one)


def _taken(page: Page) -> list[_Read | _Failed]:
    """The records of a part, read; those that cannot be are told."""
    taken: list[_Read | _Failed] = [_Failed(name, _told(reason)) for name, reason in page.failed]
    for found in page.found:
        if found.deleted:
            continue
        try:
            taken += _described(found)
        except MadangError as error:
            taken.append(_Failed(found.identifier or "-", _error_told(error)))
    return taken


def _described(found: Found) -> Iterator[_Read]:
    form = found.format or reading.recognize(found.content)
    told = reading.read(found.content, form)
    alone = len(told) == 1
    for number, one in enumerate(told, start=1):
        own = one.identifier if not (alone and found.identifier) else found.identifier
        remote_id = (own or f"{found.identifier}#{number}")[:_LONGEST_ID]
        document = one.description.to_json()
        # A document of many records changes as a whole; each of them only where its description does.
        content = canonical_bytes([document, blake3.blake3(found.original).hexdigest() if alone else ""])
        yield _Read(remote_id, document, form, blake3.blake3(content).hexdigest(), found.original)


def _error_told(error: MadangError) -> dict[str, str]:
    texts = {language: error.in_language(language) for language in ("en", "ko")}
    return {language: f"{told.what} {told.why}"[:1000] for language, told in texts.items()}


def _told(message: Message) -> dict[str, str]:
    return {language: message.in_language(language)[:1000] for language in ("en", "ko")}


def _apply(
    home: Home, actor: Principal, source: Source, place: Place, page: Page, taken: Sequence[_Read | _Failed]
) -> Harvest:
    """Take a part in: one transaction, one entry. Returns how the harvest stands."""
    read, failed = _sorted_out(taken)
    with home.database.read() as session:
        known = _known(session, source, [one.remote_id for one in read])
    fresh = [one for one in read if known.get(one.remote_id) != (one.digest, PRESENT)]
    originals, places = _stored(home, fresh)
    now = clock.to_text(clock.now())
    with home.database.write() as session:
        authorize(session, _request(actor, source))
        harvest = _harvest(session, place)
        made = 0
        for one in fresh:
            offset, size = places[one.original]
            values = {
                "document": one.document,
                "format": one.format,
                "digest": one.digest,
                "original": originals,
                "original_offset": offset,
                "original_bytes": size,
                "state": PRESENT,
                "harvest": place.harvest_id,
                "changed_at": now,
            }
            key = record_id(source.name, one.remote_id)
            if one.remote_id in known:
                session.update(records, key, **values)
            else:
                made += 1
                row = {"record_id": key, "source": source.name, "remote_id": one.remote_id, **values}
                session.insert(records, row)
        _list(session, harvest, failed)
        counts = {
            "seen": harvest.seen + len(read) + len(failed),
            "made": harvest.made + made,
            "changed": harvest.changed + len(fresh) - made,
            "problems": harvest.problems + len(failed),
        }
        session.update(harvests, place.harvest_id, state="running", ended_at=None, **counts)
        told = canonical_digest([[one.remote_id, one.digest] for one in fresh])
        session.record(
            "harvest.taken", place.harvest_id, actor.as_fact(), source=source.name, n=len(fresh), digest=told
        )
        return _harvest(session, place)


def _sorted_out(taken: Sequence[_Read | _Failed]) -> tuple[list[_Read], list[_Failed]]:
    """Records, one of each id, and failures. Of two different records of one id the first counts."""
    read: dict[str, _Read] = {}
    failed: list[_Failed] = []
    for one in taken:
        if isinstance(one, _Failed):
            failed.append(one)
        elif read.setdefault(one.remote_id, one).digest != one.digest:
            failed.append(_Failed(one.remote_id, _told(Message("harvest.id-twice"))))
    return list(read.values()), failed


def _known(session: Session, source: Source, remote_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    columns = sa.select(records.c.remote_id, records.c.digest, records.c.state)
    for start in range(0, len(remote_ids), 500):
        where = records.c.remote_id.in_(remote_ids[start : start + 500])
        for row in session.rows(columns.where(records.c.source == source.name, where)):
            found[row["remote_id"]] = (row["digest"], row["state"])
    return found


def _stored(home: Home, fresh: Sequence[_Read]) -> tuple[str, dict[bytes, tuple[int, int]]]:
    """Store the originals of a part as one blob: (its digest, where each stands in it)."""
    places: dict[bytes, tuple[int, int]] = {}
    buffer = BytesIO()
    for one in fresh:
        if one.original not in places:
            places[one.original] = (buffer.tell(), len(one.original))
            buffer.write(one.original)
    if not places:
        return "", places
    buffer.seek(0)
    return open_store(home).put(buffer).digest, places


def _list(session: Session, harvest: Harvest, failed: Sequence[_Failed]) -> None:
    start = harvest.problems
    rows = [
        {
            "harvest_id": harvest.harvest_id,
            "number": start + number,
            "remote_id": one.remote_id[:_LONGEST_ID],
            "what": one.what,
        }
        for number, one in enumerate(failed, start=1)
        if start + number <= MOST_PROBLEMS
    ]
    session.insert(problems, *rows)


def _harvest(session: Session, place: Place) -> Harvest:
    row = session.row(sa.select(harvests).where(harvests.c.harvest_id == place.harvest_id))
    assert row is not None  # the journal names a harvest that was made before it
    return Harvest(**row)


def _ended(
    home: Home, actor: Principal, source: Source, journal: Journal, place: Place, accept_vanished: bool
) -> Harvest:
    """Mark what is gone, where the brake lets it pass, and end the harvest."""
    seen, deleted = journal.seen(), journal.deleted()
    with home.database.read() as session:
        present = catalogue.count(session, source.name)
    if place.whole and present and not len(seen):
        journal.end()  # the next walk begins anew
        raise NothingFound(source=source.name, present=present)
    vanished = sum(len(part) for part in _vanished(home, source, place, seen, deleted))
    limit = max(BRAKE_LEAST, int(BRAKE_SHARE * present))
    if vanished > limit and not accept_vanished:
        journal.end()
        raise TooManyVanished(source=source.name, vanished=vanished, present=present, limit=limit)
    for part in list(_vanished(home, source, place, seen, deleted)):
        _mark_gone(home, actor, source, place, part)
    with home.database.write() as session:
        authorize(session, _request(actor, source))
        ended_at = clock.to_text(clock.now())
        session.update(harvests, place.harvest_id, state="finished", ended_at=ended_at)
        if place.next_since is not None:
            session.update(sources, source.name, since=place.next_since)
        harvest = replace(_harvest(session, place), state="finished", ended_at=ended_at)
        told = {name: getattr(harvest, name) for name in ("seen", "made", "changed", "gone", "problems")}
        session.record("harvest.finished", place.harvest_id, actor.as_fact(), source=source.name, **told)
    journal.end()
    return harvest


def _vanished(
    home: Home, source: Source, place: Place, seen: Marks, deleted: Marks
) -> Iterator[list[tuple[str, str]]]:
    """(record id, remote id) of records that are no longer there, part by part."""
    after = ""
    while True:
        query = sa.select(records.c.record_id, records.c.remote_id).where(
            records.c.source == source.name, records.c.state == PRESENT, records.c.record_id > after
        )
        with home.database.read() as session:
            rows = session.rows(query.order_by(records.c.record_id).limit(_BATCH))
        if not rows:
            return
        after = rows[-1]["record_id"]
        names = [row["remote_id"] for row in rows]
        there, told_gone = seen.holds(names), deleted.holds(names)
        part = [
            (row["record_id"], row["remote_id"])
            for row, is_there, is_gone in zip(rows, there, told_gone, strict=True)
            if (is_gone and not is_there) or (place.whole and not is_there)
        ]
        if part:
            yield part


def _mark_gone(
    home: Home, actor: Principal, source: Source, place: Place, part: Sequence[tuple[str, str]]
) -> None:
    now = clock.to_text(clock.now())
    with home.database.write() as session:
        authorize(session, _request(actor, source))
        harvest = _harvest(session, place)
        for key, _ in part:
            session.update(records, key, state=GONE, harvest=place.harvest_id, changed_at=now)
        session.update(harvests, place.harvest_id, gone=harvest.gone + len(part))
        told = canonical_digest([remote_id for _, remote_id in part])
        session.record(
            "harvest.gone", place.harvest_id, actor.as_fact(), source=source.name, n=len(part), digest=told
        )


def _interrupted(home: Home, actor: Principal, source: Source, place: Place, error: MadangError) -> None:
    """Put on record why a harvest did not come to its end."""
    held = isinstance(error, TooManyVanished)
    with home.database.write() as session:
        harvest = _harvest(session, place)
        _list(session, harvest, [_Failed("-", _error_told(error))])
        session.update(
            harvests,
            place.harvest_id,
            state="held-back" if held else "interrupted",
            problems=harvest.problems + 1,
            ended_at=clock.to_text(clock.now()),
        )
        session.record(
            "harvest.interrupted", place.harvest_id, actor.as_fact(), source=source.name, why=error.code
        )
