"""Reading a run's log and metrics: from its working folder while it lives, from the store afterwards."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from madang.assets.errors import ContentMissing
from madang.assets.store import open_store
from madang.kernel.home import Home
from madang.runs.model import Run

LOG, METRICS = "log/log.txt", "output/metrics/metrics.jsonl"
_MOST = 4 * 2**20
_POINTS = 2_000
_LARGEST = 1e300


def tail_of(path: Path) -> bytes:
    """The last 4 MiB of a file a job wrote: no link is followed, on the way to it or at its end.

    The job owns its output folder and may have put anything there.
    """
    if path.parent.is_symlink():
        return b""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return b""
        file.seek(max(0, status.st_size - _MOST))
        return file.read(_MOST)


def _content(home: Home, run: Run, kept: str | None, working: str) -> bytes:
    if kept is not None:
        try:
            return open_store(home).read(kept)
        except ContentMissing:
            return b""
    return tail_of(home.runs_path / run.run_id / working)


def log_of(home: Home, run: Run) -> bytes:
    """What the job has printed so far (the last 4 MiB)."""
    return _content(home, run, run.log, LOG)


def metrics_of(home: Home, run: Run) -> list[dict[str, float]]:
    """The latest 2,000 rows of numbers that the job has reported; what is not a finite number is left out."""
    rows = []
    for line in _content(home, run, run.metrics, METRICS).splitlines()[-_POINTS:]:
        try:
            row = json.loads(line[:4096])
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append({str(key): float(value) for key, value in row.items() if _drawable(value)})
    return rows


def _drawable(value: Any) -> bool:
    return isinstance(value, int | float) and -_LARGEST < value < _LARGEST
