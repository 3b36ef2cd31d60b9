"""The isolation engine ``bubblewrap``: unprivileged namespaces around each job.

A job gets its own user, mount, process, network, IPC, UTS and cgroup namespaces, no capabilities, an
empty home, a read-only Python, its inputs read-only and its output folders; no host network, no other
process, no file of the home, no abstract socket of the host.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.isolation import Confinement, python_paths

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
    protects = (
        "isolation.files",
        "isolation.network",
        "isolation.processes",
        "isolation.environment",
        "isolation.limits",
        "isolation.evaluator",
    )
    lacks = ("isolation.kernel", "isolation.cgroups")

    def unavailable(self) -> Message | None:
        """Missing program, or a machine that does not let it make namespaces."""
        if shutil.which("bwrap") is None:
            return Message("isolation.no-bwrap")
        return None if _works() else Message("isolation.bwrap-refused")

    def arguments(self, command: Sequence[str], confinement: Confinement) -> list[str]:
        """The bwrap command line."""
        line = [
            "bwrap",
            *_NAMESPACES,
            *_user_namespace_flag(),
            *_system(),
            "--proc",
            "/proc",
            "--dev",
            "/dev",
        ]
        line += ["--tmpfs", "/tmp", "--dir", "/tmp/home", "--setenv", "HOME", "/tmp/home"]  # noqa: S108
        for path in python_paths():
            if not str(path).startswith("/usr/"):
                line += ["--ro-bind", str(path), str(path)]
        for inside, host in confinement.read_only.items():
            line += ["--ro-bind", str(host), inside]
        for inside, host in confinement.writable.items():
            line += ["--bind", str(host), inside]
        line += ["--remount-ro", "/"]
        return [*line, "--chdir", "/tmp", "--", *command]  # noqa: S108

    def inside(self, confinement: Confinement, path: str) -> str:
        """The path as named."""
        return path


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
    line = ["bwrap", *_NAMESPACES, *flags, "--ro-bind", "/", "/", "--", "true"]
    try:
        return subprocess.run(line, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
