"""Queries over tables of versions, and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request


class NewKeptQuery(Request):
    """A SELECT whose answer becomes a version. beside: name -> text of small files that say what it is."""

    sql: str = Field(
        max_length=100_000,
        pattern=r"^[^\x00]*$",
        examples=['select * from "company-b/weather@1" where "기온(℃)" > 30'],
    )
    asset: Plain = Field(examples=["hot-days"])
    beside: Mapping[str, str] = Field({}, max_length=20, examples=[{"README.md": "Hours above 30 degrees."}])


class NewQuery(Request):
    """One SELECT. A table is a version or a file of one, in double quotes."""

    sql: str = Field(
        max_length=100_000,
        pattern=r"^[^\x00]*$",
        examples=['select count(*) from "company-a/reach@1/data"'],
    )


class Column(Document):
    """A column of an answer. type: as the engine calls it."""

    name: str
    type: str = Field(examples=["DOUBLE"])


class Query(Document):
    """A query on record. versions: ids of what it read; grounds: by which clauses and rules.

    outcome: answered | refused; cut: whether its answer had more rows than were given.
    """

    query_id: str = Field(examples=["qry-0s2m4c5t1v7k3n9p2q8r"])
    organization: str
    member: str
    sql: str
    versions: Sequence[str]
    grounds: Sequence[str]
    outcome: str = Field(examples=["answered"])
    rows: int
    cut: bool
    asked_at: str


class QueryAnswer(Document):
    """What a query found. read: names of the versions it read."""

    query: Query
    read: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
