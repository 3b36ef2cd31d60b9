"""An area: where it lies, what it may hold, and what is in it."""

from __future__ import annotations

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
from madang.kernel.locks import alone

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
        with alone(self.folder / "lock"):
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
        held = measure(self.files)
        if held.bytes + more_bytes > self.byte_limit:
            raise AreaFull(what="bytes", most=self.byte_limit)
        if held.files + more_files > self.file_limit:
            raise AreaFull(what="files", most=self.file_limit)


@dataclass(frozen=True)
class Measure:
    """What lies at and below a place. files: folders count, the place itself where it is a file. depth,
    longest: of the deepest and the longest path (bytes) below it."""

    bytes: int = 0
    files: int = 0
    depth: int = 0
    longest: int = 0


def measure(place: Path) -> Measure:
    """How much lies at a place. Raises OSError where any of it cannot be looked at."""
    if place.is_file():
        return Measure(place.stat().st_size, 1)
    held_bytes = held_files = depth = longest = 0
    for folder, folders, files in os.walk(place, onerror=_raise):
        below = Path(folder).relative_to(place)
        held_files += len(folders) + len(files)
        held_bytes += sum((Path(folder) / name).stat(follow_symlinks=False).st_size for name in files)
        for name in (*folders, *files):
            depth = max(depth, len(below.parts) + 1)
            longest = max(longest, len(str(below / name).encode()))
    return Measure(held_bytes, held_files, depth, longest)


def _raise(error: OSError) -> None:
    raise error


def open_area(home: Home, actor: Principal) -> Area:
    """The area of a member who is signed in; made where it is not there yet."""
    folder = home.path / "areas" / actor.member
    for name in ("files", "work", "tasks"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    values = home.values
    return Area(folder, values.area_bytes, values.area_files, actor.member, actor.organization)
