"""Calls, applications, reviews, decisions: documents, dataclasses and tables.

Amounts are whole GPU-hours of a month (more generally: resource-hours of the kind). Scores are integer
hundredths of a point, 0 to 10,000, so that no ranking hangs on rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from madang.allocations.plans.apportionment import month_name, months
from madang.kernel.ledger.log import metadata

_STRICT = ConfigDict(extra="forbid", frozen=True)
_SLUG = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
MOST_HOURS = 10**10
POINT = 100
"""A point of score in the integers it is kept in."""


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("it is outside the calendar") from error


class CallDocument(BaseModel):
    """The ``[call]`` of a file: a round of awards from one share over whole months.

    closes: until when applications are taken (UTC unless it says otherwise). reviewers: organization/member.
    reviews: how many an application needs to be ranked. minimum_score: points below which nothing is granted.
    """

    model_config = _STRICT

    name: str = Field(pattern=_SLUG)
    title_en: str = Field(min_length=1, max_length=200, pattern=_PLAIN)
    title_ko: str = Field(min_length=1, max_length=200, pattern=_PLAIN)
    share: str = Field(min_length=1, max_length=200, pattern=_PLAIN)
    starts: date
    ends: date
    closes: Annotated[datetime, AfterValidator(_in_utc)]
    reviewers: tuple[Annotated[str, Field(max_length=200, pattern=_PLAIN)], ...] = Field(
        min_length=1, max_length=1000
    )
    reviews: int = Field(2, ge=1, le=20, strict=True)
    minimum_score: int = Field(60, ge=0, le=100, strict=True)

    @model_validator(mode="after")
    def _whole_months(self) -> CallDocument:
        if self.starts.day != 1 or self.ends.day != 1 or self.starts >= self.ends:
            raise ValueError("starts and ends are first days of months, and ends comes after starts")
        if len(self.months) > 60:
            raise ValueError("a call covers at most 60 months")
        if len(set(self.reviewers)) != len(self.reviewers):
            raise ValueError("a reviewer is named twice")
        return self

    @property
    def months(self) -> tuple[str, ...]:
        """The months that are awarded, as ``2026-07``."""
        return tuple(month_name(first) for first, _ in months(self.starts, self.ends))


class CallFile(BaseModel):
    """A whole file of a call."""

    model_config = _STRICT

    call: CallDocument


Hours = Annotated[int, Field(ge=0, le=MOST_HOURS, strict=True)]


class ApplicationDocument(BaseModel):
    """The ``[application]`` of a file: what is asked for, month by month, in whole GPU-hours.

    minimum: the least GPU-hours in all that are of use; all that is requested where it is left out.
    """

    model_config = _STRICT

    call: str = Field(pattern=_SLUG)
    mission: str = Field(min_length=1, max_length=200, pattern=_PLAIN)
    title: str = Field(min_length=1, max_length=200, pattern=_PLAIN)
    summary: str = Field("", max_length=20_000, pattern=r"^[^\x00]*$")
    site: str = Field(pattern=_SLUG)
    kind: str = Field(pattern=_SLUG)
    request: dict[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], Hours] = Field(
        min_length=1, max_length=60
    )
    minimum: int | None = Field(None, ge=1, le=60 * MOST_HOURS, strict=True)

    @model_validator(mode="after")
    def _asks_for_something(self) -> ApplicationDocument:
        if self.total == 0:
            raise ValueError("the request is 0 in every month")
        if self.minimum is not None and self.minimum > self.total:
            raise ValueError("the minimum is more than is requested")
        return self

    @property
    def total(self) -> int:
        """GPU-hours in all."""
        return sum(self.request.values())


class ApplicationFile(BaseModel):
    """A whole file of an application."""

    model_config = _STRICT

    application: ApplicationDocument


calls = sa.Table(
    "calls",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("share", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
    sa.Column("closes_at", sa.Text, nullable=False),
    sa.Index("calls_by_time", "opened_at", "name"),
)
applications = sa.Table(
    "applications",
    metadata,
    sa.Column("application_id", sa.Text, primary_key=True),
    sa.Column("call", sa.Text, sa.ForeignKey("calls.name"), nullable=False),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("mission", sa.Text, sa.ForeignKey("missions.name"), nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("applied_by", sa.Text, sa.ForeignKey("members.member_id"), nullable=False),
    sa.Column("applied_at", sa.Text, nullable=False),
    sa.Column("withdrawn_at", sa.Text),
    sa.Index("applications_of_call", "call", "applied_at", "application_id"),
)
reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("application_id", sa.Text, sa.ForeignKey("applications.application_id"), primary_key=True),
    sa.Column("reviewer", sa.Text, sa.ForeignKey("members.member_id"), primary_key=True),
    sa.Column("score", sa.Integer),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("reviewed_at", sa.Text, nullable=False),
)
decisions = sa.Table(
    "call_decisions",
    metadata,
    sa.Column("call", sa.Text, sa.ForeignKey("calls.name"), primary_key=True),
    sa.Column("inputs_digest", sa.Text, nullable=False),
    sa.Column("inputs", sa.JSON, nullable=False),
    sa.Column("outcome", sa.JSON, nullable=False),
    sa.Column("decided_at", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Call:
    """A call on record."""

    name: str
    share: str
    digest: str
    document: CallDocument
    opened_at: str
    closes_at: str

    def title(self, language: str) -> str:
        """The title in a language."""
        return self.document.title_ko if language == "ko" else self.document.title_en


@dataclass(frozen=True)
class Application:
    """An application on record."""

    application_id: str
    call: str
    organization: str
    mission: str
    document: ApplicationDocument
    applied_by: str
    applied_at: str
    withdrawn_at: str | None


@dataclass(frozen=True)
class Review:
    """A review: a score in points (0 to 100), or None where the reviewer declared a conflict of interest."""

    application_id: str
    reviewer: str
    score: int | None
    comment: str
    reviewed_at: str


@dataclass(frozen=True)
class Decision:
    """What was decided, from which inputs: JSON documents of :mod:`ranking`."""

    call: str
    inputs_digest: str
    inputs: Mapping[str, Any]
    outcome: Mapping[str, Any]
    decided_at: str
