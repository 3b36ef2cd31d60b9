"""The isolation port: how a job's process is confined. Engines implement it.

A job sees a Python environment (read-only), the folders it is given, and nothing else of the
machine; the exact protection depends on the engine, which must say what it does not stop.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, TextIO

from madang.kernel import extension
from madang.kernel.errors import IsolationMissing
from madang.kernel.i18n import Message

_PR_SET_PDEATHSIG = 1
ONE_THREAD: Mapping[str, str] = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""For jobs with little memory: each thread of a library takes address space."""
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_SPIN_A_LITTLE = {"GOMP_SPINCOUNT": "5000"}
"""Threads of a job that wait for each other spin as long as this, then sleep. GNU's default is no faster
where a job has its cores to itself, and made a training 17 times as long beside one busy process."""
OUT_OF_TIME = (-signal.SIGXCPU, 128 + signal.SIGXCPU)
"""Exit codes of a process (or of the sandbox around it) that used up its processor time."""
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
"""And of one that was killed, as its control group does where it has no more memory."""


@dataclass(frozen=True)
class Limits:
    """Resource limits of one job.

    memory_bytes: address space of a process, and, where control groups are to be had, memory of all its
    processes and temporary files together. cpu_seconds: of a process. file_bytes: of one file.
    scratch_bytes: of its /tmp.
    """

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int = 2**30
    open_files: int = 256
    processes: int = 256
    scratch_bytes: int = 2**28


@dataclass(frozen=True)
class Confinement:
    """What a job may see. Keys are paths inside, values host paths."""

    read_only: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(8 * 2**30, 3600))


class Isolation(Protocol):
    """The port. `confines`: whether it withstands a hostile job (every attack of the test suite)."""

    name: str
    confines: bool

    def unavailable(self) -> Message | None:
        """Why this engine cannot work here, or None."""
        ...

    def told(self) -> tuple[Sequence[str], Sequence[str]]:
        """Message ids for `madang doctor`: what it protects here, and what it does not."""
        ...

    def start(
        self, command: Sequence[str], confinement: Confinement, **streams: Any
    ) -> subprocess.Popen[bytes]:
        """Start `command` confined; `streams` are stdin, stdout and stderr of :class:`subprocess.Popen`."""
        ...

    def inside(self, confinement: Confinement, path: str) -> str:
        """Where a job finds the folder that `confinement` calls `path`."""
        ...


def choose(name: str) -> Isolation:
    """The isolation of that name; ``auto`` is the first that confines and works here.

    Raises IsolationMissing: where nothing confines, nothing runs unless somebody names what does not.
    """
    names = [name]
    if name == "auto":
        every = sorted(extension.engines("isolation"))
        names = [one for one in every if extension.engine("isolation", one)().confines]
    reason: Message | None = None
    for candidate in names:
        chosen: Isolation = extension.engine("isolation", candidate)()
        reason = chosen.unavailable()
        if reason is None:
            return chosen
    raise IsolationMissing(name=name, reason=reason or Message("isolation.none"))


def spawn(
    command: Sequence[str],
    confinement: Confinement,
    *,
    process: type[subprocess.Popen[bytes]] = subprocess.Popen,
    enter: Callable[[], None] | None = None,
    **streams: Any,
) -> subprocess.Popen[bytes]:
    """For engines: start a process with an environment of its own and its limits set.

    `enter` is called in the child before anything else (to join a control group).
    """
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **_kept_environment(),
        **confinement.environment,
    }
    return process(
        command,
        env=environment,
        close_fds=True,
        preexec_fn=_limiter(confinement.limits, enter),
        **streams,
    )


def _kept_environment() -> dict[str, str]:
    """Variables about this machine's arithmetic, which a job needs and which carry no secret."""
    kept = (
        "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", *_WAITING, "LD_LIBRARY_PATH",
    )  # fmt: skip
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return found if found.keys() & set(_WAITING) else {**found, **_SPIN_A_LITTLE}


def _limiter(limits: Limits, enter: Callable[[], None] | None) -> Callable[[], None]:
    pairs = [
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ]

    # Loaded before the fork: after it, the child may only make plain calls.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def limit() -> None:
        if enter is not None:
            enter()
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a job never outlives who keeps it
        for which, value in pairs:
            # Of time a second more: who reaches both limits at once is killed, as one without memory is.
            most = value + 1 if which == resource.RLIMIT_CPU else value
            resource.setrlimit(which, (value, most))

    return limit


def tail_of(path: Path, most: int) -> bytes:
    """The last `most` bytes of a file a job wrote: no link is followed, on the way to it or at its end.

    The job owns its folder and may have put anything there.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return b""
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return b""
    finally:
        os.close(folder)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return b""
        file.seek(max(0, status.st_size - most))
        return file.read(most)


def last_words(errors: IO[bytes]) -> str:
    """The last line of a process's standard error that is no hint; empty where it wrote nothing."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4096))
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return next((line for line in reversed(lines) if not line.startswith("note: ")), "")


def own_output() -> TextIO:
    """For the confined side: standard output for answers alone; what libraries print goes to the errors."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def python_paths() -> list[Path]:
    """Folders a confined Python needs: its prefixes and where this package lives."""
    package = Path(__file__).parent.parent
    wanted = [Path(sys.prefix), Path(sys.base_prefix), package.parent if _editable(package) else package]
    kept: list[Path] = []
    for path in sorted({p.resolve() for p in wanted}, key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(k) for k in kept):
            kept.append(path)
    return kept


def _editable(package: Path) -> bool:
    return package.parent.name == "src"
