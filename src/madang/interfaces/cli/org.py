"""``madang org``: organizations, members, tokens."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from madang.assets.errors import TargetExists
from madang.interfaces.cli import context
from madang.interfaces.operations import organizations
from madang.sdk import documents

app = App(name="org", help="Organizations, their members and tokens.")


@app.command
def register(name: str, *, kind: str, title_en: str = "", title_ko: str = "") -> None:
    """Register an organization (a ministry's officer).

    Example: madang org register company-a --kind company --title-en "Company A" --title-ko 가람로봇

    Parameters
    ----------
    name
        a-z, 0-9, hyphens; at most 63.
    kind
        ministry, institute, company or university.
    title_en
        Title in English.
    title_ko
        Title in Korean.
    """
    new = documents.NewOrganization.model_construct(
        name=name, kind=kind, title_en=title_en, title_ko=title_ko
    )
    print(context.call(organizations.register, new=new).name)


@app.command
def member(organization: str, name: str, *, roles: list[str]) -> None:
    """Add a member with roles.

    Example: madang org member company-a kim --roles steward --roles researcher

    Parameters
    ----------
    organization
        The organization's name.
    name
        The person's name, in any script.
    roles
        officer, steward, researcher, operator, auditor, evaluator; may be repeated.
    """
    new = documents.NewMember.model_construct(name=name, roles=roles)
    print(context.call(organizations.add_member, organization=organization, new=new).member_id)


@app.command
def token(organization: str, member: str, *, out: Path | None = None, days: context.Whole = 90) -> None:
    """Issue a token; it is shown once, or written to a file of mode 600.

    Example: madang org token company-a kim --out company-a.token

    Parameters
    ----------
    organization
        The organization's name.
    member
        The member's name.
    out
        File to write the token to.
    days
        Days until it expires.
    """
    from madang.kernel.home import write_durably

    if out is not None and out.exists():
        raise TargetExists(target=str(out))
    new = documents.NewToken.model_construct(days=days)
    issued = context.call(organizations.issue_token, organization=organization, member=member, new=new)
    if out is None:
        print(issued.token)
    else:
        write_durably(out, issued.token.encode() + b"\n", 0o600)
        print(out)


@app.command
def revoke(organization: str, member: str) -> None:
    """Revoke every token of a member.

    Example: madang org revoke company-a kim
    """
    print(context.call(organizations.revoke_tokens, organization=organization, member=member).tokens)


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List organizations.

    Example: madang org list --json
    """
    columns = {
        "name": lambda one: one.name,
        "kind": lambda one: one.kind,
        "title": lambda one: one.title_en,
        "title (ko)": lambda one: one.title_ko,
    }
    context.print_items(context.every(organizations.list_), columns, json)


@app.command
def show(name: str, *, json: context.Json = False) -> None:
    """Show an organization; to its own people with its members.

    Example: madang org show company-a
    """
    found = context.call(organizations.show, organization=name)
    context.print_document(found, json)
    if not json:
        for person in found.members:
            print(f"{person.name:<24} {' '.join(person.roles)}")


@app.command
def whoami(*, json: context.Json = False) -> None:
    """Who your token says you are.

    Example: madang --token company-a.token org whoami
    """
    found = context.call(organizations.whoami)
    context.print_document(found, json, roles=" ".join(found.roles))
