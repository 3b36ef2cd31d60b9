"""From a plan, a policy and a trace to what the kernel simulates: a machine and a workload for each kind.

No public log of a machine of 10,000 GPUs exists, so jobs are resampled: sizes, run times and limits are drawn
together, with replacement, from a trace's jobs, and arrive as a Poisson process whose rate follows the plan's
capacity, until the offered load is reached. Results say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from madang.allocations.errors import NothingToSimulate
from madang.allocations.planner.policy import PolicyDocument
from madang.allocations.planner.simulation import Change, Leaf, Workload, whole_nodes
from madang.allocations.planner.traces import Trace
from madang.allocations.plans.apportionment import apportion, by_month, month_name, months
from madang.allocations.plans.model import PlanDocument

Array = Any
MOST_GPUS = 10_000_000


@dataclass(frozen=True)
class Machine:
    """A kind's nodes and entitlements over the plan's time, in seconds from its start."""

    kind: str
    leaves: tuple[Leaf, ...]
    changes: tuple[Change, ...]
    months: tuple[str, ...]
    seconds: int

    def gpu_seconds(self, node_gpus: int) -> int:
        """What it offers in all."""
        pairs = pairwise(self.changes)
        return sum(change.nodes * node_gpus * (following.at - change.at) for change, following in pairs)


def machines(plan: PlanDocument, policy: PolicyDocument, scale: int | None = None) -> list[Machine]:
    """A machine for each kind of a sound plan. Counts are rounded down to whole nodes; a kind
    without a whole node is left out.

    scale: GPUs that the plan's largest month is brought to, all counts in the same proportion.
    """
    kinds = dict.fromkeys(line.kind for line in plan.capacity)
    factor = Fraction(scale, max(one.count for one in by_month(plan))) if scale else Fraction(1)
    built = (_machine(plan, policy, kind, factor) for kind in kinds)
    return [one for one in built if one.gpu_seconds(policy.node_gpus)]


def _machine(plan: PlanDocument, policy: PolicyDocument, kind: str, factor: Fraction) -> Machine:
    header, shares = plan.plan, plan.leaves()
    tops = [share.name for share in plan.children_of("")]
    leaves = tuple(
        Leaf(
            share.name,
            tops.index(share.name.partition("/")[0]),
            share.lends,
            share.borrows,
            share.reclaim == "preempt",
        )
        for share in shares
    )
    firsts = [first for first, _ in months(header.starts, header.ends)]
    lines = [line for line in plan.capacity if line.kind == kind]
    days = sorted({*firsts, *(line.starts for line in lines), *(line.ends for line in lines)} - {header.ends})
    changes = []
    for day in days:
        entitled, nodes = dict.fromkeys((share.name for share in shares), 0), 0
        for line in lines:
            if line.starts <= day < line.ends:
                there = int(line.count * factor) // policy.node_gpus
                nodes += there
                for name, gpus in apportion(plan, there * policy.node_gpus, line.only).items():
                    entitled[name] += gpus
        number = max(place for place, first in enumerate(firsts) if first <= day)
        changes.append(Change(_seconds(header.starts, day), nodes, tuple(entitled.values()), number))
    end = _seconds(header.starts, header.ends)
    # What still runs or waits when the plan ends goes on as in the last month with any; summed up apart.
    last = next((change for change in reversed(changes) if change.nodes), changes[-1])
    changes.append(replace(last, at=end, month=len(firsts)))
    return Machine(kind, leaves, tuple(changes), tuple(month_name(first) for first in firsts), end)


def _seconds(start: date, day: date) -> int:
    def instant(at: date) -> datetime:
        return datetime.combine(at, time(), UTC)

    return int((instant(day) - instant(start)).total_seconds())


@dataclass(frozen=True)
class Resampled:
    """A workload made from a trace. left_out: why -> jobs of the trace that were not drawn from."""

    workload: Workload
    offered_load: float
    left_out: Mapping[str, int]


def resample(
    trace: Trace, machine: Machine, node_gpus: int, limits: Sequence[int], load: float, seed: int, most: int
) -> Resampled:
    """Jobs drawn from a trace until they offer `load` of what the machine gives in its time (or are `most`).

    limits: for each of the machine's changes the GPUs of the largest job that may arrive then; the same for
    all policies that are compared, so that they meet the same jobs. Raises NothingToSimulate where none fits.
    """
    random = np.random.default_rng([seed, 1])
    need = whole_nodes(trace.need, node_gpus)
    pools, counts = [], []
    for (change, following), limit in zip(pairwise(machine.changes), limits, strict=False):
        pool = np.flatnonzero(need <= limit)
        pools.append(pool)
        offered = load * change.nodes * node_gpus * (following.at - change.at)
        mean = float((need[pool] * trace.seconds[pool]).mean()) if len(pool) else 0.0
        counts.append(offered / mean if mean else 0.0)
    left_out = {**trace.left_out, "wider-than-the-machine": int((need > max(limits)).sum())}
    if not any(counts):
        raise NothingToSimulate(trace=trace.name, kind=machine.kind, widest=max(limits))
    kept = min(1.0, most / sum(counts))
    submit, drawn = [], []
    for (change, following), pool, count in zip(pairwise(machine.changes), pools, counts, strict=True):
        some = max(1, round(kept * count)) if count else 0
        submit.append(random.uniform(change.at, following.at, some))
        drawn.append(random.choice(pool, some) if some else np.empty(0, np.int64))
    at, jobs = np.concatenate(submit).astype(np.int64), np.concatenate(drawn).astype(np.int64)
    order = np.argsort(at, kind="stable")
    at, jobs = at[order], jobs[order]
    leaf = _leaves(machine, at, random)
    made = Workload(at, need[jobs], trace.seconds[jobs], trace.limit[jobs], leaf)
    total = float((made.need * made.seconds).sum())
    return Resampled(made, total / machine.gpu_seconds(node_gpus), left_out)


def widest(machine: Machine, policy: PolicyDocument) -> list[int]:
    """For each change the size that every share can be given from then on: the machine's, or, where shares
    may not use one another's, the least share's own."""
    open_to_all = policy.borrow and all(leaf.borrows and leaf.lends for leaf in machine.leaves)
    found: list[int] = []
    least = MOST_GPUS
    for change in reversed(machine.changes):
        whole = change.nodes * policy.node_gpus
        there = whole if open_to_all else min((gpus for gpus in change.entitled if gpus), default=whole)
        least = min(least, there) if there else least
        found.append(least if there else 0)
    return found[::-1]


def _leaves(machine: Machine, submit: Array, random: Any) -> Array:
    """The share of each run, drawn by what the shares are entitled to when it arrives."""
    starts = np.array([change.at for change in machine.changes])
    entitled = np.array([change.entitled for change in machine.changes], float)
    part = np.cumsum(entitled / np.maximum(entitled.sum(axis=1, keepdims=True), 1), axis=1)
    there = part[np.searchsorted(starts, submit, side="right") - 1]
    drawn = random.random(len(submit))[:, None] * there[:, -1:]
    return np.minimum((drawn >= there).sum(axis=1), len(machine.leaves) - 1)
