"""An area: where it lies, what it may hold, and what is in it."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from madang.areas.errors import AreaFull
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home, full_disk_told

MOST_AT_ONCE = 5_242_880
"""Bytes of a file that one request brings or takes."""


@dataclass(frozen=True)
class Area:
    """A member's own files. `folder` holds::

    files/   the files, as paths below "/" name them
    work/    what an operation is still making; it is renamed into files/ once it is whole
    tasks/   what was asked, and what came of it
    lock     held by whoever changes anything

    byte_limit, file_limit: what files/ may hold (folders count as files).
    """

    folder: Path
    byte_limit: int
    file_limit: int
    owner: str = "member"
    group: str = "organization"

    @property
    def files(self) -> Path:
        """The root of the member's paths."""
        return self.folder / "files"

    @property
    def tasks(self) -> Path:
        """Where tasks are kept."""
        return self.folder / "tasks"

    @contextmanager
    def changing(self) -> Iterator[Path]:
        """Alone with the area: a new folder of its own to make things in, gone afterwards."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            room = self.folder / "work" / secrets.token_hex(8)
            shutil.rmtree(room.parent, ignore_errors=True)  # what a killed server left
            room.mkdir(parents=True, mode=0o700)
            try:
                with full_disk_told(self.folder):
                    yield room
            finally:
                shutil.rmtree(room, ignore_errors=True)

    def require_room(self, more_bytes: int, more_files: int) -> None:
        """AreaFull where that much more does not fit."""
        held_bytes, held_files = measure(self.files)
        if held_bytes + more_bytes > self.byte_limit:
            raise AreaFull(what="bytes", most=self.byte_limit)
        if held_files + more_files > self.file_limit:
            raise AreaFull(what="files", most=self.file_limit)


def measure(place: Path) -> tuple[int, int]:
    """(bytes, files and folders) at and below a place; the folder itself is not counted."""
    if place.is_file():
        return place.stat().st_size, 1
    held_bytes = held_files = 0
    for folder, folders, files in os.walk(place):
        held_files += len(folders) + len(files)
        held_bytes += sum((Path(folder) / name).stat(follow_symlinks=False).st_size for name in files)
    return held_bytes, held_files


def open_area(home: Home, actor: Principal) -> Area:
    """The area of a member who is signed in; made where it is not there yet."""
    folder = home.path / "areas" / actor.member
    for name in ("files", "work", "tasks"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    values = home.values
    return Area(folder, values.area_bytes, values.area_files, actor.member, actor.organization)
