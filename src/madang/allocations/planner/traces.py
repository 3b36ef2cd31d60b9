"""Traces of jobs that other machines ran: the Standard Workload Format, and GPU tasks of a cluster.

A job is (submit, GPUs or processors, seconds, limit). What a trace does not say is -1 there; such jobs are
left out and counted, never guessed.

SWF: 18 fields a job, -1 unknown; ours are 2 submit, 4 run time, 5 allocated and 8 requested processors,
9 requested time. D. G. Feitelson, "Standard Workload Format", https://www.cs.huji.ac.il/labs/parallel/workload/swf.html.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from madang.allocations.errors import TraceUnreadable
from madang.kernel.errors import ExtraMissing, FileMissing

Array = Any
_FIELDS = (
    "job", "submit", "wait", "run_time", "processors", "cpu_time", "memory", "processors_asked", "time_asked",
    "memory_asked", "status", "user", "group", "executable", "queue", "partition", "preceding", "think_time",
)  # fmt: skip
MOST_SECONDS, MOST_SIZE = 10 * 365 * 86400, 10_000_000
"""Ten years; more processors than any machine has. What is beyond is a mistake of the trace."""
_TOLD = ("no-submit-time", "no-run-time", "no-size", "took-no-time")
SUBMIT, SECONDS, ALLOCATED, ASKED, LIMIT = 1, 3, 4, 7, 8


@dataclass(frozen=True)
class Trace:
    """Jobs by submission. submit, seconds, limit: seconds; need: processors or GPUs.

    name: of the file. unit: what `need` counts. left_out: why -> how many jobs of the file are not here.
    """

    name: str
    unit: str
    submit: Array
    need: Array
    seconds: Array
    limit: Array
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.submit)


def read(path: Path) -> Trace:
    """A trace from a file: .swf, .swf.gz, or .parquet with SWF's columns or a GPU cluster's tasks.

    Raises FileMissing, TraceUnreadable, ExtraMissing.
    """
    if not path.is_file():
        raise FileMissing(file=str(path))
    if path.suffix == ".parquet":
        columns = _parquet(path)
        if "gpu_milli" in columns:
            return _tasks(path, columns)
        return _swf(path, _columns_of_swf(path, columns))
    return _swf(path, _lines(path))


def _parquet(path: Path) -> dict[str, Array]:
    try:
        import pyarrow.parquet as parquet
    except ModuleNotFoundError as error:
        raise ExtraMissing(module=error.name, extra="planner") from error
    try:
        table = parquet.read_table(path)
    except Exception as error:
        raise TraceUnreadable(file=str(path), reason=str(error).split("\n")[0]) from error
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def _columns_of_swf(path: Path, columns: Mapping[str, Array]) -> Array:
    import numpy as np

    if len(columns) != len(_FIELDS):
        raise TraceUnreadable(file=str(path), reason=f"It has {len(columns)} columns; SWF has 18.")
    try:
        found = [np.nan_to_num(np.asarray(one, float), nan=-1) for one in list(columns.values())[:18]]
    except (TypeError, ValueError) as error:
        raise TraceUnreadable(file=str(path), reason=f"A column of SWF is no number: {error}.") from error
    return np.column_stack(found)


def _lines(path: Path) -> Array:
    import numpy as np

    opened = gzip.open if path.suffix == ".gz" else open
    rows = []
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                words = line.split()
                if not words or words[0].startswith(";"):
                    continue
                if len(words) < len(_FIELDS):
                    reason = f"Line {number} has {len(words)} fields; SWF has 18."
                    raise TraceUnreadable(file=str(path), reason=reason)
                rows.append([float(word) for word in words[:18]])
    except (OSError, EOFError, UnicodeDecodeError, ValueError) as error:
        raise TraceUnreadable(file=str(path), reason=str(error)) from error
    return np.array(rows, float).reshape(-1, 18)


def _swf(path: Path, table: Array) -> Trace:
    """Jobs of SWF. Processors: the requested, else the allocated; limit: the requested or the run time."""
    import numpy as np

    asked, allocated = table[:, ASKED], table[:, ALLOCATED]
    need, seconds, submit = np.where(asked > 0, asked, allocated), table[:, SECONDS], table[:, SUBMIT]
    limit = np.where(table[:, LIMIT] > 0, table[:, LIMIT], seconds)
    why = {
        "no-submit-time": ~(submit >= 0),
        "no-run-time": ~(seconds >= 0),
        "no-size": ~(need > 0),
        "took-no-time": seconds == 0,
    }
    return _trace(path, "processors", submit, need, seconds, limit, why)


def _tasks(path: Path, columns: Mapping[str, Array]) -> Trace:
    """GPU tasks: gpu_milli thousandths of one GPU, or num_gpu whole ones; from scheduling to deletion."""
    import numpy as np

    needed = ("creation_time", "deletion_time", "scheduled_time", "num_gpu", "gpu_milli")
    missing = [name for name in needed if name not in columns]
    if missing:
        raise TraceUnreadable(file=str(path), reason=f"It has no column {missing[0]}.")
    try:
        submit, end, begin, whole, milli = (np.asarray(columns[name], float) for name in needed)
    except (TypeError, ValueError) as error:
        raise TraceUnreadable(file=str(path), reason=str(error)) from error
    # Part of a GPU takes one here: the planner places whole GPUs, and says so.
    need = np.where(whole > 0, whole, np.ceil(milli / 1000))
    seconds = end - begin
    why = {
        "no-submit-time": ~(submit >= 0),
        "no-run-time": ~np.isfinite(seconds) | (seconds < 0),
        "no-size": ~(need > 0),
        "took-no-time": seconds == 0,
    }
    return _trace(path, "GPUs", submit, need, seconds, seconds, why)


def _trace(
    path: Path, unit: str, submit: Array, need: Array, seconds: Array, limit: Array, why: Mapping[str, Array]
) -> Trace:
    import numpy as np

    with np.errstate(invalid="ignore"):
        submit, need, seconds, limit = (
            np.rint(np.asarray(one, float)) for one in (submit, need, seconds, limit)
        )
        possible = (submit < MOST_SECONDS) & (seconds <= MOST_SECONDS) & (need <= MOST_SIZE)
        why = {**why, "too-small": (need < 1) | (seconds < 1), "beyond-measure": ~possible}
    keep = np.ones(len(submit), bool)
    left_out = {}
    for reason, found in why.items():
        left_out[reason] = int((keep & found).sum())
        keep &= ~found
    left_out = {reason: count for reason, count in left_out.items() if count or reason in _TOLD}
    if not keep.any():
        raise TraceUnreadable(file=str(path), reason="No job in it has a submit time, a run time and a size.")
    limit = np.where(np.isfinite(limit), np.minimum(limit, MOST_SECONDS), MOST_SECONDS)
    order = np.argsort(submit[keep], kind="stable")
    columns = [np.rint(column[keep][order]).astype(np.int64) for column in (submit, need, seconds, limit)]
    first = columns[0][0]
    return Trace(
        path.name,
        unit,
        columns[0] - first,
        columns[1],
        columns[2],
        np.maximum(columns[3], columns[2]),
        left_out,
    )
