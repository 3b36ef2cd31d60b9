"""Reads of versions, recorded in batches: each is noted at once in a spool, and soon put on record.

A read changes nothing, so it must not wait for the ledger's one writer. It is appended to
``HOME/reads/spool.jsonl`` before the bytes are given; a batch of them becomes rows and one entry. A
killed process loses nothing: the spool is a file, and a batch that was cut off is taken up again.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from madang.assets.model import Version, reads
from madang.kernel import clock
from madang.kernel.authorizer import Principal
from madang.kernel.canonical import canonical_digest
from madang.kernel.errors import DiskFull
from madang.kernel.home import Home
from madang.kernel.ids import new_id

BATCH = 100
BATCH_SECONDS = 60
RECORDER = {"member": "-", "organization": "-"}
"""Who records a batch: nobody in particular; each row names who read."""


def note(
    home: Home,
    actor: Principal,
    action: str,
    version: Version,
    owners: Collection[str],
    grounds: Sequence[str],
) -> None:
    """Note that `actor` read a version that holds data of `owners`; reading only one's own is not noted."""
    if set(owners) <= {actor.organization}:
        return
    row = {
        "read_id": new_id("rd"),
        "version_id": version.version_id,
        "action": action,
        "member": actor.member,
        "organization": actor.organization,
        "grounds": sorted(grounds),
        "read_at": clock.to_text(clock.now()),
    }
    folder = _folder(home)
    spool = folder / "spool.jsonl"
    with _only_one(folder):
        size = _append(spool, json.dumps(row, ensure_ascii=False).encode() + b"\n")
        due = size > BATCH * 200 or time.time() - _begun(spool) > BATCH_SECONDS
    if due:
        record(home)


def _append(spool: Path, line: bytes) -> int:
    """Append a whole line durably, or nothing; returns the spool's size."""
    descriptor = os.open(spool, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError as error:
            os.ftruncate(descriptor, before)
            raise DiskFull(path=str(spool.parent)) from error
        return before + len(line)
    finally:
        os.close(descriptor)


def _begun(spool: Path) -> float:
    """When the spool's first line was written (its name is made anew after each batch)."""
    mark = spool.with_suffix(".begun")
    try:
        return mark.stat().st_mtime
    except FileNotFoundError:
        mark.touch()
        return time.time()


def record(home: Home) -> int:
    """Put everything noted on record, in one entry a batch; returns how many reads."""
    folder = _folder(home)
    count = 0
    with _only_one(folder):
        spool = folder / "spool.jsonl"
        if spool.exists():
            spool.rename(folder / f"{new_id('batch')}.jsonl")
            (folder / "spool.begun").unlink(missing_ok=True)
        for batch in sorted(folder.glob("batch-*.jsonl")):
            count += _record_batch(home, batch)
            batch.unlink()
    return count


def _record_batch(home: Home, batch: Path) -> int:
    rows = _rows(batch)
    with home.database.write() as session:
        ids = [row["read_id"] for row in rows]
        known = {row["read_id"] for row in session.rows(sa.select(reads).where(reads.c.read_id.in_(ids)))}
        fresh: list[dict[str, Any]] = [row for row in rows if row["read_id"] not in known]
        if not fresh:
            return 0
        session.insert(reads, *fresh)
        session.record("reads.recorded", batch.stem, RECORDER, n=len(fresh), digest=canonical_digest(fresh))
    return len(fresh)


def _rows(batch: Path) -> list[dict[str, Any]]:
    """The reads of a batch; a line that a fault of the disk spoilt is set aside, and the others count."""
    rows, spoilt = [], []
    for line in batch.read_text("utf-8", "replace").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            spoilt.append(line)
    if spoilt:
        batch.with_suffix(".spoilt").write_text("\n".join(spoilt), "utf-8")
    return rows


def _folder(home: Home) -> Path:
    folder = home.path / "reads"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
