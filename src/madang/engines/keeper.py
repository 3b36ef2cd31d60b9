"""The keeper: stays with one job, counts its seconds and writes how it ended.

``python -m madang.engines.keeper FOLDER`` keeps in the foreground, for a scheduler that starts it on a node;
the engine ``local`` starts it as a process of its own. The folder tells what happened, whoever is killed:

    job.json        what to run; written before the keeper starts
    lock            held by the keeper while it lives
    started.json    made once, before the job starts; whoever finds it there does not start it again. It names
                    the keeper's process, and the scheduler's job that it is in
    heartbeat       seconds so far, rewritten while the job runs
    cancel          a mark that somebody leaves: the job is to be stopped
    scratch/        where the job writes: a limited file system that only the keeper sees (scratch.py)
    exit.json       how it ended; written durably, after what the job left was copied from the scratch
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from madang.engines import scratch
from madang.engines.scratch import Scratch
from madang.kernel import isolation
from madang.kernel.home import write_durably
from madang.kernel.isolation import Confinement, Limits
from madang.runs.launching import Job

_BEAT_SECONDS = 0.25
_told_to_end = threading.Event()
"""Set by SIGTERM: whoever started the keeper wants its job gone."""


def write_job(job: Job) -> None:
    """Write the job down in its folder, for its keeper."""
    write_durably(job.folder / "job.json", json.dumps(_to_json(job)).encode(), 0o600)


def read(path: Path) -> Any:
    """The content of one of the folder's files; None where it is not there (yet)."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _to_json(job: Job) -> dict[str, Any]:
    return {
        "command": list(job.command),
        "isolation": job.isolation,
        "wall_seconds": job.wall_seconds,
        "output_bytes": job.output_bytes,
        "output_files": job.output_files,
        "watched": list(job.watched),
        "read_only": {k: str(v) for k, v in job.confinement.read_only.items()},
        "writable": {k: str(v) for k, v in job.confinement.writable.items()},
        "environment": dict(job.confinement.environment),
        "limits": asdict(job.confinement.limits),
    }


def keep(folder: Path) -> None:
    """Execute the job of a folder once and write how it ended."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            descriptor = os.open(folder / "started.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except (BlockingIOError, FileExistsError):
            return
        taken = {"keeper": os.getpid(), "job": os.environ.get("SLURM_JOB_ID")}
        os.write(descriptor, json.dumps(taken).encode())
        os.fsync(descriptor)
        os.close(descriptor)
        job = json.loads((folder / "job.json").read_text("utf-8"))
        (folder / "log").mkdir(exist_ok=True)
        begun = time.monotonic()
        exit_code, reason = _execute(folder, job, begun)
        end = {"seconds": time.monotonic() - begun, "exit_code": exit_code, "reason": reason}
        write_durably(folder / "exit.json", json.dumps(end).encode(), 0o600)


def _execute(folder: Path, job: dict[str, Any], begun: float) -> tuple[int | None, str]:
    with (folder / "log" / "log.txt").open("ab") as log:
        try:
            chosen = isolation.choose(job["isolation"])
            scratches = _scratches(folder, job) if chosen.confines else {}
            confinement = _confinement(job, scratches)
            process = chosen.start(
                job["command"], confinement, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        except Exception as error:  # whatever stops the start must end the run, not lose it
            log.write(f"{error}\n".encode())
            return None, "not-started"
        code, reason = _attend(folder, job, begun, process, scratches)
        try:
            for scratch in scratches.values():
                scratch.collect()
        except (OSError, RecursionError) as error:
            log.write(f"{error}\n".encode())
            return code, "outputs-not-copied"
        return code, reason


def _scratches(folder: Path, job: dict[str, Any]) -> dict[str, Scratch]:
    """A limited file system for each writable folder; they share the limits evenly."""
    scratch.enter_namespace()
    size, files = (job[key] // max(1, len(job["writable"])) for key in ("output_bytes", "output_files"))
    (folder / "scratch").mkdir(exist_ok=True)
    return {
        inside: scratch.mount(folder / "scratch" / str(number), Path(host), size, files, job["watched"])
        for number, (inside, host) in enumerate(sorted(job["writable"].items()))
    }


def _confinement(job: dict[str, Any], scratches: dict[str, Scratch]) -> Confinement:
    writable = {inside: Path(host) for inside, host in job["writable"].items()}
    return Confinement(
        {k: Path(v) for k, v in job["read_only"].items()},
        writable | {inside: one.mounted for inside, one in scratches.items()},
        job["environment"],
        Limits(**job["limits"]),
    )


def _attend(
    folder: Path,
    job: dict[str, Any],
    begun: float,
    process: subprocess.Popen[bytes],
    scratches: dict[str, Scratch],
) -> tuple[int | None, str]:
    """Stay with the job until it ends, or must."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=_BEAT_SECONDS), "finished"
        seconds = time.monotonic() - begun
        _beat(folder, seconds)
        for one in scratches.values():
            one.show()
        reason = _must_end(folder, seconds > job["wall_seconds"])
        if reason:
            process.kill()
            return process.wait(), reason


def _must_end(folder: Path, overdue: bool) -> str:
    if overdue:
        return "time-limit"
    if (folder / "cancel").exists():
        return "cancelled"
    return "terminated" if _told_to_end.is_set() else ""


def _beat(folder: Path, seconds: float) -> None:
    temporary = folder / "heartbeat.new"
    temporary.write_text(json.dumps({"seconds": seconds}), "utf-8")
    temporary.replace(folder / "heartbeat")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: _told_to_end.set())
    keep(Path(sys.argv[1]))
