"""Where a job's outputs go while it works: a file system of its own, limited in bytes and files.

The keeper of a job moves into a mount namespace and mounts a tmpfs there, so that whatever the job
writes, the home's disk and its file table stay as they are. After the job, what it left is copied to the
attempt's folder; while it works, the files that people watch are. Nobody else sees the mount, and it is
gone with the keeper.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from madang.kernel.isolation import tail_of

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT = 1, 2, 4, 32
_MS_REC, _MS_PRIVATE = 16384, 1 << 18
_FREEZE_SECONDS = 10.0
_CHUNK = 1 << 20
_WATCHED_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Scratch:
    """A mounted scratch folder, the folder it is copied to, and the files that are watched live."""

    mounted: Path
    target: Path
    size: int
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
        """Copy what the job left, once nobody can change it any more.

        What is neither file nor folder becomes a link, which whoever takes the outputs over refuses.

        Raises OSError where something still writes, or where it is more than the scratch may hold (a file
        with many names counts each time).
        """
        self._freeze()
        left = self.size
        for root, folders, names, descriptor in os.fwalk(self.mounted, follow_symlinks=False):
            here = self.target / Path(root).relative_to(self.mounted)
            here.mkdir(exist_ok=True)
            for name in [*folders, *names]:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    left -= status.st_size
                    if left < 0:
                        raise OSError(errno.EFBIG, "the outputs are larger than allowed")
                    _copy(name, descriptor, here / name, status.st_size)
                elif not stat.S_ISDIR(status.st_mode):
                    (here / name).symlink_to("/")  # whatever it was, it is nothing to collect

    def _freeze(self) -> None:
        """Make the file system read-only: that succeeds only once no process writes to it."""
        libc = ctypes.CDLL(None, use_errno=True)
        flags = ctypes.c_ulong(_MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
        overdue = time.monotonic() + _FREEZE_SECONDS
        while True:
            try:
                return _call(libc.mount, b"none", os.fsencode(self.mounted), None, flags, None)
            except OSError:
                if time.monotonic() > overdue:
                    raise
                time.sleep(0.02)


def _copy(name: str, folder: int, target: Path, size: int) -> None:
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(source, "rb") as reader, target.open("wb") as writer:
        while size > 0 and (chunk := reader.read(min(_CHUNK, size))):
            writer.write(chunk)
            size -= len(chunk)


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
    return Scratch(folder, target, size, watched)


def _call(function: object, *arguments: object) -> None:
    assert callable(function)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
