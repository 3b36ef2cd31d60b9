"""Parcels: folders on their way through an interface that takes some megabytes at a time.

A parcel is a tar archive cut into numbered parts, and ``parcel.json``, written last, with the size and
SHA-256 of each. Parts that come back are base64: some facilities give a file as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from madang.kernel import archives
from madang.kernel.archives import ArchiveRefused, Forward
from madang.kernel.home import write_durably

INDEX = "parcel.json"
TAKEN = 75
"""Exit code (EX_TEMPFAIL) of a job of ours whose folder another one has taken."""
PART_BYTES = 3 * 2**20
"""Of a part, before base64: below the 5 MiB that the specification has for one file, in either form."""
MOST_PARTS = 40_000
"""So many that the index, too, is one file of at most 5 MiB: 120 GB in all."""


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


def pack(
    sources: Mapping[str, Path], folder: Path, *, text: bool, facts: Callable[[], Mapping[str, Any]] = dict
) -> Parcel:
    """Make a parcel in `folder` (which is made) of files and folders by the names they have in it. facts:
    asked for at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    cutter = _Cutter(folder, text)
    stream: Any = cutter
    with _Plain.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, source in sources.items():
            if source.exists():
                archive.add(source, name)
    cutter.close()
    made = Parcel(cutter.parts, text, facts())
    write_durably(folder / INDEX, json.dumps(asdict(made)).encode(), 0o600)
    return made


def read_index(data: bytes) -> Parcel:
    """What a ``parcel.json`` says; ArchiveRefused where it says nothing sensible."""
    try:
        given = json.loads(data)
        parts = [Part(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in given["parts"]]
        facts = dict(given["facts"])
        text = bool(given["text"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError, AttributeError) as error:
        raise ArchiveRefused(f"{INDEX} cannot be read: {error}") from error
    names = [f"{number:06d}" for number in range(len(parts))]
    if [part.name for part in parts] != names or len(parts) > MOST_PARTS:
        raise ArchiveRefused(f"{INDEX} names parts that are none")
    return Parcel(parts, text, facts)


def fits(part: Part, data: bytes) -> bool:
    """Whether these are the bytes of a part."""
    return len(data) == part.size and hashlib.sha256(data).hexdigest() == part.sha256


def _pieces(parcel: Parcel, folder: Path) -> Iterator[bytes]:
    """The archive in a parcel's parts, each checked before it is used."""
    for part in parcel.parts:
        data = (folder / part.name).read_bytes()
        if not fits(part, data):
            raise ArchiveRefused(f"part {part.name} is not what was sent")
        yield base64.b64decode(data, validate=True) if parcel.text else data


def unpack(parcel: Parcel, parts: Path, folder: Path, byte_limit: int, file_limit: int) -> None:
    """Unpack a parcel whose parts lie in `parts` below `folder`. Raises ArchiveRefused, ArchiveTooLarge."""
    archives.unpack(Forward(_pieces(parcel, parts)), folder, byte_limit, file_limit)
