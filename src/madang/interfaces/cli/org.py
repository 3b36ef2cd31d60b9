"""``madang org``: organizations, members, tokens."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from madang.assets.errors import TargetExists
from madang.interfaces.cli import context
from madang.organizations import service

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
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        service.register(session, actor, name, kind, title_en or name, title_ko or name)
    print(name)


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
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        print(service.add_member(session, actor, organization, name, tuple(roles)))


@app.command
def token(organization: str, member: str, *, out: Path | None = None, days: int = service.TOKEN_DAYS) -> None:
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

    home = context.home()
    actor = context.actor(home)
    if out is not None and out.exists():
        raise TargetExists(target=str(out))
    with home.database.write() as session:
        plain = service.issue_token(session, actor, organization, member, days)
    if out is None:
        print(plain)
    else:
        write_durably(out, plain.encode() + b"\n", 0o600)
        print(out)


@app.command
def revoke(organization: str, member: str) -> None:
    """Revoke every token of a member.

    Example: madang org revoke company-a kim
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        print(service.revoke_tokens(session, actor, organization, member))


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List organizations.

    Example: madang org list --json
    """
    home = context.home()
    context.actor(home)
    with home.database.read() as session:
        rows = [vars(organization) for organization in service.every(session)]
    context.print_rows(
        rows, {"name": "name", "kind": "kind", "title_en": "title", "title_ko": "title (ko)"}, json
    )


@app.command
def whoami(*, json: context.Json = False) -> None:
    """Who your token says you are.

    Example: madang --token company-a.token org whoami
    """
    home = context.home()
    actor = context.actor(home)
    facts = {"organization": actor.organization, "kind": actor.kind, "roles": " ".join(sorted(actor.roles))}
    context.print_facts(facts, json)
