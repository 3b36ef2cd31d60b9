"""The planner beside a real Slurm: the same small workload, first in first out and with backfill.

    python bench/planner_slurm.py [--jobs 40] [--seed 1]

Slurm is brought up on loopback as in the tests (Debian's packages, as root): four nodes of eight GPUs. Jobs
sleep for whole seconds. Slurm's time limits are whole minutes, so each job's limit is the next minute, for
both. Told are the differences of start times, counted from the first start.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.engines.slurm.cluster import GPUS_PER_NODE, KIND, NODES, Cluster

from madang.allocations.planner.simulation import Change, Leaf, Rules, Workload, simulate

SIZES, CHANCE = (1, 2, 4, 8, 16, 32), (0.3, 0.25, 0.15, 0.15, 0.1, 0.05)


def draw(jobs: int, seed: int) -> Workload:
    """Jobs that all arrive at once, in the order of their numbers."""
    random = np.random.default_rng(seed)
    need = random.choice(SIZES, jobs, p=CHANCE).astype(np.int32)
    seconds = random.integers(5, 41, jobs).astype(np.int64)
    limit = 60 * (seconds // 60 + 1)
    return Workload(np.zeros(jobs, np.int64), need, seconds, limit, np.zeros(jobs, np.int32))


def planned(work: Workload, depth: int) -> np.ndarray:
    """Start times by the planner, on one share that is the whole machine."""
    change = Change(0, NODES, (NODES * GPUS_PER_NODE,), 0)
    rules = Rules(depth=depth, reclaim=False, borrow=False, checkpoint_seconds=0, restart_seconds=0)
    return simulate(work, [Leaf("all", 0)], [change], rules, GPUS_PER_NODE, 0).start


def real(cluster: Cluster, work: Workload) -> np.ndarray:
    """Start times by Slurm: everything is submitted while no node takes work, then all do."""
    cluster.command("scontrol", "update", "PartitionName=gpu", "State=DOWN")
    ids = []
    for need, seconds, limit in zip(work.need, work.seconds, work.limit, strict=True):
        nodes = max(1, int(need) // GPUS_PER_NODE)
        gpus = f"--gpus-per-node={KIND}:{min(int(need), GPUS_PER_NODE)}"
        words = (
            "sbatch",
            "--parsable",
            f"--nodes={nodes}",
            gpus,
            f"--time={limit // 60}",
            "--output=/dev/null",
        )
        ids.append(cluster.command(*words, f"--wrap=sleep {seconds}").strip())
    cluster.command("scontrol", "update", "PartitionName=gpu", "State=UP")
    while cluster.command("squeue", "-h").strip():
        time.sleep(1)
    told = cluster.command("sacct", "-n", "-P", "-X", "-j", ",".join(ids), "--format=JobIDRaw,Start")
    starts = dict(line.split("|") for line in told.splitlines())
    found = np.array([int(starts[job]) for job in ids])
    return found - found.min()


def compare(scheduler: str, depth: int, work: Workload) -> dict[str, object]:
    """One scheduler of Slurm beside the planner's rules that correspond to it."""
    with tempfile.TemporaryDirectory(
        prefix="madang-slurm-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder), scheduler)
        try:
            os.environ.update({**cluster.environment, "SLURM_TIME_FORMAT": "%s"})
            cluster.start()
            theirs = real(cluster, work)
        finally:
            cluster.stop()
    ours = planned(work, depth)
    apart = np.abs(ours - theirs)
    together = np.argsort(np.argsort(ours, kind="stable")), np.argsort(np.argsort(theirs, kind="stable"))
    return {
        "scheduler": scheduler,
        "jobs": len(work),
        "same order": float(np.corrcoef(*together)[0, 1]),
        "last start, planner": int(ours.max()),
        "last start, Slurm": int(theirs.max()),
        "apart, median s": float(np.median(apart)),
        "apart, most s": int(apart.max()),
        "mean wait, planner": float(ours.mean()),
        "mean wait, Slurm": float(theirs.mean()),
    }


def main() -> None:
    """Print both comparisons as JSON lines."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--jobs", type=int, default=40)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    work = draw(given.jobs, given.seed)
    for scheduler, depth in (("sched/builtin", 0), ("sched/backfill", 100)):
        print(json.dumps(compare(scheduler, depth, work)), flush=True)


if __name__ == "__main__":
    main()
