"""The ledger, why, and search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Told


class Entry(Document):
    """A ledger entry. by: the organization that acted; decided: the rules and clauses that permitted it."""

    position: int
    kind: str = Field(examples=["agreement.signed"])
    subject: str
    at: str
    by: str
    decided: Sequence[str]
    facts: Mapping[str, Any]


class EntryWhole(Entry):
    """An entry with its proof, as `madang ledger check` reads it, and the checkpoint to check against."""

    proof: Mapping[str, Any]
    checkpoint: str


class Proof(Document):
    """The proof of a whole line, and the signed tree head it is checked against."""

    proof: Mapping[str, Any]
    checkpoint: str


class Disagreement(Document):
    """A place where stored data and the ledger differ."""

    table: str
    key: str
    problem: str
    entry: int | None


class Verdict(Document):
    """What a verification of the whole home found."""

    holds: bool
    entries: int
    rows: int
    found: Sequence[Disagreement]


class Because(Document):
    """A sentence, and the values it stands on."""

    says: Told
    stands_on: Mapping[str, Any]


class Why(Document):
    """Why something is as it is."""

    what: str
    because: Sequence[Because]


class Hit(Document):
    """Something found by its name. kind: mission, version, run, ...; page: where to look at it."""

    kind: str = Field(examples=["version"])
    name: str = Field(examples=["company-a/reach@1"])
    title: Told
    page: str = Field(examples=["/versions/company-a/reach@1"])
