"""Mission charters: the document, dataclasses and tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from madang.kernel.ledger.log import metadata

_STRICT = ConfigDict(extra="forbid", frozen=True)


class MissionHeader(BaseModel):
    """The ``[mission]`` table of a charter."""

    model_config = _STRICT

    name: str
    title_en: str = Field(min_length=1)
    title_ko: str = Field(min_length=1)
    summary_en: str = ""
    summary_ko: str = ""
    lead: str
    evaluator: str
    organizations: tuple[str, ...] = Field(min_length=1)
    agreement: str
    deadline: date
    visibility: Literal["public", "members"] = "members"


class ObjectiveDocument(BaseModel):
    """The ``[objective]`` table: fixed before anyone submits."""

    model_config = _STRICT

    metric: str = Field(min_length=1)
    title_en: str = Field(min_length=1)
    title_ko: str = Field(min_length=1)
    direction: Literal["maximize"] = "maximize"
    baseline: float = Field(ge=0, lt=1)
    target: float = Field(gt=0, le=1)
    confidence: float = Field(0.95, gt=0.5, lt=1)
    n: int = Field(gt=0, le=100_000, description="Items of the final half of the sealed benchmark.")
    feedback_n: int = Field(100, ge=10, le=100_000, description="Items of the feedback half.")

    @model_validator(mode="after")
    def _target_above_baseline(self) -> ObjectiveDocument:
        if self.target <= self.baseline:
            raise ValueError("the target must be above the baseline")
        return self


class GuardrailDocument(BaseModel):
    """A ``[[guardrail]]`` table: a metric of the scorer, in [0, 1], that must stay low as well."""

    model_config = _STRICT

    metric: str = Field(min_length=1)
    title_en: str = Field(min_length=1)
    title_ko: str = Field(min_length=1)
    at_most: float = Field(ge=0, lt=1)


class BenchmarkDocument(BaseModel):
    """The ``[benchmark]`` table: which scorer draws and judges, with what parameters, how many tries."""

    model_config = _STRICT

    scorer: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    submissions: int = Field(20, ge=1, le=10_000, description="Submissions an organization has in all.")
    submissions_per_lineage: int = Field(
        20, ge=1, le=10_000, description="Submissions of models made from the same deposits, whoever submits."
    )


class MissionDocument(BaseModel):
    """A whole charter."""

    model_config = _STRICT

    mission: MissionHeader
    objective: ObjectiveDocument
    benchmark: BenchmarkDocument
    guardrail: tuple[GuardrailDocument, ...] = ()

    @model_validator(mode="after")
    def _each_guardrail_once(self) -> MissionDocument:
        metrics = [rail.metric for rail in self.guardrail]
        if len(set(metrics)) != len(metrics):
            raise ValueError("a guard-rail metric is named twice")
        return self


missions = sa.Table(
    "missions",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("lead", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("evaluator", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("agreement", sa.Text, sa.ForeignKey("agreements.name"), nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
)
participants = sa.Table(
    "mission_participants",
    metadata,
    sa.Column("mission", sa.Text, sa.ForeignKey("missions.name"), primary_key=True),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), primary_key=True),
)


@dataclass(frozen=True)
class Mission:
    """A mission on record."""

    name: str
    digest: str
    document: MissionDocument
    opened_at: str

    @property
    def header(self) -> MissionHeader:
        """Who, until when, under which agreement."""
        return self.document.mission

    @property
    def objective(self) -> ObjectiveDocument:
        """What is to be reached."""
        return self.document.objective

    def title(self, language: str) -> str:
        """The title in a language."""
        return self.header.title_ko if language == "ko" else self.header.title_en

    def summary(self, language: str) -> str:
        """The summary in a language."""
        return self.header.summary_ko if language == "ko" else self.header.summary_en
