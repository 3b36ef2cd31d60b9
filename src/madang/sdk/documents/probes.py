"""What is in the files of a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request
from madang.sdk.documents.versions import Finding


class NewProbe(Request):
    """A version of one's own organization whose files are to be looked into."""

    version: Plain = Field(examples=["company-a/reach@1"])


class Probe(Document):
    """That a version's files were looked into: `opened` of `files`. box: west, south, east, north in degrees.

    period: first and last time in the files.
    """

    version_id: str
    probe: int
    files: int
    opened: int
    box: Sequence[float] | None
    period: Sequence[str] | None
    probed_at: str
    parts: int | None = Field(None, description="How many of the opened files were read in part.")


class Quantity(Document):
    """A variable of a version: minimum and maximum in the base unit, where its unit has one.

    kind: number | text | time | flag | picture | other; files: in how many of the opened ones it is.
    """

    number: int
    name: str = Field(examples=["observation.state"])
    title: Mapping[str, Any]
    kind: str
    unit: str
    base_unit: str
    standard_name: str = Field(description="Of the CF standard name table, where it has one.")
    minimum: float | None
    maximum: float | None
    files: int
    file: str = Field(description="The first of them.")


class FileReport(Document):
    """What is in a file: facts of its format, variables with statistics, a preview, what is odd."""

    path: str
    format: str = Field(examples=["parquet"])
    size_bytes: int
    facts: Mapping[str, Any]
    variables: Sequence[Mapping[str, Any]]
    box: Sequence[float] | None
    period: Sequence[str] | None
    preview: Mapping[str, Any]
    findings: Sequence[Finding]
