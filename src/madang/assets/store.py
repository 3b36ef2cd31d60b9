"""The content-store port, and manifests: the sorted list of (path, size, digest) of a version."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from madang.kernel import extension
from madang.kernel.canonical import canonical_bytes
from madang.kernel.home import Home


@dataclass(frozen=True)
class Blob:
    """Stored bytes: BLAKE3 digest (64 hex digits) and size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class File:
    """A file of a version. `path` is NFC with "/"; `original` is set where the depositor's differed."""

    path: str
    size: int
    digest: str
    original: str | None = None


class ContentStore(Protocol):
    """Where bytes are kept by digest. Nothing is acknowledged before it is durable."""

    def put(self, source: BinaryIO, limit: int | None = None) -> Blob:
        """Store a stream; raises DiskFull, or TooLarge beyond `limit` bytes."""
        ...

    def read(self, digest: str) -> bytes:
        """The bytes, checked against their digest; ContentMissing where they are gone or differ."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """The bytes as a stream that can seek; ContentMissing where they are gone."""
        ...

    def place(self, digest: str, target: Path, *, link: bool) -> None:
        """Make the bytes a file at `target`; a hard link where `link` and possible."""
        ...

    def intact(self, digest: str) -> bool:
        """Whether the stored bytes still have this digest."""
        ...


def open_store(home: Home) -> ContentStore:
    """The store of a home."""
    store: ContentStore = extension.engine("content", home.values.content_engine)(home)
    return store


@dataclass(frozen=True)
class Manifest:
    """Files by path."""

    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)

    def to_bytes(self) -> bytes:
        """Canonical bytes: equal manifests have equal digests."""
        rows = [[f.path, f.size, f.digest, *([f.original] if f.original else [])] for f in self.files]
        return canonical_bytes({"format": "madang-manifest/1", "files": rows})

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """The manifest that :meth:`to_bytes` wrote."""
        return cls(tuple(File(*row) for row in json.loads(data)["files"]))

    @classmethod
    def of(cls, files: Iterable[File]) -> Manifest:
        """Sorted by path."""
        return cls(tuple(sorted(files, key=lambda file: file.path)))

    def below(self, prefix: str) -> list[File]:
        """The same files under a folder."""
        return [File(f"{prefix}/{f.path}", f.size, f.digest, f.original) for f in self.files]


def place_all(store: ContentStore, manifest: Manifest, folder: Path, *, link: bool) -> None:
    """Lay a version's files out in a folder."""
    for file in manifest.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        store.place(file.digest, target, link=link)
