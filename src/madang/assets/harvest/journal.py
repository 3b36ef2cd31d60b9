"""What a walk keeps so that it can be taken up again: ``HOME/harvest/<source>/``.

``walk.json`` says which harvest is under way and where it stands; ``seen`` and ``deleted`` hold 16 bytes a
record (a digest of its remote id), appended and made durable before the place is moved on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import blake3
import numpy as np

from madang.kernel.home import write_durably

_WIDTH = 16


@dataclass(frozen=True)
class Place:
    """Where a walk stands. present: how many records were there when it began; read: how many of its own
    could be read; complete: whether nothing that is there may be missing from it; where: of the source."""

    harvest_id: str
    whole: bool
    since: str | None
    next_since: str | None
    token: str | None
    present: int = 0
    read: int = 0
    complete: bool = True
    where: str = ""


def mark(remote_id: str) -> bytes:
    """16 bytes that stand for a remote id."""
    return blake3.blake3(remote_id.encode()).digest(length=_WIDTH)


class Journal:
    """The journal of one source; whoever uses it holds the source's lock."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._walk, self._seen, self._deleted = (folder / name for name in ("walk.json", "seen", "deleted"))
        self._met: set[int] | None = None

    def place(self) -> Place | None:
        """Where the walk under way stands; None where none is."""
        try:
            return Place(**json.loads(self._walk.read_text("utf-8")))
        except FileNotFoundError:
            return None

    def begin(self, place: Place) -> None:
        """Begin a walk anew."""
        self.end()
        self.move(place)

    def move(self, place: Place) -> None:
        """Go on to a place. What was seen before it is durable."""
        write_durably(self._walk, json.dumps(asdict(place)).encode(), 0o600)

    def note(self, seen: Iterable[str], deleted: Iterable[str]) -> None:
        """Note remote ids that are there and such as are told to be gone."""
        seen = list(seen)
        if self._met is not None:
            self._met.update(_number(mark(name)) for name in seen)
        for path, names in ((self._seen, seen), (self._deleted, deleted)):
            marks = b"".join(mark(name) for name in names)
            if not marks:
                continue
            with path.open("ab") as file:
                file.seek(0, os.SEEK_END)
                file.truncate(file.tell() - file.tell() % _WIDTH)  # what a killed process left
                file.write(marks)
                file.flush()
                os.fsync(file.fileno())

    def met(self, remote_id: str) -> bool:
        """Whether a remote id was seen on this walk (a number of 8 bytes for each is in memory)."""
        if self._met is None:
            data = self._seen.read_bytes() if self._seen.exists() else b""
            self._met = set(np.frombuffer(data[: len(data) - len(data) % _WIDTH], dtype=">u8")[::2].tolist())
        return _number(mark(remote_id)) in self._met

    def seen(self) -> Marks:
        """Everything seen on this walk."""
        return Marks(self._seen)

    def deleted(self) -> Marks:
        """Everything that the source told to be gone on this walk."""
        return Marks(self._deleted)

    def end(self) -> None:
        """Forget the walk."""
        self._walk.unlink(missing_ok=True)
        self._seen.unlink(missing_ok=True)
        self._deleted.unlink(missing_ok=True)
        self._met = None


def _number(marked: bytes) -> int:
    return int.from_bytes(marked[:8], "big")


class Marks:
    """A sorted set of marks: 16 bytes a record in memory."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes() if path.exists() else b""
        whole = data[: len(data) - len(data) % _WIDTH]
        # Two halves of 8 bytes as numbers: NumPy's own strings lose zero bytes at their end.
        pairs = np.frombuffer(whole, dtype=">u8").reshape(-1, 2)
        self._marks = np.unique(pairs.astype("<u8").view("<u8,<u8").reshape(-1))

    def __len__(self) -> int:
        return len(self._marks)

    def holds(self, remote_ids: Iterable[str]) -> list[bool]:
        """For each remote id whether it is in the set."""
        data = b"".join(mark(one) for one in remote_ids)
        wanted = np.frombuffer(data, dtype=">u8").reshape(-1, 2).astype("<u8").view("<u8,<u8").reshape(-1)
        if not len(self._marks):
            return [False] * len(wanted)
        places = np.minimum(np.searchsorted(self._marks, wanted), len(self._marks) - 1)
        return [bool(one) for one in self._marks[places] == wanted]
