"""Locks on files: between processes, and let go by whatever way their holder ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_LOOKING = 0.05
"""Seconds between two looks at whether one of several locks was let go."""


@contextmanager
def alone(path: Path) -> Iterator[int]:
    """Hold a lock, once whoever has it lets it go; gives its descriptor, for children that hold it too."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


@contextmanager
def one_of(paths: Sequence[Path], seconds: float) -> Iterator[Path | None]:
    """Hold one of several locks, the first that is let go within so many seconds; None where none was."""
    end = time.monotonic() + seconds
    while (held := next(filter(None, map(_taken, paths)), None)) is None and time.monotonic() <= end:
        time.sleep(_LOOKING)
    if held is None:
        yield None
        return
    with held:
        yield Path(held.name)


def _taken(path: Path) -> IO[str] | None:
    """The lock's open file where nobody else holds it."""
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def is_held(path: Path) -> bool:
    """Whether somebody holds a lock alone just now; looking does not keep others from looking."""
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
