"""The run engine ``local``: jobs as processes of this machine, each with a keeper of its own (keeper.py).

The keeper lives in a session of its own, so either the supervisor or the job may be killed, and the keeper
too, and the folder still tells what happened.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from madang.engines.keeper import keep, read, write_job
from madang.kernel.extension import Engine
from madang.kernel.locks import is_held
from madang.kernel.settings import Values
from madang.runs.launching import Job, JobState

ENGINE = Engine("local", "runs", "madang.engines.local:LocalLauncher")

_START_SECONDS = 10


class LocalLauncher:
    """See the module's docstring. One job at a time uses the machine's cores."""

    at_once = 1
    poll_seconds = 0.2

    def __init__(self, values: Values | None = None) -> None:
        pass

    @property
    def most(self) -> int:
        """This machine's cores."""
        return os.cpu_count() or 1

    def lease_seconds(self, wall_seconds: int) -> int:
        """The limit: a job is killed there."""
        return wall_seconds

    def absent(self, folder: Path) -> bool:
        """Whether no keeper was started."""
        return _state(folder).phase == "waiting"

    def start(self, job: Job) -> None:
        """Write the job down and start its keeper; returns once the job is marked as started.

        The keeper leaves this process (it forks and its parent ends), so that it outlives it.
        """
        write_job(job)
        subprocess.run(
            [sys.executable, "-m", "madang.engines.local", str(job.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
        overdue = time.monotonic() + _START_SECONDS
        while not (job.folder / "started.json").exists() and time.monotonic() < overdue:
            time.sleep(0.01)

    def poll(self, folders: Sequence[Path]) -> Mapping[Path, JobState]:
        """Read the folders. The lock decides between running and vanished."""
        return {folder: _state(folder) for folder in folders}

    def cancel(self, folder: Path) -> None:
        """Leave a mark that the keeper sees at its next beat."""
        (folder / "cancel").touch()


def _state(folder: Path) -> JobState:
    held = is_held(folder / "lock")
    # Read after the lock was looked at: a keeper writes its end before it lets the lock go.
    ended = read(folder / "exit.json")
    if ended is not None:
        return JobState("ended", ended["seconds"], ended["exit_code"], ended["reason"])
    if not (folder / "started.json").exists():
        return JobState("running" if held else "waiting")
    beat = read(folder / "heartbeat") or {"seconds": 0.0}
    return JobState("running" if held else "vanished", float(beat["seconds"]))


if __name__ == "__main__":
    if os.fork() == 0:
        keep(Path(sys.argv[1]))
