"""What all documents share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

CUT_HEADER = "Madang-Cut"
"""Beside rows that are cut off: after how many."""
_NO_NUL = r"^[^\x00]*$"
Plain = Annotated[str, Field(max_length=4000, pattern=_NO_NUL)]
"""A text without NUL characters, which a database cannot hold."""
Slug = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
"""a-z, 0-9 and inner hyphens, at most 63."""


class Document(BaseModel):
    """Base of all: immutable; an answer may gain members in a later version, which a client leaves aside."""

    model_config = ConfigDict(frozen=True)


class Request(Document):
    """Base of what is sent: unknown members are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Document, Generic[Item]):
    """A part of a listing. `next` is the cursor of the part after it; None at the end."""

    items: Sequence[Item]
    next: str | None = None


class Told(Document):
    """A text in both languages."""

    en: str
    ko: str


class Problem(Document):
    """An error (RFC 9457): what happened (`title`), why (`detail`), what to do next (`next`)."""

    type: str = Field(examples=["urn:madang:error:not-permitted"])
    title: str = Field(examples=["download of Version company-a/reach@1 is not permitted."])
    status: int = Field(examples=[403])
    detail: str = Field(examples=["No role and no agreement in force permits it."])
    next: str = Field(examples=["Ask a party to the agreement, or look at its clauses."])
    code: str = Field(examples=["not-permitted"])
