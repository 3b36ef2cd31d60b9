"""The planner beside accasim and SimPy: an SWF trace's jobs, first in first out, on single processors.

    python bench/planner.py [TRACE.swf|.parquet] [--accasim PYTHON] [--simpy PYTHON]

Each peer runs in an environment of its own, named by its Python (pip install accasim==1.1.3, simpy==4.1.2);
peers that are not named are left out. Also: a million synthetic jobs on 10,000 GPUs under the full rules.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from madang.allocations.planner import traces
from madang.allocations.planner.simulation import Change, Leaf, Rules, Workload, simulate

PROCESSORS = 240
ROUNDS = 3

ACCASIM = """
import collections, collections.abc, json, logging, sys, time
for name in ("Mapping", "MutableMapping", "Iterable", "Callable", "Sequence", "Hashable"):
    setattr(collections, name, getattr(collections.abc, name))
from accasim.base.allocator_class import FirstFit
from accasim.base.scheduler_class import FirstInFirstOut
from accasim.base.simulator_class import Simulator
nodes = int(sys.argv[1])
json.dump({"groups": {"g": {"core": 1, "mem": 1}}, "resources": {"g": nodes}, "start_time": 0,
           "system_name": "x", "equivalence": {"processor": {"core": 1}}}, open("sys.json", "w"))
quiet = {"statistics_output": False, "show_statistics": False}
simulator = Simulator("jobs.swf", "sys.json", FirstInFirstOut(FirstFit()), **quiet)
logging.disable(logging.CRITICAL)
begun = time.perf_counter()
simulator.start_simulation()
took = time.perf_counter() - begun
starts = {}
for line in open("results/sched-jobs.swf"):
    job, begin = line.split(";", 1)[0], line.rsplit("__", 1)[1].split(";", 1)[0]
    starts[int(job)] = begin
from datetime import datetime
zero = datetime(1970, 1, 1)
told = [int((datetime.fromisoformat(starts[job]) - zero).total_seconds()) for job in sorted(starts)]
print(json.dumps({"seconds": took, "starts": told}))
"""

SIMPY = """
import json, sys, time
import simpy
jobs = [tuple(map(int, line.split())) for line in open("jobs.txt")]
starts = [0] * len(jobs)
def job(world, free, number, submit, need, seconds):
    yield world.timeout(submit)
    yield free.get(need)
    starts[number] = world.now
    yield world.timeout(seconds)
    yield free.put(need)
begun = time.perf_counter()
world = simpy.Environment()
free = simpy.Container(world, int(sys.argv[1]), int(sys.argv[1]))
for number, row in enumerate(jobs):
    world.process(job(world, free, number, *row))
world.run()
print(json.dumps({"seconds": time.perf_counter() - begun, "starts": starts}))
"""


def peer(python: str, code: str, folder: Path) -> dict[str, object]:
    done = subprocess.run(
        [python, "-c", code, str(PROCESSORS)], cwd=folder, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(told, dict)
    return told


def beside(trace: traces.Trace, peers: dict[str, tuple[str, str]]) -> None:
    one = Workload(trace.submit, trace.need, trace.seconds, trace.limit, np.zeros(len(trace), np.int64))
    machine, shares, rules = [Change(0, PROCESSORS, (PROCESSORS,), 0)], [Leaf("all", 0)], Rules(depth=0)
    simulate(one, shares, machine, rules, node_gpus=1)
    took: dict[str, list[float]] = {"madang": []}
    same: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [
            f"{n} {a} -1 {c} {b} -1 -1 {b} {d} -1 1 1 1 1 1 1 -1 -1"
            for n, (a, b, c, d) in enumerate(
                zip(trace.submit, trace.need, trace.seconds, trace.limit, strict=True), 1
            )
        ]
        (folder / "jobs.swf").write_text("; UnixStartTime: 0\n" + "\n".join(lines) + "\n")
        rows = zip(trace.submit, trace.need, trace.seconds, strict=True)
        (folder / "jobs.txt").write_text("\n".join(f"{a} {b} {c}" for a, b, c in rows) + "\n")
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            found = simulate(one, shares, machine, rules, node_gpus=1)
            took["madang"].append(time.perf_counter() - begun)
            for label, (python, code) in peers.items():
                told = peer(python, code, folder)
                took.setdefault(label, []).append(float(str(told["seconds"])))
                differing = int((np.array(told["starts"]) != found.start).sum())
                same[label] = f"{differing} of {len(trace)} start times differ"
    ours = sorted(took["madang"])[ROUNDS // 2]
    print(f"{trace.name}: {len(trace):,} jobs on {PROCESSORS} processors, FIFO")
    for label, seconds in took.items():
        middle = sorted(seconds)[ROUNDS // 2]
        rate = f"{len(trace) / middle:12,.0f} jobs/s"
        print(f"  {label:<8} {middle:9.4f} s  {rate}  {middle / ours:7.1f}x  {same.get(label, '')}")


def million(load: float, count: int = 1_000_000, gpus: int = 10_000) -> None:
    random = np.random.default_rng(1)
    sizes, parts = [1, 2, 4, 8, 16, 32, 64, 128], [0.45, 0.12, 0.12, 0.16, 0.07, 0.04, 0.025, 0.015]
    need = random.choice(sizes, count, p=parts)
    seconds = np.minimum(random.lognormal(7.5, 1.6, count).astype(np.int64) + 30, 5 * 86400)
    limit = (seconds * random.uniform(1, 3, count)).astype(np.int64) + 60
    span = float((need * seconds).sum()) / gpus / load
    submit = np.sort(random.uniform(0, span, count)).astype(np.int64)
    jobs = Workload(submit, need, seconds, limit, random.choice(3, count, p=[0.5, 0.3, 0.2]))
    shares = [Leaf("national", 0), Leaf("industry", 1), Leaf("research", 2)]
    machine = [
        Change(0, gpus // 8, (gpus // 2, gpus * 3 // 10, gpus // 5), 0),
        Change(int(span), gpus // 8, (gpus // 2, gpus * 3 // 10, gpus // 5), 1),
    ]
    print(f"{count:,} synthetic jobs, {gpus:,} GPUs in nodes of 8, 50/30/20")
    print(f"  offered load {load} over {span / 86400:.0f} days")
    for label, rules in (
        ("backfill 100, borrowing, reclaim", Rules()),
        ("the same with failures (MTBF 2,000 h a node)", Rules(mtbf_hours=2000.0)),
        ("strict order, borrowing, reclaim", Rules(depth=0)),
    ):
        simulate(jobs, shares, machine, rules)
        begun = time.perf_counter()
        found = simulate(jobs, shares, machine, rules)
        took = time.perf_counter() - begun
        in_use = found.sums["used"][0].sum() / found.available[0]
        queue = found.sums["queue"][0].sum() / span
        print(
            f"  {label}: {took:.2f} s, {count / took:,.0f} jobs/s; in use {in_use:.3f}, "
            f"queue mean {queue:,.0f}, most {found.longest[0]:,}; "
            f"preempted {found.sums['preempted'].sum():,}, failed {found.sums['failed'].sum():,}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  peak memory {peak:.2f} GiB")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("trace", nargs="?", type=Path)
    asked.add_argument("--accasim")
    asked.add_argument("--simpy")
    given = asked.parse_args()
    peers = {"accasim": (given.accasim, ACCASIM), "simpy": (given.simpy, SIMPY)}
    if given.trace is not None:
        beside(traces.read(given.trace), {name: one for name, one in peers.items() if one[0]})
    million(0.95)


if __name__ == "__main__":
    main()
