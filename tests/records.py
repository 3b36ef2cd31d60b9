"""Which database the tests' homes keep their records in: SQLite, or PostgreSQL under `make test-postgres`.

With MADANG_TEST_RECORDS=postgresql a server of Debian's packages is started for the session, on a socket
in a folder of its own (no port), as the user "postgres"; every home gets a database of its own there.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from madang.kernel.database import Database
from madang.kernel.home import Home, create, open_home

POSTGRES = os.environ.get("MADANG_TEST_RECORDS") == "postgresql"
_numbers = itertools.count(1)
_socket: list[Path] = []
_made: list[str] = []
"""The names of the databases that are there."""
_MEMORY, _ROOM = Path("/dev/shm"), 4 * 2**30


@contextmanager
def server() -> Iterator[None]:
    """The session's PostgreSQL server; nothing where the tests use SQLite."""
    if not POSTGRES:
        yield
        return
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="madang-pg-", dir=_MEMORY if roomy else "/tmp"))
    shutil.chown(folder, "postgres")
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    data = folder / "data"

    def run(*command: str | Path) -> None:
        arguments = ["runuser", "-u", "postgres", "--", *map(str, command)]
        subprocess.run(arguments, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    # fsync off: these tests kill our processes, not the server or the machine.
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
    run(programs / "initdb", "-D", data, "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync")
    run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    _socket.append(folder)
    try:
        yield
    finally:
        run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _address(name: str) -> str:
    return f"postgresql://postgres@/{name}?host={_socket[0]}"


def _administer(*statements: str) -> None:
    url = sa.make_url(_address("postgres")).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@contextmanager
def left_behind() -> Iterator[None]:
    """Close what is opened meanwhile, and remove the databases that are made."""
    opened: list[Database] = []
    before, made = Database.__init__, len(_made)

    def noted(self: Database, *given: Any) -> None:
        before(self, *given)
        opened.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "__init__", noted)
        yield
    for database in opened:
        database.close()
    if POSTGRES and _made[made:]:
        _administer(*(f"DROP DATABASE {name} WITH (FORCE)" for name in _made[made:]))
        del _made[made:]


def _new_name() -> str:
    _made.append(f"madang_{os.getpid()}_{next(_numbers)}")
    return _made[-1]


def address() -> str | None:
    """Where a new home's records go: None for SQLite, else the address of a fresh database."""
    if not POSTGRES:
        return None
    name = _new_name()
    _administer(f"CREATE DATABASE {name} TEMPLATE template0")
    return _address(name)


def new_home(path: Path) -> Home:
    """A new home at `path`."""
    return create(path, {"database_url": address()})


def copy_home(home: Home, target: Path) -> Home:
    """A copy of a home, records included, that a test may change."""
    home.database.close()
    if not POSTGRES:
        with home.database.read() as session:
            session.connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(home.path, target)
        return open_home(target)
    shutil.copytree(home.path, target)
    name, source = _new_name(), sa.make_url(home.database.url).database
    # A database is copied while nobody is connected; servers of other tests connect again by themselves.
    _administer(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'",
        f"CREATE DATABASE {name} TEMPLATE {source}",
    )
    settings = target / "madang.toml"
    settings.write_text(settings.read_text().replace(home.database.url, _address(name)))
    return open_home(target)


def plain_engine(database: Database) -> sa.Engine:
    """A connection to a home's records without Madang's rules."""
    url = sa.make_url(database.url)
    return sa.create_engine(url.set(drivername="postgresql+psycopg") if POSTGRES else url)


def tamper(database: Database, *statements: str) -> None:
    """Change rows behind Madang's back, as somebody with the database in hand would."""
    engine = plain_engine(database)
    with engine.begin() as connection:
        off = "SET session_replication_role = replica" if POSTGRES else "PRAGMA foreign_keys=OFF"
        connection.exec_driver_sql(off)
        for statement in statements:
            result = connection.execute(sa.text(statement.replace(":", "\\:")))
            assert result.rowcount != 0, statement
    engine.dispose()


ROW = "ctid" if POSTGRES else "rowid"
"""The hidden name of a row in statements for :func:`tamper`."""


def everything(home: Home) -> bytes:
    """All that the records hold, as bytes to search in."""
    if not POSTGRES:
        return (home.path / "madang.db").read_bytes()
    told: list[Any] = []
    with home.database.read() as session:
        for name in sa.inspect(session.connection).get_table_names():
            told.extend(session.connection.exec_driver_sql(f'SELECT * FROM "{name}"').all())
    return repr(told).encode()
