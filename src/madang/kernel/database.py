"""The one way to the database: a session handed in.

A writing transaction changes rows through :meth:`Session.insert` and :meth:`Session.update`, and
says once, with :meth:`Session.record`, what the change means. The ledger entry is written in the same
transaction; a transaction that changed rows and recorded nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from madang.kernel.errors import ChangedMeanwhile, DatabaseBusy, DiskFull, UnrecordedChange
from madang.kernel.ledger import log

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Session:
    """One transaction. Reading ones have no keys and cannot record."""

    def __init__(self, connection: sa.Connection, keys: log.Keys | None) -> None:
        self.connection = connection
        self._keys = keys
        self._touched: dict[tuple[str, tuple[Any, ...]], sa.Table] = {}
        self._recorded: int | None = None

    def rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        """All rows of a query."""
        return self.connection.execute(query).mappings().all()

    def row(self, query: sa.Select[Any]) -> sa.RowMapping | None:
        """The one row of a query, or None."""
        return self.connection.execute(query).mappings().one_or_none()

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
        if self._recorded is not None:
            raise UnrecordedChange(rows=f"{table.name}/{key}")
        self._touched[table.name, key] = table

    def record(self, kind: str, subject: str, by: Mapping[str, str], /, **facts: Any) -> int:
        """Append the entry for this transaction's change; the last call of a writing transaction.

        `facts` are public to holders of a proof: ids, digests, amounts; no personal data.
        Returns the entry's position.
        """
        if self._keys is None or self._recorded is not None:
            raise UnrecordedChange(rows=kind)
        touched = [(table, key) for (_, key), table in self._touched.items()]
        self._recorded = log.append(
            self.connection, self._keys, kind=kind, subject=subject, by=by, facts=facts, touched=touched
        )
        return self._recorded

    def close_checked(self) -> None:
        """Refuse to commit a change that has no entry."""
        if self._touched and self._recorded is None:
            names = ", ".join(f"{name}/{key}" for name, key in self._touched)
            raise UnrecordedChange(rows=names)


class Database:
    """Opens sessions on one database."""

    def __init__(self, url: str, keys: log.Keys, busy_seconds: int) -> None:
        self.url = url
        self._keys = keys
        self._busy_seconds = busy_seconds
        self._engine = sa.create_engine(url, poolclass=sa.pool.QueuePool, pool_size=8)
        if self._engine.dialect.name == "sqlite":
            self._prepare_sqlite()

    def _prepare_sqlite(self) -> None:
        busy = self._busy_seconds

        @sa.event.listens_for(self._engine, "connect")
        def on_connect(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA busy_timeout={busy * 1000}")

        @sa.event.listens_for(self._engine, "begin")
        def on_begin(connection: sa.Connection) -> None:
            # IMMEDIATE: a deferred writer would fail with SQLITE_BUSY when it upgrades its lock.
            writes = connection.get_execution_options().get("madang_writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; writes nothing."""
        with self._engine.connect() as connection:
            yield Session(connection, None)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A writing transaction: committed as a whole with its one ledger entry, or not at all."""
        try:
            opened = self._engine.connect().execution_options(madang_writes=True)
            with opened as connection, connection.begin():
                session = Session(connection, self._keys)
                yield session
                session.close_checked()
        except IntegrityError as error:
            # Two writers made the same thing: the first one's stands, this transaction is undone.
            raise ChangedMeanwhile() from error
        except OperationalError as error:
            reason = str(error.orig)
            if "locked" in reason or "busy" in reason:
                raise DatabaseBusy(seconds=self._busy_seconds) from error
            if "full" in reason:
                raise DiskFull(path=self.url) from error
            raise

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
        if self._engine.dialect.name == "sqlite" and self._engine.url.database:
            Path(self._engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            move = command.downgrade if revision == "base" else command.upgrade
            move(config, revision)

    def revision(self) -> str | None:
        """The schema's revision, or None where there is none."""
        from alembic.runtime.migration import MigrationContext

        with self._engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def close(self) -> None:
        """Close pooled connections."""
        self._engine.dispose()
