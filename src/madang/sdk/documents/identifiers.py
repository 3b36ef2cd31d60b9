"""DOIs of versions."""

from __future__ import annotations

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request


class Doi(Document):
    """The DOI of a version. state: draft | findable."""

    version_id: str
    version: str = Field(examples=["company-a/reach@1"])
    doi: str = Field(examples=["10.5072/0s2m4c5t1v7k3n9p2q8r"])
    state: str = Field(examples=["draft"])
    member: str
    registered_at: str


class NewDoi(Request):
    """A version that is to have a DOI. publish: tell the world, which cannot be taken back."""

    version: Plain = Field(examples=["company-a/reach@1"])
    publish: bool = Field(False, examples=[False])
