"""Reading a run's log and metrics: from its working folder while it lives, from the store afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from madang.assets.errors import ContentMissing
from madang.assets.store import open_store
from madang.kernel.home import Home
from madang.runs.model import Run

_MOST = 16 * 2**20


def _tail(path: Path) -> bytes:
    """The file's bytes, if it is a regular file: the job owns its folder and may have put a link there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_MOST) if path.is_file() else b""


def _content(home: Home, run: Run, kept: str | None, working: str) -> bytes:
    if kept is not None:
        try:
            return open_store(home).read(kept)
        except ContentMissing:
            return b""
    return _tail(home.runs_path / run.run_id / working)


def log_of(home: Home, run: Run) -> bytes:
    """What the job has printed so far (at most 16 MiB)."""
    return _content(home, run, run.log, "log/log.txt")


def metrics_of(home: Home, run: Run) -> list[dict[str, Any]]:
    """Numbers the job has reported so far, oldest first; a half-written last line is left out."""
    rows = []
    for line in _content(home, run, run.metrics, "output/metrics/metrics.jsonl").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append({str(k): v for k, v in row.items() if isinstance(v, int | float)})
    return rows
