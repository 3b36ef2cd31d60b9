"""The content engine ``file``: content-addressed files on a local disk.

``content/<2 hex>/<62 hex>`` holds the bytes whose BLAKE3 digest the path spells. A file gets its
final name only after its bytes are on disk, so a name always means whole content.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import BinaryIO

import blake3

from madang.assets.errors import ContentMissing, TooLarge
from madang.assets.store import Blob
from madang.kernel.extension import Engine
from madang.kernel.home import Home, full_disk_told, sync_folder

ENGINE = Engine("file", "content", "madang.engines.file:FileStore")

_CHUNK = 1 << 20
_STALE_SECONDS = 24 * 3600


class FileStore:
    """See the module's docstring."""

    def __init__(self, home: Home) -> None:
        self._root = home.path / "content"
        self._incoming = self._root / "incoming"
        self._incoming.mkdir(exist_ok=True)
        self._sweep()

    def _sweep(self) -> None:
        """Remove unfinished files whose writer is gone, and any that are a day old."""
        oldest = time.time() - _STALE_SECONDS
        for path in self._incoming.iterdir():
            writer = path.name.partition("-")[0]
            try:
                gone = writer.isdecimal() and not Path("/proc", writer).exists()
                if gone or path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:
                continue  # another process swept it first

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:]

    def put(self, source: BinaryIO, limit: int | None = None) -> Blob:
        """Store a stream; the bytes are durable when this returns."""
        temporary = self._incoming / f"{os.getpid()}-{secrets.token_hex(12)}"
        try:
            with full_disk_told(self._root):
                digest, size = self._write(source, temporary, limit)
                target = self._path(digest)
                target.parent.mkdir(exist_ok=True)
                sync_folder(self._root)
                if not target.exists() or target.stat().st_size != size:
                    temporary.replace(target)
                # Also where another writer made the name a moment ago: its rename may not be durable yet.
                sync_folder(target.parent)
                return Blob(digest, size)
        finally:
            temporary.unlink(missing_ok=True)

    def _write(self, source: BinaryIO, temporary: Path, limit: int | None) -> tuple[str, int]:
        hasher = blake3.blake3()
        size = 0
        with temporary.open("xb", buffering=0) as file:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if limit is not None and size > limit:
                    raise TooLarge(what="content", limit=f"{limit} bytes")
                hasher.update(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[file.write(view) :]
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
        return hasher.hexdigest(), size

    def read(self, digest: str) -> bytes:
        """The bytes, checked."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise ContentMissing(digest=digest) from error
        if blake3.blake3(data).hexdigest() != digest:
            raise ContentMissing(digest=digest)
        return data

    def open(self, digest: str) -> BinaryIO:
        """The stored file; whoever reads it to its end compares the digest."""
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise ContentMissing(digest=digest) from error

    def place(self, digest: str, target: Path, *, link: bool) -> None:
        """A hard link, or a copy where the job's isolation cannot keep it from writing."""
        source = self._path(digest)
        try:
            with full_disk_told(target.parent):
                if not (link and self._linked(source, target)):
                    shutil.copyfile(source, target)
        except FileNotFoundError as error:
            raise ContentMissing(digest=digest) from error

    def _linked(self, source: Path, target: Path) -> bool:
        """Whether `target` could be made a hard link."""
        try:
            target.hardlink_to(source)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
                raise
            return False
        return True

    def intact(self, digest: str) -> bool:
        """Hash the stored file anew."""
        hasher = blake3.blake3()
        try:
            with self._path(digest).open("rb") as file:
                while chunk := file.read(_CHUNK):
                    hasher.update(chunk)
        except FileNotFoundError:
            return False
        return hasher.hexdigest() == digest
