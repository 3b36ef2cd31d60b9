"""Agreements, clauses, obligations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request, Told


class Agreement(Document):
    """An agreement. state: draft | in-force | ended; signatures: party -> when it signed."""

    name: str = Field(examples=["manipulation-10-data"])
    mission: str = Field(examples=["manipulation-10"])
    title_en: str
    title_ko: str
    state: str = Field(examples=["in-force"])
    digest: str = Field(examples=["sha256:7d0f..."])
    last_day: date = Field(examples=["2027-06-30"])
    drafted_by: str = Field(examples=["institute-a"])
    drafted_at: str
    signatures: Mapping[str, str | None]


class Clause(Document):
    """A clause as it was signed. `document` holds its fields (docs/agreements.md)."""

    number: int = Field(examples=[1])
    name: str = Field(examples=["agreement/manipulation-10-data/1"])
    effect: str = Field(examples=["permit"])
    text_en: str
    text_ko: str
    document: Mapping[str, Any]


class AgreementWhole(Agreement):
    """An agreement with its clauses."""

    clauses: Sequence[Clause]


class NewSignature(Request):
    """A signature for the asker's organization; with `digest`, only under the text of that digest."""

    digest: Plain | None = Field(None, examples=["sha256:7d0f..."])


class PlainClause(Document):
    """A clause of a draft as written, and what it does in plain words."""

    number: int
    text_en: str
    text_ko: str
    means: Told


class Replayed(Document):
    """A use of the last days, and what the draft would have said of it. by: the clauses that decided."""

    at: str
    organization: str
    action: str
    version: str
    allowed: bool
    by: Sequence[str]


class Rehearsal(Document):
    """What a draft would mean. Nothing was put on record."""

    clauses: Sequence[PlainClause]
    replayed: Sequence[Replayed]


class Obligation(Document):
    """A duty of an organization under a clause. state: due | overdue | met."""

    agreement: str = Field(examples=["manipulation-10-data"])
    clause: int = Field(examples=[6])
    organization: str = Field(examples=["institute-a"])
    duty: str = Field(examples=["cite"])
    last_day: date = Field(examples=["2027-07-30"])
    state: str = Field(examples=["due"])
    met_at: str | None
    evidence: Mapping[str, str] | None


class Evidence(Request):
    """What shows that a duty was done: at least one of these."""

    text: Plain = Field("", examples=["Cited in section 2 of the report."], description="What was done.")
    link: Plain = Field("", examples=["https://doi.org/10.0000/example"], description="Where it can be seen.")
    version: Plain = Field(
        "", examples=["institute-a/policy@1"], description="The version that was returned."
    )
