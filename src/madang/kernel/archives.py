"""Unpacking tar archives that somebody else made: files and folders below one folder, and nothing else."""

from __future__ import annotations

import errno
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

_LARGEST_READ = 2**18
"""What is asked of an archive at once: more than the headers of any honest one, and its files' pieces."""
_PIECE = 2**16
_XZ_MEMORY = 128 * 2**20
LONGEST_NAME, DEEPEST, LONGEST_PATH = 255, 64, 3000


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


class Reading(Protocol):
    """What is read of a stream here."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, place: int, /) -> Any: ...
    def tell(self) -> int: ...


class Forward:
    """A stream of pieces that is read forwards."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held, self._place = pieces, b"", 0

    def tell(self) -> int:
        """How much was read."""
        return self._place

    def seek(self, place: int) -> int:
        """Read on to a place; EOFError where the stream ends before it."""
        while self._place < place and self.read(min(place - self._place, _PIECE)):
            pass
        if self._place != place:
            raise EOFError("it ends too early")
        return place

    def read(self, size: int) -> bytes:
        """So many bytes, or what is left."""
        data = bytearray()
        while len(data) < size:
            self._held = self._held or next(self._pieces, b"")
            if not self._held:
                break
            taken = self._held[: size - len(data)]
            self._held = self._held[len(taken) :]
            data += taken
        self._place += len(data)
        return bytes(data)


def xz(file: BinaryIO) -> Forward:
    """What an xz stream holds. Its header may ask for gigabytes to work with: LZMAError above 128 MiB."""

    def pieces() -> Iterator[bytes]:
        unpacking = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
        while not unpacking.eof:
            packed = file.read(_PIECE) if unpacking.needs_input else b""
            if unpacking.needs_input and not packed:
                raise EOFError("it ends too early")
            piece = unpacking.decompress(packed, _PIECE)
            if piece:
                yield piece

    return Forward(pieces())


def unpack(stream: Reading, folder: Path, byte_limit: int, file_limit: int) -> None:
    """Unpack an archive's files and folders below `folder`, which is the archive's alone.

    What a header says is not trusted; what is written is counted. Raises ArchiveRefused where it is no
    archive, is cut off, or holds a link, a device, a name that leads out, that is too long or too deep, or
    that is there already; ArchiveTooLarge above the limits; OSError for trouble of this machine. What was
    unpacked until then is the caller's to remove.
    """
    room = _Room(byte_limit, file_limit)
    try:
        with _opened(_Sober(stream)) as archive:
            while (one := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # else it keeps every header
                _unpack_one(archive, one, folder, room)
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise ArchiveRefused(str(error) or type(error).__name__) from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArchiveRefused("two names in it exclude one another") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ArchiveRefused("a name in it is too long here") from error
        raise


class _Room:
    """What may still be written."""

    def __init__(self, byte_limit: int, file_limit: int) -> None:
        self._bytes, self._files = byte_limit, file_limit

    def take_file(self) -> None:
        self._files -= 1
        if self._files < 0:
            raise ArchiveTooLarge("files")

    def take_bytes(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise ArchiveTooLarge("bytes")


def _unpack_one(archive: tarfile.TarFile, one: tarfile.TarInfo, folder: Path, room: _Room) -> None:
    parts = _parts_of(one.name)
    _make_folders(folder, parts if one.isdir() else parts[:-1], room)
    if one.isdir():
        return
    content = archive.extractfile(one) if one.isfile() and not one.issparse() and one.size >= 0 else None
    if content is None or not parts:
        raise ArchiveRefused(f"neither a file nor a folder: {one.name[:200]!r}")
    room.take_file()
    place = folder.joinpath(*parts)
    with place.open("xb") as file:
        while piece := content.read(_PIECE):
            room.take_bytes(len(piece))
            file.write(piece)
    place.chmod(one.mode & 0o777 | 0o600)


def _parts_of(name: str) -> list[str]:
    """The names on a member's path. ValueError where it is not UTF-8."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    longest = max((len(part.encode()) for part in parts), default=0)
    out = name.startswith("/") or ".." in parts or "\0" in name
    if out or longest > LONGEST_NAME or len(parts) > DEEPEST or len(name.encode()) > LONGEST_PATH:
        raise ArchiveRefused(f"a name that no folder here takes: {name[:200]!r}")
    return parts


def _make_folders(folder: Path, parts: list[str], room: _Room) -> None:
    for depth in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:depth])
        if not place.exists():
            room.take_file()
            place.mkdir(mode=0o700)
        elif not place.is_dir():
            raise NotADirectoryError(str(place))


def _opened(stream: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r:")


class _Sober:
    """A stream that gives no more at once than an archive's own headers need: some few bytes may claim, and
    unpack to, a header of many gigabytes."""

    def __init__(self, stream: Reading) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if size > _LARGEST_READ:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._stream.read(size)
