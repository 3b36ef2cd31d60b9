"""From a plan, a policy and a trace to what the kernel simulates: a machine and a workload for each kind.

No public log of a machine of 10,000 GPUs exists, so jobs are resampled: sizes, run times and limits are drawn
together, with replacement, from a trace's jobs, and arrive as a Poisson process whose rate follows the plan's
capacity, until the offered load is reached. Results say so.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """A machine for each kind of a sound plan. Counts are rounded down to whole nodes.

    scale: GPUs that the plan's largest month is brought to, all counts in the same proportion.
    """
    kinds = dict.fromkeys(line.kind for line in plan.capacity)
    factor = Fraction(scale, max(one.count for one in by_month(plan))) if scale else Fraction(1)
    return [_machine(plan, policy, kind, factor) for kind in kinds]


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
    # What still runs or waits when the plan ends goes on as in its last month, and is summed up apart.
    changes.append(replace(changes[-1], at=end, month=len(firsts)))
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
    trace: Trace, machine: Machine, node_gpus: int, widest: int, load: float, seed: int, most: int
) -> Resampled:
    """Jobs drawn from a trace until they offer `load` of what the machine gives in its time (or are `most`).

    widest: GPUs of the largest job that is drawn; the same for all policies that are compared, so that they
    meet the same jobs. Raises NothingToSimulate where no job of the trace fits.
    """
    need = whole_nodes(trace.need, node_gpus)
    fits = need <= widest
    left_out = {**trace.left_out, "wider-than-the-machine": int((~fits).sum())}
    if not fits.any():
        raise NothingToSimulate(trace=trace.name, kind=machine.kind, widest=widest)
    random = np.random.default_rng([seed, 1])
    pool = np.flatnonzero(fits)
    offered = machine.gpu_seconds(node_gpus)
    mean = float((need[pool] * trace.seconds[pool]).mean())
    count = min(most, max(1, round(load * offered / mean)))
    drawn = random.choice(pool, count)
    submit = np.sort(_arrivals(machine, random, count))
    leaf = _leaves(machine, submit, need[drawn], random)
    made = Workload(submit, need[drawn], trace.seconds[drawn], trace.limit[drawn], leaf)
    return Resampled(made, float((made.need * made.seconds).sum() / offered), left_out)


def widest(machine: Machine, policy: PolicyDocument) -> int:
    """The size that every share can be given some day: the machine's at the end, or the least share's own."""
    last = machine.changes[-1]
    whole = last.nodes * policy.node_gpus
    if policy.borrow and all(leaf.borrows and leaf.lends for leaf in machine.leaves):
        return whole
    return min((gpus for gpus in last.entitled if gpus), default=whole)


def _arrivals(machine: Machine, random: Any, count: int) -> Array:
    """Instants of a Poisson process, given their number, with a rate that follows the capacity."""
    starts = np.array([change.at for change in machine.changes], float)
    weight = np.array([change.nodes for change in machine.changes[:-1]]) * np.diff(starts)
    cumulated = np.concatenate([[0.0], np.cumsum(weight)]) / weight.sum()
    return np.interp(random.random(count), cumulated, starts).astype(np.int64)


def _leaves(machine: Machine, submit: Array, need: Array, random: Any) -> Array:
    """The share of each run, drawn by what the shares are entitled to when it arrives."""
    starts = np.array([change.at for change in machine.changes])
    entitled = np.array([change.entitled for change in machine.changes], float)
    part = np.cumsum(entitled / np.maximum(entitled.sum(axis=1, keepdims=True), 1), axis=1)
    there = part[np.searchsorted(starts, submit, side="right") - 1]
    drawn = random.random(len(submit))[:, None] * there[:, -1:]
    return np.minimum((drawn >= there).sum(axis=1), len(machine.leaves) - 1)
