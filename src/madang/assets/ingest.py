"""From a folder on disk to stored bytes and a manifest. Regular files only; links are never followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from madang.assets.content import drafts
from madang.assets.content.drafts import Source
from madang.assets.content.manifest import File, Manifest
from madang.assets.content.model import Stored
from madang.assets.errors import EmptyDeposit, NameNoText, UnsafeFile, UnsafePath
from madang.kernel.errors import FileMissing, FileTrouble
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.kernel.ids import nfc

_DEEPEST = 100
"""Folders inside folders that a version may have."""


def require_folder(folder: Path) -> None:
    """FileMissing or FileTrouble where there is no folder of that name."""
    if folder.is_symlink() or folder.is_file():
        raise FileTrouble(file=str(folder), reason=Message("assets.no-folder"))
    if not folder.is_dir():
        raise FileMissing(file=str(folder))


def store_folder(
    home: Home,
    folder: Path,
    *,
    journal: Path | None = None,
    limits: drafts.Limits | None = None,
    progress: drafts.Progress | None = None,
) -> Stored:
    """Store every file below `folder` as a holding; with `journal`, one that was cut off goes on.

    Raises FileMissing, FileTrouble, EmptyDeposit, UnsafeFile, NameNoText, NameTwins, FileChanged, TooLarge or
    DiskFull.
    """
    require_folder(folder)
    origin = str(folder.resolve())
    files = _regular_files(folder)
    made = drafts.store(home, files, journal=journal, origin=origin, limits=limits, progress=progress)
    if not made.manifest.files:
        raise EmptyDeposit(folder=str(folder))
    return made


def store_listed(home: Home, listed: Sequence[str], sources: Iterable[Source], *, journal: Path) -> Stored:
    """Store files of the given paths, under the same rules as a folder's.

    Raises EmptyDeposit, UnsafePath, NameTwins, DiskFull.
    """
    paths = set(map(nfc, listed))
    for path in paths:
        parts = path.split("/")
        if not is_plain(path) or any("/".join(parts[:depth]) in paths for depth in range(1, len(parts))):
            raise UnsafePath(file=path)  # or it is below a file
    if not listed:
        raise EmptyDeposit(folder="-")
    return drafts.store(home, sources, journal=journal, origin="uploads")


def store_references(home: Home, files: Iterable[File]) -> Stored:
    """A holding with nothing but a manifest: the bytes of its files are in other versions' holdings."""
    return drafts.store(home, (), manifest=Manifest.of(files))


def is_plain(path: str) -> bool:
    """Whether a path could have come from a walk through a folder."""
    parts = path.split("/")
    if len(parts) > _DEEPEST or "\0" in path:
        return False
    try:
        sizes = [len(part.encode("utf-8")) for part in parts]
    except UnicodeEncodeError:
        return False
    return all(part not in (".", "..") and 0 < size <= 255 for part, size in zip(parts, sizes, strict=True))


def _regular_files(folder: Path) -> Iterator[Source]:
    """Each file, open until the next one is asked for, in a fixed order."""
    for root, folders, names, root_descriptor in os.fwalk(folder, follow_symlinks=False, onerror=_refuse):
        folders.sort()
        if root.count("/") - str(folder).count("/") > _DEEPEST:
            raise UnsafeFile(file=f"{root[-80:]}/")
        base = Path(root).relative_to(folder).as_posix()
        prefix = "" if base == "." else f"{base}/"
        for name in folders:
            _require_text(prefix + name)
            if Path(root, name).is_symlink():
                raise UnsafeFile(file=prefix + name)
        for name in sorted(names):
            path = prefix + name
            file, now = _open_regular(path, name, root_descriptor)
            try:
                # With the time of its last change of any kind: a program may set that of the last writing.
                signature = (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
                yield Source(path, now.st_size, signature, file)
            finally:
                os.close(file)


def _refuse(error: OSError) -> None:
    """A folder that cannot be read must not be left out in silence."""
    raise UnsafeFile(file=str(error.filename)) from error


def _require_text(path: str) -> None:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NameNoText(file=path.encode("utf-8", "replace").decode()) from error


def _open_regular(shown: str, name: str, folder: int) -> tuple[int, os.stat_result]:
    _require_text(shown)
    try:
        # O_NONBLOCK: opening a planted FIFO must not hang.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        raise UnsafeFile(file=shown) from error
    now = os.fstat(descriptor)
    if not stat.S_ISREG(now.st_mode):
        os.close(descriptor)
        raise UnsafeFile(file=shown)
    return descriptor, now
