"""Reads: noted before the bytes are given, recorded in batches, lost by no kill; every decision on record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from madang.assets import reads
from madang.assets import service as assets
from madang.assets.model import reads as table
from madang.interfaces.demo import cast
from madang.kernel.ledger import log
from madang.kernel.paging import Slice
from madang.programme.verification import verify_home
from tests.conftest import Played


def recorded(played: Played) -> list[tuple[str, str, list[str]]]:
    with played.home.database.read() as session:
        rows = session.rows(sa.select(table).order_by(table.c.read_at, table.c.read_id))
    return [(row["organization"], row["action"], row["grounds"]) for row in rows]


def test_a_download_is_on_record_with_the_clause_that_permitted_it(copied: Played, tmp_path: Path) -> None:
    reads.record(copied.home)
    before = len(recorded(copied))
    company = copied.actor("company-b")
    assets.download(copied.home, company, f"{cast.LEAD}/policy@1", tmp_path / "policy")
    assets.look(copied.home, copied.actor(cast.LEAD), copied.stage.notes["deposit:company-a"])
    assets.look(copied.home, copied.actor("company-a"), copied.stage.notes["deposit:company-a"])  # its own
    assert len(recorded(copied)) == before
    assert reads.record(copied.home) == 2
    assert reads.record(copied.home) == 0
    found = recorded(copied)[before:]
    grounds = [f"agreement/{cast.AGREEMENT}/4", "role/member-downloads", "role/owner-uses-own"]
    assert found[0] == ("company-b", "download", grounds)
    assert found[1][:2] == (cast.LEAD, "look")
    assert verify_home(copied.home).holds


def test_a_hundred_reads_are_one_entry(copied: Played) -> None:
    reads.record(copied.home)
    with copied.home.database.read() as session:
        size = log.size_of(session.connection)
    for _ in range(reads.BATCH - 1):
        assets.look(copied.home, copied.actor(cast.LEAD), copied.stage.notes["deposit:company-a"])
    reads.record(copied.home)
    with copied.home.database.read() as session:
        assert log.size_of(session.connection) - size <= 2


def test_a_killed_reader_or_recorder_loses_no_read(copied: Played) -> None:
    reads.record(copied.home)
    before = len(recorded(copied))
    code = f"""
import os, signal, sys
from pathlib import Path
from madang.assets import reads, service
from madang.kernel.home import open_home
from madang.kernel.paging import Slice
from madang.organizations.service import signed_in
home = open_home(Path({str(copied.home.path)!r}))
with home.database.read() as session:
    actor = signed_in(session, os.environ["MADANG_TOKEN"])
service.look(home, actor, {copied.stage.notes["deposit:company-a"]!r})
if sys.argv[1] == "recording":
    Path.unlink = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)  # after the commit, before the end
    reads.record(home)
os.kill(os.getpid(), signal.SIGKILL)
"""
    for moment in ("reading", "recording", "reading"):
        done = subprocess.run(
            [sys.executable, "-c", code, moment],
            env={**os.environ, "MADANG_TOKEN": copied.stage.token(cast.LEAD)},
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
    reads.record(copied.home)
    assert len(recorded(copied)) == before + 3
    assert verify_home(copied.home).holds


def test_every_entry_of_the_demonstration_names_what_permitted_it(played: Played) -> None:
    with played.home.database.read() as session:
        entries = log.tail(session.connection, Slice(10_000))
    unasked = {"organization.founded", "reads.recorded"}  # the first officer; a batch whose rows name it
    silent = {entry.kind for entry in entries if not entry.decided}
    assert silent <= unasked, silent
    clauses = {name for entry in entries for name in entry.decided if name.startswith("agreement/")}
    assert {f"agreement/{cast.AGREEMENT}/{n}" for n in (1, 2)} <= clauses
