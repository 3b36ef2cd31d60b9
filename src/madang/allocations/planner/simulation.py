"""One simulation of one kind of GPU: arrays made for the kernel, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from madang.allocations.errors import NeverStarts
from madang.allocations.planner import kernel, machine

Array = Any


@dataclass(frozen=True)
class Leaf:
    """A share that has none below it, as the kernel knows it. top: the number of its top share."""

    name: str
    top: int
    lends: bool = True
    borrows: bool = True
    preempts: bool = True


@dataclass(frozen=True)
class Change:
    """From `at` (seconds) on: nodes in service, GPUs each share is entitled to, the number of the month."""

    at: int
    nodes: int
    entitled: tuple[int, ...]
    month: int


@dataclass(frozen=True)
class Rules:
    """What a policy decides. depth: runs of each share looked at behind the reserved one; 0 is strict order.

    checkpoint_seconds: work is kept up to a multiple of it (0: none is). restart_seconds: what each further
    attempt begins with. reclaim: whether borrowed GPUs are taken back by preemption. mtbf_hours: of a node, 0
    for no failures; repair_hours: until it is back.
    """

    depth: int = 100
    checkpoint_seconds: int = 3600
    restart_seconds: int = 300
    reclaim: bool = True
    borrow: bool = True
    mtbf_hours: float = 0.0
    repair_hours: float = 12.0


@dataclass(frozen=True)
class Workload:
    """Runs in the order of arrival. submit: seconds. need: GPUs. seconds: of work, at most limit."""

    submit: Array
    need: Array
    seconds: Array
    limit: Array
    leaf: Array

    def __len__(self) -> int:
        return len(self.submit)


@dataclass(frozen=True)
class Outcome:
    """What came of each run, and the sums by month and share (GPU-seconds).

    start: of the first attempt. end: of the last. attempts. lost: GPU-seconds of each run. sums: by month and
    share, see kernel.SUM. lent: [from, to]. available, longest: GPU-seconds in service and
    the most runs waiting at once, by month. seconds: until the last run ended.
    """

    start: Array
    end: Array
    attempts: Array
    lost: Array
    sums: Array
    lent: Array
    available: Array
    longest: Array
    seconds: int


def simulate(
    workload: Workload,
    leaves: Sequence[Leaf],
    changes: Sequence[Change],
    rules: Rules,
    node_gpus: int = 8,
    seed: int = 0,
) -> Outcome:
    """Simulate a workload. Sizes above a node's are whole nodes; seconds <= limit. Raises NeverStarts where a
    run waits for what never comes."""
    months = max(change.month for change in changes) + 1
    horizon = int(workload.submit[-1]) if len(workload) else 0
    size = max(change.nodes for change in changes)
    state = _state(workload, leaves, size, node_gpus, rules.borrow)
    sums = np.zeros((months, len(leaves)), kernel.SUM)
    lent, by_month = np.zeros((len(leaves), len(leaves))), np.zeros((months, 2), np.int64)
    fails, which = _failures(rules, size, 4 * horizon + 180 * 86400, seed)
    took = kernel.simulate(
        *state,
        _minutes(horizon, workload.limit),
        sums,
        lent,
        by_month,
        workload.submit,
        np.array([change.at for change in changes], np.int64),
        np.array([change.nodes for change in changes], np.int64),
        np.array([change.entitled for change in changes], np.int64),
        np.array([change.month for change in changes], np.int64),
        fails,
        which,
        int(rules.repair_hours * 3600),
        np.array([rules.depth, rules.checkpoint_seconds, rules.restart_seconds, rules.reclaim], np.int64),
    )
    runs = state[3]
    if took < 0:
        waiting = runs["end"] < 0
        raise NeverStarts(waiting=int(waiting.sum()), largest=int(runs["need"][waiting].max()))
    return Outcome(
        runs["first"],
        runs["end"],
        runs["attempts"],
        runs["lost"],
        sums,
        lent,
        by_month[:, 0],
        by_month[:, 1],
        took,
    )


def _failures(rules: Rules, nodes: int, until: int, seed: int) -> tuple[Array, Array]:
    """Instants of failures (a Poisson process of all nodes) and which node each hits, from the seed."""
    if rules.mtbf_hours <= 0:
        return np.empty(0, np.int64), np.empty(0)
    random = np.random.default_rng([seed, 7])
    mean = rules.mtbf_hours * 3600 / nodes
    count = int(until / mean * 1.2) + 100
    at = np.cumsum(random.exponential(mean, count)).astype(np.int64) + 1
    return at[at < until], random.random(int((at < until).sum()))


def _state(
    workload: Workload, leaves: Sequence[Leaf], nodes: int, node_gpus: int, borrow: bool
) -> tuple[Array, ...]:
    """The kernel's arrays before anything happens, in its order."""
    counters = np.zeros(7, np.int64)
    counters[machine.SPARE], counters[machine.YOUNGEST] = nodes * node_gpus, -1
    shares = np.zeros(len(leaves), machine.SHARE)
    shares["head"] = shares["tail"] = -1
    for row, leaf in zip(shares, leaves, strict=True):
        row["top"], row["lends"], row["preempts"] = leaf.top, leaf.lends, leaf.preempts
        row["borrows"] = leaf.borrows and borrow
    runs = np.zeros(len(workload), machine.RUN)
    for name in ("first", "end", "after", "place", "older", "younger", "allocs"):
        runs[name] = -1
    runs["left"], runs["limit"] = workload.seconds, workload.limit
    runs["need"], runs["leaf"] = workload.need, workload.leaf
    records = np.full(nodes * node_gpus, -1, machine.RECORD)
    records["spare"] = np.arange(len(records))
    there = np.full(nodes, -1, machine.NODE)
    there["room"] = 0
    buckets = np.full(node_gpus + 1, -1, np.int32)
    heap = np.full(len(records) + 1, -1, np.int32)
    tops = np.zeros(max(leaf.top for leaf in leaves) + 1, machine.TOP)
    return counters, shares, tops, runs, records, there, buckets, heap


def _minutes(horizon: int, limit: Array) -> Array:
    """A Fenwick tree over the minutes of four times the arrivals' span; later ones count in its last."""
    longest = int(limit.max()) if len(limit) else 0
    return np.zeros((1 << max(10, int((4 * horizon + 4 * longest) // 60 + 2).bit_length())) + 1, np.int32)


def whole_nodes(need: Array, node_gpus: int) -> Array:
    """Sizes above a node's rounded up to whole nodes."""
    return np.where(need > node_gpus, -(-need // node_gpus) * node_gpus, need)
