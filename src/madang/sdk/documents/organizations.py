"""Organizations, members, tokens."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request


class Organization(Document):
    """A ministry, institute, company or university."""

    name: str = Field(examples=["company-a"])
    kind: str = Field(examples=["company"])
    title_en: str = Field(examples=["Garam Robotics"])
    title_ko: str = Field(examples=["가람로봇"])
    registered_at: str = Field(examples=["2026-11-20T01:02:03.000004Z"])


class Member(Document):
    """A person in an organization."""

    member_id: str = Field(examples=["mem-0s2m4c5t1v7k3n9p2q8r"])
    organization: str = Field(examples=["company-a"])
    name: str = Field(examples=["김"])
    roles: Sequence[str] = Field(examples=[["researcher", "steward"]])


class OrganizationWhole(Organization):
    """An organization; with its members for its own people and overseers."""

    members: Sequence[Member]


class NewOrganization(Request):
    """An organization to be registered. kind: ministry, institute, company or university."""

    name: Plain = Field(examples=["company-a"])
    kind: Plain = Field(examples=["company"])
    title_en: Plain = Field(
        "", examples=["Garam Robotics"], description="Title in English (default: the name)."
    )
    title_ko: Plain = Field("", examples=["가람로봇"], description="Title in Korean (default: the name).")


class NewMember(Request):
    """A person to be added. roles: officer, steward, researcher, operator, auditor, evaluator."""

    name: Plain = Field(examples=["김"])
    roles: Sequence[Plain] = Field(examples=[["steward", "researcher"]])


class NewToken(Request):
    """A token to be issued."""

    days: int = Field(90, examples=[90], description="Days until it expires.")


class IssuedToken(Document):
    """A token; this is the only time it is told."""

    organization: str = Field(examples=["company-a"])
    member: str = Field(examples=["김"])
    token: str = Field(examples=["madang_8YtFk2w..."])


class RevokedTokens(Document):
    """How many tokens of a member were revoked."""

    organization: str = Field(examples=["company-a"])
    member: str = Field(examples=["김"])
    tokens: int = Field(examples=[1])


class Whoami(Document):
    """Whose token this is; empty names for an outsider."""

    member: str = Field(examples=["mem-0s2m4c5t1v7k3n9p2q8r"])
    organization: str = Field(examples=["company-a"])
    kind: str = Field(examples=["company"])
    roles: Sequence[str] = Field(examples=[["steward"]])
