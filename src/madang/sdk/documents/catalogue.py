"""Sources of descriptions, their harvests, records, and what a search finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from madang.sdk.documents.form import Document, Request, Told


class NewSource(Request):
    """A source to be added."""

    name: str = Field(max_length=63, examples=["nims"])
    kind: str = Field(
        max_length=63,
        description="An installed harvester: oai-pmh, ckan, stac, document or folder.",
        examples=["oai-pmh"],
    )
    url: str = Field(max_length=2000, examples=["https://repository.example/oai"])
    options: Mapping[str, str] = Field({}, max_length=20, examples=[{"set": "materials"}])
    mission: str | None = Field(
        None, max_length=63, description="Whose members alone may know of it.", examples=["manipulation-10"]
    )


class NewAddress(Request):
    """Where a source is by now, and its options."""

    url: str = Field(max_length=2000, examples=["https://repository.example/oai2"])
    options: Mapping[str, str] = Field({}, max_length=20, examples=[{"set": "materials"}])


class Harvest(Document):
    """A walk through a source. state: running | finished | interrupted | held-back.

    whole: all of it, not only what changed. made, changed, gone: records; problems: what could not be read.
    """

    harvest_id: str
    source: str
    whole: bool
    state: str = Field(examples=["finished"])
    seen: int
    made: int
    changed: int
    gone: int
    problems: int
    begun_at: str
    ended_at: str | None


class Source(Document):
    """Where descriptions come from, how many records of it are there, and its last harvest."""

    name: str = Field(examples=["nims"])
    owner: str
    kind: str
    url: str
    options: Mapping[str, str]
    mission: str | None
    since: str | None = Field(description="What the next incremental harvest asks from.")
    created_at: str
    ended_at: str | None = Field(None, description="Since when its records are found no more.")
    records: int
    last: Harvest | None


class HarvestProblem(Document):
    """What could not be read, and why."""

    number: int
    remote_id: str
    what: Told


class Record(Document):
    """A description as a source gave it last. description: in Madang's form, shaped on DataCite 4.7."""

    record_id: str = Field(examples=["rec-0123456789abcdefghjkmnpqrs"])
    source: str
    remote_id: str
    format: str = Field(examples=["datacite"])
    state: str = Field(examples=["present"])
    changed_at: str
    description: Mapping[str, Any]


class Found(Document):
    """A record or version that was found. kind: record | dataset | model | benchmark | report."""

    kind: Literal["record", "dataset", "model", "benchmark", "report"]
    id: str
    name: str
    title: Told
    says: Told = Field(description="The beginning of its description.")
    source: str | None
    owner: str | None
    year: int | None
    state: str = Field(examples=["present"])
    page: str


class FacetCount(Document):
    """A value of a facet, and how many of the found things have it."""

    value: str
    count: int


class Answer(Document):
    """What a search found: a part of it, how many there are in all, and their facets."""

    count: int
    found: Sequence[Found]
    facets: Mapping[str, Sequence[FacetCount]]
