"""Capacity plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request


class PlanMonth(Document):
    """A month of a plan, in GPU-hours. `assumed`: those that the plan's source does not give.

    normalised: by each kind's factor, as decimal text. by_share, assumed_by_share: of each share that has no
    parts; by_site: of each site.
    """

    month: str = Field(examples=["2026-07"])
    count: int
    hours: int
    assumed: int
    normalised: str
    by_share: Mapping[str, int]
    assumed_by_share: Mapping[str, int]
    by_site: Mapping[str, int]


class Plan(Document):
    """A plan on record: the `number`-th adopted under its name."""

    name: str = Field(examples=["korea-2026"])
    number: int
    digest: str
    adopted_at: str
    title_en: str
    title_ko: str
    starts: date
    ends: date


class PlanWhole(Plan):
    """A plan with its document and what it gives from month to month."""

    document: Mapping[str, Any]
    months: Sequence[PlanMonth]


class PlanShift(Document):
    """Hours of a share in a month, before and after; `assumed` where any of them are."""

    month: str
    share: str
    before: int
    after: int
    assumed: bool


class PlanEdit(Document):
    """A line of a plan's tables that was added, removed or changed: key -> [before, after]."""

    table: str
    name: str
    change: str
    values: Mapping[str, Sequence[str]]


class PlanDifference(Document):
    """What changes from one plan to another."""

    edits: Sequence[PlanEdit]
    shifts: Sequence[PlanShift]


class NewEnactment(Request):
    """Which site declares what the plan says of it."""

    site: Plain = Field(examples=["national-gpu-centre"])
