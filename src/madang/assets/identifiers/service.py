"""Registering DOIs, and what stands behind one for everybody."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from madang.assets import lineage
from madang.assets.describing import service as describing
from madang.assets.describing import whole
from madang.assets.identifiers.errors import Gone, NoPublicPlace, NoSuchDoi, NotDescribed
from madang.assets.identifiers.model import DRAFT, FINDABLE, Doi, dois
from madang.assets.identifiers.port import open_registrar
from madang.assets.metadata.model import Description, Identifier
from madang.assets.metadata.writing import datacite
from madang.assets.model import GONE, Version, versions
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.paging import Slice, cut
from madang.organizations.service import oversees


def register(home: Home, actor: Principal, name: str, *, publish: bool = False) -> Doi:
    """Give a version of the actor's organization a DOI, or tell the registrar anew what it is (a steward).

    A draft is known to the registrar alone; `publish` tells the world, and cannot be taken back. Raises
    RegistrarOff, RegistrarFailed, NotDescribed, NoPublicPlace, Gone.
    """
    registrar = open_registrar(home)
    with home.database.read() as session:
        version = lineage.see(session, actor, name)
        request = Request(actor, "asset.deposit", "Asset", version.asset, {"owner": version.owner})
        authorize(session, request)
        if version.state in GONE:
            raise Gone(version=version.name, state=version.state)
        told = public(home, session, version)
        known = of(session, version.version_id)
    state = FINDABLE if publish or (known and known.state == FINDABLE) else DRAFT
    doi = doi_of(home, version)
    place = whole.address(home, f"doi/{doi}")
    if state == FINDABLE and not home.values.public_url.startswith("https://"):
        raise NoPublicPlace(address=place)
    attributes = datacite.attributes(replace(told, identifiers=(Identifier("DOI", doi),)))
    # First there, then here: it may be done again, and nothing here says what is not true there.
    registrar.put(doi, place, attributes, state == FINDABLE)
    row = {
        "doi": doi, "state": state, "document": told.to_json(), "member": actor.member,
        "registered_at": clock.to_text(clock.now()),
    }  # fmt: skip
    with home.database.write() as session:
        authorize(session, request)
        if of(session, version.version_id) is None:
            session.insert(dois, {"version_id": version.version_id, **row})
        else:
            session.update(dois, version.version_id, **row)
        session.record(
            "doi.registered",
            version.version_id,
            actor.as_fact(),
            doi=doi,
            name=version.name,
            state=state,
            told=canonical_digest(row["document"]),
        )
    return Doi(version.version_id, **row)  # type: ignore[arg-type]


def doi_of(home: Home, version: Version) -> str:
    """The DOI that a version has or would have: the same for ever, for it is made of its id."""
    return f"{home.values.doi_prefix}/{version.version_id.removeprefix('ver-')}"


def public(home: Home, session: Session, version: Version) -> Description:
    """What may be told to everybody: what its steward wrote, with its size, formats and number.

    Not what is computed of its lineage, agreements, variables, places and times.
    """
    written = describing.written(session, version)
    if written is None:
        raise NotDescribed(version=version.name)
    told, said = whole.told_of(home, session, version), written.description
    return replace(
        told,
        identifiers=(),
        rights=said.rights,
        relations=said.relations,
        places=said.places,
        periods=said.periods,
        variables=said.variables,
        files=(),
        page="",
    )


def of(session: Session, version_id: str) -> Doi | None:
    """The DOI of a version (the caller has seen it)."""
    row = session.row(sa.select(dois).where(dois.c.version_id == version_id))
    return Doi(**row) if row else None


def behind(session: Session, doi: str) -> tuple[Doi, Version]:
    """What a findable DOI stands for; NoSuchDoi for a draft, as for none."""
    row = session.row(sa.select(dois).where(dois.c.doi == doi, dois.c.state == FINDABLE))
    if row is None:
        raise NoSuchDoi(doi=doi[:200])
    return Doi(**row), lineage.get(session, row["version_id"])


def listed(session: Session, actor: Principal, part: Slice | None = None) -> list[tuple[Doi, Version]]:
    """The DOIs of the actor's organization, by DOI; an overseer sees everybody's."""
    query = sa.select(dois).join(versions, versions.c.version_id == dois.c.version_id)
    if not oversees(actor):
        query = query.where(versions.c.owner == actor.organization)
    rows = session.rows(cut(query, (dois.c.doi,), part))
    return [(Doi(**row), lineage.get(session, row["version_id"])) for row in rows]
