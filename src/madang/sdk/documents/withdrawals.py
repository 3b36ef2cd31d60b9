"""Versions that were taken back."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request
from madang.sdk.documents.versions import Version


class Withdrawal(Document):
    """A version taken back. told: the organizations that own what was made from it."""

    withdrawal_id: str
    version_id: str
    version: str = Field(examples=["company-d/door-open@1"])
    organization: str
    member: str
    reason: str
    told: Sequence[str]
    withdrawn_at: str
    destroyed_at: str | None = Field(description="When its key was destroyed.")


class Affected(Document):
    """What a withdrawal affects. runs: those not over; told: the organizations that would be told."""

    name: str = Field(examples=["company-a/reach@1"])
    versions: Sequence[Version]
    runs: Sequence[str]
    submissions: Sequence[str]
    told: Sequence[str]


class NewWithdrawal(Request):
    """A version to be taken back, and why."""

    version: Plain = Field(examples=["company-a/reach@1"])
    reason: Plain = Field(examples=["The recorder's clock was wrong."])


class NewDestruction(Request):
    """A withdrawn version whose bytes are to be destroyed."""

    version: Plain = Field(examples=["company-a/reach@1"])
