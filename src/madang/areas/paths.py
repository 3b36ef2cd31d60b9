"""Paths of an area: what is asked for stays inside, and nothing on the way there is a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from madang.areas.errors import BadPath, NoSuchPath, PathTaken, WrongKind
from madang.kernel.archives import DEEPEST, LONGEST_NAME, LONGEST_PATH
from madang.kernel.i18n import Message


def parts_of(path: str) -> tuple[str, ...]:
    """The names on a path that begins at the area's root, with or without a leading "/".

    Raises BadPath: "..", a NUL, a name that a file system cannot hold, too long or too deep.
    """
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    reason = None
    if "\0" in path or not _encodable(path):
        reason = "unreadable"
    elif ".." in parts:
        reason = "upwards"
    elif len(path.encode()) > LONGEST_PATH or len(parts) > DEEPEST or _longest(parts) > LONGEST_NAME:
        reason = "too-long"
    if reason is not None:
        raise BadPath(path=shown(path), reason=Message(f"areas.path.{reason}"))
    return parts


def _longest(parts: tuple[str, ...]) -> int:
    return max((len(part.encode()) for part in parts), default=0)


def _encodable(path: str) -> bool:
    return path == path.encode("utf-8", "replace").decode()


def shown(path: str) -> str:
    """A path as an error tells of it."""
    return "/" + path.encode("utf-8", "replace").decode().replace("\0", "?")[:200].lstrip("/")


def below(root: Path, path: str) -> Path:
    """Where a path of an area lies on this machine, whether there is anything or not.

    Raises BadPath, also where a link is on the way: an area has none, and one that got there is not followed.
    """
    place = root
    for part in parts_of(path):
        place = place / part
        if place.is_symlink():
            raise BadPath(path=shown(path), reason=Message("areas.path.link"))
    return place


def existing(root: Path, path: str, kind: str = "") -> Path:
    """The file or folder at a path; kind: "file" or "directory" where it must be one.

    Raises BadPath, NoSuchPath, WrongKind.
    """
    place = below(root, path)
    try:
        found = kind_of(place.stat(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoSuchPath(path=shown(path)) from error
    if kind and found != kind:
        raise WrongKind(path=shown(path), found=found)
    return place


def vacant(root: Path, path: str, *, over_file: bool = False) -> Path:
    """Where something new may be put: its folder is there, and nothing at the path (but for a file, where
    that may be overwritten).

    Raises BadPath, NoSuchPath for the folder, PathTaken.
    """
    place = below(root, path)
    if place == root:
        raise BadPath(path=shown(path), reason=Message("areas.path.root"))
    if place.exists() and not (over_file and place.is_file()):
        raise PathTaken(path=shown(path))
    existing(root, "/".join(parts_of(path)[:-1]), "directory")
    return place


def kind_of(status: os.stat_result) -> str:
    """ "file", "directory" or "other"."""
    if stat.S_ISREG(status.st_mode):
        return "file"
    return "directory" if stat.S_ISDIR(status.st_mode) else "other"
