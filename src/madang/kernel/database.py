"""The one way to the database: a session handed in.

A writing transaction changes rows through :meth:`Session.insert` and :meth:`Session.update`, and
says once, with :meth:`Session.record`, what the change means. The ledger entry is written in the same
transaction; a transaction that changed rows and recorded nothing is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound

from madang.kernel import clock, extension
from madang.kernel.errors import ChangedMeanwhile, HomeOfAnotherVersion, MadangError, UnrecordedChange
from madang.kernel.ledger import log

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def newest_revision() -> str:
    """The revision that this program's migrations end in."""
    return max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


Row = Mapping[str, Any]
"""A row by its columns' names."""


class Session:
    """One transaction. Reading ones have no keys and cannot record.

    A writing one has exactly one entry, which its last call makes; a `grouped` one has many, each for the
    rows changed since the entry before it, and no row belongs to two of them.
    """

    def __init__(self, connection: sa.Connection, keys: log.Keys | None, *, grouped: bool = False) -> None:
        self.connection = connection
        self._keys = keys
        self._grouped = grouped
        self._touched: dict[tuple[str, tuple[Any, ...]], sa.Table] = {}
        self._covered: set[tuple[str, tuple[Any, ...]]] = set()
        self._decided: set[str] = set()
        self._entries: list[log.New] = []

    def rows(self, query: sa.Select[Any], **parameters: Any) -> Sequence[Row]:
        """All rows of a query; `parameters` fill its bindparams."""
        found = self.connection.execute(query, parameters)
        names = list(found.keys())
        # Plain dicts: three times as fast as SQLAlchemy's mappings where each row becomes a dataclass.
        return [dict(zip(names, row, strict=True)) for row in found]

    def row(self, query: sa.Select[Any]) -> Row | None:
        """The one row of a query, or None."""
        found = self.rows(query)
        if len(found) > 1:
            raise MultipleResultsFound
        return found[0] if found else None

    def scalar(self, query: sa.Select[Any]) -> Any:
        """The first column of the first row, or None."""
        return self.connection.execute(query).scalar()

    def insert(self, table: sa.Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows; each must carry its whole primary key."""
        if rows:
            self.connection.execute(table.insert(), [dict(row) for row in rows])
        for row in rows:
            self._touch(table, tuple(row[column.name] for column in table.primary_key.columns))

    def update(self, table: sa.Table, key: Sequence[Any] | str, **changes: Any) -> None:
        """Change one row, named by its primary key."""
        parts = (key,) if isinstance(key, str) else tuple(key)
        where = [column == part for column, part in zip(table.primary_key.columns, parts, strict=True)]
        result = self.connection.execute(table.update().where(*where), changes)
        if result.rowcount != 1:
            raise UnrecordedChange(rows=f"{table.name}/{parts} (absent)")
        self._touch(table, parts)

    def _touch(self, table: sa.Table, key: tuple[Any, ...]) -> None:
        closed = self._entries and not self._grouped
        if closed or (table.name, key) in self._covered:
            raise UnrecordedChange(rows=f"{table.name}/{key}")
        self._touched[table.name, key] = table

    def decided(self, policies: Iterable[str]) -> None:
        """Keep what permitted an action of this transaction; its entry names it."""
        self._decided.update(policies)

    def record(self, kind: str, subject: str, by: Mapping[str, str], /, **facts: Any) -> None:
        """Say what the changes since the last entry mean; the last call of an ungrouped transaction.

        `facts` are public to holders of a proof: ids, digests, amounts; no personal data.
        """
        if self._keys is None or (self._entries and not self._grouped):
            raise UnrecordedChange(rows=kind)
        touched = tuple((table, key) for (_, key), table in self._touched.items())
        self._entries.append(
            log.New(kind, subject, by, facts, clock.now(), touched, tuple(sorted(self._decided)))
        )
        self._covered.update(self._touched)
        self._touched, self._decided = {}, set()

    @property
    def subjects(self) -> Sequence[str]:
        """What the entries recorded so far speak of."""
        return [entry.subject for entry in self._entries]

    def close(self) -> None:
        """Append what was recorded; refuse to commit a change that has no entry."""
        if self._touched:
            names = ", ".join(f"{name}/{key}" for name, key in self._touched)
            raise UnrecordedChange(rows=names)
        if self._entries and self._keys is not None:
            log.append(self.connection, self._keys, self._entries)


class Records(Protocol):
    """The records port. An engine is made of (url, busy_seconds) and carries the name of the URL's scheme."""

    def connect(self) -> sa.Engine:
        """A pool of connections."""
        ...

    def begin(self, connection: sa.Connection, *, writes: bool) -> None:
        """Begin a transaction: a writer alone among writers, a reader with one consistent view."""
        ...

    def told(self, error: DBAPIError) -> MadangError | None:
        """What an error of the database means to a person, where this engine knows."""
        ...


class Database:
    """Opens sessions on one database."""

    def __init__(self, url: str, keys: log.Keys, busy_seconds: int) -> None:
        self.url = url
        self._keys = keys
        name = url.partition(":")[0].partition("+")[0]
        self._records: Records = extension.engine("records", name)(url, busy_seconds)
        self._engine = self._records.connect()
        self._companion: Callable[[Session], None] | None = None

        @sa.event.listens_for(self._engine, "begin")
        def on_begin(connection: sa.Connection) -> None:
            writes = connection.get_execution_options().get("madang_writes", False)
            self._records.begin(connection, writes=writes)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; writes nothing."""
        with self._told(), self._engine.connect() as connection:
            yield Session(connection, None)

    @contextmanager
    def write(self, *, grouped: bool = False) -> Iterator[Session]:
        """A writing transaction: committed as a whole with its one ledger entry, or not at all.

        `grouped`: several changes with an entry each, made durable together.
        """
        opened = self._engine.connect
        with self._told(), opened().execution_options(madang_writes=True) as connection, connection.begin():
            session = Session(connection, self._keys, grouped=grouped)
            yield session
            if session.subjects and self._companion is not None:
                companion, self._companion = self._companion, None
                companion(session)
            session.close()

    def accompanied(self, companion: Callable[[Session], None]) -> Database:
        """This database; its first transaction that records anything also does `companion(session)`."""
        made = copy.copy(self)
        made._companion = companion
        return made

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            # Two writers made the same thing: the first one's stands, this transaction is undone.
            raise ChangedMeanwhile() from error
        except DBAPIError as error:
            known = self._records.told(error)
            if known is None:
                raise
            raise known from error

    @property
    def keys(self) -> log.Keys:
        """The ledger keys of this home (for verification and proofs)."""
        return self._keys

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision`; down as well as up."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        opened = self._engine.connect
        with self._told(), opened().execution_options(madang_writes=True) as connection, connection.begin():
            config.attributes["connection"] = connection
            move = command.downgrade if revision == "base" else command.upgrade
            move(config, revision)

    def revision(self) -> str | None:
        """The schema's revision, or None where there is none."""
        from alembic.runtime.migration import MigrationContext

        with self._told(), self._engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def require_current(self) -> None:
        """HomeOfAnotherVersion where the schema is not the one that this program's migrations end in."""
        with self._told(), self._engine.connect() as connection:
            # Not through Alembic, whose import costs more than most commands.
            there = sa.inspect(connection).has_table("alembic_version")
            query = sa.text("SELECT version_num FROM alembic_version")
            found = connection.execute(query).scalar() if there else None
        if found != newest_revision():
            raise HomeOfAnotherVersion(found=found or "-", wanted=newest_revision())

    def occupied(self) -> bool:
        """Whether the database holds any table."""
        with self._told(), self._engine.connect() as connection:
            return bool(sa.inspect(connection).get_table_names())

    def close(self) -> None:
        """Close pooled connections."""
        self._engine.dispose()
