"""The isolation port: how a job's process is confined. Engines implement it.

A job sees a Python environment (read-only), the folders it is given, and nothing else of the
machine; the exact protection depends on the engine, which must say what it does not stop.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from madang.kernel import extension
from madang.kernel.errors import IsolationMissing
from madang.kernel.i18n import Message

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """Resource limits of one job: bytes of address space and of a file, seconds of CPU, open files."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int = 2**30
    open_files: int = 256


@dataclass(frozen=True)
class Confinement:
    """What a job may see. Keys are paths inside, values host paths."""

    read_only: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(8 * 2**30, 3600))


class Isolation(Protocol):
    """The port. `protects` and `lacks` are message ids for `madang doctor`."""

    name: str
    protects: Sequence[str]
    lacks: Sequence[str]

    def unavailable(self) -> Message | None:
        """Why this engine cannot work here, or None."""
        ...

    def arguments(self, command: Sequence[str], confinement: Confinement) -> list[str]:
        """The command line that runs `command` confined."""
        ...

    def inside(self, confinement: Confinement, path: str) -> str:
        """Where a job finds the folder that `confinement` calls `path`."""
        ...


def choose(name: str) -> Isolation:
    """The isolation of that name; ``auto`` is bubblewrap where it works, else process."""
    if name == "auto":
        strongest: Isolation = extension.engine("isolation", "bubblewrap")()
        return extension.engine("isolation", "process")() if strongest.unavailable() else strongest
    chosen: Isolation = extension.engine("isolation", name)()
    reason = chosen.unavailable()
    if reason is not None:
        raise IsolationMissing(name=name, reason=reason)
    return chosen


def start(
    isolation: Isolation, command: Sequence[str], confinement: Confinement, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start `command` confined, with an environment of its own and its limits set."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **_kept_environment(),
        **confinement.environment,
    }
    return subprocess.Popen(
        isolation.arguments(command, confinement),
        env=environment,
        close_fds=True,
        preexec_fn=_limiter(confinement.limits),
        **streams,
    )


def _kept_environment() -> dict[str, str]:
    """Variables about this machine's arithmetic, which a job needs and which carry no secret."""
    kept = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _limiter(limits: Limits) -> Callable[[], None]:
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
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a job never outlives who keeps it
        for which, value in pairs:
            resource.setrlimit(which, (value, value))

    return limit


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
