"""What Slurm knows of jobs, from the queue (squeue) and from accounting (sacct), as one record a job.

Accounting may give the rows of a job in any order, twice, or an old state of it beside a newer one; the queue
forgets a job some minutes after its end (MinJobAge).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from madang.engines.slurm.commands import amounts, number, table

LIVE = ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT",
        "RESV_DEL_HOLD", "SPECIAL_EXIT", "REQUEUE_FED", "REQUEUE_HOLD", "RESIZING")  # fmt: skip
WAITING = ("PENDING", "CONFIGURING", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT")
_SACCT = (
    "JobIDRaw",
    "State",
    "ElapsedRaw",
    "Submit",
    "Start",
    "End",
    "QOS",
    "Account",
    "AllocTRES",
    "ReqTRES",
    "JobName",
)
_AT_ONCE = 1000
_FAR = "--endtime=2100-01-01"
"""Without it sacct leaves out what ended after its own "now": every job of before a clock was set back."""
_SQUEUE = ("job", "state", "qos", "account", "reason", "tres", "name")


@dataclass(frozen=True)
class JobRecord:
    """A job as accounting has it. Times are seconds of the epoch, 0 where there is none yet."""

    job: int
    state: str
    seconds: int
    submitted: int
    started: int
    ended: int
    qos: str
    account: str
    tres: Mapping[str, int]
    asked: Mapping[str, int]
    name: str

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state in LIVE

    def units(self, tres: str) -> int:
        """How much of a resource is counted: what was allocated; where accounting has no figure of it (it
        does not keep this resource, or lost it when it restarted), what was asked for."""
        return self.tres.get(tres, self.asked.get(tres, 0))

    @property
    def _newness(self) -> tuple[int, bool, int, int, int]:
        """Later submissions are newer; of one submission, an ended state is newer than a live one."""
        return (self.submitted, not self.live, self.ended, self.seconds, self.started)


@dataclass(frozen=True)
class Queued:
    """A job as the queue has it."""

    job: int
    state: str
    qos: str
    account: str
    reason: str
    tres: Mapping[str, int]
    name: str

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state in LIVE


def latest(rows: Iterable[Mapping[str, str]]) -> dict[int, JobRecord]:
    """Job -> its newest record, whatever the order of the rows and however often each comes."""
    found: dict[int, JobRecord] = {}
    for row in rows:
        if not row["JobIDRaw"].isdecimal():
            continue  # a step
        record = JobRecord(
            job=int(row["JobIDRaw"]),
            state=row["State"].split(" ")[0],
            seconds=number(row, "ElapsedRaw"),
            submitted=number(row, "Submit"),
            started=number(row, "Start"),
            ended=number(row, "End"),
            qos=row["QOS"],
            account=row["Account"],
            tres=amounts(row["AllocTRES"]),
            asked=amounts(row["ReqTRES"]),
            name=row["JobName"],
        )
        known = found.get(record.job)
        if known is None or record._newness > known._newness:
            found[record.job] = record
    return found


def accounted(*choice: str) -> dict[int, JobRecord]:
    """What accounting has of the jobs that sacct's options choose."""
    form = f"--format={','.join(_SACCT)}"
    words = ("sacct", "-D", "-X", "-n", "-P", _FAR, form, *choice)
    return latest(table(_SACCT, *words))


def of_jobs(jobs: Sequence[int | str]) -> dict[int, JobRecord]:
    """What accounting has of these jobs; a thousand at a time, since a command's words are limited."""
    found: dict[int, JobRecord] = {}
    for first in range(0, len(jobs), _AT_ONCE):
        found |= accounted(f"--jobs={','.join(map(str, jobs[first : first + _AT_ONCE]))}")
    return found


def queued(*choice: str) -> list[Queued]:
    """What the queue has of the jobs that squeue's options choose, ended ones too while it remembers them."""
    form = "JobID:|,State:|,QOS:|,Account:|,Reason:|,tres-alloc:|,Name:"
    rows = table(_SQUEUE, "squeue", "-h", "-t", "all", "-O", form, *choice)
    return [
        Queued(
            int(row["job"]), row["state"], row["qos"], row["account"], row["reason"], amounts(row["tres"]),
            row["name"].rstrip(),
        )
        for row in rows
        if row["job"].isdecimal()
    ]  # fmt: skip


def earliest(names: Sequence[str], jobs: Iterable[Queued | JobRecord]) -> dict[str, int]:
    """Name -> the first job of that name: the one that counts, where a name has two."""
    found: dict[str, int] = {}
    for one in sorted(jobs, key=lambda one: one.job):
        if one.name in names:
            found.setdefault(one.name, one.job)
    return found
