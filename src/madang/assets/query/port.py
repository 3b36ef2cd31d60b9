"""The tables port: what runs a query in the sandbox. Engines of the port ``tables`` implement it."""

from __future__ import annotations

from typing import NotRequired, Protocol, TypedDict

from madang.kernel import extension
from madang.kernel.home import Home

FORMATS = ("json", "csv", "arrow", "parquet")
"""Forms of an answer. parquet: for a version that is made of it."""


class TableFile(TypedDict):
    """A file of a table. path: below the inputs; form: csv, parquet or json; the others for CSV."""

    path: str
    form: str
    encoding: NotRequired[str]
    delimiter: NotRequired[str]


class Asked(TypedDict):
    """What is asked. tables: name in the query -> its files; rows: of the answer, at most."""

    sql: str
    tables: dict[str, list[TableFile]]
    form: str
    rows: int
    memory_bytes: int


class Tables(Protocol):
    """``"module:function"`` of two functions that run confined: (asked, inputs, output) -> facts.

    parse: of ``{"sql": ...}``, to ``{"tables": [name, ...]}``.
    execute: of an Asked, to ``{"columns": [[name, type], ...], "rows": n, "cut": whether there were more}``,
    the answer in ``output/answer``.
    Either gives ``{"refused": reason}``, with an empty reason where it is not exactly one SELECT.
    extra: the extra that holds what they import.
    """

    parse: str
    execute: str
    extra: str


def open_tables(home: Home) -> Tables:
    """The engine that the setting ``query_engine`` names."""
    engine: Tables = extension.engine("tables", home.values.query_engine)()
    return engine
