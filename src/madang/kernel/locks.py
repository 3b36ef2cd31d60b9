"""Locks on files: between processes, and let go by whatever way their holder ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

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
    with ExitStack() as held:
        locks = {path: held.enter_context(path.open("a")) for path in paths}
        while (mine := next((path for path in paths if _taken(locks[path].fileno())), None)) is None:
            if time.monotonic() > end:
                break
            time.sleep(_LOOKING)
        yield mine


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
