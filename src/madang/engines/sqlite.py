"""The records engine ``sqlite``: one file in the home, in WAL mode, synced at every commit."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from madang.kernel.errors import DatabaseBusy, DiskFull, MadangError
from madang.kernel.extension import Engine

ENGINE = Engine("sqlite", "records", "madang.engines.sqlite:SqliteRecords")


class SqliteRecords:
    """See the module's docstring."""

    def __init__(self, url: str, busy_seconds: int) -> None:
        self._url = url
        self._busy_seconds = busy_seconds

    def connect(self) -> sa.Engine:
        """An engine whose connections wait for another writer instead of failing at once."""
        engine = sa.create_engine(self._url, poolclass=sa.pool.QueuePool, pool_size=8)
        busy = self._busy_seconds

        @sa.event.listens_for(engine, "connect")
        def on_connect(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA busy_timeout={busy * 1000}")

        return engine

    def begin(self, connection: sa.Connection, *, writes: bool) -> None:
        """IMMEDIATE: a deferred writer would fail with SQLITE_BUSY when it upgrades its lock."""
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def told(self, error: DBAPIError) -> MadangError | None:
        """A lock held too long, or a full disk."""
        reason = str(error.orig)
        if isinstance(error, OperationalError) and ("locked" in reason or "busy" in reason):
            return DatabaseBusy(seconds=self._busy_seconds)
        if isinstance(error, OperationalError) and "full" in reason:
            return DiskFull(path=self._url)
        return None
