"""The content engine ``file``: each object is a file on a local disk, below ``HOME/content``.

A file gets its final name only after its bytes are on disk, so a name always means a whole object.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from madang.assets.errors import ContentMissing
from madang.kernel.extension import Engine
from madang.kernel.home import full_disk_told, sync_folder
from madang.kernel.settings import Values

ENGINE = Engine("file", "content", "madang.engines.file:Files")

_STALE_SECONDS = 24 * 3600


class Files:
    """See the module's docstring."""

    def __init__(self, home: Path, values: Values) -> None:
        self._root = home / "content"
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

    def put(self, name: str, pieces: Sequence[bytes]) -> None:
        """Write, sync, rename, sync the folder."""
        temporary = self._incoming / f"{os.getpid()}-{secrets.token_hex(12)}"
        target = self._root / name
        try:
            with full_disk_told(self._root):
                with temporary.open("xb", buffering=0) as file:
                    for piece in pieces:
                        view = memoryview(piece)
                        while view:
                            view = view[file.write(view) :]
                    os.fchmod(file.fileno(), 0o400)
                    os.fsync(file.fileno())
                self._make_folder(target.parent)
                temporary.replace(target)
                sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, each durable in the one above."""
        if not folder.exists():
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
        if folder != self._root:
            # Also where another writer made it a moment ago: its name may not be durable yet.
            sync_folder(folder.parent)

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Read a part."""
        try:
            with (self._root / name).open("rb", buffering=0) as file:
                file.seek(start)
                return file.read(-1 if length is None else length) or b""
        except FileNotFoundError as error:
            raise ContentMissing(digest=name) from error

    def delete(self, name: str) -> None:
        """Remove the file, and the folder that it leaves empty."""
        path = self._root / name
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()

    def names(self, prefix: str) -> Iterator[str]:
        """Files below a folder."""
        for path in sorted((self._root / prefix).rglob("*")):
            if path.is_file():
                yield path.relative_to(self._root).as_posix()
