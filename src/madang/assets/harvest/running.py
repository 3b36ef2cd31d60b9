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
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import (
    GONE,
    PRESENT,
    Harvest,
    Source,
    harvests,
    records,
    sources,
)
from madang.assets.harvest.errors import BadAnswer, HarvestBusy, NothingFound, TooManyVanished
from madang.assets.harvest.journal import Journal, Marks, Place
from madang.assets.harvest.port import Page, Walk, harvester
from madang.assets.harvest.taking import (
    Failed,
    Read,
    apply,
    bounded,
    error_told,
    harvest_of,
    list_problems,
    message_told,
    request,
    taken_of,
)
from madang.kernel import clock, outbound
from madang.kernel.authorizer import Principal, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.errors import BadValue, Defect, MadangError
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ids import new_id

BRAKE_SHARE, BRAKE_LEAST = 0.1, 5
"""A harvest may mark a tenth of a source's records as gone, and five in any case."""
_BATCH = 1000
_MOST_STALE = 3
"""Parts in a row that bring nothing new: one or two after a walk that was cut off, not more."""

Progress = Callable[[Harvest], None]


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

    A walk that was cut off is taken up again. Raises HarvestBusy, SourceEnded, NotFetched, BadAnswer,
    NothingFound or TooManyVanished; what was taken in before stays, and the harvest says why it ended.
    """
    with home.database.read() as session:
        source = catalogue.see(session, actor, name)
        authorize(session, request(actor, source))
    catalogue.require_going_on(source)
    also = _networks(home)
    with _alone(home, source) as folder:
        journal = Journal(folder)
        place = journal.place()
        if place is None or whole or place.where not in ("", source.where):
            place = _begun(home, actor, source, journal, whole, place)
        walker = _Walker(home, actor, source, journal, place)
        try:
            walker.walk(also, progress)
            return _ended(home, actor, source, journal, walker.place, accept_vanished)
        except (Exception, KeyboardInterrupt) as error:
            walker.interrupted(error)
            raise


def _networks(home: Home) -> tuple[outbound.Network, ...]:
    try:
        return outbound.networks(home.values.outbound_networks)
    except ValueError as error:
        raise BadValue(file="settings", key="outbound_networks", reason=str(error)) from error


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


def _begun(
    home: Home, actor: Principal, source: Source, journal: Journal, whole: bool, left: Place | None
) -> Place:
    """Begin a walk. One that was cut off before, and is not gone on with, has ended."""
    whole = whole or source.since is None
    harvest_id, begun = new_id("hrv"), clock.to_text(clock.now())
    row = {
        "harvest_id": harvest_id,
        "source": source.name,
        "whole": whole,
        "state": "running",
        "begun_at": begun,
        "ended_at": None,
        **dict.fromkeys(("seen", "made", "changed", "gone", "problems"), 0),
    }
    with home.database.write() as session:
        authorize(session, request(actor, source))
        if left is not None and harvest_of(session, left).state == "running":
            session.update(harvests, left.harvest_id, state="interrupted", ended_at=begun)
        present = catalogue.count(session, source.name, of_data=True)
        session.insert(harvests, row)
        session.record("harvest.begun", harvest_id, actor.as_fact(), source=source.name, whole=whole)
    since = None if whole else source.since
    place = Place(harvest_id, whole, since, None, None, present, where=source.where)
    journal.begin(place)
    return place


class _Walker:
    """Takes in part after part, and knows where it stands."""

    def __init__(self, home: Home, actor: Principal, source: Source, journal: Journal, place: Place) -> None:
        self._home, self._actor, self._source, self._journal = home, actor, source, journal
        self.place = place
        self._taken = 0

    def walk(self, also: Sequence[outbound.Network], progress: Progress | None) -> None:
        """To the end of the source; raises what stops it."""
        source, begun, stale = self._source, self.place, 0
        with outbound.Fetcher(also) as fetcher:
            walk = Walk(source.url, source.options, fetcher, folders(self._home), begun.since, begun.token)
            for page in harvester(source.kind).pages(walk):
                stale = 0 if self._fresh(page) else stale + 1
                if stale > _MOST_STALE:
                    raise BadAnswer(url=source.url, reason=Message("harvest.token-twice"))
                harvest = self._take(page)
                if progress:
                    progress(harvest)

    def _fresh(self, page: Page) -> bool:
        """Whether a part tells of anything that this walk has not met, or ends it."""
        told = [found.identifier for found in page.found if found.identifier]
        return page.token is None or not told or not all(self._journal.met(bounded(one)) for one in told)

    def _take(self, page: Page) -> Harvest:
        taken, complete = taken_of(page)
        harvest = apply(self._home, self._actor, self._source, self._journal, self.place, taken)
        deleted = [bounded(found.identifier) for found in page.found if found.deleted]
        self._journal.note([one.remote_id for one in taken], deleted)
        self.place = replace(
            self.place,
            token=page.token,
            next_since=self.place.next_since or page.since,
            read=self.place.read + sum(isinstance(one, Read) and one.about_data for one in taken),
            complete=self.place.complete and complete,
        )
        self._journal.move(self.place)
        self._taken += 1
        return harvest

    def interrupted(self, error: Exception | KeyboardInterrupt) -> None:
        """Put on record why the harvest did not come to its end. A place at which nothing can be had any more
        is given up: the next walk begins anew, and what comes twice changes nothing. That somebody stopped it
        is no problem of the source's."""
        stopped = isinstance(error, KeyboardInterrupt)
        if not stopped and self.place.token and not self._taken and self._journal.place() is not None:
            self._journal.move(replace(self.place, token=None))
        told = error if isinstance(error, MadangError) else Defect()
        with self._home.database.write() as session:
            harvest = harvest_of(session, self.place)
            if not stopped:
                list_problems(session, harvest, [Failed("-", error_told(told))])
            session.update(
                harvests,
                self.place.harvest_id,
                state="held-back" if isinstance(error, TooManyVanished) else "interrupted",
                problems=harvest.problems + (not stopped),
                ended_at=clock.to_text(clock.now()),
            )
            session.record(
                "harvest.interrupted", self.place.harvest_id, self._actor.as_fact(), source=self._source.name,
                why="stopped" if stopped else told.code,
            )  # fmt: skip


def folders(home: Home) -> tuple[Path, ...]:
    """The folders of this machine that may be harvested."""
    told = home.values.harvest_folders.split(":")
    return tuple(Path(one).resolve() for one in told if one)


def _ended(
    home: Home, actor: Principal, source: Source, journal: Journal, place: Place, accept_vanished: bool
) -> Harvest:
    """Mark what is gone, where the brake lets it pass, and end the harvest."""
    seen, deleted = journal.seen(), journal.deleted()
    if place.whole and place.present and not place.read:
        journal.end()  # the next walk begins anew
        raise NothingFound(source=source.name, present=place.present)
    everything = place.whole and (place.complete or accept_vanished)
    parts = list(_vanished(home, source, seen, deleted, everything))
    vanished = sum(map(len, parts))
    limit = max(BRAKE_LEAST, int(BRAKE_SHARE * place.present))
    if vanished > limit and not accept_vanished:
        journal.end()
        raise TooManyVanished(source=source.name, vanished=vanished, present=place.present, limit=limit)
    for part in parts:
        _mark_gone(home, actor, source, place, part)
    with home.database.write() as session:
        authorize(session, request(actor, source))
        ended_at = clock.to_text(clock.now())
        harvest = replace(harvest_of(session, place), state="finished", ended_at=ended_at)
        if place.whole and not everything:
            list_problems(session, harvest, [Failed("-", message_told(Message("harvest.not-whole")))])
            harvest = replace(harvest, problems=harvest.problems + 1)
        session.update(
            harvests, place.harvest_id, state="finished", ended_at=ended_at, problems=harvest.problems
        )
        still_there = catalogue.get(session, source.name).where == source.where
        if still_there and (place.whole or place.next_since is not None):
            session.update(sources, source.name, since=place.next_since if place.complete else None)
        told = {name: getattr(harvest, name) for name in ("seen", "made", "changed", "gone", "problems")}
        session.record("harvest.finished", place.harvest_id, actor.as_fact(), source=source.name, **told)
    journal.end()
    return harvest


def _vanished(
    home: Home, source: Source, seen: Marks, deleted: Marks, everything: bool
) -> Iterator[list[tuple[str, str]]]:
    """(record id, remote id) of records that are no longer there, part by part. everything: whether what was
    not met is gone, and not only what was told to be."""
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
            if not is_there and (is_gone or everything)
        ]
        if part:
            yield part


def _mark_gone(
    home: Home, actor: Principal, source: Source, place: Place, part: Sequence[tuple[str, str]]
) -> None:
    now = clock.to_text(clock.now())
    with home.database.write() as session:
        authorize(session, request(actor, source))
        harvest = harvest_of(session, place)
        for key, _ in part:
            session.update(records, key, state=GONE, harvest=place.harvest_id, changed_at=now)
        session.update(harvests, place.harvest_id, gone=harvest.gone + len(part))
        told = canonical_digest([remote_id for _, remote_id in part])
        session.record(
            "harvest.gone", place.harvest_id, actor.as_fact(), source=source.name, n=len(part), digest=told
        )
