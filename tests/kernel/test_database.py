"""Sessions: every change has its one entry; two writers at once; migrations up and down."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import records as catalogued
from madang.kernel.errors import DatabaseBusy, UnrecordedChange
from madang.kernel.home import Home
from madang.kernel.ledger import log
from madang.organizations.model import organizations
from madang.programme.verification import verify_home
from tests import records
from tests.conftest import Office

BY = {"member": "mem-x", "organization": "msit"}


def row(name: str) -> dict[str, str]:
    return {"name": name, "kind": "company", "title_en": name, "title_ko": name, "registered_at": "2026"}


def test_a_change_without_an_entry_is_refused(office: Office) -> None:
    with pytest.raises(UnrecordedChange), office.home.database.write() as session:
        session.insert(organizations, row("acme"))
    assert verify_home(office.home).holds


def test_a_change_after_the_entry_or_a_second_entry_is_refused(office: Office) -> None:
    with pytest.raises(UnrecordedChange), office.home.database.write() as session:
        session.record("test", "test", BY)
        session.insert(organizations, row("acme"))
    with pytest.raises(UnrecordedChange), office.home.database.write() as session:
        session.record("test", "test", BY)
        session.record("test", "test", BY)
    with pytest.raises(UnrecordedChange), office.home.database.read() as session:
        session.record("test", "test", BY)
    assert verify_home(office.home).holds


def test_a_group_has_an_entry_a_change_and_is_durable_as_a_whole(office: Office) -> None:
    before = verify_home(office.home).size
    with office.home.database.write(grouped=True) as session:
        for number in range(500):
            session.insert(organizations, row(f"acme-{number}"))
            session.record("test", f"acme-{number}", BY)
    verdict = verify_home(office.home)
    assert verdict.holds
    assert verdict.size == before + 500
    with pytest.raises(RuntimeError), office.home.database.write(grouped=True) as session:
        session.insert(organizations, row("bolt"))
        session.record("test", "bolt", BY)
        raise RuntimeError
    with pytest.raises(UnrecordedChange), office.home.database.write(grouped=True) as session:
        session.insert(organizations, row("bolt"))
        session.record("test", "bolt", BY)
        session.insert(organizations, row("core"))
    with pytest.raises(UnrecordedChange), office.home.database.write(grouped=True) as session:
        session.update(organizations, "acme-1", title_en="One")
        session.record("test", "acme-1", BY)
        session.update(organizations, "acme-1", title_en="Two")
    assert verify_home(office.home).size == before + 500


def test_an_error_inside_leaves_nothing(office: Office) -> None:
    before = verify_home(office.home).size
    with pytest.raises(RuntimeError), office.home.database.write() as session:
        session.insert(organizations, row("acme"))
        session.record("test", "test", BY)
        raise RuntimeError
    assert verify_home(office.home) == verify_home(office.home)
    assert verify_home(office.home).size == before


def test_many_writers_at_once_lose_nothing(office: Office) -> None:
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                with office.home.database.write() as session:
                    session.insert(organizations, row(f"acme-{number}-{turn}"))
                    session.record("test", f"{number}-{turn}", BY)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    verdict = verify_home(office.home)
    assert verdict.holds
    with office.home.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(organizations)) == 81


def test_a_writer_that_waits_too_long_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_DATABASE_BUSY_SECONDS", "1")
    home = records.new_home(tmp_path / "home")
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with home.database.write():
            held.set()
            free.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    try:
        with pytest.raises(DatabaseBusy), home.database.write():
            pass
    finally:
        free.set()
        thread.join()
        home.database.close()


def test_migrations_go_up_and_down_and_match_the_tables(office: Office) -> None:
    database = office.home.database
    engine = records.plain_engine(database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, log.metadata) == []
    steward = office.join("institute", "steward")
    with database.write() as session:
        catalogue.add(session, steward, "source", "ckan", "https://data.example", {})
    with engine.begin() as connection:
        row = dict.fromkeys(catalogued.c.keys(), "")
        row |= {"source": "source", "document": {}, "original_offset": 0, "original_bytes": 0}
        connection.execute(catalogued.insert().values(row))
    database.migrate("base")
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    database.migrate()
    assert set(sa.inspect(engine).get_table_names()) == {*log.metadata.tables, "alembic_version"}
    engine.dispose()


@pytest.mark.skipif(records.POSTGRES, reason="SQLite's own settings")
def test_the_home_is_synchronous_and_in_wal_mode(office: Office) -> None:
    def pragma(home: Home, name: str) -> object:
        with home.database.read() as session:
            return session.connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    assert (pragma(office.home, "journal_mode"), pragma(office.home, "synchronous")) == ("wal", 2)
