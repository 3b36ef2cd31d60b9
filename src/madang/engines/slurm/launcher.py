"""The launcher: an attempt of a run is one job, whoever is killed when."""

from __future__ import annotations

import getpass
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from madang.engines.keeper import read, write_job
from madang.engines.slurm import records
from madang.engines.slurm.commands import Resources, amounts, called, table
from madang.engines.slurm.records import WAITING, JobRecord, Queued
from madang.kernel.extension import Engine
from madang.kernel.home import write_durably
from madang.kernel.locks import alone
from madang.kernel.settings import Values
from madang.runs.errors import JobRefused
from madang.runs.launching import Accounted, Grounds, Job, JobState

ENGINE = Engine(
    "slurm",
    "runs",
    "madang.engines.slurm.launcher:SlurmLauncher",
    ("sbatch", "squeue", "sacct", "scancel", "scontrol"),
)

Found = TypeVar("Found", Queued, JobRecord)

_GRACE_SECONDS = 30
"""How much longer than the keeper Slurm waits before it ends a job itself."""
_SETTLE_SECONDS, _AGAIN_SECONDS = 3.0, 0.5
"""For how long, and how often, a job is looked for whose submission was not answered."""
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
    """See the module's docstring. The home and Madang's Python are at the same paths on the nodes.

    A folder of ours holds, beside the keeper's files: slurm.lock (held while a job of it is submitted),
    submitting.json (written before), slurm.json (the job's id, written after).
    """

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

    def lease_seconds(self, wall_seconds: int) -> int:
        """What Slurm is asked for: whole minutes, with some seconds for the keeper to end the job itself."""
        return 60 * ceil((wall_seconds + _GRACE_SECONDS) / 60)

    def start(self, job: Job) -> None:
        """Submit the job, unless one of its name is there.

        The lock is held by sbatch too, so that a submission whose supervisor was killed is over before the
        next one looks; after one that was not answered the name is looked for during some seconds. Should two
        jobs of a name come about all the same, they wait for one another (singleton), and the keeper of the
        second finds its folder taken.
        """
        with alone(job.folder / "slurm.lock") as lock:
            if self._known(job.folder) is not None:
                return
            tried = read(job.folder / "submitting.json") is not None
            found = self._look_up(job.folder, job.grounds.award_id, _SETTLE_SECONDS if tried else 0.0)
            if found is None:
                asked = {"account": job.grounds.award_id, "tres": self._resources.tres(job.grounds.kind)}
                write_durably(job.folder / "submitting.json", json.dumps(asked).encode(), 0o600)
                try:
                    submitted = self._submit(job, lock)
                except JobRefused:
                    (job.folder / "submitting.json").unlink()  # answered: nothing will come of it
                    raise
                found = self._look_up(job.folder, job.grounds.award_id) or submitted
                if found != submitted:
                    called("scancel", str(submitted))
            _note(job.folder, found)

    def _known(self, folder: Path) -> int | None:
        """The job of a folder: the one that took it, else the one that was noted."""
        begun = read(folder / "started.json") or {}
        noted = read(folder / "slurm.json") or {}
        job = begun.get("job") or noted.get("job")
        return int(job) if job else None

    def _look_up(self, folder: Path, account: str, seconds: float = 0.0) -> int | None:
        """The first job of a folder's name and account that is ours, of the queue or of accounting.

        seconds: for how long it is looked for, once Slurm has answered: a controller that hung takes what was
        sent to it meanwhile, some moments after it answers again.
        """
        since = int(folder.stat().st_mtime) - _LOOK_BACK_SECONDS
        day = time.strftime("%Y-%m-%d", time.gmtime(since))
        choice = (f"--name={folder.name}", f"--accounts={account}")
        overdue: float | None = None
        while True:
            queue = [one for one in records.queued("--me", choice[0]) if one.account == account]
            seen = records.earliest([folder.name], queue)
            if not seen:
                past = records.accounted(f"--user={getpass.getuser()}", *choice, f"--starttime={day}")
                seen = records.earliest([folder.name], past.values())
            overdue = overdue or time.monotonic() + seconds
            if seen or time.monotonic() >= overdue:
                return seen.get(folder.name)
            time.sleep(_AGAIN_SECONDS)

    def _submit(self, job: Job, lock: int) -> int:
        grounds, folder = job.grounds, job.folder
        write_job(job)
        (folder / "log").mkdir(exist_ok=True)
        script = folder / "slurm.sh"
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -m madang.engines.keeper "{folder}"\n', "utf-8"
        )
        minutes = self.lease_seconds(job.wall_seconds) // 60
        partition = [f"--partition={self._values.slurm_partition}"] if self._values.slurm_partition else []
        printed = called(
            "sbatch", "--parsable", "--no-requeue", f"--job-name={job.name}", f"--comment={job.name}",
            f"--account={grounds.award_id}", f"--qos={self._qos(grounds)}", f"--time={minutes}",
            *self._resources.options(grounds.kind, grounds.count), *partition, f"--chdir={folder}",
            f"--output={folder}/log/slurm.txt", "--export=PATH,HOME,LANG", "--dependency=singleton",
            str(script), holding=[lock],
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
        jobs = {folder: self._known(folder) for folder in folders}
        known = [job for job in jobs.values() if job is not None]
        queue = {one.job: one for one in records.queued("--me")} if known else {}
        ended = [job for job in known if job not in queue or not queue[job].live]
        books = records.of_jobs(ended)
        return {
            folder: self._state(folder, job, _of(folder, queue.get(job)), _of(folder, books.get(job)))
            if job
            else JobState("waiting")
            for folder, job in jobs.items()
        }

    def _state(self, folder: Path, job: int, queued: Queued | None, record: JobRecord | None) -> JobState:
        if queued is not None and queued.live:
            self._missed.pop(folder, None)
            borrowed = queued.qos == borrow_qos(self._values)
            if queued.state in WAITING:
                # A reason may go on to name nodes: "ReqNodeNotAvail, UnavailableNodes:g1".
                reason = re.split("[ ,]", queued.reason)[0]
                return JobState("held", reason=reason, job=str(job), borrowed=borrowed)
            return JobState("running", job=str(job), borrowed=borrowed)
        if record is not None and not record.live:
            self._missed.pop(folder, None)
            return _ended(folder, record, record.qos == borrow_qos(self._values))
        since = self._missed.setdefault(folder, time.monotonic())
        if time.monotonic() - since < _LOST_SECONDS:
            return JobState("unknown", job=str(job))
        return _vanished(folder, job, record)

    def cancel(self, folder: Path) -> None:
        """Leave a mark for the keeper, and have Slurm end the job."""
        (folder / "cancel").touch()
        job = self._known(folder)
        if job is not None:
            called("scancel", str(job))

    def absent(self, folder: Path) -> bool:
        """Whether no job of this folder is there or can still come of an unanswered submission; one that is
        there is noted, so that it is followed from now on."""
        if self._known(folder) is not None:
            return False
        asked = read(folder / "submitting.json")
        if asked is None:
            return True
        with alone(folder / "slurm.lock"):
            found = self._look_up(folder, asked["account"], _SETTLE_SECONDS)
            if found is not None:
                _note(folder, found)
        return found is None

    def accounted(self, awards: Mapping[str, str], jobs: Sequence[str]) -> Sequence[Accounted]:
        """Every ended job of these awards' accounts, ours or not.

        sacct finds a job by its account some seconds later than by its id (seen with 22.05): ours are asked
        for by id as well.
        """
        if not awards:
            return []
        award_of = _below(awards)
        accounts = ",".join(sorted(award_of))
        found = records.accounted("--allusers", f"--accounts={accounts}", "--starttime=1970-01-02")
        found |= records.of_jobs(jobs)
        return [
            Accounted(
                str(one.job), one.name, award_of[one.account], one.state, one.seconds,
                one.units(self._resources.tres(awards[award_of[one.account]])),
            )
            for one in sorted(found.values(), key=lambda one: one.job)
            if not one.live and one.account in award_of
        ]  # fmt: skip


def _below(awards: Iterable[str]) -> dict[str, str]:
    """Account -> the award it uses up: an award's own, and any that somebody has put below it."""
    columns = ("Account", "ParentName")
    rows = table(columns, "sacctmgr", "-n", "-P", "show", "assoc", f"format={','.join(columns)}")
    above = {row["Account"].strip(): row["ParentName"] for row in rows if row["ParentName"]}
    found = {award: award for award in awards}
    for account in above:
        way = [account]
        while way[-1] in above and way[-1] not in found and len(way) <= len(above):
            way.append(above[way[-1]])
        if way[-1] in found:
            found |= dict.fromkeys(way, found[way[-1]])
    return found


def share_qos(values: Values, share: str) -> str:
    """The QOS of a share."""
    return f"{values.slurm_account}-{share.replace('/', '.')}"


def borrow_qos(values: Values) -> str:
    """The QOS of jobs that use what other shares leave idle."""
    return f"{values.slurm_account}-borrow"


def _of(folder: Path, found: Found | None) -> Found | None:
    """What was found, where it is this folder's: a scheduler that was set up anew gives its ids again."""
    asked = read(folder / "submitting.json") or {}
    ours = found is not None and (found.name, found.account) == (folder.name, asked.get("account"))
    return found if ours else None


def _ended(folder: Path, record: JobRecord, borrowed: bool) -> JobState:
    """How a job ended: the keeper knows how the work went; accounting, for how long and why it stopped."""
    kept: dict[str, Any] = read(folder / "exit.json") or {}
    reason, code = str(kept.get("reason", "not-started")), kept.get("exit_code")
    if reason != "time-limit" and (reason, code) != ("finished", 0):
        # Slurm's signals go to the work itself too, which may then have "finished" with an error of its own.
        cancelled = (folder / "cancel").exists()
        reason = "cancelled" if cancelled else _ENDS.get(record.state, reason)
    asked = read(folder / "submitting.json") or {}
    units = record.units(asked["tres"]) if "tres" in asked else None
    return JobState("ended", float(record.seconds), code, reason, True, str(record.job), borrowed, units)


def _vanished(folder: Path, job: int, record: JobRecord | None) -> JobState:
    """A job that the queue has lost and accounting never saw end; unless its keeper says how it ended."""
    kept: dict[str, Any] | None = read(folder / "exit.json")
    if kept is not None:
        return JobState("ended", kept["seconds"], kept["exit_code"], kept["reason"], job=str(job))
    seconds = float(record.seconds) if record else 0.0
    return JobState("vanished", seconds, exact=record is not None, job=str(job))


def _note(folder: Path, job: int) -> None:
    write_durably(folder / "slurm.json", json.dumps({"job": job}).encode(), 0o600)
