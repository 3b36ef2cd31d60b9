"""Queries over tables of versions."""

from __future__ import annotations

from madang.assets.query import keeping, model, service
from madang.interfaces.operations.declared import Caller, Cursor, Limit, operation, page_of
from madang.interfaces.operations.versions import document
from madang.kernel.paging import slice_of
from madang.sdk import documents
from madang.sdk.documents.form import CUT_HEADER


def _document(query: model.Query) -> documents.Query:
    return documents.Query.model_validate(query, from_attributes=True)


@operation("POST", "/query", keyless=True)
def ask(caller: Caller, new: documents.NewQuery) -> documents.QueryAnswer:
    """Answer one SELECT over tables of accepted versions that you may query; it goes on record."""
    answer = service.ask(caller.home, caller.actor, new.sql)
    return documents.QueryAnswer(
        query=_document(answer.query),
        read=answer.names,
        columns=[documents.Column(name=name, type=type_) for name, type_ in answer.columns],
        rows=answer.rows,
    )


@operation("POST", "/query.csv", media="text/csv", keyless=True)
def csv(caller: Caller, new: documents.NewQuery) -> str:
    """Answer one SELECT as CSV."""
    return _rows(caller, new, "csv").decode("utf-8")


@operation("POST", "/query.arrow", media="application/vnd.apache.arrow.stream", keyless=True)
def arrow(caller: Caller, new: documents.NewQuery) -> bytes:
    """Answer one SELECT as an Arrow stream."""
    return _rows(caller, new, "arrow")


def _rows(caller: Caller, new: documents.NewQuery, form: str) -> bytes:
    """An answer that is rows alone; which query it was, and whether rows are missing, stands beside it."""
    answer = service.ask(caller.home, caller.actor, new.sql, form)
    caller.beside["Madang-Query"] = answer.query.query_id
    if answer.query.cut:
        caller.beside[CUT_HEADER] = str(answer.query.rows)
    return answer.content


@operation("POST", "/query/version", status=201, keyless=True)
def keep(caller: Caller, new: documents.NewKeptQuery) -> documents.Version:
    """Keep the answer of one SELECT as a version of your organization, made from those it read."""
    return document(keeping.keep(caller.home, caller.actor, new.sql, new.asset, new.beside))


@operation("GET", "/queries", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Query]:
    """List the queries of your organization, newest first; an overseer sees everybody's."""
    with caller.home.database.read() as session:
        rows = service.asked_by(session, caller.actor, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row.query_id,), _document)
