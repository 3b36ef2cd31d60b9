"""Agreements, their clauses, parties and signatures: documents, dataclasses and tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from madang.kernel.clock import from_text
from madang.kernel.ledger.log import metadata

Action = Literal["pool", "train", "evaluate", "query", "download"]
LATEST = date(2199, 12, 31)
"""No agreement reaches further; a later date is a slip of the hand."""
Duty = Literal["cite", "return-model", "delete"]


class ClauseDocument(BaseModel):
    """One clause as written in an agreement's TOML.

    `owners`, `kind` address assets: those that these organizations own, of this kind, in the
    agreement's mission, whether or not they exist yet. `of` says of what the action is: for kind
    "dataset" and of ["model"], the clause speaks of using a model that was made from the data set.
    effect "oblige": each organization in `by` owes `duty` (cite the data, return the model that was made
    from them, or delete them) until `due_on`, or so many days after the agreement's end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    effect: Literal["permit", "forbid", "ending", "oblige"]
    text_en: str = Field(min_length=1)
    text_ko: str = Field(min_length=1)
    actions: tuple[Action, ...] = ()
    owners: tuple[str, ...] = ()
    kind: Literal["dataset", "model"] = "dataset"
    of: tuple[Literal["dataset", "model"], ...] = ("dataset",)
    by: tuple[str, ...] = ()
    survives: tuple[Literal["dataset", "model"], ...] = ()
    duty: Duty | None = None
    due_on: date | None = Field(None, le=LATEST)
    due_days_after_end: int | None = Field(None, ge=0, le=36_500)

    @model_validator(mode="after")
    def _whole_duty(self) -> ClauseDocument:
        dates = (self.due_on is not None) + (self.due_days_after_end is not None)
        if self.effect == "oblige" and not (self.duty and self.by and dates == 1):
            raise ValueError("an oblige clause names duty, by, and one of due_on or due_days_after_end")
        if self.effect != "oblige" and (self.duty or dates):
            raise ValueError("only an oblige clause has a duty and a due date")
        return self


class AgreementHeader(BaseModel):
    """The ``[agreement]`` table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title_en: str = Field(min_length=1)
    title_ko: str = Field(min_length=1)
    mission: str
    parties: tuple[str, ...] = Field(min_length=1)
    ends_on: date = Field(le=LATEST, description="Last day on which permissions hold (UTC).")


class AgreementDocument(BaseModel):
    """A whole agreement file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agreement: AgreementHeader
    clause: tuple[ClauseDocument, ...] = Field(min_length=1)


agreements = sa.Table(
    "agreements",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("mission", sa.Text, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("title_ko", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("ends_at", sa.Text, nullable=False),
    sa.Column("drafted_by", sa.Text, sa.ForeignKey("organizations.name"), nullable=False),
    sa.Column("drafted_at", sa.Text, nullable=False),
)
parties = sa.Table(
    "agreement_parties",
    metadata,
    sa.Column("agreement", sa.Text, sa.ForeignKey("agreements.name"), primary_key=True),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), primary_key=True),
    sa.Column("signed_at", sa.Text),
    sa.Column("signed_by", sa.Text, sa.ForeignKey("members.member_id")),
)
clauses = sa.Table(
    "agreement_clauses",
    metadata,
    sa.Column("agreement", sa.Text, sa.ForeignKey("agreements.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
)
scopes = sa.Table(
    "agreement_scopes",
    metadata,
    sa.Column("agreement", sa.Text, sa.ForeignKey("agreements.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("mission", sa.Text, nullable=False),
    sa.Index("agreement_scopes_lookup", "owner", "mission", "kind"),
)
"""Which owners' assets a clause addresses: the prefilter of every decision."""


obligations = sa.Table(
    "obligations",
    metadata,
    sa.Column("agreement", sa.Text, sa.ForeignKey("agreements.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name"), primary_key=True),
    sa.Column("duty", sa.Text, nullable=False),
    sa.Column("due_at", sa.Text, nullable=False, index=True),
    sa.Column("met_at", sa.Text),
    sa.Column("met_by", sa.Text, sa.ForeignKey("members.member_id")),
    sa.Column("evidence", sa.JSON),
)


@dataclass(frozen=True)
class Obligation:
    """What an organization owes under a clause, until when, and the evidence that it has done it."""

    agreement: str
    number: int
    organization: str
    duty: str
    due_at: str
    met_at: str | None
    met_by: str | None
    evidence: dict[str, str] | None

    def state(self, now: str) -> str:
        """met | due | overdue."""
        if self.met_at:
            return "met"
        return "overdue" if now >= self.due_at else "due"

    @property
    def last_day(self) -> str:
        """The last day on which it is in time."""
        return (from_text(self.due_at) - timedelta(seconds=1)).date().isoformat()


@dataclass(frozen=True)
class Clause:
    """A clause on record."""

    agreement: str
    number: int
    document: ClauseDocument

    @property
    def name(self) -> str:
        """How decisions name it: ``agreement/<name>/<number>``."""
        return f"agreement/{self.agreement}/{self.number}"

    def text(self, language: str) -> str:
        """What was signed, in a language."""
        return self.document.text_ko if language == "ko" else self.document.text_en


@dataclass(frozen=True)
class Agreement:
    """An agreement with its parties: organization -> when it signed (or None)."""

    name: str
    mission: str
    title_en: str
    title_ko: str
    digest: str
    ends_at: str
    drafted_by: str
    drafted_at: str
    signatures: dict[str, str | None]

    @property
    def missing(self) -> list[str]:
        """Parties that have not signed."""
        return sorted(name for name, at in self.signatures.items() if at is None)

    def state(self, now: str) -> str:
        """draft | in-force | ended."""
        if self.missing:
            return "draft"
        return "ended" if now >= self.ends_at else "in-force"

    @property
    def last_day(self) -> str:
        """The last day on which its permissions hold: 2027-06-30."""
        return (from_text(self.ends_at) - timedelta(seconds=1)).date().isoformat()

    def title(self, language: str) -> str:
        """The title in a language."""
        return self.title_ko if language == "ko" else self.title_en


def canonical(document: AgreementDocument) -> dict[str, Any]:
    """The JSON value whose digest the parties sign."""
    return document.model_dump(mode="json")
