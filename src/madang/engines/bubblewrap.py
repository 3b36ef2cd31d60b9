"""The isolation engine ``bubblewrap``: unprivileged namespaces around each job.

A job gets its own user, mount, process, network, IPC, UTS and cgroup namespaces, no capabilities, an
empty home, a read-only Python, its inputs read-only and its output folders; no host network, no other
process, no file of the home, no abstract socket of the host. Its memory and the number of its processes
are bounded by a control group where there are any, else by limits of each process and of its user.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from madang.engines import cgroups
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.isolation import Confinement, python_paths, spawn

ENGINE = Engine("bubblewrap", "isolation", "madang.engines.bubblewrap:BubblewrapIsolation")

_NAMESPACES = [
    "--unshare-user",
    "--unshare-all",
    "--uid",
    "65534",
    "--gid",
    "65534",
    "--cap-drop",
    "ALL",
    "--new-session",
    "--die-with-parent",
    "--hostname",
    "job",
]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")


class BubblewrapIsolation:
    """See the module's docstring."""

    name = "bubblewrap"
    confines = True

    def unavailable(self) -> Message | None:
        """Missing program, or a machine that does not let it make namespaces."""
        if shutil.which("bwrap") is None:
            return Message("isolation.no-bwrap")
        return None if _works() else Message("isolation.bwrap-refused")

    def told(self) -> tuple[Sequence[str], Sequence[str]]:
        """All but the kernel itself; memory of many processes together only with control groups."""
        protects = ["files", "network", "processes", "environment", "limits", "outputs", "evaluator"]
        lacks = ["kernel"]
        (protects if cgroups.offered() else lacks).append("cgroups")
        return [f"isolation.{name}" for name in protects], [f"isolation.{name}" for name in lacks]

    def start(
        self, command: Sequence[str], confinement: Confinement, **streams: Any
    ) -> subprocess.Popen[bytes]:
        """Start bwrap, in a control group of its own where there are any."""
        group = cgroups.create(confinement.limits)
        line = _line(command, confinement)
        enter = group.enter if group else None
        try:
            started = spawn(line, confinement, process=_Sandbox, enter=enter, **streams)
        except BaseException:
            if group:
                group.remove()
            raise
        assert isinstance(started, _Sandbox)
        started.group = group
        return started

    def inside(self, confinement: Confinement, path: str) -> str:
        """The path as named."""
        return path


class _Sandbox(subprocess.Popen[bytes]):
    """A started sandbox; its control group goes with it."""

    group: cgroups.Group | None = None

    def wait(self, timeout: float | None = None) -> int:
        """As in Popen; then the group is removed."""
        code = super().wait(timeout)
        if self.group is not None:
            self.group.remove()
            self.group = None
        return code


def _line(command: Sequence[str], confinement: Confinement) -> list[str]:
    """The bwrap command line."""
    size = ["--size", str(confinement.limits.scratch_bytes)]
    line = ["bwrap", *_NAMESPACES, *_user_namespace_flag(), *_system(), *_proc(), "--dev", "/dev"]
    line += [*size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108
    line += [*size, "--tmpfs", "/tmp", "--dir", "/tmp/home", "--setenv", "HOME", "/tmp/home"]  # noqa: S108
    for path in python_paths():
        if not str(path).startswith("/usr/"):
            line += ["--ro-bind", str(path), str(path)]
    for inside, host in confinement.read_only.items():
        line += ["--ro-bind", str(host), inside]
    for inside, host in confinement.writable.items():
        line += ["--bind", str(host), inside]
    line += ["--remount-ro", "/", "--chdir", "/tmp", "--"]  # noqa: S108
    # Set inside: there the count is of this sandbox's processes, not of all that the launcher's user has.
    return [*line, "prlimit", f"--nproc={confinement.limits.processes}", "--", *command]


def _proc() -> list[str]:
    """A process file system of the sandbox's own, with the kernel's settings read-only.

    bwrap covers some of it by itself, but not /proc/sys where root launches: the job's user is root's
    outside then, and could set /proc/sys/kernel/core_pattern.
    """
    return ["--proc", "/proc", *(a for path in _kernel_settings() for a in ("--ro-bind", path, path))]


@cache
def _kernel_settings() -> tuple[str, ...]:
    """What of /proc belongs to no process: every folder, and every file that somebody may write."""
    found = []
    for path in sorted(Path("/proc").iterdir()):
        if path.name.isdecimal() or path.is_symlink():
            continue
        if path.is_dir() or path.stat().st_mode & 0o222:
            found.append(str(path))
    return tuple(found)


def _system() -> list[str]:
    arguments: list[str] = []
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            arguments += ["--ro-bind", name, name]
    for name in _SYSTEM_FILES:
        if Path(name).exists():
            arguments += ["--ro-bind", name, name]
    return arguments


@cache
def _user_namespace_flag() -> tuple[str, ...]:
    """``--disable-userns`` where this bubblewrap has it (0.8 and newer) and the kernel allows it."""
    return ("--disable-userns",) if _runs("--disable-userns") else ()


@cache
def _works() -> bool:
    return _runs()


def _runs(*flags: str) -> bool:
    small = ["--size", "65536", "--tmpfs", "/tmp"]  # noqa: S108
    line = ["bwrap", *_NAMESPACES, *flags, "--ro-bind", "/", "/", *small, "--", "prlimit", "--version"]
    try:
        return subprocess.run(line, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
