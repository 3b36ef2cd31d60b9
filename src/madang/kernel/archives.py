"""Unpacking tar archives that somebody else made: files and folders below one folder, and nothing else."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

_LARGEST_READ, _LONGEST_NAME = 2**20, 255


class ArchiveRefused(Exception):
    """An archive that is not unpacked. `reason` for whoever made it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ArchiveTooLarge(ArchiveRefused):
    """One that holds more "bytes" or "files" (`what`) than there is room for."""

    def __init__(self, what: str) -> None:
        super().__init__(f"too many {what}")
        self.what = what


def unpack(stream: BinaryIO, folder: Path, byte_limit: int, file_limit: int) -> None:
    """Unpack an archive's files and folders below `folder`, which is the archive's alone.

    What a header says is not trusted, but counted. Raises ArchiveRefused where it is no archive, is cut off,
    or holds a link, a device, a name that leads out or one that is there already; ArchiveTooLarge above the
    limits; OSError for trouble of this machine. What was unpacked until then is the caller's to remove.
    """
    try:
        with _opened(_Sober(stream)) as archive:
            held_bytes = held_files = 0
            for one in archive:
                held_files, held_bytes = held_files + 1, held_bytes + (one.size if one.isfile() else 0)
                if held_files > file_limit:
                    raise ArchiveTooLarge("files")
                if held_bytes > byte_limit:
                    raise ArchiveTooLarge("bytes")
                _unpack_one(archive, one, folder)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise ArchiveRefused(str(error) or type(error).__name__) from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArchiveRefused("a name stands in it twice") from error


def _unpack_one(archive: tarfile.TarFile, one: tarfile.TarInfo, folder: Path) -> None:
    parts = [part for part in one.name.split("/") if part not in ("", ".")]
    longest = max((len(part.encode()) for part in parts), default=0)  # ValueError where it is not UTF-8
    if ".." in parts or "\0" in one.name or longest > _LONGEST_NAME:
        raise ArchiveRefused(f"a name that no folder here takes: {one.name[:200]!r}")
    place = folder.joinpath(*parts)
    if one.isdir():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    content = archive.extractfile(one) if one.isfile() else None
    if content is None:
        raise ArchiveRefused(f"neither a file nor a folder: {one.name[:200]!r}")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with place.open("xb") as file:
        shutil.copyfileobj(content, file)
    place.chmod(one.mode & 0o777 | 0o600)


def _opened(stream: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r:")


class _Sober:
    """A stream that gives no more at once than an archive's own headers need: some few bytes may claim, and
    unpack to, a header of many gigabytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if size > _LARGEST_READ:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._stream.read(size)
