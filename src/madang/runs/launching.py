"""The launcher port: how a job is started and followed. Engines implement it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from madang.kernel.isolation import Confinement


@dataclass(frozen=True)
class Job:
    """What a launcher runs. `folder` is the attempt's own and its idempotency key: one folder is
    executed at most once, however often it is started.

    output_bytes, output_files: what its writable folders may hold together, while it runs too.
    watched: files in them that people follow live.
    """

    folder: Path
    command: Sequence[str]
    isolation: str
    confinement: Confinement
    wall_seconds: int
    output_bytes: int
    output_files: int
    watched: Sequence[str] = ()


@dataclass(frozen=True)
class JobState:
    """What became of a job.

    waiting: never executed; running; ended: with exit code and reason ("finished", "time-limit",
    "cancelled"); vanished: it was executed and neither it nor its keeper is there any more.
    """

    phase: Literal["waiting", "running", "ended", "vanished"]
    seconds: float = 0.0
    exit_code: int | None = None
    reason: str = ""


class Launcher(Protocol):
    """The port."""

    def start(self, job: Job) -> None:
        """Start the job unless its folder was started before."""
        ...

    def poll(self, folder: Path) -> JobState:
        """What became of the job of this folder."""
        ...

    def cancel(self, folder: Path) -> None:
        """Ask for the job to be stopped."""
        ...
