"""Control groups: a bound on a job's memory and processes together, where this machine lets us make them.

Version 2 (one hierarchy) and version 1 (one per controller). A group is made for each job and removed
after it; groups whose maker was killed are removed by the next one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from madang.kernel.isolation import Limits

_ROOT = Path("/sys/fs/cgroup")
_PREFIX = "madang-"
_FILES = {
    2: {"memory": "memory.max", "pids": "pids.max"},
    1: {"memory": "memory.limit_in_bytes", "pids": "pids.max"},
}


@dataclass(frozen=True)
class Group:
    """One job's group: a folder in version 2, one a controller in version 1."""

    folders: tuple[Path, ...]

    def enter(self) -> None:
        """Move the calling process, and so all that it starts, into the group."""
        pid = str(os.getpid()).encode()
        for folder in self.folders:
            descriptor = os.open(folder / "cgroup.procs", os.O_WRONLY)
            os.write(descriptor, pid)
            os.close(descriptor)

    def remove(self) -> None:
        """Remove the group once its last process is gone (a moment after the job's first)."""
        for folder in self.folders:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.01)


def create(limits: Limits) -> Group | None:
    """A new group with these limits; None where this machine offers none."""
    version, bases = _bases()
    if not bases:
        return None
    for base in set(bases.values()):
        _sweep(base)
    name = f"{_PREFIX}{secrets.token_hex(8)}"
    values = {"memory": limits.memory_bytes, "pids": limits.processes}
    made: list[Path] = []
    try:
        for controller, base in bases.items():
            folder = base / name
            if folder not in made:
                folder.mkdir()
                made.append(folder)
            (folder / _FILES[version][controller]).write_text(str(values[controller]))
    except OSError:
        Group(tuple(made)).remove()
        return None
    return Group(tuple(made))


def offered() -> bool:
    """Whether groups can be made here."""
    return bool(_bases()[1])


@cache
def _bases() -> tuple[int, dict[str, Path]]:
    """(version, controller -> folder below which groups may be made); no folders where there are none."""
    if (_ROOT / "cgroup.controllers").exists():
        for base in (_ROOT, _own()):
            bases = {"memory": base, "pids": base}
            if _usable(2, bases):
                return 2, bases
    bases = {name: _ROOT / name for name in ("memory", "pids")}
    return (1, bases) if _usable(1, bases) else (0, {})


def _own() -> Path:
    """This process's own group (version 2)."""
    lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    path = next((line[3:] for line in lines if line.startswith("0::")), "/")
    return _ROOT / path.lstrip("/")


def _usable(version: int, bases: dict[str, Path]) -> bool:
    trial = f"{_PREFIX}trial-{os.getpid()}"
    try:
        for controller, base in bases.items():
            folder = base / trial
            folder.mkdir(exist_ok=True)
            try:
                (folder / _FILES[version][controller]).write_text(
                    str(2**40 if controller == "memory" else 1000)
                )
            finally:
                folder.rmdir()
    except OSError:
        return False
    return True


def _sweep(base: Path) -> None:
    """Remove empty groups: one with a living process cannot be removed, so trying is safe.

    A group made this very moment by another launcher is left alone: it is younger than a minute.
    """
    for folder in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > 60:
                folder.rmdir()
