"""LeRobot data sets, format v3.0, for state data: written and read with pyarrow alone.

Layout (as the LeRobot project documents it for codebase version v3.0)::

    meta/info.json                              features, fps, totals, path templates
    meta/tasks.parquet                          task_index, task (as the index column)
    meta/episodes/chunk-000/file-000.parquet    one row an episode: length, tasks, where its frames are
    meta/stats.json                             per feature: min, max, mean, std, count
    data/chunk-000/file-000.parquet             one row a frame

LeRobot has no place for units; they stand in each feature's ``info`` as ``units`` and ``limits``.
Timestamps are frame_index / fps, never a running sum.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from madang.packs.physical.episodes import (
    ACTION_LIMITS,
    ACTION_NAMES,
    ACTION_UNITS,
    RATE_HZ,
    STATE_NAMES,
    STATE_UNITS,
    Episode,
)

VERSION = "v3.0"
INFO = "meta/info.json"
_DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_MOST_FRAMES = 20_000_000


class BrokenDataset(Exception):
    """The files are not a data set that can be read; the text says why."""


def recognizes(paths: Collection[str]) -> bool:
    """Whether files of these names look like a LeRobot data set (or several, in folders)."""
    return any(path == INFO or path.endswith("/" + INFO) for path in paths)


def datasets_below(folder: Path) -> list[Path]:
    """Folders of the data sets at or below `folder` (a pool holds one for each owner)."""
    return sorted(path.parent.parent for path in folder.rglob(INFO))


def write(folder: Path, episodes: Sequence[Episode], robot: str = "sawyer") -> None:
    """Write episodes as one data set into a new or empty folder."""
    tasks = sorted({episode.task for episode in episodes})
    frames = [_frames(episode, index, tasks) for index, episode in enumerate(episodes)]
    table = pa.concat_tables(frames)
    starts = np.cumsum([0, *(episode.frames for episode in episodes)])
    table = table.append_column("index", pa.array(np.arange(len(table)), pa.int64()))
    _write_table(folder / _DATA.format(chunk_index=0, file_index=0), table)
    _write_table(
        folder / _EPISODES.format(chunk_index=0, file_index=0), _episode_table(episodes, starts.tolist())
    )
    _write_table(
        folder / "meta/tasks.parquet",
        pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": tasks}),
    )
    _write_json(folder / "meta/stats.json", _statistics(episodes))
    _write_json(folder / INFO, _info(episodes, tasks, robot))


def _frames(episode: Episode, index: int, tasks: list[str]) -> pa.Table:
    count = episode.frames
    return pa.table(
        {
            "observation.state": _fixed(episode.state),
            "action": _fixed(episode.action),
            "timestamp": pa.array((np.arange(count) / RATE_HZ).astype(np.float32)),
            "frame_index": pa.array(np.arange(count), pa.int64()),
            "episode_index": pa.array(np.full(count, index), pa.int64()),
            "task_index": pa.array(np.full(count, tasks.index(episode.task)), pa.int64()),
        }
    )


def _fixed(values: NDArray[np.float32]) -> pa.FixedSizeListArray:
    flat = pa.array(np.ascontiguousarray(values, np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _episode_table(episodes: Sequence[Episode], starts: list[int]) -> pa.Table:
    count = len(episodes)
    zeros = pa.array([0] * count, pa.int64())
    return pa.table(
        {
            "episode_index": pa.array(range(count), pa.int64()),
            "tasks": pa.array([[episode.task] for episode in episodes], pa.list_(pa.string())),
            "length": pa.array([episode.frames for episode in episodes], pa.int64()),
            "data/chunk_index": zeros,
            "data/file_index": zeros,
            "dataset_from_index": pa.array(starts[:-1], pa.int64()),
            "dataset_to_index": pa.array(starts[1:], pa.int64()),
            "meta/episodes/chunk_index": zeros,
            "meta/episodes/file_index": zeros,
        }
    )


def _statistics(episodes: Sequence[Episode]) -> dict[str, Any]:
    told = {}
    for name in ("state", "action"):
        values = np.concatenate([getattr(episode, name) for episode in episodes]).astype(np.float64)
        told["action" if name == "action" else "observation.state"] = {
            "min": values.min(0).tolist(),
            "max": values.max(0).tolist(),
            "mean": values.mean(0).tolist(),
            "std": values.std(0).tolist(),
            "count": [len(values)],
        }
    return told


def _info(episodes: Sequence[Episode], tasks: list[str], robot: str) -> dict[str, Any]:
    scalar = {"shape": [1], "names": None}
    features = {
        "observation.state": {
            "dtype": "float32",
            "shape": [len(STATE_NAMES)],
            "names": list(STATE_NAMES),
            "info": {"units": list(STATE_UNITS)},
        },
        "action": {
            "dtype": "float32",
            "shape": [len(ACTION_NAMES)],
            "names": list(ACTION_NAMES),
            "info": {"units": list(ACTION_UNITS), "limits": list(ACTION_LIMITS)},
        },
        "timestamp": {"dtype": "float32", **scalar},
        "frame_index": {"dtype": "int64", **scalar},
        "episode_index": {"dtype": "int64", **scalar},
        "index": {"dtype": "int64", **scalar},
        "task_index": {"dtype": "int64", **scalar},
    }
    return {
        "codebase_version": VERSION,
        "robot_type": robot,
        "total_episodes": len(episodes),
        "total_frames": sum(episode.frames for episode in episodes),
        "total_tasks": len(tasks),
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 500,
        "fps": RATE_HZ,
        "splits": {"train": f"0:{len(episodes)}"},
        "data_path": _DATA,
        "video_path": None,
        "features": features,
    }


def _write_table(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def read_info(folder: Path) -> dict[str, Any]:
    """``meta/info.json``; BrokenDataset where it is absent or not of a version this module reads."""
    try:
        info = json.loads((folder / INFO).read_text("utf-8"))
        version = info["codebase_version"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BrokenDataset(f"{INFO}: {type(error).__name__}") from error
    if version != VERSION:
        raise BrokenDataset(f"{INFO}: codebase_version {version!r}, read is {VERSION}")
    return dict(info)


def read_frames(folder: Path) -> pa.Table:
    """All frames of a data set in order; BrokenDataset where files are missing or malformed."""
    files = sorted((folder / "data").rglob("*.parquet"))
    if not files:
        raise BrokenDataset("data: no parquet file")
    columns = ["observation.state", "action", "timestamp", "frame_index", "episode_index", "task_index"]
    tables = []
    for file in files:
        try:
            if pq.read_metadata(file).num_rows > _MOST_FRAMES:
                raise BrokenDataset(f"{file.name}: more than {_MOST_FRAMES} frames")
            tables.append(pq.read_table(file, columns=columns))
        except (pa.ArrowException, OSError, KeyError) as error:
            raise BrokenDataset(f"{file.relative_to(folder)}: {str(error)[:200]}") from error
    return pa.concat_tables(tables)


def column(table: pa.Table, name: str) -> NDArray[np.float32]:
    """A vector column as (frames, width) float32; nulls become NaN. BrokenDataset where it is ragged."""
    array = table[name].combine_chunks()
    flat = array.flatten().cast(pa.float32()).to_numpy(zero_copy_only=False)
    if array.null_count or len(array) == 0 or len(flat) % len(array):
        raise BrokenDataset(f"{name}: rows of different lengths")
    return flat.reshape(len(array), -1)  # type: ignore[no-any-return]


def read(folder: Path) -> list[Episode]:
    """The episodes of a data set (their seeds are not kept in the format: -1)."""
    read_info(folder)
    try:
        listed = pq.read_table(folder / "meta/tasks.parquet").to_pydict()
        names = dict(zip(listed["task_index"], listed["task"], strict=True))
        table = read_frames(folder)
        state, action = column(table, "observation.state"), column(table, "action")
        indices, tasks = table["episode_index"].to_numpy(), table["task_index"].to_numpy()
    except (pa.ArrowException, OSError, KeyError, AttributeError) as error:
        raise BrokenDataset(str(error)[:200]) from error
    cuts = np.flatnonzero(np.diff(indices, prepend=indices[0] - 1))
    ends = [*cuts[1:], len(indices)]
    return [
        Episode(str(names[tasks[start]]), -1, state[start:end], action[start:end])
        for start, end in zip(cuts, ends, strict=True)
    ]
