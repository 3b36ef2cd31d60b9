"""Calls for compute, applications, reviews, decisions, explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request


class Call(Document):
    """A round of awards from a share over whole months. state: open, closed or decided."""

    name: str = Field(examples=["industry-2026-h2"])
    title_en: str
    title_ko: str
    share: str
    months: Sequence[str]
    opened_at: str
    closes_at: str
    state: str
    digest: str


class Offer(Document):
    """What a call has at a site of a kind, in hours of each of its months."""

    site: str
    kind: str
    hours: Sequence[int]


class CallWhole(Call):
    """A call with its document, what it has, and how many applied."""

    document: Mapping[str, Any]
    offers: Sequence[Offer]
    applications: int


class Application(Document):
    """An application; hours are whole resource-hours of a month."""

    application_id: str
    call: str
    organization: str
    mission: str
    title: str
    summary: str
    site: str
    kind: str
    request: Mapping[str, int]
    requested: int
    minimum: int
    applied_at: str
    withdrawn_at: str | None


class NewReview(Request):
    """A score of 0 to 100, or a conflict of interest declared instead of one."""

    score: int | None = Field(None, ge=0, le=100, strict=True, examples=[82])
    conflict: bool = Field(False, strict=True, examples=[False])
    comment: Plain = Field("", examples=["Sound, and needed by the mission."])


class Review(Document):
    """A review; `conflict` where no score was given for that reason."""

    application_id: str
    reviewer: str
    score: int | None
    conflict: bool
    comment: str
    reviewed_at: str


class NewDecision(Request):
    """A decision to be made. unreviewed: leave out applications that have too few reviews."""

    unreviewed: bool = Field(False, strict=True, examples=[False])


class RankedApplication(Document):
    """A place in a ranking. score: points; it and the rank are given to its own people and overseers.

    reason: full, part, no-room, below-minimum-score or too-few-reviews.
    """

    application_id: str
    rank: int | None
    site: str
    kind: str
    score: float | None
    requested: int
    granted: int
    reason: str


class CallDecision(Document):
    """A decision: what it follows from, and the ranking as far as you may see it.

    optimum: `share` of the score-weighted hours that any grants can have at most, `gap` between those and the
    best grants found, and applications that only one of the two grants; None where it was not computed.
    """

    call: str
    inputs_digest: str
    decided_at: str
    granted: int
    ranking: Sequence[RankedApplication]
    optimum: Mapping[str, Any] | None


class Explanation(Document):
    """Why an application got what it got: facts, and the sentences made of them.

    winning_score: points with which it would have been granted something; winning_minimum: the largest
    minimum (hours); winning_shift: months later. Each alone, and verified by deciding anew.
    """

    application_id: str
    reason: str
    rank: int
    ranked: int
    score: float | None
    requested: int
    granted: int
    bound_month: str | None
    asked: int
    left: int
    instead: str | None
    instead_rank: int
    winning_score: float | None
    winning_minimum: int | None
    winning_shift: int | None
    least_score: float | None
    sentences_en: Sequence[str]
    sentences_ko: Sequence[str]
