"""The launcher port: how a job is started and followed. Engines implement it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from madang.kernel.isolation import Confinement


@dataclass(frozen=True)
class Grounds:
    """What a job is executed on the strength of: so many of a kind of resource, from an award.

    count: of the award's kind (cores, GPUs). may_borrow: it may use what other shares leave idle, and is then
    stopped when they want it back.
    """

    award_id: str
    share: str
    kind: str
    count: int
    may_borrow: bool = False


@dataclass(frozen=True)
class Job:
    """What a launcher runs. `folder` is the attempt's own and its idempotency key: one folder is
    executed at most once, however often it is started. `name` is as unique, for schedulers that look
    jobs up by name.

    output_bytes, output_files: what its writable folders may hold together, while it runs too.
    watched: files in them that people follow live.
    """

    folder: Path
    name: str
    command: Sequence[str]
    isolation: str
    confinement: Confinement
    wall_seconds: int
    output_bytes: int
    output_files: int
    grounds: Grounds
    watched: Sequence[str] = ()


@dataclass(frozen=True)
class JobState:
    """What became of a job.

    phase -- waiting: never started; unknown: it was, and nothing more is known just now; held: a scheduler
    has it and has not begun it, for `reason` (its own word); running; ended: with exit code and reason
    ("finished", "time-limit", "cancelled", "preempted", "node-failed", ...); vanished: it was executed and
    neither it nor its keeper is there any more.
    seconds: how long it ran. exact: they are a scheduler's own accounting, to be booked as they are. units:
    of the award's kind that it had, where the scheduler counted them; else what was asked for.
    job: the scheduler's id of it. borrowed: it runs on what another share leaves idle.
    """

    phase: Literal["waiting", "unknown", "held", "running", "ended", "vanished"]
    seconds: float = 0.0
    exit_code: int | None = None
    reason: str = ""
    exact: bool = False
    job: str | None = None
    borrowed: bool = False
    units: int | None = None


@dataclass(frozen=True)
class Accounted:
    """A job as the scheduler's own accounting has it. count: of the kind the award is of."""

    job: str
    name: str
    award_id: str
    state: str
    seconds: int
    count: int


class Launcher(Protocol):
    """The port. A factory is called with the home's settings.

    at_once: how many jobs it takes at a time. poll_seconds: how often it is worth asking.
    """

    at_once: int
    poll_seconds: float

    @property
    def most(self) -> int | None:
        """The most of a resource that a job can get; None where the scheduler alone knows."""
        ...

    def lease_seconds(self, wall_seconds: int) -> int:
        """How long a job of that limit may hold its resources, until it is stopped for certain."""
        ...

    def start(self, job: Job) -> None:
        """Start the job unless its folder was started before.

        Raises JobRefused where it can never start as it is, SchedulerSilent where that is not known.
        """
        ...

    def poll(self, folders: Sequence[Path]) -> Mapping[Path, JobState]:
        """What became of the jobs of these folders. Raises SchedulerSilent."""
        ...

    def cancel(self, folder: Path) -> None:
        """Ask for the job to be stopped. Raises SchedulerSilent."""
        ...

    def absent(self, folder: Path) -> bool:
        """Whether nothing of this folder was started, or can still come of an attempt to start it.

        Raises SchedulerSilent.
        """
        ...


@runtime_checkable
class Accounts(Protocol):
    """What a launcher whose scheduler keeps accounts also offers."""

    def accounted(self, awards: Mapping[str, str], jobs: Sequence[str]) -> Sequence[Accounted]:
        """Every ended job of these awards (award id -> kind), ours or not, and these jobs for certain.

        Raises SchedulerSilent.
        """
        ...
