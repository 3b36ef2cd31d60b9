"""Changing an area. Each change is whole or has not happened: what is new is made apart, then renamed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from madang.areas import reading
from madang.areas.errors import AreaFull, BadArchive, BadPath, TooMuchAtOnce, WrongKind
from madang.areas.model import MOST_AT_ONCE, Area, Measure, measure
from madang.areas.paths import below, existing, parts_of, shown, vacant
from madang.kernel.archives import (
    DEEPEST,
    LONGEST_PATH,
    ArchiveRefused,
    ArchiveTooLarge,
    Reading,
    unpack,
    xz,
)
from madang.kernel.errors import BadValue
from madang.kernel.i18n import Message

WRITERS: Mapping[str, Any] = {"none": open, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
"""How a file with each compression is opened for writing."""


def make_folder(area: Area, path: str, *, parents: bool = False) -> dict[str, Any]:
    """Make a folder; with `parents` those above it too, and it may be there already."""
    with area.changing():
        names = parts_of(path)
        if parents:
            area.require_room(0, len(names))
            place = below(area.files, path)
            for above in reversed([place, *place.parents]):
                if above.is_relative_to(area.files) and above.is_file():
                    raise WrongKind(path=path, found="file")
            for depth in range(1, len(names) + 1):
                area.files.joinpath(*names[:depth]).mkdir(mode=0o700, exist_ok=True)
        else:
            place = vacant(area.files, path)
            area.require_room(0, 1)
            place.mkdir(mode=0o700)
        return _told(area, place)


def write(area: Area, path: str, data: bytes) -> dict[str, Any]:
    """Put a file at a path, over one that is there. TooMuchAtOnce above 5 MiB."""
    if len(data) > MOST_AT_ONCE:
        raise TooMuchAtOnce(path=path, most=MOST_AT_ONCE)
    with area.changing() as room:
        place = vacant(area.files, path, over_file=True)
        replaced = place.stat().st_size if place.exists() else None
        area.require_room(len(data) - (replaced or 0), 0 if replaced is not None else 1)
        made = room / "made"
        made.touch(0o600)
        made.write_bytes(data)
        made.replace(place)
        return _told(area, place)


def move(area: Area, path: str, target: str) -> dict[str, Any]:
    """Rename a file or folder; nothing is overwritten."""
    with area.changing():
        place = _not_root(area, path)
        goal = vacant(area.files, target)
        _require_outside(place, goal, target)
        _require_shallow(area, measure(place), goal, target)
        place.rename(goal)
        return _told(area, goal)


def copy(area: Area, path: str, target: str) -> dict[str, Any]:
    """Copy a file or folder; nothing is overwritten."""
    with area.changing() as room:
        place = _not_root(area, path)
        goal = vacant(area.files, target)
        _require_outside(place, goal, target)
        held = measure(place)
        _require_shallow(area, held, goal, target)
        area.require_room(held.bytes, held.files + 1)
        made = room / "made"
        if place.is_dir():
            shutil.copytree(place, made)
        else:
            shutil.copy2(place, made)
        made.rename(goal)
        return _told(area, goal)


def remove(area: Area, path: str) -> str:
    """Remove a file, or a folder and all that is in it."""
    with area.changing() as room:
        _not_root(area, path).rename(room / "gone")  # out of sight at once
    return f"removed {path}"


def set_mode(area: Area, path: str, mode: str) -> dict[str, Any]:
    """Set permission bits, in octal digits. The owner's right to read and write stays: the files are read for
    the owner by this server."""
    with area.changing():
        place = _not_root(area, path)
        place.chmod(check_mode(mode) | (0o700 if place.is_dir() else 0o600))
        return _told(area, place)


def check_mode(mode: str) -> int:
    """Permission bits of octal digits; BadValue."""
    if not re.fullmatch("0?[0-7]{3}", mode):
        raise BadValue(file="request (body)", key="mode", reason="Three octal digits, like 644.")
    return int(mode, 8)


def compress(area: Area, path: str, target: str, compression: str) -> dict[str, Any]:
    """Pack a file or folder into a tar archive; nothing is overwritten."""
    with area.changing() as room:
        place = _not_root(area, path)
        goal = vacant(area.files, target)
        _require_outside(place, goal, target)
        held = measure(place)
        area.require_room(held.bytes + 1024 * (held.files + 20), 1)  # at worst nothing gets smaller
        made = room / "made"
        with WRITERS[compression](made, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
            archive.add(place, place.name, filter=lambda one: _plain(area, one))
        made.chmod(0o600)
        made.rename(goal)
        return _told(area, goal)


def _plain(area: Area, one: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member of an archive with the names of the area, not of this machine."""
    one.uid = one.gid = 0
    one.uname, one.gname = area.owner, area.group
    return one


def extract(area: Area, path: str, target: str, compression: str) -> dict[str, Any]:
    """Unpack a tar archive into a folder, which is made where it is not there; nothing is overwritten.

    Raises BadArchive where it is none, or holds a link, a device or a name that leads out; AreaFull while
    unpacking, where it holds more than there is room for.
    """
    with area.changing() as room:
        packed = existing(area.files, path, "file")
        goal = below(area.files, target)
        if not goal.exists():
            vacant(area.files, target)
        elif not goal.is_dir():
            raise WrongKind(path=target, found="file")
        made = room / "made"
        made.mkdir(mode=0o700)
        _unpack(area, packed, path, made, compression)
        _require_shallow(area, measure(made), goal, target)
        if goal == area.files or goal.exists():
            _merge(area, made, target)
        else:
            made.rename(goal)
        return _told(area, goal)


def _unpack(area: Area, packed: Path, path: str, made: Path, compression: str) -> None:
    """Unpack into a folder, up to what the area has room for."""
    held = measure(area.files)
    try:
        with _stream(packed, compression) as stream:
            unpack(stream, made, area.byte_limit - held.bytes, area.file_limit - held.files)
    except ArchiveTooLarge as error:
        most = area.byte_limit if error.what == "bytes" else area.file_limit
        raise AreaFull(what=error.what, most=most) from error
    except ArchiveRefused as error:
        raise BadArchive(path=shown(path), reason=error.reason) from error
    except (OSError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of this machine, not of the archive
        reason = Message("areas.not-packed", compression=compression)
        raise BadArchive(path=shown(path), reason=reason) from error


@contextmanager
def _stream(packed: Path, compression: str) -> Iterator[Reading]:
    """What a packed file holds."""
    with packed.open("rb") as file:
        if compression == "xz":
            yield xz(file)
        elif compression == "none":
            yield file
        else:
            with gzip.open(file) if compression == "gzip" else bz2.open(file) as stream:
                yield stream


def _merge(area: Area, made: Path, target: str) -> None:
    """Put what was unpacked into a folder that is there: all of it or, where a name is taken, nothing."""
    goals = [vacant(area.files, f"{target}/{one.name}") for one in made.iterdir()]
    for goal in goals:
        (made / goal.name).rename(goal)


def _not_root(area: Area, path: str) -> Path:
    place = existing(area.files, path)
    if place == area.files:
        raise BadPath(path=path, reason=Message("areas.path.root"))
    return place


def _require_outside(place: Path, goal: Path, target: str) -> None:
    if goal.is_relative_to(place):
        raise BadPath(path=target, reason=Message("areas.path.inside"))


def _require_shallow(area: Area, held: Measure, goal: Path, target: str) -> None:
    """BadPath where what is put at `goal` would lie deeper there, or under longer paths, than an area has."""
    above = goal.relative_to(area.files)
    longest = len(str(above).encode()) + held.longest + 1
    if len(above.parts) + held.depth > DEEPEST or longest > LONGEST_PATH:
        raise BadPath(path=shown(target), reason=Message("areas.path.too-long"))


def _told(area: Area, place: Path) -> dict[str, Any]:
    return reading.entry(area, place, place.name)
