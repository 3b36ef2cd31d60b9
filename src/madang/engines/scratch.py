"""Where a job's outputs go while it works: a file system of its own, limited in bytes and files.

The keeper of a job moves into a mount namespace and mounts a tmpfs there, so that whatever the job
writes, the home's disk and its file table stay as they are. After the job, what it left is copied to the
attempt's folder; while it works, the files that people watch are. Nobody else sees the mount, and it is
gone with the keeper.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from madang.kernel.isolation import tail_of

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 2, 4, 16384, 1 << 18
_WATCHED_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Scratch:
    """A mounted scratch folder, the folder it is copied to, and the files that are watched live."""

    mounted: Path
    target: Path
    watched: Sequence[str] = ()

    def show(self) -> None:
        """Copy the watched files' last 4 MiB to where they can be read."""
        for name in self.watched:
            data = tail_of(self.mounted / name, _WATCHED_BYTES)
            if data:
                shown = self.target / name
                shown.parent.mkdir(parents=True, exist_ok=True)
                temporary = shown.with_name(f".{shown.name}.new")
                temporary.write_bytes(data)
                temporary.replace(shown)

    def collect(self) -> None:
        """Copy what the job left, links as links: whoever takes them over refuses them."""
        subprocess.run(
            ["cp", "--recursive", "--no-dereference", "--no-preserve=mode,ownership", "--",
             f"{self.mounted}/.", str(self.target)],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def enter_namespace() -> None:
    """Move this process, which must have one thread, into a mount namespace of its own.

    Raises OSError where the machine does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _call(libc.unshare, _CLONE_NEWNS | (_CLONE_NEWUSER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    # What is mounted from here on stays in here.
    _call(libc.mount, b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)


def mount(folder: Path, target: Path, size: int, files: int, watched: Sequence[str] = ()) -> Scratch:
    """Mount a scratch of `size` bytes and `files` files at `folder` (inside :func:`enter_namespace`)."""
    folder.mkdir(exist_ok=True)
    options = f"size={size},nr_inodes={files},mode=0777".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    flags = ctypes.c_ulong(_MS_NOSUID | _MS_NODEV)
    _call(libc.mount, b"madang-scratch", os.fsencode(folder), b"tmpfs", flags, options)
    return Scratch(folder, target, watched)


def _call(function: object, *arguments: object) -> None:
    assert callable(function)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
