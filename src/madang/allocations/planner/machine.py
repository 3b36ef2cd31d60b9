"""The machine of a simulation: nodes, the runs on them, their queues; compiled by Numba.

Everything lives in a few structured arrays that are handed from function to function one by one: Numba
counts references of what it takes out of a tuple, and that alone cost ten times the simulation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

NEVER = np.int64(2**62)
(FREE, UP, EVER, FULL, HEAP, SPARE, YOUNGEST) = range(7)
"""Counters in `n`: GPUs free, nodes up, nodes in service or failed, nodes wholly free, runs running, unused
records, the youngest run on borrowed GPUs (-1: none)."""

SHARE = np.dtype(
    [
        (name, np.int64)
        for name in ("used", "ent", "top", "lends", "borrows", "preempts", "head", "tail", "queued")
    ]
)
"""used, ent: GPUs in use and entitled to. top: number of the top share. head, tail, queued: its queue."""
TOP = np.dtype([("used", np.int64), ("ent", np.int64)])
RUN = np.dtype(
    [
        *((name, np.int64) for name in ("left", "limit", "began", "first", "end", "lost")),
        *((name, np.int32) for name in ("need", "leaf", "attempts", "after", "place", "older", "younger")),
        *((name, np.int32) for name in ("allocs", "borrowed")),
    ]
)
"""left, limit: seconds of work and of limit still to run. began: start of the attempt; first: of the first
one. end: of the attempt, then of the run. lost: GPU-seconds. after: the next in its queue. place: in the
heap. older, younger: neighbours among the borrowed. allocs: its first record."""
RECORD = np.dtype([(name, np.int32) for name in ("node", "count", "next", "run", "left", "right", "spare")])
"""GPUs of a node that a run has. next: of the run. left, right: of the node. spare: unused
ones, a stack."""
NODE = np.dtype([(name, np.int32) for name in ("free", "before", "behind", "on", "room")])
"""free: GPUs, -1 where it is down. before, behind: among nodes with as many free. on: its first record. room:
what preempting would free (scratch)."""


@njit(cache=True)
def _sooner(runs: Any, a: int, b: int) -> bool:
    return runs[a].end < runs[b].end or (runs[a].end == runs[b].end and a < b)


@njit(cache=True)
def _up(runs: Any, heap: Any, at: int) -> None:
    run = heap[at]
    while at > 0:
        parent = (at - 1) >> 1
        if not _sooner(runs, run, heap[parent]):
            break
        heap[at] = heap[parent]
        runs[heap[at]].place = at
        at = parent
    heap[at] = run
    runs[run].place = at


@njit(cache=True)
def _down(n: Any, runs: Any, heap: Any, at: int) -> None:
    run, size = heap[at], n[HEAP]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and _sooner(runs, heap[child + 1], heap[child]):
            child += 1
        if not _sooner(runs, heap[child], run):
            break
        heap[at] = heap[child]
        runs[heap[at]].place = at
        at = child
    heap[at] = run
    runs[run].place = at


@njit(cache=True)
def _push(n: Any, runs: Any, heap: Any, run: int) -> None:
    at = n[HEAP]
    n[HEAP] += 1
    heap[at] = run
    _up(runs, heap, at)


@njit(cache=True)
def _remove(n: Any, runs: Any, heap: Any, run: int) -> None:
    at, last = runs[run].place, n[HEAP] - 1
    n[HEAP] = last
    if at != last:
        heap[at] = heap[last]
        runs[heap[at]].place = at
        _down(n, runs, heap, at)
        _up(runs, heap, at)


@njit(cache=True)
def _minute(runs: Any, minutes: Any, run: int) -> int:
    """The minute at which a running run's limit ends, rounded up."""
    minute = (runs[run].began + runs[run].limit + 59) // 60
    return min(minute, len(minutes) - 2)


@njit(cache=True)
def _count(minutes: Any, minute: int, gpus: int) -> None:
    at = minute + 1
    while at < len(minutes):
        minutes[at] += gpus
        at += at & -at


@njit(cache=True)
def freed_by(minutes: Any, minute: int) -> int:
    """GPUs that running runs free by a minute, by their limits."""
    at, total = minute + 1, 0
    while at > 0:
        total += minutes[at]
        at -= at & -at
    return total


@njit(cache=True)
def minute_of(minutes: Any, wanted: int) -> int:
    """The first minute by which so many GPUs are freed; NEVER where none is."""
    size = len(minutes) - 1
    at, total = 0, 0
    step = size
    while step > 0:
        if at + step <= size and total + minutes[at + step] < wanted:
            at += step
            total += minutes[at]
        step >>= 1
    return NEVER if at >= size else at


@njit(cache=True)
def unlink(n: Any, nodes: Any, buckets: Any, node: int) -> None:
    """Take a node out of the list of its number of free GPUs."""
    a, b, free = nodes[node].before, nodes[node].behind, nodes[node].free
    if a >= 0:
        nodes[a].behind = b
    else:
        buckets[free] = b
    if b >= 0:
        nodes[b].before = a
    if free == len(buckets) - 1:
        n[FULL] -= 1


@njit(cache=True)
def link(n: Any, nodes: Any, buckets: Any, node: int) -> None:
    free = nodes[node].free
    nodes[node].before = -1
    nodes[node].behind = buckets[free]
    if buckets[free] >= 0:
        nodes[buckets[free]].before = node
    buckets[free] = node
    if free == len(buckets) - 1:
        n[FULL] += 1


@njit(cache=True)
def _take(n: Any, runs: Any, records: Any, nodes: Any, buckets: Any, run: int, node: int, gpus: int) -> None:
    """Give a run GPUs of a node."""
    unlink(n, nodes, buckets, node)
    nodes[node].free -= gpus
    link(n, nodes, buckets, node)
    n[SPARE] -= 1
    record = records[n[SPARE]].spare
    records[record].node, records[record].count, records[record].run = node, gpus, run
    records[record].next = runs[run].allocs
    runs[run].allocs = record
    records[record].left = -1
    records[record].right = nodes[node].on
    if nodes[node].on >= 0:
        records[nodes[node].on].left = record
    nodes[node].on = record


@njit(cache=True)
def _fits(n: Any, buckets: Any, need: int) -> bool:
    size = len(buckets) - 1
    if need >= size:
        return n[FULL] * size >= need
    while need <= size and buckets[need] < 0:
        need += 1
    return need <= size


@njit(cache=True)
def may(n: Any, shares: Any, runs: Any, buckets: Any, run: int) -> bool:
    """Whether a run may start now: its share's rights, and room for it."""
    leaf, need = runs[run].leaf, runs[run].need
    if need > n[FREE]:
        return False
    if shares[leaf].used + need > shares[leaf].ent:
        if not shares[leaf].borrows:
            return False
        kept = 0
        for other in range(len(shares)):
            if other != leaf and not shares[other].lends:
                kept += max(0, shares[other].ent - shares[other].used)
        if need > n[FREE] - kept:
            return False
    return _fits(n, buckets, need)


@njit(cache=True)
def start(
    n: Any, shares: Any, tops: Any, runs: Any, records: Any, nodes: Any, buckets: Any, heap: Any, minutes:
    Any, run: int, now: int, restart: int,
) -> None:  # fmt: skip
    """Place a run that fits, and let it run."""
    leaf, need, size = runs[run].leaf, runs[run].need, len(buckets) - 1
    rest = need
    while rest > 0:
        wanted = min(rest, size)
        free = wanted
        while buckets[free] < 0:
            free += 1
        _take(n, runs, records, nodes, buckets, run, buckets[free], wanted)
        rest -= wanted
    if shares[leaf].used + need > shares[leaf].ent:
        runs[run].borrowed = True
        runs[run].older = n[YOUNGEST]
        runs[run].younger = -1
        if n[YOUNGEST] >= 0:
            runs[n[YOUNGEST]].younger = run
        n[YOUNGEST] = run
    n[FREE] -= need
    shares[leaf].used += need
    tops[shares[leaf].top].used += need
    runs[run].began = now
    if runs[run].first < 0:
        runs[run].first = now
    runs[run].end = now + runs[run].left + (restart if runs[run].attempts > 0 else 0)
    if runs[run].attempts > 0:
        runs[run].limit += restart
    runs[run].attempts += 1
    _push(n, runs, heap, run)
    _count(minutes, _minute(runs, minutes, run), need)


@njit(cache=True)
def release(
    n: Any, shares: Any, tops: Any, runs: Any, records: Any, nodes: Any, buckets: Any, heap: Any, minutes:
    Any, run: int,
) -> None:  # fmt: skip
    """Take a running run off its nodes."""
    leaf, need = runs[run].leaf, runs[run].need
    _count(minutes, _minute(runs, minutes, run), -need)
    _remove(n, runs, heap, run)
    record = runs[run].allocs
    while record >= 0:
        node = records[record].node
        if nodes[node].free >= 0:
            unlink(n, nodes, buckets, node)
            nodes[node].free += records[record].count
            link(n, nodes, buckets, node)
            n[FREE] += records[record].count
        a, b = records[record].left, records[record].right
        if a >= 0:
            records[a].right = b
        else:
            nodes[node].on = b
        if b >= 0:
            records[b].left = a
        records[n[SPARE]].spare = record
        n[SPARE] += 1
        record = records[record].next
    runs[run].allocs = -1
    if runs[run].borrowed:
        runs[run].borrowed = False
        a, b = runs[run].older, runs[run].younger
        if a >= 0:
            runs[a].younger = b
        if b >= 0:
            runs[b].older = a
        else:
            n[YOUNGEST] = a
    shares[leaf].used -= need
    tops[shares[leaf].top].used -= need


@njit(cache=True)
def enqueue(shares: Any, runs: Any, run: int) -> None:
    leaf = runs[run].leaf
    runs[run].after = -1
    if shares[leaf].head < 0:
        shares[leaf].head = run
    else:
        runs[shares[leaf].tail].after = run
    shares[leaf].tail = run
    shares[leaf].queued += 1


@njit(cache=True)
def put_back(shares: Any, runs: Any, run: int) -> None:
    """Put a run at the head of its share's queue."""
    leaf = runs[run].leaf
    runs[run].after = shares[leaf].head
    if shares[leaf].head < 0:
        shares[leaf].tail = run
    shares[leaf].head = run
    shares[leaf].queued += 1


@njit(cache=True)
def dequeue(shares: Any, runs: Any, run: int, ahead: int) -> None:
    """Take a run out of its queue; `ahead` is the one before it there, -1 where it is the head."""
    leaf = runs[run].leaf
    if ahead < 0:
        shares[leaf].head = runs[run].after
    else:
        runs[ahead].after = runs[run].after
    if shares[leaf].tail == run:
        shares[leaf].tail = ahead
    shares[leaf].queued -= 1


@njit(cache=True)
def stop(
    n: Any, shares: Any, tops: Any, runs: Any, records: Any, nodes: Any, buckets: Any, heap: Any, minutes:
    Any, run: int, now: int, checkpoint: int, restart: int,
) -> int:  # fmt: skip
    """Preempt or fail a running run: it waits again; the GPU-seconds that are lost."""
    ran = now - runs[run].began
    worked = max(0, ran - (restart if runs[run].attempts > 1 else 0))
    kept = worked // checkpoint * checkpoint if checkpoint > 0 else 0
    lost = (ran - kept) * runs[run].need
    release(n, shares, tops, runs, records, nodes, buckets, heap, minutes, run)
    if runs[run].attempts > 1:
        runs[run].limit -= restart
    runs[run].left -= kept
    runs[run].limit -= kept
    runs[run].lost += lost
    runs[run].end = -1
    put_back(shares, runs, run)
    return lost
