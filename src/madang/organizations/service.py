"""Registering organizations and members, issuing tokens, and telling who a token is."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

import sqlalchemy as sa

from madang.kernel import clock
from madang.kernel.authorizer import OUTSIDER, Principal, Request, authorize
from madang.kernel.database import Row, Session
from madang.kernel.errors import NotSignedIn
from madang.kernel.i18n import Message
from madang.kernel.ids import check_slug, check_title, new_id, nfc
from madang.kernel.paging import Slice, cut
from madang.organizations import policies  # noqa: F401  (registers the roles' rules)
from madang.organizations.errors import (
    BadTokenLife,
    EmptyName,
    MemberExists,
    NoSuchMember,
    NoSuchOrganization,
    OrganizationExists,
    UnknownKind,
    UnknownRole,
)
from madang.organizations.model import KINDS, ROLES, Member, Organization, members, organizations, tokens

TOKEN_PREFIX = "madang_"  # noqa: S105  (a prefix, not a secret)
TOKEN_DAYS = 90
MOST_DAYS = 3650


def found(session: Session, name: str, title_en: str, title_ko: str, officer: str) -> str:
    """Register the first ministry and its officer on an empty home; returns the officer's token.

    Whoever makes the home is its first officer; afterwards only officers register organizations.
    """
    if session.scalar(sa.select(sa.func.count()).select_from(organizations)):
        raise OrganizationExists(name=name)
    row = _organization_row(name, "ministry", title_en, title_ko)
    session.insert(organizations, row)
    member = _member_row(name, officer, ("officer",))
    session.insert(members, member)
    plain, token = _token_row(member["member_id"])
    session.insert(tokens, token)
    by = {"member": member["member_id"], "organization": name}
    session.record("organization.founded", name, by, kind="ministry")
    return plain


def register(session: Session, actor: Principal, name: str, kind: str, title_en: str, title_ko: str) -> None:
    """Register an organization. Raises OrganizationExists, UnknownKind, BadName."""
    authorize(session, Request(actor, "organization.register", "Organization", name))
    row = _organization_row(name, kind, title_en, title_ko)
    if session.row(sa.select(organizations).where(organizations.c.name == name)):
        raise OrganizationExists(name=name)
    session.insert(organizations, row)
    session.record("organization.registered", name, actor.as_fact(), kind=kind)


def _organization_row(name: str, kind: str, title_en: str, title_ko: str) -> dict[str, str]:
    if kind not in KINDS:
        raise UnknownKind(kind=kind, known=", ".join(KINDS))
    return {
        "name": check_slug(name, "organization name"),
        "kind": kind,
        "title_en": check_title(title_en, "title"),
        "title_ko": check_title(title_ko, "title"),
        "registered_at": clock.to_text(clock.now()),
    }


def add_member(
    session: Session, actor: Principal, organization: str, name: str, roles: tuple[str, ...]
) -> str:
    """Add a person with roles to an organization; returns the member's id."""
    authorize(session, Request(actor, "member.add", "Organization", organization, {"owner": organization}))
    if {"auditor", "officer"} & set(roles):
        # These see or govern beyond their organization: only a ministry's officer gives them.
        authorize(session, Request(actor, "role.oversee", "Organization", organization))
    get(session, organization)
    row = _member_row(organization, name, roles)
    taken = sa.select(members).where(members.c.organization == organization, members.c.name == row["name"])
    if session.row(taken):
        raise MemberExists(name=name, organization=organization)
    session.insert(members, row)
    session.record(
        "member.added", row["member_id"], actor.as_fact(), organization=organization, roles=[*roles]
    )
    return row["member_id"]


def _member_row(organization: str, name: str, roles: tuple[str, ...]) -> dict[str, str]:
    if not name.strip():
        raise EmptyName()
    for role in roles:
        if role not in ROLES:
            raise UnknownRole(role=role, known=", ".join(ROLES))
    return {
        "member_id": new_id("mem"),
        "organization": organization,
        "name": check_title(name, "name"),
        "roles": " ".join(sorted(set(roles))),
        "joined_at": clock.to_text(clock.now()),
    }


def issue_token(
    session: Session, actor: Principal, organization: str, name: str, days: int = TOKEN_DAYS
) -> str:
    """Issue a token to a member; the plain token is returned once and kept only as its SHA-256."""
    request = Request(actor, "token.issue", "Organization", organization, {"owner": organization})
    authorize(session, request)
    member = find_member(session, organization, name)
    if not 1 <= days <= MOST_DAYS:
        raise BadTokenLife(days=days, most=MOST_DAYS)
    plain, row = _token_row(member.member_id, days)
    session.insert(tokens, row)
    session.record("token.issued", str(row["token_id"]), actor.as_fact(), member=member.member_id)
    return plain


def _token_row(member_id: str, days: int = TOKEN_DAYS) -> tuple[str, dict[str, str]]:
    plain = TOKEN_PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    return plain, {
        "token_id": new_id("tok"),
        "member_id": member_id,
        "digest": _digest(plain),
        "issued_at": clock.to_text(now),
        "expires_at": clock.to_text(now + timedelta(days=days)),
    }


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def revoke_tokens(session: Session, actor: Principal, organization: str, name: str) -> int:
    """Revoke every live token of a member; returns how many."""
    request = Request(actor, "token.revoke", "Organization", organization, {"owner": organization})
    authorize(session, request)
    member = find_member(session, organization, name)
    live = sa.select(tokens.c.token_id).where(
        tokens.c.member_id == member.member_id, tokens.c.revoked_at.is_(None)
    )
    ids = [str(row["token_id"]) for row in session.rows(live)]
    for token_id in ids:
        session.update(tokens, token_id, revoked_at=clock.to_text(clock.now()))
    session.record("token.revoked", member.member_id, actor.as_fact(), tokens=ids)
    return len(ids)


def authenticate(session: Session, plain: str | None) -> Principal:
    """Who holds this token; the outsider where there is none. Raises NotSignedIn for a bad one."""
    if not plain:
        return OUTSIDER
    query = (
        sa.select(tokens.c.expires_at, tokens.c.revoked_at, members, organizations.c.kind)
        .join(members, members.c.member_id == tokens.c.member_id)
        .join(organizations, organizations.c.name == members.c.organization)
        .where(tokens.c.digest == _digest(plain.strip()))
    )
    row = session.row(query)
    if row is None:
        raise NotSignedIn(reason=Message("organizations.token-unknown"))
    if row["revoked_at"] is not None:
        raise NotSignedIn(reason=Message("organizations.token-revoked"))
    if row["expires_at"] <= clock.to_text(clock.now()):
        raise NotSignedIn(reason=Message("organizations.token-expired", when=row["expires_at"]))
    return Principal(row["member_id"], row["organization"], row["kind"], frozenset(row["roles"].split()))


def signed_in(session: Session, plain: str | None) -> Principal:
    """Like :func:`authenticate`, but an outsider is refused with NotSignedIn."""
    return require_signed_in(authenticate(session, plain))


def require_signed_in(principal: Principal) -> Principal:
    """`principal` where it is a member; NotSignedIn for the outsider."""
    if principal is OUTSIDER:
        raise NotSignedIn(reason=Message("organizations.token-absent"))
    return principal


def oversees(actor: Principal) -> bool:
    """Whether the actor sees beyond its own organization: a ministry's people, and auditors."""
    return actor.kind == "ministry" or "auditor" in actor.roles


def get(session: Session, name: str) -> Organization:
    """The organization of that name, or NoSuchOrganization."""
    row = session.row(sa.select(organizations).where(organizations.c.name == name))
    if row is None:
        raise NoSuchOrganization(name=name)
    return Organization(**row)


def every(session: Session, part: Slice | None = None) -> list[Organization]:
    """All organizations by name."""
    rows = session.rows(cut(sa.select(organizations), (organizations.c.name,), part))
    return [Organization(**row) for row in rows]


def by_name(session: Session) -> dict[str, Organization]:
    """All organizations, found by their names."""
    return {body.name: body for body in every(session)}


def members_of(session: Session, actor: Principal, organization: str) -> list[Member]:
    """An organization's members by name, for its own people and overseers; nobody for others."""
    get(session, organization)
    if actor.organization != organization and not oversees(actor):
        return []
    query = sa.select(members).where(members.c.organization == organization).order_by(members.c.name)
    return [_member(row) for row in session.rows(query)]


def find_member(session: Session, organization: str, name: str) -> Member:
    """The member of that name in an organization, or NoSuchMember."""
    where = (members.c.organization == organization) & (members.c.name == nfc(name))
    row = session.row(sa.select(members).where(where))
    if row is None:
        raise NoSuchMember(member=name, organization=organization)
    return _member(row)


def _member(row: Row) -> Member:
    return Member(row["member_id"], row["organization"], row["name"], tuple(row["roles"].split()))
