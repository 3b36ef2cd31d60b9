"""``madang sql``: ask tables of versions."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from madang.interfaces.cli import context
from madang.interfaces.operations import queries
from madang.kernel.errors import BadValue
from madang.kernel.home import write_durably
from madang.sdk import documents


def sql(
    select: str | None = None,
    *,
    form: Annotated[Literal["table", "json", "csv", "arrow"], Parameter(name="--format")] = "table",
    out: Path | None = None,
    history: bool = False,
    keep: str | None = None,
    beside: tuple[Path, ...] = (),
    json: context.Json = False,
) -> None:
    """Ask one SELECT over tables of accepted versions that you may query.

    A table is a version, "owner/asset@number" in double quotes (all its tables of one form, as one), the
    newest accepted one, "owner/asset", or a file or folder of it, "owner/asset@number/path". CSV in whatever
    encoding, Parquet and JSON are read. Each query goes on record with the versions it read.

    Examples: madang sql 'select "지점", avg("기온(℃)") from "company-b/weather@1" group by 1'
              madang sql 'select * from "company-a/reach@1/data" limit 10' --format csv --out rows.csv
              madang sql 'select * from "company-b/table@1" where age > 30' --keep older --beside table.toml
              madang sql --history

    Parameters
    ----------
    select
        The SELECT, in DuckDB's SQL; - reads it from standard input.
    form
        How the answer is given.
    out
        The file to write it to (with --format csv, json or arrow).
    history
        List your organization's queries instead.
    keep
        Make the whole answer the next version of your organization's data set of this name, instead of
        printing it. What it read must let you pool it; its terms are those of all that it read.
    beside
        A small text file to go with it: table.toml for the recipes of the pack for tables, a README.
    """
    if history:
        columns = {
            "asked": lambda one: one.asked_at,
            "by": lambda one: one.member,
            "outcome": lambda one: one.outcome,
            "rows": lambda one: f"{one.rows}{'+' if one.cut else ''}",
            "query": lambda one: one.sql,
        }
        context.print_items(context.every(queries.list_), columns, json)
        return
    if select is None:
        raise BadValue(file="madang sql", key="select", reason="There is nothing to ask.")
    told = sys.stdin.read() if select == "-" else select
    if keep is not None:
        files = {file.name: context.read_text(file) for file in beside}
        kept = documents.NewKeptQuery.model_construct(sql=told, asset=keep, beside=files)
        context.print_document(context.call(queries.keep, new=kept), json)
        return
    new = documents.NewQuery.model_construct(sql=told)
    if form == "table" and not json and out is not None:
        raise BadValue(
            file="--out", key=str(out), reason="A table is printed: add --format csv, json or arrow."
        )
    if form == "arrow" and out is None:
        raise BadValue(file="--format", key="arrow", reason="Name a file to write it to (--out).")
    if form in ("csv", "arrow"):
        _give(_rows(new, form), out)
        _tell_cut(context.call(queries.list_, limit=1).items[0])
        return
    found = context.call(queries.ask, new=new)
    if json or form == "json":
        _give((found.model_dump_json(indent=2) + "\n").encode(), out)  # which tells whether it was cut
        return
    names = {str(place): column.name for place, column in enumerate(found.columns)}
    context.print_rows([{str(p): c for p, c in enumerate(row)} for row in found.rows], names, False)
    _tell_cut(found.query)


def _rows(new: documents.NewQuery, form: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client library's, of rows that are missing: told by us
        if form == "csv":
            return context.call(queries.csv, new=new).encode()
        return context.call(queries.arrow, new=new)


def _tell_cut(query: documents.Query) -> None:
    if query.cut:
        print(context.text("cli.rows-cut", rows=query.rows), file=sys.stderr)


def _give(content: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(content.decode("utf-8"))
        return
    write_durably(out, content)
    print(out)
