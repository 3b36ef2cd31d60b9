"""Asking: what a query reads is found out, permitted, laid out, and the answer goes on record with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from madang.assets import lineage, reads
from madang.assets.content.manifest import File
from madang.assets.content.reading import Content, content_of
from madang.assets.errors import NoSuchVersion
from madang.assets.model import Version, versions
from madang.assets.probing import sniffing
from madang.assets.query import confined
from madang.assets.query.errors import BadQuery, NoSuchTable, NoTables, QueriesBusy, QueryTooLarge
from madang.assets.query.model import Query, queries
from madang.assets.query.port import FORMATS, Asked, TableFile, open_tables
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.database import Session
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ids import new_id
from madang.kernel.locks import one_of
from madang.kernel.paging import Slice, cut
from madang.organizations.service import oversees

LONGEST = 100_000
_MOST_FILES = 2000
_PARSE_SECONDS = 5
_PATIENCE = 1
"""Seconds that a query waits for a place."""


@dataclass(frozen=True)
class Answer:
    """An answer: its bytes in the form asked for (JSON: a list of rows), its columns as (name, type)."""

    query: Query
    names: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def rows(self) -> list[list[Any]]:
        """The rows of an answer in JSON."""
        told: list[list[Any]] = json.loads(self.content)
        return told


@dataclass(frozen=True)
class _Table:
    """A name in a query, and the files of a version that it means."""

    name: str
    version: Version
    path: str


def ask(home: Home, actor: Principal, sql: str, form: str = "json", most: int | None = None) -> Answer:
    """Answer one SELECT over tables of accepted versions that the actor may query.

    A table is ``"owner/asset@number"`` (all its tables of one form, as one), ``"owner/asset"`` (the newest
    accepted), or either with ``/path`` of a file or folder in it. most: rows that are given (by default
    as the setting ``query_rows`` says). Raises BadQuery, NoSuchTable, NoTables, NotPermitted, NotAccepted,
    QueryTooLarge, QueriesBusy.
    """
    if form not in FORMATS:
        raise BadQuery(reason=Message("query.form", form=form, known=", ".join(FORMATS)))
    if len(sql) > LONGEST:
        raise BadQuery(reason=Message("query.too-long", most=LONGEST))
    engine = open_tables(home)
    with home.database.read() as session:
        authorize(session, _asking(actor))
    with _place(home), home.workplace("query") as folder:
        named = confined.run(home, engine.parse, engine.extra, {"sql": sql}, folder, _PARSE_SECONDS).tables
        tables, grounds = _permitted(home, actor, named)
        asked: Asked = {
            "sql": sql,
            "tables": {
                one.name: _laid_out(home, one, folder / "inputs", place) for place, one in enumerate(tables)
            },
            "form": form,
            "rows": most or home.values.query_rows,
            "memory_bytes": home.values.query_memory_bytes,
        }
        try:
            told = confined.run(home, engine.execute, engine.extra, asked, folder, home.values.query_seconds)
        except (BadQuery, QueryTooLarge):
            # A refusal may quote what was read, so it is a use as an answer is.
            _on_record(home, actor, sql, tables, grounds, None)
            raise
        content = _answer(folder / "output" / "answer")
    query = _on_record(home, actor, sql, tables, grounds, told)
    names = tuple(sorted({one.version.name for one in tables}))
    return Answer(query, names, tuple(told.columns), content)


@contextmanager
def _place(home: Home) -> Iterator[None]:
    """One of the places for queries of this machine, all of its processes together; QueriesBusy."""
    most = home.values.query_at_once
    folder = home.path / "queries"
    folder.mkdir(mode=0o700, exist_ok=True)
    with one_of([folder / f"{number}.lock" for number in range(most)], _PATIENCE) as place:
        if place is None:
            raise QueriesBusy(most=most)
        yield


def _asking(actor: Principal) -> Request:
    return Request(actor, "asset.query", "Organization", actor.organization, {"owner": actor.organization})


def _answer(path: Path) -> bytes:
    """What the confined process wrote, if it is a plain file."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > confined.LARGEST_ANSWER:
        raise BadQuery(reason=Message("query.broke", code=0, detail="no answer"))
    return path.read_bytes()


def _permitted(home: Home, actor: Principal, named: Sequence[str]) -> tuple[list[_Table], list[str]]:
    """The tables of those names, and the clauses and rules by which the actor may query them."""
    tables: list[_Table] = []
    grounds: set[str] = set()
    with home.database.read() as session:
        for name in named:
            table = _table(session, actor, name)
            role = authorize(session, _asking(actor))
            grounds.update(role.by, lineage.authorize_use(session, actor, "query", table.version))
            tables.append(table)
    return tables, sorted(grounds)


def _table(session: Session, actor: Principal, name: str) -> _Table:
    parts = name.split("/")
    if len(parts) < 2:
        raise NoSuchTable(table=name)
    told = f"{parts[0]}/{parts[1]}"
    if "@" not in parts[1]:
        where = (versions.c.owner == parts[0]) & (versions.c.asset == parts[1])
        newest = sa.select(versions.c.number).where(where, versions.c.state == "accepted")
        number = session.scalar(newest.order_by(versions.c.number.desc()).limit(1))
        told = f"{told}@{number or 1}"
    try:
        version = lineage.see(session, actor, told)
    except NoSuchVersion as error:
        raise NoSuchTable(table=name) from error
    return _Table(name, version, "/".join(parts[2:]))


def _laid_out(home: Home, table: _Table, inputs: Path, number: int) -> list[TableFile]:
    """Place the files of the table of that number below the inputs, and tell how each is read."""
    content = content_of(home, table.version)
    within = [
        file
        for file in content.manifest.files
        if not table.path or file.path == table.path or file.path.startswith(f"{table.path}/")
    ]
    if len(within) > _MOST_FILES:
        raise QueryTooLarge(reason=Message("query.many-files", files=len(within), most=_MOST_FILES))
    found = [(file, read) for file in within if (read := _reading(content, file)) is not None]
    # Of one form: a README in JSON beside the tables is not a part of them.
    forms = {read["form"] for _, read in found}
    first = next((form for form in ("parquet", "csv", "json") if form in forms), None)
    chosen = [(file, read) for file, read in found if read["form"] == first]
    if not chosen:
        raise NoTables(version=f"{table.version.name}/{table.path}".rstrip("/"))
    inputs.mkdir(exist_ok=True)
    for at, (file, read) in enumerate(chosen):
        # A name of our own: an engine would take signs of a stranger's for a pattern.
        read["path"] = f"{number}-{at}.{read['form']}"
        content.copy(file.digest, inputs / read["path"])
    return [read for _, read in chosen]


def _reading(content: Content, file: File) -> TableFile | None:
    """How a file is read as a table, without its place; None where it is none."""
    with content.open(file.digest) as stream:
        head = stream.read(sniffing.HEAD_BYTES)
    form = sniffing.name_format(file.path, head, file.size)
    if form == "parquet":
        return {"path": "", "form": "parquet"}
    if form == "json" and file.path.lower().endswith((".jsonl", ".ndjson", ".json")):
        return {"path": "", "form": "json"} if head.lstrip().startswith((b"[", b"{")) else None
    decoded = sniffing.decode(head, whole=file.size <= len(head)) if form == "table" else None
    if decoded is None:
        return None
    sign = sniffing.delimiter(decoded.text) or ","
    with content.open(file.digest) as stream:
        encoding = sniffing.whole_encoding(stream, decoded.encoding)
    return {"path": "", "form": "csv", "encoding": encoding, "delimiter": sign}


def _on_record(
    home: Home,
    actor: Principal,
    sql: str,
    tables: Sequence[_Table],
    grounds: Sequence[str],
    told: confined.Facts | None,
) -> Query:
    read = {one.version.version_id: one.version for one in tables}
    row: dict[str, Any] = {
        "query_id": new_id("qry"),
        "organization": actor.organization,
        "member": actor.member,
        "sql": sql,
        "versions": sorted(read),
        "grounds": list(grounds),
        "outcome": "answered" if told else "refused",
        "rows": told.rows if told else 0,
        "cut": told.cut if told else False,
        "asked_at": clock.to_text(clock.now()),
    }
    with home.database.write() as session:
        _permitted_still(session, actor, read.values())
        session.insert(queries, row)
        session.record(
            f"query.{row['outcome']}",
            row["query_id"],
            actor.as_fact(),
            grounds=grounds,
            versions=row["versions"],
        )
        owners = {key: {root.owner for root in lineage.roots_of(session, key)} for key in read}
    for key, version in read.items():
        reads.note(home, actor, "query", version, owners[key], grounds)
    return Query(**row)


def _permitted_still(session: Session, actor: Principal, read: Iterable[Version]) -> None:
    """What was withdrawn while the query ran is not answered."""
    for version in read:
        lineage.authorize_use(session, actor, "query", version)


def asked_by(session: Session, actor: Principal, part: Slice | None = None) -> list[Query]:
    """The queries of the actor's organization, newest first; an overseer sees everybody's."""
    query = sa.select(queries)
    if not oversees(actor):
        query = query.where(queries.c.organization == actor.organization)
    return [Query(**row) for row in session.rows(cut(query, (queries.c.query_id,), part, falling=True))]
