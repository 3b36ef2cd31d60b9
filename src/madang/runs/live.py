"""Reading a run's log and metrics: from its working folder while it lives, from the store afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from madang.assets.content import blobs
from madang.assets.errors import ContentMissing
from madang.kernel import isolation
from madang.kernel.home import Home
from madang.runs.attempts import name_of
from madang.runs.model import Run

METRICS_FILE = "metrics/metrics.jsonl"
"""In a job's output folder: a line of numbers for each report."""
LOG, METRICS = "log/log.txt", f"output/{METRICS_FILE}"
_MOST = 4 * 2**20
_POINTS = 2_000
_LARGEST = 1e300


def tail_of(path: Path) -> bytes:
    """The last 4 MiB of a file a job wrote."""
    return isolation.tail_of(path, _MOST)


def _content(home: Home, run: Run, kept: str | None, working: str) -> bytes:
    if kept is not None:
        try:
            return blobs.read(home, kept)
        except ContentMissing:
            return b""
    return tail_of(working_folder(home, run) / working)


def working_folder(home: Home, run: Run) -> Path:
    """The folder of a run's latest attempt, while that lives."""
    return home.runs_path / name_of(run.run_id, run.attempt)


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
