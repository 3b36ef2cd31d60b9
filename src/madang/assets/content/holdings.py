"""Reading a holding: the sealed stream of bytes in which the files of one version lie.

Objects of a holding, below ``holdings/<id>/``: ``pack-000000``... (the stream, cut), ``index`` (where in the
stream the bytes of each digest begin), ``attached-<digest>`` (what was added later, as what a probe found).
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, cast

import blake3

from madang.assets.content import sealing
from madang.assets.content.port import Objects, open_keys, open_objects
from madang.assets.content.remembering import Remembered
from madang.assets.errors import ContentMissing
from madang.kernel.home import Home

_BUFFER_BYTES = 2**20
_MOST_REMEMBERED = 2_000_000
"""Places of files that are kept in memory, of all holdings together."""


@dataclass(frozen=True)
class Index:
    """size: bytes of the stream; pack: bytes of a pack; places: digest -> (start in the stream, bytes).

    heads: the first bytes of each pack, in hexadecimal.
    """

    size: int
    pack: int
    places: Mapping[str, tuple[int, int]]
    heads: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """As it is kept."""
        told = {
            "format": "madang-holding/1", "size": self.size, "pack": self.pack, "places": self.places,
            "heads": self.heads,
        }  # fmt: skip
        return json.dumps(told, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Index:
        """The index that :meth:`to_bytes` wrote."""
        told = json.loads(data)
        places = {digest: (start, size) for digest, (start, size) in told["places"].items()}
        return cls(told["size"], told["pack"], places, tuple(told["heads"]))


def name_of(holding_id: str, part: str) -> str:
    """The name of an object of a holding."""
    return f"holdings/{holding_id}/{part}"


def pack_name(holding_id: str, number: int) -> str:
    """The name of a pack."""
    return name_of(holding_id, f"pack-{number:06d}")


class Holding:
    """A holding whose key is at hand."""

    def __init__(self, objects: Objects, key: bytes, holding_id: str) -> None:
        self._objects, self._key, self._id = objects, key, holding_id
        self._packs: dict[int, sealing.Opened] = {}

    @cached_property
    def index(self) -> Index:
        """Where everything lies."""
        return _INDICES.get(self._id, self._read_index)

    def _read_index(self) -> Index:
        name = name_of(self._id, "index")
        return Index.from_bytes(sealing.unseal(self._key, name, self._objects.get(name)))

    def open(self, digest: str) -> BinaryIO:
        """The bytes of that digest as a stream that can seek; who reads to the end compares the digest."""
        start, size = self.index.places[digest]
        return cast(BinaryIO, io.BufferedReader(_Stream(self, start, size), _BUFFER_BYTES))

    def read(self, digest: str) -> bytes:
        """The bytes of that digest, checked; ContentMissing where they differ."""
        data = self.read_at(*self.index.places[digest])
        if blake3.blake3(data).hexdigest() != digest:
            raise ContentMissing(digest=digest)
        return data

    def read_at(self, start: int, length: int) -> bytes:
        """So many bytes of the stream, over the bounds of packs."""
        index, pieces = self.index, []
        while length > 0:
            number, within = divmod(start, index.pack)
            piece = self._pack(number).read(within, min(length, index.pack - within))
            if not piece:
                raise ContentMissing(digest=pack_name(self._id, number))
            pieces.append(piece)
            start, length = start + len(piece), length - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pack(self, number: int) -> sealing.Opened:
        if number not in self._packs:
            size = min(self.index.pack, self.index.size - number * self.index.pack)
            name = pack_name(self._id, number)
            if len(self._packs) > 8:
                self._packs.clear()
            head = bytes.fromhex(self.index.heads[number])
            self._packs[number] = sealing.Opened(self._objects, self._key, name, size, head)
        return self._packs[number]

    def attach(self, data: bytes) -> str:
        """Keep bytes beside the stream, under the same key; returns their digest."""
        digest = blake3.blake3(data).hexdigest()
        name = name_of(self._id, f"attached-{digest}")
        self._objects.put(name, sealing.seal(self._key, name, data))
        return digest

    def attached(self, digest: str) -> bytes:
        """What was attached, checked; ContentMissing where it is gone or differs."""
        name = name_of(self._id, f"attached-{digest}")
        data = sealing.unseal(self._key, name, self._objects.get(name))
        if blake3.blake3(data).hexdigest() != digest:
            raise ContentMissing(digest=digest)
        return data


class _Stream(io.RawIOBase):
    """A part of a holding's stream as a file."""

    def __init__(self, holding: Holding, start: int, size: int) -> None:
        self._holding, self._start, self._size, self._at = holding, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._holding.read_at(self._start + self._at, max(0, min(len(view), self._size - self._at)))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


_INDICES: Remembered[Index] = Remembered(lambda index: len(index.places), _MOST_REMEMBERED)


def open_holding(home: Home, holding_id: str) -> Holding | None:
    """A holding, or None where its key was destroyed."""
    key = open_keys(home).get(holding_id)
    if key is None:
        _INDICES.forget(holding_id)
        return None
    return Holding(open_objects(home), key, holding_id)


def forget(holding_id: str) -> None:
    """Its index was written anew."""
    _INDICES.forget(holding_id)


def destroy(home: Home, holding_id: str) -> int:
    """Destroy a holding's key, then take away its objects; returns how many. May be repeated."""
    open_keys(home).destroy(holding_id)
    _INDICES.forget(holding_id)
    objects = open_objects(home)
    found = list(objects.names(name_of(holding_id, "")))
    for name in found:
        objects.delete(name)
    return len(found)
