"""Taking in a part of a walk: reading what came, and putting it on record in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import blake3
import sqlalchemy as sa

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import (
    PRESENT,
    Harvest,
    Source,
    harvests,
    problems,
    record_id,
    records,
)
from madang.assets.content import blobs
from madang.assets.harvest.journal import Journal, Place
from madang.assets.harvest.port import Found, Page
from madang.assets.metadata import reading
from madang.assets.metadata.documents import Told
from madang.assets.metadata.errors import UnreadableRecord, UntitledRecord
from madang.assets.metadata.model import REPOSITORY, Description, Text
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_bytes, canonical_digest
from madang.kernel.database import Session
from madang.kernel.errors import MadangError
from madang.kernel.home import Home
from madang.kernel.i18n import Message

MOST_PROBLEMS = 10_000
"""Problems of a harvest that are listed; all of them are counted."""
_LONGEST_ID = 1000
"""Bytes of a remote id; PostgreSQL indexes no more than some 2,700."""
_LARGEST_DOCUMENT = 512 * 1024


@dataclass(frozen=True)
class Read:
    """A record that could be read: where it stands in the batch of originals, and what it says."""

    remote_id: str
    document: dict[str, Any]
    format: str
    digest: str
    original: bytes

    @property
    def about_data(self) -> bool:
        """Whether it tells of data, and not of the repository that they are in."""
        return self.document.get("layer") != REPOSITORY


@dataclass(frozen=True)
class Failed:
    remote_id: str
    what: dict[str, str]


def request(actor: Principal, source: Source) -> Request:
    return Request(actor, "harvest.run", "Source", source.name, {"owner": source.owner})


def taken_of(page: Page) -> tuple[list[Read | Failed], bool]:
    """The records of a part, read; those that cannot be are told. And whether none may be missing."""
    taken: list[Read | Failed] = [Failed(bounded(name), message_told(reason)) for name, reason in page.failed]
    complete = page.whole and not page.failed
    for found in page.found:
        if found.deleted:
            continue
        try:
            taken += _described(found)
        except MadangError as error:
            taken.append(Failed(bounded(found.identifier or "-"), error_told(error)))
            complete = complete and not _may_hold_many(found)
    return taken, complete


def _may_hold_many(found: Found) -> bool:
    """Whether a document that could not be read may hold records that are known by other names."""
    try:
        return not found.identifier or (found.format or reading.recognize(found.content)) in reading.MANY
    except UnreadableRecord:
        return False


def _described(found: Found) -> Iterator[Read | Failed]:
    form = found.format or reading.recognize(found.content)
    told = reading.told_in(found.content, form, found.address)
    data = [one for one in told if one.description.about_data] or told
    alone = len(data) == 1
    for number, one in enumerate(told, start=1):
        whole = alone and one is data[0]
        remote_id = bounded(_name(found, one, whole) or f"{found.identifier}#{number}")
        # A document of many records changes as a whole, a repository's links with its data: each of these
        # only where its description does.
        told_whole = whole and one.description.about_data
        document, content = _kept(one.description, found.original if told_whole else None)
        if not one.description.title:
            yield Failed(remote_id, error_told(UntitledRecord(identifier=one.identifier or "-")))
        elif len(content) > _LARGEST_DOCUMENT:
            yield Failed(remote_id, message_told(Message("harvest.too-large", limit=_LARGEST_DOCUMENT)))
        else:
            yield Read(remote_id, document, form, blake3.blake3(content).hexdigest(), found.original)


def _name(found: Found, told: Told, whole: bool) -> str:
    """By what a record is known; one that is its whole document, by what the source calls that."""
    if whole and found.identifier:
        return found.identifier
    if not told.description.about_data and not told.identifier:
        return f"{found.identifier}#repository"
    return told.identifier


def _kept(description: Description, original: bytes | None) -> tuple[dict[str, Any], bytes]:
    """A description as it is kept, and what tells it from another (with the original, where that counts);
    where this would be too large, without what is said of each file."""
    document = description.to_json()
    content = canonical_bytes([document, blake3.blake3(original).hexdigest() if original is not None else ""])
    if len(content) > _LARGEST_DOCUMENT and any(one.description for one in description.files):
        files = tuple(replace(one, description=Text()) for one in description.files)
        return _kept(replace(description, files=files), original)
    return document, content


def bounded(remote_id: str) -> str:
    """An identifier that a database can hold and index: one that is too long ends in its digest."""
    plain = remote_id.replace("\0", "").encode("utf-8", "replace")
    if len(plain) <= _LONGEST_ID:
        return plain.decode()
    return f"{plain[:200].decode('utf-8', 'ignore')}~{blake3.blake3(plain).hexdigest(length=16)}"


def error_told(error: MadangError) -> dict[str, str]:
    texts = {language: error.in_language(language) for language in ("en", "ko")}
    return {language: f"{told.what} {told.why}"[:1000] for language, told in texts.items()}


def message_told(message: Message) -> dict[str, str]:
    return {language: message.in_language(language)[:1000] for language in ("en", "ko")}


def apply(
    home: Home,
    actor: Principal,
    source: Source,
    journal: Journal,
    place: Place,
    taken: Sequence[Read | Failed],
) -> Harvest:
    """Take a part in: one transaction, one entry. Returns how the harvest stands."""
    read, failed = _sorted_out(taken)
    with home.database.read() as session:
        known = _known(session, source, [one.remote_id for one in read])
    differ = [one for one in read if known.get(one.remote_id) != (one.digest, PRESENT)]
    fresh = [one for one in differ if not journal.met(one.remote_id)]
    failed += [
        Failed(one.remote_id, message_told(Message("harvest.id-twice"))) for one in differ if one not in fresh
    ]
    originals, places = _stored(home, fresh)
    now = clock.to_text(clock.now())
    with home.database.write() as session:
        authorize(session, request(actor, source))
        catalogue.require_going_on(catalogue.get(session, source.name))
        harvest = harvest_of(session, place)
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
        list_problems(session, harvest, failed)
        counts = {
            "seen": harvest.seen + len(read) + sum(isinstance(one, Failed) for one in taken),
            "made": harvest.made + made,
            "changed": harvest.changed + len(fresh) - made,
            "problems": harvest.problems + len(failed),
        }
        session.update(harvests, place.harvest_id, state="running", ended_at=None, **counts)
        told = canonical_digest([[one.remote_id, one.digest] for one in fresh])
        session.record(
            "harvest.taken", place.harvest_id, actor.as_fact(), source=source.name, n=len(fresh), digest=told
        )
        return harvest_of(session, place)


def _sorted_out(taken: Sequence[Read | Failed]) -> tuple[list[Read], list[Failed]]:
    """Records, one of each id, and failures. Of two different records of one id the first counts."""
    read: dict[str, Read] = {}
    failed: list[Failed] = []
    for one in taken:
        if isinstance(one, Failed):
            failed.append(one)
        elif read.setdefault(one.remote_id, one).digest != one.digest:
            failed.append(Failed(one.remote_id, message_told(Message("harvest.id-twice"))))
    return list(read.values()), failed


def _known(session: Session, source: Source, remote_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    columns = sa.select(records.c.remote_id, records.c.digest, records.c.state)
    for start in range(0, len(remote_ids), 500):
        where = records.c.remote_id.in_(remote_ids[start : start + 500])
        for row in session.rows(columns.where(records.c.source == source.name, where)):
            found[row["remote_id"]] = (row["digest"], row["state"])
    return found


def _stored(home: Home, fresh: Sequence[Read]) -> tuple[str, dict[bytes, tuple[int, int]]]:
    """Store the originals of a part as one blob: (its digest, where each stands in it)."""
    places: dict[bytes, tuple[int, int]] = {}
    buffer = BytesIO()
    for one in fresh:
        if one.original not in places:
            places[one.original] = (buffer.tell(), len(one.original))
            buffer.write(one.original)
    if not places:
        return "", places
    return blobs.put(home, buffer.getvalue()), places


def list_problems(session: Session, harvest: Harvest, failed: Sequence[Failed]) -> None:
    start = harvest.problems
    rows = [
        {
            "harvest_id": harvest.harvest_id,
            "number": start + number,
            "remote_id": one.remote_id,
            "what": one.what,
        }
        for number, one in enumerate(failed, start=1)
        if start + number <= MOST_PROBLEMS
    ]
    session.insert(problems, *rows)


def harvest_of(session: Session, place: Place) -> Harvest:
    row = session.row(sa.select(harvests).where(harvests.c.harvest_id == place.harvest_id))
    assert row is not None  # the journal names a harvest that was made before it
    return Harvest(**row)
