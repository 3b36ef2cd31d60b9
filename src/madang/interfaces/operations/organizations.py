"""Organizations, members, tokens."""

from __future__ import annotations

from madang.interfaces.operations.declared import Caller, Cursor, Limit, Name, operation, page_of
from madang.kernel.paging import slice_of
from madang.organizations import service
from madang.organizations.model import Organization
from madang.sdk import documents


def document(organization: Organization) -> documents.Organization:
    """An organization in its form."""
    return documents.Organization(**vars(organization))


@operation("GET", "/organizations", pages=True)
def list_(
    caller: Caller, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Organization]:
    """List organizations by name."""
    with caller.home.database.read() as session:
        rows = service.every(session, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row.name,), document)


@operation("POST", "/organizations", status=201)
def register(caller: Caller, new: documents.NewOrganization) -> documents.Organization:
    """Register an organization (a ministry's officer)."""
    with caller.home.database.write() as session:
        titles = (new.title_en or new.name, new.title_ko or new.name)
        service.register(session, caller.actor, new.name, new.kind, *titles)
        return document(service.get(session, new.name))


@operation("GET", "/organizations/{organization}")
def show(caller: Caller, organization: Name) -> documents.OrganizationWhole:
    """Show an organization; to its own people and overseers with its members."""
    with caller.home.database.read() as session:
        found = service.get(session, organization)
        people = service.members_of(session, caller.actor, organization)
    members = [documents.Member(**vars(person)) for person in people]
    return documents.OrganizationWhole(**vars(found), members=members)


@operation("POST", "/organizations/{organization}/members", status=201)
def add_member(caller: Caller, organization: Name, new: documents.NewMember) -> documents.Member:
    """Add a member with roles (an officer of the ministry, or of the organization)."""
    with caller.home.database.write() as session:
        service.add_member(session, caller.actor, organization, new.name, tuple(new.roles))
        return documents.Member(**vars(service.find_member(session, organization, new.name)))


@operation("POST", "/organizations/{organization}/members/{member}/tokens", status=201, secret=True)
def issue_token(
    caller: Caller, organization: Name, member: Name, new: documents.NewToken
) -> documents.IssuedToken:
    """Issue a token to a member; it is told once."""
    with caller.home.database.write() as session:
        token = service.issue_token(session, caller.actor, organization, member, new.days)
    return documents.IssuedToken(organization=organization, member=member, token=token)


@operation("DELETE", "/organizations/{organization}/members/{member}/tokens")
def revoke_tokens(caller: Caller, organization: Name, member: Name) -> documents.RevokedTokens:
    """Revoke every token of a member."""
    with caller.home.database.write() as session:
        count = service.revoke_tokens(session, caller.actor, organization, member)
    return documents.RevokedTokens(organization=organization, member=member, tokens=count)


@operation("GET", "/whoami")
def whoami(caller: Caller) -> documents.Whoami:
    """Say whose token this is."""
    actor = caller.actor
    return documents.Whoami(
        member=actor.member, organization=actor.organization, kind=actor.kind, roles=sorted(actor.roles)
    )
