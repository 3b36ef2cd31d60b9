"""Capacity, shares, awards, the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request


class ShareBalance(Document):
    """A share of a capacity, in resource-seconds."""

    share: str = Field(examples=["national-projects"])
    allotted: int
    left: int


class Capacity(Document):
    """So many of a kind at a site from an instant to another."""

    capacity_id: str
    site: str = Field(examples=["center-b"])
    kind: str = Field(examples=["cpu-core"])
    count: int
    starts_at: str
    ends_at: str
    split_at: str | None
    shares: Sequence[ShareBalance]


class NewCapacity(Request):
    """A capacity to be declared. Instants without a zone are UTC."""

    site: Plain = Field(examples=["center-b"])
    kind: Plain = Field(examples=["cpu-core"])
    count: int = Field(examples=[2])
    starts: datetime = Field(examples=["2026-11-01T00:00:00Z"])
    ends: datetime = Field(examples=["2027-11-01T00:00:00Z"])


class NewSplit(Request):
    """Weights of the shares: 50/30/20 where none are given."""

    shares: Mapping[str, int] | None = Field(
        None, examples=[{"national-projects": 50, "industry": 30, "academia-research": 20}]
    )


class NewAward(Request):
    """An award of resource-hours (core-hours of a CPU capacity) from a share."""

    mission: Plain = Field(examples=["manipulation-10"])
    organization: Plain = Field(examples=["institute-a"])
    capacity: Plain = Field(examples=["cap-0s2m4c5t1v7k3n9p2q8r"])
    share: Plain = Field(examples=["national-projects"])
    resource_hours: float = Field(examples=[1.0], allow_inf_nan=False)


class Award(Document):
    """An award and where its resource-seconds are."""

    award_id: str
    capacity_id: str
    mission: str
    organization: str
    share: str
    awarded_at: str
    awarded: int
    leased: int
    used: int
    lost: int
    left: int


class StatementLine(Document):
    """A line of the books; keys that were not asked for are empty. In resource-seconds."""

    organization: str
    mission: str
    share: str
    site: str
    month: str = Field(examples=["2026-11"])
    awarded: int
    leased: int
    returned: int
    used: int
    lost: int


class Statement(Document):
    """The books, kept apart by the keys in `by`."""

    by: Sequence[str]
    lines: Sequence[StatementLine]


class Account(Document):
    """An account's balance."""

    account: str = Field(examples=["award:awd-0s2m4c5t1v7k3n9p2q8r"])
    resource_seconds: int


class Books(Document):
    """Every account; `balanced` says whether they add up to nothing, as they must."""

    balanced: bool
    accounts: Sequence[Account]


class Alert(Document):
    """Something about the supply that somebody should look at, in a sentence of either language.

    kind: award-runs-dry, award-unspent, award-idle, share-over-line. subject: an award's or a capacity's id.
    """

    kind: str = Field(examples=["award-idle"])
    subject: str
    organization: str
    en: str
    ko: str
