"""Parcels: folders on their way through an interface that takes some megabytes at a time.

A parcel is a tar archive cut into numbered parts, and ``parcel.json``, written last, with the size and
SHA-256 of each. Parts that come back are base64: some facilities give a file as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from madang.kernel import archives
from madang.kernel.archives import ArchiveRefused
from madang.kernel.home import write_durably

INDEX = "parcel.json"
PART_BYTES = 3 * 2**20
"""Of a part, before base64: below the 5 MiB that the specification has for one file, in either form."""
MOST_PARTS = 200_000


@dataclass(frozen=True)
class Part:
    """A part: its file's name, bytes, and SHA-256 (of the file, as it is sent)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Parcel:
    """What ``parcel.json`` says. text: the parts are base64. facts: what the sender adds."""

    parts: Sequence[Part]
    text: bool
    facts: Mapping[str, Any]


class _Cutter:
    """Takes a stream and writes it as parts."""

    def __init__(self, folder: Path, text: bool) -> None:
        self.parts: list[Part] = []
        self._folder, self._text, self._held = folder, text, bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        while len(self._held) >= PART_BYTES:
            self._cut(bytes(self._held[:PART_BYTES]))
            del self._held[:PART_BYTES]
        return len(data)

    def close(self) -> None:
        if self._held:
            self._cut(bytes(self._held))

    def _cut(self, data: bytes) -> None:
        sent = base64.b64encode(data) if self._text else data
        part = Part(f"{len(self.parts):06d}", len(sent), hashlib.sha256(sent).hexdigest())
        (self._folder / part.name).write_bytes(sent)
        self.parts.append(part)


class _Plain(tarfile.TarFile):
    """Inputs may be one file under several names: each is sent as itself. Links that a job left are packed as
    links, and refused by whoever unpacks them: to follow them would give away what they point to."""

    def gettarinfo(self, *arguments: Any, **more: Any) -> tarfile.TarInfo:
        self.inodes: dict[Any, str] = {}
        return super().gettarinfo(*arguments, **more)


def pack(sources: Mapping[str, Path], folder: Path, *, text: bool, **facts: Any) -> Parcel:
    """Make a parcel in `folder` (which is made) of files and folders by the names they have in it."""
    folder.mkdir(parents=True, exist_ok=True)
    cutter = _Cutter(folder, text)
    stream: Any = cutter
    with _Plain.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, source in sources.items():
            if source.exists():
                archive.add(source, name)
    cutter.close()
    made = Parcel(cutter.parts, text, facts)
    write_durably(folder / INDEX, json.dumps(asdict(made)).encode(), 0o600)
    return made


def read_index(data: bytes) -> Parcel:
    """What a ``parcel.json`` says; ArchiveRefused where it says nothing sensible."""
    try:
        given = json.loads(data)
        parts = [Part(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in given["parts"]]
        facts = dict(given["facts"])
        text = bool(given["text"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArchiveRefused(f"{INDEX} cannot be read: {error}") from error
    names = [f"{number:06d}" for number in range(len(parts))]
    if [part.name for part in parts] != names or len(parts) > MOST_PARTS:
        raise ArchiveRefused(f"{INDEX} names parts that are none")
    return Parcel(parts, text, facts)


def fits(part: Part, data: bytes) -> bool:
    """Whether these are the bytes of a part."""
    return len(data) == part.size and hashlib.sha256(data).hexdigest() == part.sha256


class _Joined:
    """The archive in a parcel's parts, as one stream that is read forwards."""

    def __init__(self, parcel: Parcel, folder: Path) -> None:
        self._parcel, self._folder = parcel, folder
        self._left = list(parcel.parts)
        self._held, self._place = b"", 0

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> int:
        """Forwards only, as tarfile goes."""
        while self._place < place and self.read(min(place - self._place, 2**20)):
            pass
        if self._place != place:
            raise EOFError("the parcel ends before its archive does")
        return place

    def read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size and (self._held or self._left):
            if not self._held:
                self._held = self._next()
            taken = self._held[: size - len(data)]
            self._held = self._held[len(taken) :]
            data += taken
        self._place += len(data)
        return bytes(data)

    def _next(self) -> bytes:
        part = self._left.pop(0)
        data = (self._folder / part.name).read_bytes()
        if not fits(part, data):
            raise ArchiveRefused(f"part {part.name} is not what was sent")
        return base64.b64decode(data, validate=True) if self._parcel.text else data


def unpack(parcel: Parcel, parts: Path, folder: Path, byte_limit: int, file_limit: int) -> None:
    """Unpack a parcel whose parts lie in `parts` below `folder`. Raises ArchiveRefused, ArchiveTooLarge."""
    stream: BinaryIO = _Joined(parcel, parts)  # type: ignore[assignment]
    archives.unpack(stream, folder, byte_limit, file_limit)
