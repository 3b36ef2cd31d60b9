"""LeRobot files and the contributor checks, on recordings and on files broken in known ways."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from madang.packs.physical import contamination, lerobot
from madang.packs.physical.checks import CHECKER, examine
from madang.packs.physical.episodes import Episode
from madang.packs.physical.policy import TASKS
from madang.packs.physical.simulation import TASKS as SIMULATED
from madang.packs.physical.simulation import Simulation, demonstrate, expert, record

SOME = ("push-v3", "door-open-v3", "drawer-open-v3", "peg-insert-side-v3", "window-close-v3", "pick-place-v3")


@pytest.fixture(scope="module")
def recorded() -> dict[str, list[Episode]]:
    return {task: record(task, 5, 70_000) for task in SOME}


def verdict(
    recorded: dict[str, list[Episode]], folder: Path, task: str, episodes: list[Episode]
) -> list[str]:
    """Names of blocking findings of `episodes` beside the other tasks' clean recordings."""
    others = {}
    for other in recorded:
        if other != task:
            lerobot.write(folder / other, recorded[other])
            others[other] = [examine(folder / other)["profile"]]
    lerobot.write(folder / "mine", episodes)
    result = examine(folder / "mine")
    found = [row[0] for row in result["findings"] if row[1] == "block"]
    if not found:
        compared = CHECKER.compare(result["profile"], others)
        assert compared is not None
        found = [finding.check for finding in compared if finding.severity == "block"]
    return found


def test_the_packs_tasks_are_the_simulators() -> None:
    assert TASKS == SIMULATED


def test_a_seed_fixes_a_demonstration_whatever_came_before() -> None:
    one, two = Simulation("push-v3"), Simulation("push-v3")
    policy = expert("push-v3")
    first = demonstrate(one, policy, 5)
    demonstrate(two, policy, 9)
    again = demonstrate(two, policy, 5)
    other = demonstrate(two, policy, 6)
    assert first is not None
    assert again is not None
    assert other is not None
    assert np.array_equal(first.state, again.state)
    assert np.array_equal(first.action, again.action)
    assert not np.array_equal(first.state[0], other.state[0])


def test_what_is_written_is_read_back(recorded: dict[str, list[Episode]], tmp_path: Path) -> None:
    lerobot.write(tmp_path, recorded["push-v3"])
    read = lerobot.read(tmp_path)
    for one, two in zip(recorded["push-v3"], read, strict=True):
        assert one.task == two.task
        assert np.array_equal(one.state, two.state)
        assert np.array_equal(one.action, two.action)
    info = lerobot.read_info(tmp_path)
    assert info["codebase_version"] == "v3.0"
    assert info["total_frames"] == sum(e.frames for e in read)
    table = pq.read_table(tmp_path / "data/chunk-000/file-000.parquet")
    stamps = table["timestamp"].to_numpy()
    assert stamps[1] == np.float32(1 / info["fps"])
    episodes = pq.read_table(tmp_path / "meta/episodes/chunk-000/file-000.parquet").to_pydict()
    assert episodes["dataset_to_index"][-1] == len(table)


@pytest.mark.parametrize("task", SOME)
def test_clean_recordings_pass(recorded: dict[str, list[Episode]], tmp_path: Path, task: str) -> None:
    assert verdict(recorded, tmp_path, task, recorded[task]) == []


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_axis_is_named(recorded: dict[str, list[Episode]], tmp_path: Path, axis: int) -> None:
    bad = contamination.mirror(recorded["push-v3"], axis)
    assert verdict(recorded, tmp_path, "push-v3", bad) == ["axis-mirrored"]


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_another_gain_is_named(recorded: dict[str, list[Episode]], tmp_path: Path, factor: float) -> None:
    task = "peg-insert-side-v3"
    changed = [
        Episode(e.task, e.seed, e.state, (e.action * np.array([factor] * 3 + [1])).astype(np.float32))
        for e in recorded[task]
    ]
    assert verdict(recorded, tmp_path, task, changed)[0] in ("gain-differs", "outside-limits")


def test_a_late_log_is_named(recorded: dict[str, list[Episode]], tmp_path: Path) -> None:
    bad = contamination.lag(recorded["push-v3"], 4)
    assert set(verdict(recorded, tmp_path, "push-v3", bad)) & {"lag-differs", "axis-unrelated"}


def test_a_frozen_sensor_is_named(recorded: dict[str, list[Episode]], tmp_path: Path) -> None:
    bad = contamination.freeze(recorded["push-v3"])
    assert verdict(recorded, tmp_path, "push-v3", bad) == ["state-frozen"]


@pytest.mark.parametrize("peer", ["units", "gain", "mirrored"])
def test_one_bad_peer_does_not_spoil_the_others_verdict(
    recorded: dict[str, list[Episode]], tmp_path: Path, peer: str
) -> None:
    spoil = {
        "units": lambda e: contamination.rescale(e, 1000.0),
        "gain": lambda e: contamination.gain(e, 0.1),
        "mirrored": lambda e: contamination.mirror(e, 0),
    }[peer]
    for bad in SOME[1:]:
        beside = {**recorded, bad: spoil(recorded[bad])}
        assert verdict(beside, tmp_path / bad, SOME[0], recorded[SOME[0]]) == []


def test_too_few_contributors_wait(recorded: dict[str, list[Episode]], tmp_path: Path) -> None:
    lerobot.write(tmp_path, recorded["push-v3"])
    profile = examine(tmp_path)["profile"]
    assert CHECKER.compare(profile, {"a": [profile], "b": [profile]}) is None


def broken(folder: Path, change: str) -> None:
    """Break a written data set in one way."""
    info = folder / "meta/info.json"
    data = folder / "data/chunk-000/file-000.parquet"
    content = json.loads(info.read_text())
    table = pq.read_table(data)
    if change == "no-info":
        info.unlink()
    elif change == "json":
        info.write_text("{")
    elif change == "version":
        info.write_text(json.dumps({**content, "codebase_version": "v9"}))
    elif change == "units":
        del content["features"]["action"]["info"]["units"]
        info.write_text(json.dumps(content))
    elif change == "missing-frames":
        pq.write_table(table.slice(0, len(table) - 7), data)
    elif change == "truncated":
        data.write_bytes(data.read_bytes()[:500])
    elif change == "no-data":
        data.unlink()
    elif change == "nan":
        values = table["action"].combine_chunks().flatten().to_numpy().copy()
        values[10] = np.nan
        _replace(data, table, "action", values.reshape(-1, 4))
    elif change == "time":
        stamps = table["timestamp"].to_numpy().copy()
        stamps[3] = stamps[1]
        index = table.column_names.index("timestamp")
        import pyarrow as pa

        pq.write_table(table.set_column(index, "timestamp", pa.array(stamps)), data)
    elif change == "limits":
        values = table["action"].combine_chunks().flatten().to_numpy().copy() * 2
        _replace(data, table, "action", values.reshape(-1, 4))
    elif change == "column":
        pq.write_table(table.drop_columns(["action"]), data)


def _replace(file: Path, table: object, name: str, values: np.ndarray) -> None:
    import pyarrow as pa

    assert isinstance(table, pa.Table)
    flat = pa.array(values.astype(np.float32).ravel())
    column = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    pq.write_table(table.set_column(table.column_names.index(name), name, column), file)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("no-info", "format-broken"),
        ("json", "format-broken"),
        ("version", "format-broken"),
        ("truncated", "format-broken"),
        ("no-data", "format-broken"),
        ("column", "format-broken"),
        ("units", "units-undeclared"),
        ("missing-frames", "incomplete"),
        ("nan", "not-finite"),
        ("time", "time-back"),
        ("limits", "outside-limits"),
    ],
)
def test_broken_files_are_named(
    recorded: dict[str, list[Episode]], tmp_path: Path, change: str, check: str
) -> None:
    lerobot.write(tmp_path, recorded["push-v3"])
    broken(tmp_path, change)
    result = examine(tmp_path)
    assert check in [row[0] for row in result["findings"] if row[1] == "block"]
    json.dumps(result, allow_nan=False)


SHARED = Path(__file__).parents[4] / "shared/data/physical/unitree_g1_pick_bottle"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
def test_a_real_robots_older_partial_data_set_is_refused_with_a_reason() -> None:
    result = examine(SHARED)
    assert result["findings"][0][0] == "format-broken"
    assert "v2.1" in result["findings"][0][3]["reason"]
