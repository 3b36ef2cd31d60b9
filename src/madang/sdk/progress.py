"""What transfers have in common: parts, how far they are, and where they keep what."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock

Progress = Callable[[int, int], None] | None
"""Called with (bytes done, bytes in all)."""

PART_BYTES = 8 * 2**20
SMALL_BYTES = 2**20
"""Files up to this size are sent in bundles, and taken so."""

AT_A_TIME = 4


class Stopped(Exception):
    """What several do was stopped; whoever stopped it says why."""


class Told:
    """Progress of what several do at a time, and whether they are to stop."""

    def __init__(self, progress: Progress, size: int) -> None:
        self._progress, self._size, self._done = progress, size, 0
        self._alone, self._stopped = Lock(), Event()

    def stop(self) -> None:
        """Let each end at its next part: a thread cannot be ended from outside."""
        self._stopped.set()

    def add(self, count: int) -> None:
        """So many bytes more are done. Raises Stopped."""
        if self._stopped.is_set():
            raise Stopped
        with self._alone:
            self._done += count
            if self._progress:
                self._progress(self._done, self._size)


def cache() -> Path:
    """The user's cache of this client."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "madang"
