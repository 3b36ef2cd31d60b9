"""The simulation itself, compiled by Numba: one kind of GPU, its nodes, its shares, its queue.

The rules, which ``tests/allocations/planner/oracle.py`` follows in plain Python:

1. Time is in whole seconds. At one instant: runs that end (by id), then changes of capacity, failures and
   repairs, then arrivals (by id), then one scheduling pass.
2. A run needs its GPUs at once (a gang). Up to a node's size they are on one node: of those with enough free,
   the fewest free; of these, the one that came to that number last. More are whole nodes, latest freed first.
3. Shares are taken by (use / entitlement of the top share, the same of the share itself, its number). The
   first one's oldest run starts if it fits: within the entitlement, or, where the share borrows, in what
   others leave idle and lend. A share that does not borrow is served in strict order: where its oldest run
   would exceed its entitlement, the share is passed over. If a run is within its share's entitlement and
   does not fit, runs that were started on borrowed GPUs are preempted, the youngest first, as long as their
   share (and, of another top share, that one too) is over its entitlement, until there is room; where `WALK`
   of them do not make room, none is. Then again from the first share.
4. The first that cannot start is reserved for (EASY): its shadow is the first whole minute at which enough
   GPUs are free if every run takes its whole limit. Behind it, up to `depth` of each share's oldest runs are
   looked at; one starts if it fits and ends before the shadow, or leaves the reserved one enough at it. This
   counts GPUs, not nodes: a gang of whole nodes may wait longer, where what is free is scattered.
5. A preempted or failed run returns to the head of its share's queue. What it did up to its last checkpoint
   is kept; the rest is lost, and each later attempt begins with the seconds of a restart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from madang.allocations.planner.machine import (
    EVER,
    FREE,
    FULL,
    HEAP,
    NEVER,
    UP,
    YOUNGEST,
    dequeue,
    enqueue,
    freed_by,
    link,
    may,
    minute_of,
    put_back,
    release,
    start,
    stop,
    unlink,
)

WALK = 512
"""Borrowed runs looked at to make room for one."""

SUM = np.dtype(
    [
        (name, np.int64)
        for name in ("used", "lost_preempted", "lost_failed", "preempted", "failed", "queue", "longest")
    ]
)
"""By month and share. used, lost_*: GPU-seconds; preempted, failed: times; queue: runs times seconds waiting;
longest: runs waiting at most."""


@njit(cache=True)
def _reclaim(
    n: Any, shares: Any, tops: Any, runs: Any, records: Any, nodes: Any, buckets: Any, heap: Any, minutes:
    Any, run: int, now: int, checkpoint: int, restart: int, sums: Any, month: int,
) -> None:  # fmt: skip
    """Preempt what makes room for a run that is within its entitlement, where anything does."""
    leaf, need, size = runs[run].leaf, runs[run].need, len(buckets) - 1
    if shares[leaf].used + need > shares[leaf].ent or not shares[leaf].preempts or n[YOUNGEST] < 0:
        return
    over = False
    for other in range(len(shares)):
        over = over or (other != leaf and shares[other].used > shares[other].ent)
    if not over:
        return
    used, top_used = shares.used.copy(), tops.used.copy()
    whole, made, looked, victim = n[FULL], False, 0, n[YOUNGEST]
    chosen = np.empty(WALK, np.int64)
    count = 0
    while victim >= 0 and looked < WALK and not made:
        its = runs[victim].leaf
        over = used[its] > shares[its].ent
        stranger = shares[its].top != shares[leaf].top
        if its != leaf and over and (not stranger or top_used[shares[its].top] > tops[shares[its].top].ent):
            chosen[count] = victim
            count += 1
            used[its] -= runs[victim].need
            top_used[shares[its].top] -= runs[victim].need
            record = runs[victim].allocs
            while record >= 0:
                node = records[record].node
                nodes[node].room += records[record].count
                there = nodes[node].free + nodes[node].room
                if need < size:
                    made = made or there >= need
                elif there == size:
                    whole += 1
                record = records[record].next
            made = made or (need >= size and whole * size >= need)
        looked += 1
        victim = runs[victim].older
    for number in range(count):
        record = runs[chosen[number]].allocs
        while record >= 0:
            nodes[records[record].node].room = 0
            record = records[record].next
    if not made:
        return
    for number in range(count):
        its = runs[chosen[number]].leaf
        sums[month, its].preempted += 1
        sums[month, its].lost_preempted += stop(
            n, shares, tops, runs, records, nodes, buckets, heap, minutes, chosen[number], now, checkpoint,
            restart,
        )  # fmt: skip


@njit(cache=True)
def _order(shares: Any, tops: Any, order: Any, keys: Any) -> int:
    """Shares with waiting runs in the order of rule 3; how many."""
    count = 0
    for leaf in range(len(shares)):
        if shares[leaf].head < 0:
            continue
        top = shares[leaf].top
        first = tops[top].used / tops[top].ent if tops[top].ent > 0 else 1e18 + tops[top].used
        second = shares[leaf].used / shares[leaf].ent if shares[leaf].ent > 0 else 1e18 + shares[leaf].used
        at = count
        while at > 0 and (first < keys[at - 1, 0] or (first == keys[at - 1, 0] and second < keys[at - 1, 1])):
            order[at] = order[at - 1]
            keys[at, 0], keys[at, 1] = keys[at - 1, 0], keys[at - 1, 1]
            at -= 1
        order[at] = leaf
        keys[at, 0], keys[at, 1] = first, second
        count += 1
    return count


@njit(cache=True)
def _schedule(
    n: Any, shares: Any, tops: Any, runs: Any, records: Any, nodes: Any, buckets: Any, heap: Any, minutes:
    Any, now: int, rules: Any, sums: Any, month: int, order: Any, keys: Any,
) -> None:  # fmt: skip
    """One scheduling pass: rules 3 and 4."""
    depth, checkpoint, restart, reclaims = rules[0], rules[1], rules[2], rules[3]
    reserved = -1
    while True:
        count = _order(shares, tops, order, keys)
        reserved = -1
        for number in range(count):
            leaf = order[number]
            run = shares[leaf].head
            if shares[leaf].used + runs[run].need > shares[leaf].ent and not shares[leaf].borrows:
                continue  # it waits for its own share, and holds up nobody
            reserved = run
            break
        if reserved < 0:
            return
        dequeue(shares, runs, reserved, -1)
        if reclaims and not may(n, shares, runs, buckets, reserved):
            _reclaim(
                n, shares, tops, runs, records, nodes, buckets, heap, minutes, reserved, now, checkpoint,
                restart, sums, month,
            )  # fmt: skip
        if may(n, shares, runs, buckets, reserved):
            start(n, shares, tops, runs, records, nodes, buckets, heap, minutes, reserved, now, restart)
            continue
        put_back(shares, runs, reserved)
        break
    if depth == 0 or n[FREE] == 0:
        return
    free, need = n[FREE], runs[reserved].need
    shadow, extra = now, free - need
    if extra < 0:
        minute = minute_of(minutes, need - free)
        shadow = NEVER if minute == NEVER else minute * 60
        extra = NEVER if minute == NEVER else free + freed_by(minutes, minute) - need
    for number in range(count):
        ahead, run, looked = -1, shares[order[number]].head, 0
        if not shares[order[number]].borrows and run != reserved:
            its = shares[order[number]]
            if its.used + runs[run].need > its.ent:
                continue
        while run >= 0 and looked < depth:
            following, started = runs[run].after, False
            if run != reserved:
                looked += 1
                limit = runs[run].limit + (restart if runs[run].attempts > 0 else 0)
                early = now + limit <= shadow
                if (early or runs[run].need <= extra) and may(n, shares, runs, buckets, run):
                    dequeue(shares, runs, run, ahead)
                    start(n, shares, tops, runs, records, nodes, buckets, heap, minutes, run, now, restart)
                    started = True
                    if not early:
                        extra -= runs[run].need
                    if n[FREE] == 0:
                        return
            if not started:
                ahead = run
            run = following


@njit(cache=True)
def _integrate(
    n: Any, shares: Any, buckets: Any, sums: Any, lent: Any, months: Any, month: int, seconds: int
) -> None:
    idle = 0
    for leaf in range(len(shares)):
        sums[month, leaf].used += shares[leaf].used * seconds
        sums[month, leaf].queue += shares[leaf].queued * seconds
        if shares[leaf].lends:
            idle += max(0, shares[leaf].ent - shares[leaf].used)
    months[month, 0] += n[UP] * (len(buckets) - 1) * seconds
    if idle > 0:
        for to in range(len(shares)):
            over = shares[to].used - shares[to].ent
            if over > 0:
                for lender in range(len(shares)):
                    there = shares[lender].ent - shares[lender].used
                    if there > 0 and shares[lender].lends:
                        lent[lender, to] += over * seconds * (there / idle)


@njit(cache=True)
def _raise(n: Any, nodes: Any, buckets: Any, node: int) -> None:
    """Put a node into service."""
    size = len(buckets) - 1
    nodes[node].free = size
    n[FREE] += size
    n[UP] += 1
    link(n, nodes, buckets, node)


@njit(cache=True)
def _lower(
    n: Any, shares: Any, tops: Any, runs: Any, records: Any, nodes: Any, buckets: Any, heap: Any, minutes:
    Any, node: int, now: int, rules: Any, sums: Any, failed: bool, month: int,
) -> None:  # fmt: skip
    """Take a node out of service; its runs wait again."""
    unlink(n, nodes, buckets, node)
    n[FREE] -= nodes[node].free
    n[UP] -= 1
    nodes[node].free = -1
    while nodes[node].on >= 0:
        run = records[nodes[node].on].run
        leaf = runs[run].leaf
        gpus = stop(
            n, shares, tops, runs, records, nodes, buckets, heap, minutes, run, now, rules[1], rules[2]
        )
        if failed:
            sums[month, leaf].failed += 1
            sums[month, leaf].lost_failed += gpus
        else:
            sums[month, leaf].preempted += 1
            sums[month, leaf].lost_preempted += gpus


@njit(cache=True)
def simulate(
    n: Any, shares: Any, tops: Any, runs: Any, records: Any, nodes: Any, buckets: Any, heap: Any,
    minutes: Any, sums: Any, lent: Any, months: Any, submit: Any, change_at: Any, change_nodes: Any,
    change_ent: Any, change_month: Any,
    fail_at: Any, fail_of: Any, repair: int, rules: Any,
) -> int:  # fmt: skip
    """Run the simulation to the end of the last run; the seconds it took in the simulated world.

    change_*: at each instant (the first is 0) the nodes in service, each share's entitlement, the month.
    fail_of: in [0, 1), which of all nodes fails; nothing happens where it is not in service. months: the
    GPU-seconds in service, and the most runs waiting at once.
    """
    order, keys = np.empty(len(shares), np.int64), np.empty((len(shares), 2))
    back_at, back = np.full(len(fail_at) + 1, NEVER), np.empty(len(fail_at) + 1, np.int64)
    first_back, last_back = 0, 0
    arrived, changed, failed, month, now, done = 0, 0, 0, 0, 0, 0
    while done < len(submit):
        ends = runs[heap[0]].end if n[HEAP] > 0 else NEVER
        at = min(
            ends,
            submit[arrived] if arrived < len(submit) else NEVER,
            change_at[changed] if changed < len(change_at) else NEVER,
            fail_at[failed] if failed < len(fail_at) else NEVER,
            back_at[first_back] if first_back < last_back else NEVER,
        )
        if at == NEVER:
            return -1  # a run waits for what never comes
        if at > now:
            _integrate(n, shares, buckets, sums, lent, months, month, at - now)
            now = at
        while n[HEAP] > 0 and runs[heap[0]].end == now:
            run = heap[0]
            release(n, shares, tops, runs, records, nodes, buckets, heap, minutes, run)
            done += 1
        while changed < len(change_at) and change_at[changed] == now:
            month = change_month[changed]
            wanted = change_nodes[changed]
            for node in range(n[EVER], wanted):
                _raise(n, nodes, buckets, node)
            for node in range(wanted, n[EVER]):
                if nodes[node].free >= 0:
                    _lower(
                        n, shares, tops, runs, records, nodes, buckets, heap, minutes, node, now, rules,
                        sums, False, month,
                    )  # fmt: skip
            n[EVER] = wanted
            tops.ent[:] = 0
            for leaf in range(len(shares)):
                shares[leaf].ent = change_ent[changed, leaf]
                tops[shares[leaf].top].ent += shares[leaf].ent
            changed += 1
        while failed < len(fail_at) and fail_at[failed] == now:
            node = int(fail_of[failed] * len(nodes))
            if node < n[EVER] and nodes[node].free >= 0:
                _lower(
                    n, shares, tops, runs, records, nodes, buckets, heap, minutes, node, now, rules, sums,
                    True, month,
                )  # fmt: skip
                back_at[last_back], back[last_back] = now + repair, node
                last_back += 1
            failed += 1
        while first_back < last_back and back_at[first_back] == now:
            node = back[first_back]
            if node < n[EVER] and nodes[node].free < 0:
                _raise(n, nodes, buckets, node)
            first_back += 1
        while arrived < len(submit) and submit[arrived] == now:
            enqueue(shares, runs, arrived)
            arrived += 1
        _schedule(
            n, shares, tops, runs, records, nodes, buckets, heap, minutes, now, rules, sums, month, order,
            keys,
        )  # fmt: skip
        waiting = 0
        for leaf in range(len(shares)):
            waiting += shares[leaf].queued
            sums[month, leaf].longest = max(sums[month, leaf].longest, shares[leaf].queued)
        months[month, 1] = max(months[month, 1], waiting)
    return now
