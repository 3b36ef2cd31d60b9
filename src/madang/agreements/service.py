"""Drafting and signing agreements, and reading them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from madang.agreements import obligations, policies
from madang.agreements.errors import (
    AgreementExists,
    AgreementNotInForce,
    AlreadySigned,
    DifferentText,
    MissionTaken,
    NoSuchAgreement,
    NotAParty,
)
from madang.agreements.model import (
    Agreement,
    AgreementDocument,
    Clause,
    ClauseDocument,
    agreements,
    canonical,
    clauses,
    parties,
    scopes,
)
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Row, Session
from madang.kernel.i18n import Message
from madang.kernel.ids import check_slug
from madang.kernel.paging import Slice, cut
from madang.organizations import service as organizations
from madang.organizations.service import oversees


def draft(session: Session, actor: Principal, document: AgreementDocument) -> Agreement:
    """Put an agreement on record, ready to be signed. The drafter must be a party."""
    header = document.agreement
    authorize(
        session, Request(actor, "agreement.draft", "Agreement", header.name, {"owner": actor.organization})
    )
    check_slug(header.name, "agreement name")
    check_slug(header.mission, "mission name")
    if session.row(sa.select(agreements.c.name).where(agreements.c.name == header.name)):
        raise AgreementExists(name=header.name)
    _check_mission(session, actor, header.mission)
    for name in header.parties:
        organizations.get(session, name)
    _check_parties(document, actor.organization)
    if policies.ends_at(document) <= clock.now():
        reason = Message(
            "agreements.ended", agreement=header.name, when=clock.to_text(policies.ends_at(document))
        )
        raise AgreementNotInForce(agreement=header.name, reason=reason)
    digest = canonical_digest(canonical(document))
    _insert(session, actor, document, digest)
    session.record(
        "agreement.drafted",
        header.name,
        actor.as_fact(),
        digest=digest,
        mission=header.mission,
        parties=sorted(set(header.parties)),
        ends_at=clock.to_text(policies.ends_at(document)),
    )
    return get(session, header.name)


def _check_mission(session: Session, actor: Principal, mission: str) -> None:
    """A mission that an agreement already names is its parties': strangers may not speak for it."""
    rows = session.rows(sa.select(agreements.c.name).where(agreements.c.mission == mission))
    for row in rows:
        if actor.organization in get(session, row["name"]).signatures:
            return
    if rows:
        raise MissionTaken(mission=mission, organization=actor.organization)


def _check_parties(document: AgreementDocument, drafter: str) -> None:
    header = document.agreement
    named = {name for clause in document.clause for name in (*clause.owners, *clause.by)} | {drafter}
    for name in sorted(named - set(header.parties)):
        raise NotAParty(organization=name, agreement=header.name, parties=", ".join(header.parties))


def _insert(session: Session, actor: Principal, document: AgreementDocument, digest: str) -> None:
    header = document.agreement
    session.insert(
        agreements,
        {
            "name": header.name,
            "mission": header.mission,
            "title_en": header.title_en,
            "title_ko": header.title_ko,
            "digest": digest,
            "ends_at": clock.to_text(policies.ends_at(document)),
            "drafted_by": actor.organization,
            "drafted_at": clock.to_text(clock.now()),
        },
    )
    session.insert(
        parties, *({"agreement": header.name, "organization": name} for name in sorted(set(header.parties)))
    )
    for number, clause in enumerate(document.clause, start=1):
        key = {"agreement": header.name, "number": number}
        policy = policies.to_cedar(document, clause)
        session.insert(clauses, {**key, "document": clause.model_dump(mode="json"), "policy": policy})
        address = {"kind": clause.kind, "mission": header.mission}
        session.insert(scopes, *({**key, "owner": owner, **address} for owner in sorted(set(clause.owners))))


def sign(session: Session, actor: Principal, name: str, digest: str | None = None) -> Agreement:
    """Sign for the actor's organization. With `digest`, only if it is the text on record."""
    authorize(session, Request(actor, "agreement.sign", "Agreement", name, {"owner": actor.organization}))
    agreement = see(session, actor, name)
    organization = actor.organization
    if organization not in agreement.signatures:
        raise NotAParty(organization=organization, agreement=name, parties=", ".join(agreement.signatures))
    if digest is not None and digest != agreement.digest:
        raise DifferentText(agreement=name, given=digest, recorded=agreement.digest)
    if agreement.signatures[organization]:
        raise AlreadySigned(organization=organization, agreement=name)
    when = clock.to_text(clock.now())
    session.update(parties, (name, organization), signed_at=when, signed_by=actor.member)
    if not get(session, name).missing:
        obligations.arise(session, agreement, clauses_of(session, name))
    session.record(
        "agreement.signed",
        f"{name}/{organization}",
        actor.as_fact(),
        agreement=name,
        digest=agreement.digest,
        party=organization,
    )
    return get(session, name)


def get(session: Session, name: str) -> Agreement:
    """The agreement of that name, or NoSuchAgreement."""
    row = session.row(sa.select(agreements).where(agreements.c.name == name))
    if row is None:
        raise NoSuchAgreement(name=name)
    return _with_signatures(session, [row])[0]


def _with_signatures(session: Session, rows: Sequence[Row]) -> list[Agreement]:
    signatures: dict[str, dict[str, str | None]] = {row["name"]: {} for row in rows}
    query = sa.select(parties).where(parties.c.agreement.in_(list(signatures)))
    for party in session.rows(query.order_by(parties.c.organization)):
        signatures[party["agreement"]][party["organization"]] = party["signed_at"]
    return [Agreement(**row, signatures=signatures[row["name"]]) for row in rows]


def see(session: Session, actor: Principal, name: str) -> Agreement:
    """The agreement, if the actor is of a party, a ministry or an auditor; else NoSuchAgreement."""
    agreement = get(session, name)
    if not _visible(actor, agreement):
        raise NoSuchAgreement(name=name)
    return agreement


def _visible(actor: Principal, agreement: Agreement) -> bool:
    overseer = oversees(actor)
    return overseer or actor.organization in agreement.signatures


def visible_to(session: Session, actor: Principal, part: Slice | None = None) -> list[Agreement]:
    """Agreements the actor may see, by name."""
    query = sa.select(agreements)
    if not oversees(actor):
        mine = sa.select(parties.c.agreement).where(parties.c.organization == actor.organization)
        query = query.where(agreements.c.name.in_(mine))
    return _with_signatures(session, session.rows(cut(query, (agreements.c.name,), part)))


def clauses_of(session: Session, name: str) -> list[Clause]:
    """The clauses of an agreement in order."""
    query = sa.select(clauses).where(clauses.c.agreement == name).order_by(clauses.c.number)
    return [
        Clause(row["agreement"], row["number"], ClauseDocument.model_validate(row["document"]))
        for row in session.rows(query)
    ]


def document_of(agreement: Agreement, found: Sequence[Clause]) -> AgreementDocument:
    """An agreement and its clauses as they were drafted."""
    header = {
        "name": agreement.name,
        "title_en": agreement.title_en,
        "title_ko": agreement.title_ko,
        "mission": agreement.mission,
        "parties": list(agreement.signatures),
        "ends_on": agreement.last_day,
    }
    return AgreementDocument.model_validate({"agreement": header, "clause": [one.document for one in found]})


def require_in_force(session: Session, name: str) -> Agreement:
    """The agreement where it is in force now; AgreementNotInForce says what is missing."""
    agreement = get(session, name)
    state = agreement.state(clock.to_text(clock.now()))
    if state == "draft":
        reason = Message("agreements.unsigned", agreement=name, missing=", ".join(agreement.missing))
        raise AgreementNotInForce(agreement=name, reason=reason)
    if state == "ended":
        reason = Message("agreements.ended", agreement=name, when=agreement.ends_at)
        raise AgreementNotInForce(agreement=name, reason=reason)
    return agreement
