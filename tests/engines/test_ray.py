"""Data-parallel steps on a real Ray cluster of this machine: the same answers, whoever is killed.

Ray's processes listen on every address of their network; here that is one of their own, with nothing but
loopback in it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import records
from tests.interfaces.commands import Done, refused

pytest.importorskip("ray")
if shutil.which("bwrap") is None:
    pytest.skip("bubblewrap is not installed", allow_module_level=True)
if records.POSTGRES:
    pytest.skip("nothing here is kept in records", allow_module_level=True)

ALONE = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", sys.executable]
PLAN = Path(__file__).parents[2] / "examples/korea-2026/plan.toml"


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty jobs of one to eight processors, in the Standard Workload Format."""
    path = tmp_path_factory.mktemp("trace") / "jobs.swf"
    lines = [
        f"{n} {n * 60} 0 {600 + n * 37 % 5000} {1 + n % 8} -1 -1 {1 + n % 8} 9000 -1 1 1 1 1 1 -1 -1 -1"
        for n in range(60)
    ]
    path.write_text("; MaxProcs: 64\n" + "\n".join(lines) + "\n", "utf-8")
    return path


def command(trace: Path, out: Path, steps: str, seeds: int, *more: str) -> list[str]:
    return [
        *ALONE, "-m", "madang.interfaces.cli.main", "compute", "simulate", "--plan", str(PLAN),
        "--trace", str(trace), "--scale", "160", "--jobs", "3000", "--out", str(out), "--steps", steps,
        "--seeds", str(seeds), *more,
    ]  # fmt: skip


def simulate(*words: Any, **environment: str) -> Done:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MADANG_")}
    told = {**clean, "MADANG_TOKEN": "secret", **environment}
    return subprocess.run(command(*words), capture_output=True, text=True, env=told, check=False)


def answer(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def expected(trace: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("here") / "here.json"
    done = simulate(trace, out, "here", 6)
    assert done.returncode == 0, done.stderr
    return answer(out)


def workers(of: int) -> list[int]:
    """Ray's workers below a process of ours that are at work on a step."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_one") and of in ancestors(int(path.parent.name)):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def ancestors(pid: int) -> list[int]:
    found = []
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(pid)
    return found


def test_a_cluster_gives_the_same_answers_in_the_same_order(
    trace: Path, tmp_path: Path, expected: Any
) -> None:
    done = simulate(trace, tmp_path / "ray.json", "ray", 6)
    assert done.returncode == 0, done.stderr
    assert answer(tmp_path / "ray.json") == expected


def test_a_step_whose_worker_is_killed_is_done_again(trace: Path, tmp_path: Path, expected: Any) -> None:
    asked = command(trace, tmp_path / "ray.json", "ray", 6)
    running = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    overdue = time.monotonic() + 60
    while not (found := workers(running.pid)):
        assert running.poll() is None
        assert time.monotonic() < overdue
        time.sleep(0.02)
    os.kill(found[0], signal.SIGKILL)
    assert running.wait(timeout=120) == 0
    assert answer(tmp_path / "ray.json") == expected


def test_what_cannot_be_simulated_is_told_as_it_is_here(trace: Path, tmp_path: Path) -> None:
    policy = tmp_path / "wide.toml"
    policy.write_text('[policy]\nname = "wide"\nnode_gpus = 512\n')
    out = tmp_path / "out.json"
    told = [simulate(trace, out, steps, 2, "--policy", str(policy)) for steps in ("here", "ray")]
    refused(told[0])
    refused(told[1])
    assert told[0].stderr == told[1].stderr
    assert not out.exists()


def test_a_cluster_that_is_not_there_is_told(trace: Path, tmp_path: Path) -> None:
    address = {"MADANG_RAY_ADDRESS": "127.0.0.1:1"}
    done = simulate(trace, tmp_path / "out.json", "ray", 2, **address)
    refused(done, "127.0.0.1:1", "--steps ray", code=3)
