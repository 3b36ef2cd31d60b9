"""Calling Slurm's commands, and reading their tables."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from madang.kernel.settings import Values
from madang.runs.errors import JobRefused, SchedulerMissing, SchedulerRefused, SchedulerSilent

_SECONDS = 60
"""How long a command may take. sbatch itself gives up after MessageTimeout (10 s) a few times over."""
_FAILED = "Batch job submission failed: "
_TRANSIENT = (
    "Unable to contact slurm controller",
    "Socket timed out",
    "temporarily unable",
    "Resource temporarily unavailable",
    "Zero Bytes were transmitted",
    "Unexpected message received",
    "Connection refused",
    "onnection timed out",
    "Transport endpoint",
    "authentication",
    "Munge",
    "try again",
)
"""What sbatch says of a controller that restarts, hangs or is full (slurm_errno.h): it may take the job
later. Any other failed submission would fail however often it was tried."""
_SETTINGS = ("Invalid partition name",)
"""What sbatch says of a setting of this home: the operator mends it, and the run has not failed."""
_NOTHING_TO_DO = ("Nothing new added", "Nothing modified")
"""What sacctmgr says, with exit code 1, where all is as it was asked for."""


class Resources:
    """What kinds of capacity are called in Slurm: TRES as accounted, options as asked for."""

    def __init__(self, values: Values) -> None:
        pairs = (pair.partition("=") for pair in values.slurm_resources.split(",") if pair)
        self._named = {kind: tres for kind, _, tres in pairs}

    def tres(self, kind: str) -> str:
        """The trackable resource of a kind: "cpu", "gres/gpu:h200". A GPU is always called by its type, so
        that what is counted is what was awarded."""
        return self._named.get(kind) or f"gres/gpu:{kind.removeprefix('gpu-')}"

    def options(self, kind: str, count: int) -> list[str]:
        """sbatch's options for so many of a kind, on as many nodes as that takes."""
        tres = self.tres(kind)
        if tres == "cpu":
            return ["--ntasks=1", f"--cpus-per-task={count}"]
        return [f"--gpus={tres.removeprefix('gres/gpu:')}:{count}"]


def called(*words: str, holding: Sequence[int] = ()) -> str:
    """What a command printed. Times are given as seconds of the epoch.

    holding: descriptors that the command keeps open for as long as it lives.

    Raises JobRefused where sbatch says so; SchedulerMissing, SchedulerRefused or SchedulerSilent where there
    is no command, it was refused, or there was no usable answer.
    """
    environment = os.environ | {"SLURM_TIME_FORMAT": "%s", "LC_ALL": "C.UTF-8"}
    environment.pop("MADANG_TOKEN", None)
    try:
        done = subprocess.run(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            pass_fds=holding,
            check=False,
        )
    except FileNotFoundError as error:
        raise SchedulerMissing(command=words[0], reason=error.strerror) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerSilent(command=words[0], reason=str(error)) from error
    if done.returncode == 0:
        return done.stdout
    said = [line.removeprefix(f"{words[0]}: ") for line in (done.stderr or done.stdout).splitlines() if line]
    told = " ".join(line.removeprefix("error: ") for line in said)[:300]
    passes = any(one in told for one in (*_TRANSIENT, *_SETTINGS))
    if words[0] == "sbatch" and _FAILED in told and not passes:
        raise JobRefused(reason=refusal_in(told), told=told)
    if words[0] == "sacctmgr" and any(one in done.stdout for one in _NOTHING_TO_DO):
        return done.stdout  # somebody has done it meanwhile; what is in force is read back
    silent = not told or any(one in told for one in _TRANSIENT)
    kind = SchedulerSilent if silent else SchedulerRefused
    raise kind(command=words[0], reason=told or f"exit code {done.returncode}")


def refusal_in(told: str) -> str:
    """Why sbatch refuses a job, in Slurm's own fixed words: the name of the limit where it gives one. What a
    site's plug-in adds stands before them and may name people: it is left out."""
    limit = re.search(r"\b(Assoc|QOS)(Grp|Max|Min|Job|Usage)[A-Za-z]*", told)
    return limit.group() if limit else told.partition(_FAILED)[2].strip() or "refused"


def table(columns: Sequence[str], *words: str) -> list[dict[str, str]]:
    """The rows of a command that prints them with "|" between columns; the last column may hold that too.

    Raises SchedulerSilent for a row with too few.
    """
    rows = []
    for line in called(*words).splitlines():
        cells = line.split("|", len(columns) - 1)
        if len(cells) != len(columns):
            raise SchedulerSilent(command=words[0], reason=f"a row of {len(cells)} columns: {line[:200]!r}")
        rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def amounts(text: str) -> Mapping[str, int]:
    """TRES and their amounts, as Slurm writes them: "cpu=4,gres/gpu:h200=16"."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name: int(amount) for name, _, amount in pairs if amount.isdecimal()}


def number(row: Mapping[str, Any], column: str) -> int:
    """A whole number of a row; 0 where Slurm has none ("Unknown", "None", empty)."""
    text = row[column]
    return int(text) if text.isdecimal() else 0
