"""Reading an area: listings, facts about a file, its bytes. What they return is ready for JSON."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from madang.areas.errors import TooMuchAtOnce
from madang.areas.model import MOST_AT_ONCE, Area
from madang.areas.paths import existing, kind_of
from madang.kernel import clock

_MOST_LISTED = 10_000


def listing(area: Area, path: str, *, hidden: bool = False, recursive: bool = False) -> list[dict[str, Any]]:
    """What a folder holds (or the file itself), by name; names are relative to the folder.

    Raises NoSuchPath, BadPath, TooMuchAtOnce above 10,000.
    """
    place = existing(area.files, path)
    if place.is_file():
        return [entry(area, place, place.name)]
    names = list(itertools.islice(_names(place, "", hidden, recursive), _MOST_LISTED + 1))
    if len(names) > _MOST_LISTED:
        raise TooMuchAtOnce(path=path, most=_MOST_LISTED)
    return [entry(area, place / name, name) for name in sorted(names)]


def _names(folder: Path, prefix: str, hidden: bool, recursive: bool) -> Iterator[str]:
    with os.scandir(folder) as found:
        for one in found:
            if hidden or not one.name.startswith("."):
                yield f"{prefix}{one.name}"
                if recursive and one.is_dir(follow_symlinks=False):
                    yield from _names(Path(one.path), f"{prefix}{one.name}/", hidden, recursive)


def entry(area: Area, place: Path, name: str) -> dict[str, Any]:
    """A file or folder as a listing tells of it."""
    status = place.stat(follow_symlinks=False)
    return {
        "name": name,
        "type": kind_of(status),
        "link_target": None,
        "user": area.owner,
        "group": area.group,
        "permissions": stat.filemode(status.st_mode)[1:],
        "last_modified": clock.to_text(datetime.fromtimestamp(status.st_mtime, UTC)),
        "size": str(status.st_size),
    }


def facts(area: Area, path: str) -> dict[str, int]:
    """Numbers of a file or folder, as stat(2) has them; times in seconds since 1970."""
    status = existing(area.files, path).stat(follow_symlinks=False)
    names = ("mode", "ino", "dev", "nlink", "uid", "gid", "size", "atime", "ctime", "mtime")
    return {name: int(getattr(status, f"st_{name}")) for name in names}


def kind(area: Area, path: str) -> str:
    """ "file" or "directory"."""
    return kind_of(existing(area.files, path).stat(follow_symlinks=False))


def checksum(area: Area, path: str) -> dict[str, str]:
    """The SHA-256 of a file, in hexadecimal digits."""
    with existing(area.files, path, "file").open("rb") as file:
        return {"algorithm": "SHA-256", "checksum": hashlib.file_digest(file, "sha256").hexdigest()}


def part(area: Area, path: str, offset: int, size: int) -> dict[str, Any]:
    """`size` bytes of a file from `offset` on (fewer at its end)."""
    with existing(area.files, path, "file").open("rb") as file:
        file.seek(min(offset, os.fstat(file.fileno()).st_size))
        return _content(file.read(min(size, MOST_AT_ONCE)), "bytes", offset)


def head(area: Area, path: str, count: int, unit: str, *, but_last: bool = False) -> dict[str, Any]:
    """The first `count` bytes or lines; with `but_last` all but so many at the end."""
    data = _whole(area, path)
    pieces = _pieces(data, unit)
    kept = max(len(pieces) - count, 0) if but_last else min(count, len(pieces))
    return _content(_joined(pieces[:kept]), unit, 0, kept)


def tail(area: Area, path: str, count: int, unit: str, *, but_first: bool = False) -> dict[str, Any]:
    """The last `count` bytes or lines; with `but_first` all but so many at the beginning."""
    data = _whole(area, path)
    pieces = _pieces(data, unit)
    begin = min(count, len(pieces)) if but_first else max(len(pieces) - count, 0)
    return _content(_joined(pieces[begin:]), unit, begin, len(pieces))


def _whole(area: Area, path: str) -> bytes:
    """A file that one answer can hold; TooMuchAtOnce where it is larger."""
    place = existing(area.files, path, "file")
    if place.stat().st_size > MOST_AT_ONCE:
        raise TooMuchAtOnce(path=path, most=MOST_AT_ONCE)
    return place.read_bytes()


def download(area: Area, path: str) -> str:
    """A file in base64; TooMuchAtOnce above 5 MiB."""
    return base64.b64encode(_whole(area, path)).decode()


def _pieces(data: bytes, unit: str) -> bytes | list[bytes]:
    """What `unit` counts: bytes, or lines with their ends."""
    return data.splitlines(keepends=True) if unit == "lines" else data


def _joined(pieces: bytes | list[bytes]) -> bytes:
    return pieces if isinstance(pieces, bytes) else b"".join(pieces)


def _content(data: bytes, unit: str, begin: int, end: int | None = None) -> dict[str, Any]:
    """Bytes as the text of an answer: UTF-8 where they are that, else base64, and saying which."""
    try:
        text, encoding = data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(data).decode(), "base64"
    return {
        "content": text,
        "content_type": unit,
        "start_position": begin,
        "end_position": begin + len(data) if end is None else end,
        "encoding": encoding,
    }
