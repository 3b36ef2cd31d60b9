"""The records engine ``postgresql``: one database that several servers and supervisors share.

Writers take one advisory lock for the length of their transaction: the ledger is one sequence, so
writers follow one another here as they do in SQLite, and every service may rely on it. Readers see
one snapshot and wait for nobody.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from madang.kernel.errors import DatabaseBusy, DatabaseUnreachable, DiskFull, MadangError, UnstorableText
from madang.kernel.extension import Engine, load_object

ENGINE = Engine("postgresql", "records", "madang.engines.postgresql:PostgresRecords")

_WRITERS = 0x6D6164616E67
"""The advisory lock's key: "madang" in ASCII. A database holds one home, so one key does."""


class PostgresRecords:
    """See the module's docstring."""

    def __init__(self, url: str, busy_seconds: int) -> None:
        load_object("psycopg:connect", "postgresql")
        try:
            self._url = sa.make_url(url).set(drivername="postgresql+psycopg")
        except (sa.exc.ArgumentError, ValueError) as error:
            raise DatabaseUnreachable(database="***", reason="It is not an address.") from error
        self._busy_seconds = busy_seconds

    def connect(self) -> sa.Engine:
        """A pool; a connection that the server has closed meanwhile is replaced."""
        return sa.create_engine(self._url, pool_size=8, pool_pre_ping=True)

    def begin(self, connection: sa.Connection, *, writes: bool) -> None:
        """A writer waits for its turn; a reader gets one consistent snapshot."""
        if writes:
            # Whatever the server's default: after the lock, each statement must see what is committed.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{self._busy_seconds}s'")
            connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def told(self, error: DBAPIError) -> MadangError | None:
        """A lock held too long, a full disk, a server that is not there, a text it cannot hold."""
        state = getattr(error.orig, "sqlstate", None) or ""
        if state == "55P03":
            return DatabaseBusy(seconds=self._busy_seconds)
        if state == "53100":
            return DiskFull(path=str(self._url))
        if isinstance(error, DataError):
            return UnstorableText()
        if isinstance(error, OperationalError) or state == "42501":
            reason = (str(error.orig).strip().splitlines() or ["-"])[0]
            return DatabaseUnreachable(database=str(self._url), reason=reason)
        return None
