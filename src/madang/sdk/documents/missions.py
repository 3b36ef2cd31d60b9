"""Missions, their progress and scoreboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Told


class Mission(Document):
    """A mission and its objective, as fixed in its charter."""

    name: str = Field(examples=["manipulation-10"])
    title_en: str
    title_ko: str
    objective_en: str
    objective_ko: str
    metric: str = Field(examples=["success_rate"])
    target: float = Field(examples=[0.8])
    n: int = Field(examples=[1000], description="Items of the final half of the sealed benchmark.")
    confidence: float = Field(examples=[0.95])
    deadline: date = Field(examples=["2027-06-30"])
    lead: str = Field(examples=["institute-a"])
    evaluator: str = Field(examples=["institute-b"])
    visibility: str = Field(examples=["public"])
    digest: str
    opened_at: str


class Headline(Document):
    """The one figure of a mission. half: feedback | final."""

    version: str = Field(examples=["institute-a/policy@1"])
    value: float
    lower: float
    upper: float
    n: int
    half: str = Field(examples=["final"])


class Notice(Document):
    """Something that needs attention, or is well. severity: bad | warn | good."""

    severity: str = Field(examples=["warn"])
    title: Told
    detail: Told
    link: str = Field(examples=["/missions/manipulation-10#terms"], description="The page to look at.")


class Progress(Document):
    """How far a mission is. stage: the furthest of the flow that holds something."""

    stage: str = Field(examples=["score"])
    reached: bool
    deposits: int
    accepted: int
    quarantined: int
    pools: int
    runs: int
    models: int
    scores: int
    best: Headline | None
    attention: Sequence[Notice]


class MissionWhole(Mission):
    """A mission with its charter; with its progress for those who take part."""

    charter: Mapping[str, Any]
    progress: Progress | None


class Standing(Document):
    """A row of the scoreboard, as the Ladder shows it."""

    organization: str = Field(examples=["institute-a"])
    submission_id: str
    version: str = Field(examples=["institute-a/policy@1"])
    value: float
    lower: float
    upper: float
    n: int
    used: int = Field(description="Submissions used of the budget.")
    budget: int


class Opening(Document):
    """How far the opening of a mission's final half is."""

    mission: str = Field(examples=["manipulation-10"])
    asked_for: str = Field(examples=["msit"])
    asked_at: str
    confirmed_for: str | None
    confirmed_at: str | None
    published_at: str | None
