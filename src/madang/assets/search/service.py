"""Searching data: what an asker may know of, and nothing of the rest, not even in a count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from madang.agreements import service as agreements
from madang.agreements.policies import USE_ACTIONS
from madang.assets import lineage
from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import Record
from madang.assets.describing import service as describing
from madang.assets.metadata.model import Description
from madang.assets.model import KINDS, Version, versions
from madang.assets.search import asking, following
from madang.assets.search.entries import EVERYONE, address, before_opening, unaccepted
from madang.assets.search.errors import BadFacet, TooDeep, YearsReversed
from madang.assets.search.meaning import nearest
from madang.assets.search.port import FACETS, Query, Result, SearchIndex
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.missions import service as missions
from madang.organizations.service import oversees

DEEPEST = 10_000
"""How far into an answer one may look; who wants everything lists records instead."""

_FUSED = 200
"""Of what the words find, at least so many take part where there are two lists."""


@dataclass(frozen=True)
class Asked:
    """A search. words: in any language. facets: name -> values of which one must fit. years: from, to.
    may: only versions with which the asker may do this."""

    words: str = ""
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    years: tuple[int | None, int | None] = (None, None)
    may: str | None = None
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True)
class Found:
    """A record or a version that was found, and what is told of it (nothing of a version undescribed)."""

    what: Record | Version
    told: Description


@dataclass(frozen=True)
class Answer:
    """Found things, best first; how many there are in all; facet -> [(value, count)]."""

    found: Sequence[Found]
    count: int
    facets: Mapping[str, Sequence[tuple[str, int]]]


def search(home: Home, actor: Principal, asked: Asked) -> Answer:
    """What of the catalogue and of the versions fits. BadFacet, YearsReversed, TooDeep; NoSuchMission or
    NoSuchSource where nothing fits and the actor may know of no such one."""
    for name in asked.facets:
        if name not in FACETS:
            raise BadFacet(facet=name, known=", ".join(FACETS))
    if asked.may is not None and asked.may not in USE_ACTIONS:
        raise BadFacet(facet=f"may={asked.may}", known=", ".join(USE_ACTIONS))
    first, last = asked.years
    if first is not None and last is not None and first > last:
        raise YearsReversed(first=first, last=last)
    if asked.offset + asked.limit > DEEPEST:
        raise TooDeep(most=DEEPEST)
    if not actor.organization:
        return Answer((), 0, {})
    index = following.level(home)
    with home.database.read() as session:
        query = _query(session, actor, asked)
    close = _passing(index, query, nearest.near(home, asking.ranges(asked.words)[0]))
    keys, result = _by_both(index, query, close) if close else _by_words(index, query)
    with home.database.read() as session:
        if not result.count:
            _require_known(session, actor, asked)
        seen = _seen(session, actor, keys)
        found = [Found(seen[key], _told(session, seen[key])) for key in keys if key in seen]
    return Answer(found, result.count, result.facets)


def _require_known(session: Session, actor: Principal, asked: Asked) -> None:
    """That nothing was found may be since there is no such mission or source: then that is said. A mission
    that an agreement of the actor's is for may not have been opened yet."""
    for mission in asked.facets.get("mission", ()):
        if mission not in {one.mission for one in agreements.visible_to(session, actor)}:
            missions.see(session, actor, mission)
    for source in asked.facets.get("source", ()):
        catalogue.see(session, actor, source)


def _by_words(index: SearchIndex, query: Query) -> tuple[Sequence[str], Result]:
    result = index.search(query)
    return [key for key, _ in result.hits], result


def _passing(index: SearchIndex, query: Query, parts: Iterable[Sequence[str]]) -> list[str]:
    """The NEAR nearest of those that pass the query's filters and rights: what may not be known of takes
    nobody's place among them, and so tells nothing by how many there are."""
    passing: list[str] = []
    for keys in parts:
        one = replace(query, concepts=(), keys=tuple(keys), limit=len(keys), offset=0)
        passed = {key for key, _ in index.search(one, facets=False).hits}
        passing += [key for key in keys if key in passed]
        if len(passing) >= nearest.NEAR:
            break
    return passing[: nearest.NEAR]


def _by_both(index: SearchIndex, query: Query, close: Sequence[str]) -> tuple[Sequence[str], Result]:
    """What the words find and what is near in meaning, as one list."""
    end = query.offset + query.limit
    result = index.search(replace(query, also=tuple(close), limit=max(end, _FUSED), offset=0))
    keys = nearest.fused([[key for key, _ in result.hits], close])
    return keys[query.offset : end], result


def _query(session: Session, actor: Principal, asked: Asked) -> Query:
    facets = {name: tuple(values) for name, values in asked.facets.items() if values}
    not_below: tuple[str, ...] = ()
    if asked.may is not None:
        facets["kind"] = tuple(set(facets.get("kind", KINDS)) & set(KINDS)) or ("-",)
        not_below = (*_denied(session, actor, asked.may), *_unsettled(session, actor, asked.may))
    words, ranges = asking.ranges(asked.words)
    return Query(
        asking.concepts(words),
        ranges,
        seen_by=_tokens(session, actor),
        not_below=not_below,
        facets=facets,
        years=asked.years,
        limit=asked.limit,
        offset=asked.offset,
    )


def _tokens(session: Session, actor: Principal) -> tuple[str, ...] | None:
    """What an entry must bear for the actor to know of it, as ``lineage.see`` decides; None for all."""
    if oversees(actor):
        return None
    joined = missions.joined(session, actor) or []
    unopened = sorted(set(lineage.agreed_before_opening(session, actor).values()))
    return (
        EVERYONE,
        f"organization/{actor.organization}",
        *(f"mission/{name}" for name in joined),
        *(before_opening(name, actor.organization) for name in unopened),
    )


def _denied(session: Session, actor: Principal, action: str) -> list[str]:
    """Addresses whose data the actor may not use so. Clauses speak of addresses, which are few."""
    columns = (versions.c.owner, versions.c.kind, versions.c.mission)
    example = sa.select(sa.func.min(versions.c.version_id).label("version_id")).group_by(*columns)
    denied = []
    for row in session.rows(sa.select(versions).where(versions.c.version_id.in_(example.scalar_subquery()))):
        root = Version(**row)
        for of in KINDS:
            if not lineage.may_use(session, actor, action, root, of):
                denied.append(address(root, of))
    return denied


def _unsettled(session: Session, actor: Principal, action: str) -> list[str]:
    """What stands against an action by its state, as ``lineage.authorize_use`` decides."""
    columns = (versions.c.owner, versions.c.state)
    rows = session.rows(sa.select(*columns).where(versions.c.state != "accepted").distinct())
    return [
        unaccepted(row["owner"], row["state"])
        for row in rows
        if not lineage.state_lets(row["state"], action, own=row["owner"] == actor.organization)
    ]


def _seen(session: Session, actor: Principal, keys: Sequence[str]) -> dict[str, Record | Version]:
    """What keys name, where the actor may still know of it."""
    described = [key for key in keys if key.startswith("rec-")]
    others = [key for key in keys if not key.startswith("rec-")]
    return {
        **catalogue.records_by_id(session, actor, described),
        **lineage.seen_by_id(session, actor, others),
    }


def _told(session: Session, what: Record | Version) -> Description:
    if isinstance(what, Record):
        return what.description
    written = describing.written(session, what)
    return written.description if written else Description()
