"""Versions of assets, their files, findings and uses; uploads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request, Told


class Version(Document):
    """A version of an asset.

    kind: dataset | model | benchmark | report. state: received | accepted | quarantined |
    withdrawn | destroyed.
    """

    version_id: str
    name: str = Field(examples=["company-a/reach@1"])
    owner: str = Field(examples=["company-a"])
    asset: str = Field(examples=["reach"])
    number: int = Field(examples=[1])
    kind: str = Field(examples=["dataset"])
    state: str = Field(examples=["accepted"])
    mission: str = Field(examples=["manipulation-10"])
    agreement: str | None
    format: str | None = Field(examples=["physical/lerobot-v3"])
    manifest: str = Field(description="BLAKE3 digest of its manifest.")
    size_bytes: int
    files: int
    facts: Mapping[str, Any]
    made_by: str | None = Field(description="The run that made it.")
    created_at: str


class Finding(Document):
    """What a check found. severity: block | warn | info."""

    check: str
    severity: str = Field(examples=["block"])
    place: str
    evidence: Mapping[str, Any]
    what: Told
    remedy: Told


class Term(Document):
    """Who may do an action with a version, and by which clauses or rules."""

    action: str = Field(examples=["train"])
    organizations: Sequence[str]
    grounds: Sequence[str]


class VersionWhole(Version):
    """A version with where it came from and went, its terms and its findings."""

    parents: Sequence[str]
    children: Sequence[str]
    terms: Sequence[Term]
    findings: Sequence[Finding]


class Checked(Version):
    """A version after its check. waiting: whether it waits for others to be compared with."""

    waiting: bool
    findings: Sequence[Finding]


class File(Document):
    """A file of a version. digest: BLAKE3; original: its path as it was deposited, where that differs."""

    path: str = Field(examples=["data/chunk-000/file-000.parquet"])
    size_bytes: int
    digest: str
    original: str | None = None


class Upload(Document):
    """An upload: `offset` of `length` bytes have arrived and are durable."""

    upload_id: str = Field(examples=["upl-0s2m4c5t1v7k3n9p2q8r"])
    length: int
    offset: int
    expires_at: str


class UploadedFile(Request):
    """A file of a deposit: its path in the version, and the finished upload that holds its bytes.

    An upload may be a bundle of small files, one behind the other: `start` and `length` say which part.
    """

    path: Plain = Field(examples=["meta/info.json"])
    upload: Plain = Field(examples=["upl-0s2m4c5t1v7k3n9p2q8r"])
    start: int = Field(0, ge=0, lt=2**53)
    length: int | None = Field(None, ge=0, lt=2**53)


class NewVersion(Request):
    """A deposit made of uploads. `format`: pack/format, where it should not be recognized."""

    asset: Plain = Field(examples=["reach"])
    agreement: Plain = Field(examples=["manipulation-10-data"])
    files: Sequence[UploadedFile] = Field(
        max_length=150_000, examples=[[{"path": "meta/info.json", "upload": "upl-0s2m4c5t1v7k3n9p2q8r"}]]
    )
    format: Plain | None = Field(None, examples=["physical/lerobot-v3"])


class Change(Document):
    """A file that differs between two versions.

    kind: added | removed | changed | moved (the same bytes, from the path `before`).
    """

    path: str
    kind: str = Field(examples=["changed"])
    before: str | None
    size_before: int | None
    size: int | None


class LineageVersion(Version):
    """A version in a lineage. parents: names of those it was made from, of those in the lineage."""

    parents: Sequence[str]


class Lineage(Document):
    """Everything a version was made from, and everything made from it, oldest first; itself among them."""

    name: str
    ancestors: Sequence[LineageVersion]
    descendants: Sequence[LineageVersion]


class NewCheck(Request):
    """A received version to be checked."""

    version: Plain = Field(examples=["company-a/reach@1"])


class NewPool(Request):
    """A pool. Without `versions`: the newest accepted version of every data set of the mission."""

    mission: Plain = Field(examples=["manipulation-10"])
    asset: Plain = Field(examples=["pool"])
    versions: Sequence[Plain] = Field((), examples=[["company-a/reach@1", "company-b/push@1"]])


class Use(Document):
    """A use of a version. action: pool | train | evaluate | download | look; entry: place in the ledger."""

    at: str
    organization: str
    action: str = Field(examples=["train"])
    of: str
    grounds: Sequence[str]
    came_of: Told
    entry: int | None


class Intact(Document):
    """Whether the stored bytes of a version still have their digests; `damaged` names those that do not.

    destroyed: whether it, or a deposit below it, was destroyed by its owner: then nothing can be read.
    """

    name: str = Field(examples=["company-a/reach@1"])
    files: int
    damaged: Sequence[str]
    destroyed: bool
