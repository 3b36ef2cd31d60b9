"""The launcher: an attempt of a run is one job, whoever is killed when."""

from __future__ import annotations

import fcntl
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from madang.engines.keeper import read, write_job
from madang.engines.slurm import records
from madang.engines.slurm.commands import Resources, amounts, called, table
from madang.engines.slurm.records import WAITING, JobRecord, Queued
from madang.kernel.extension import Engine
from madang.kernel.home import write_durably
from madang.kernel.settings import Values
from madang.runs.launching import Accounted, Grounds, Job, JobState

ENGINE = Engine("slurm", "runs", "madang.engines.slurm.launcher:SlurmLauncher")

Found = TypeVar("Found", Queued, JobRecord)

_GRACE_SECONDS = 30
"""How much longer than the keeper Slurm waits before it ends a job itself."""
_LOST_SECONDS = 60.0
"""How long a job may be unknown to the queue and unfinished in accounting before it counts as vanished:
slurmctld tells slurmdbd of an end with some delay, and with more after an outage."""
_LOOK_BACK_SECONDS = 2 * 24 * 3600
"""How much earlier than its folder a job is looked for: clocks differ, and are set back."""
_ENDS = {
    "TIMEOUT": "time-limit",
    "DEADLINE": "time-limit",
    "CANCELLED": "cancelled",
    "REVOKED": "cancelled",
    "PREEMPTED": "preempted",
    "NODE_FAIL": "node-failed",
    "BOOT_FAIL": "node-failed",
    "OUT_OF_MEMORY": "out-of-memory",
}


class SlurmLauncher:
    """See the module's docstring. The home and Madang's Python are at the same paths on the nodes."""

    at_once = 1000
    poll_seconds = 1.0

    def __init__(self, values: Values) -> None:
        self._values = values
        self._resources = Resources(values)
        self._missed: dict[Path, float] = {}

    @property
    def most(self) -> None:
        """Slurm knows."""
        return

    def start(self, job: Job) -> None:
        """Submit the job, unless one of its name is there.

        The lock is held by sbatch too, so that a submission whose supervisor was killed is over before the
        next one looks; and a job that was started twice all the same finds its folder taken (keeper.py).
        """
        with _submitting(job.folder) as lock:
            if _job_of(job.folder) is None:
                found = self._look_up(job)
                _note(job.folder, found if found is not None else self._submit(job, lock))

    def _look_up(self, job: Job) -> int | None:
        """The job of that name, from the queue or from accounting."""
        names = [job.name]
        seen = records.earliest(names, records.queued(f"--name={job.name}"))
        if not seen:
            since = int(job.folder.stat().st_mtime) - _LOOK_BACK_SECONDS
            days = time.strftime("%Y-%m-%d", time.gmtime(since))
            seen = records.earliest(
                names, records.accounted(f"--name={job.name}", f"--starttime={days}").values()
            )
        return seen.get(job.name)

    def _submit(self, job: Job, lock: int) -> int:
        grounds, folder = job.grounds, job.folder
        write_job(job)
        (folder / "log").mkdir(exist_ok=True)
        script = folder / "slurm.sh"
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -m madang.engines.keeper "{folder}"\n', "utf-8"
        )
        minutes = ceil((job.wall_seconds + _GRACE_SECONDS) / 60)
        partition = [f"--partition={self._values.slurm_partition}"] if self._values.slurm_partition else []
        printed = called(
            "sbatch", "--parsable", "--no-requeue", f"--job-name={job.name}", f"--comment={job.name}",
            f"--account={grounds.award_id}", f"--qos={self._qos(grounds)}", f"--time={minutes}",
            *self._resources.options(grounds.kind, grounds.count), *partition, f"--chdir={folder}",
            f"--output={folder}/log/slurm.txt", "--export=PATH,HOME,LANG", str(script), holding=[lock],
        )  # fmt: skip
        return int(printed.partition(";")[0])

    def _qos(self, grounds: Grounds) -> str:
        """The share's own QOS; the borrowers', where the job may borrow and the share is full."""
        own = share_qos(self._values, grounds.share)
        if not grounds.may_borrow:
            return own
        tres = self._resources.tres(grounds.kind)
        limits = table(("limit",), "sacctmgr", "-n", "-P", "show", "qos", own, "format=GrpTRES")
        limit = amounts(limits[0]["limit"]).get(tres) if limits else None
        held = sum(one.tres.get(tres, 0) for one in records.queued(f"--qos={own}") if one.live)
        full = limit is not None and held + grounds.count > limit
        return borrow_qos(self._values) if full else own

    def poll(self, folders: Sequence[Path]) -> Mapping[Path, JobState]:
        """Ask the queue for all, and accounting for those that the queue does not know as live."""
        jobs = {folder: _job_of(folder) for folder in folders}
        known = [job for job in jobs.values() if job is not None]
        queue = {one.job: one for one in records.queued("--me")} if known else {}
        ended = [job for job in known if job not in queue or not queue[job].live]
        books = records.of_jobs(ended)
        return {
            folder: self._state(folder, _of(folder, queue.get(job)), _of(folder, books.get(job)))
            if job
            else JobState("waiting")
            for folder, job in jobs.items()
        }

    def _state(self, folder: Path, queued: Queued | None, record: JobRecord | None) -> JobState:
        if queued is not None and queued.live:
            self._missed.pop(folder, None)
            borrowed = queued.qos == borrow_qos(self._values)
            if queued.state in WAITING:
                return JobState("held", reason=queued.reason, job=str(queued.job), borrowed=borrowed)
            return JobState("running", job=str(queued.job), borrowed=borrowed)
        if record is not None and not record.live:
            self._missed.pop(folder, None)
            return _ended(folder, record, record.qos == borrow_qos(self._values))
        since = self._missed.setdefault(folder, time.monotonic())
        if time.monotonic() - since < _LOST_SECONDS:
            return JobState("running")
        seconds = float(record.seconds) if record else 0.0
        return JobState(
            "vanished", seconds, exact=record is not None, job=str(record.job) if record else None
        )

    def cancel(self, folder: Path) -> None:
        """Leave a mark for the keeper, and have Slurm end the job."""
        (folder / "cancel").touch()
        job = _job_of(folder)
        if job is not None:
            called("scancel", str(job))

    def accounted(self, awards: Mapping[str, str], jobs: Sequence[str]) -> Sequence[Accounted]:
        """Every ended job of these awards' accounts, ours or not.

        sacct finds a job by its account some seconds later than by its id (seen with 22.05): ours are asked
        for by id as well.
        """
        if not awards:
            return []
        accounts = ",".join(sorted(awards))
        found = records.accounted("--allusers", f"--accounts={accounts}", "--starttime=1970-01-02")
        found |= records.of_jobs(jobs)
        return [
            Accounted(
                str(one.job), one.name, one.account, one.state, one.seconds,
                one.tres.get(self._resources.tres(awards[one.account]), 0),
            )
            for one in sorted(found.values(), key=lambda one: one.job)
            if not one.live and one.account in awards
        ]  # fmt: skip


def share_qos(values: Values, share: str) -> str:
    """The QOS of a share."""
    return f"{values.slurm_account}-{share.replace('/', '.')}"


def borrow_qos(values: Values) -> str:
    """The QOS of jobs that use what other shares leave idle."""
    return f"{values.slurm_account}-borrow"


def _of(folder: Path, found: Found | None) -> Found | None:
    """What was found, where it is this folder's: a scheduler that was set up anew gives its ids again."""
    return found if found is not None and found.name == folder.name else None


def _ended(folder: Path, record: JobRecord, borrowed: bool) -> JobState:
    """How a job ended: the keeper knows how the work went; accounting, for how long and why it stopped."""
    kept: dict[str, Any] = read(folder / "exit.json") or {}
    reason, code = str(kept.get("reason", "not-started")), kept.get("exit_code")
    if reason != "time-limit" and (reason, code) != ("finished", 0):
        # Slurm's signals go to the work itself too, which may then have "finished" with an error of its own.
        cancelled = (folder / "cancel").exists()
        reason = "cancelled" if cancelled else _ENDS.get(record.state, reason)
    return JobState("ended", float(record.seconds), code, reason, True, str(record.job), borrowed)


@contextmanager
def _submitting(folder: Path) -> Iterator[int]:
    """Alone with a folder's submission."""
    with (folder / "slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _job_of(folder: Path) -> int | None:
    noted = read(folder / "slurm.json")
    return int(noted["job"]) if noted else None


def _note(folder: Path, job: int) -> None:
    write_durably(folder / "slurm.json", json.dumps({"job": job}).encode(), 0o600)
