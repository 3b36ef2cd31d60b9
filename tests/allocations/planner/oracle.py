"""The rules of the planner's kernel once more, in plain Python with lists, as they read: slow and simple."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from madang.allocations.planner.simulation import Change, Leaf, Rules, Workload

NEVER = math.inf


@dataclass
class Run:
    number: int
    need: int
    leaf: int
    left: int
    limit: int
    began: int = 0
    first: int = -1
    end: float = -1
    attempts: int = 0
    lost: int = 0
    borrowed: bool = False
    nodes: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class World:
    leaves: list[Leaf]
    rules: Rules
    size: int
    entitled: list[int]
    free: dict[int, int] = field(default_factory=dict)
    stacks: list[list[int]] = field(default_factory=list)
    running: list[Run] = field(default_factory=list)
    queues: list[list[Run]] = field(default_factory=list)
    borrowed: list[Run] = field(default_factory=list)

    def used(self, leaf: int) -> int:
        return sum(run.need for run in self.running if run.leaf == leaf)

    def top_of(self, numbers: list[int], top: int) -> int:
        return sum(number for leaf, number in zip(self.leaves, numbers, strict=True) if leaf.top == top)

    def uses(self) -> list[int]:
        return [self.used(leaf) for leaf in range(len(self.leaves))]

    def idle(self) -> int:
        return sum(self.free.values())

    def move(self, node: int, to: int | None) -> None:
        """A node has another number of free GPUs now, and came to it last."""
        if node in self.free:
            self.stacks[self.free[node]].remove(node)
            del self.free[node]
        if to is not None:
            self.free[node] = to
            self.stacks[to].append(node)

    def fits(self, need: int) -> bool:
        if need >= self.size:
            return len(self.stacks[self.size]) * self.size >= need
        return any(self.stacks[free] for free in range(need, self.size + 1))

    def may(self, run: Run) -> bool:
        uses = self.uses()
        if uses[run.leaf] + run.need > self.entitled[run.leaf]:
            if not (self.leaves[run.leaf].borrows and self.rules.borrow):
                return False
            kept = sum(
                max(0, self.entitled[other] - uses[other])
                for other, leaf in enumerate(self.leaves)
                if other != run.leaf and not leaf.lends
            )
            if run.need > self.idle() - kept:
                return False
        return run.need <= self.idle() and self.fits(run.need)

    def start(self, run: Run, now: int) -> None:
        rest = run.need
        while rest:
            wanted = min(rest, self.size)
            node = next(self.stacks[free][-1] for free in range(wanted, self.size + 1) if self.stacks[free])
            run.nodes.append((node, wanted))
            self.move(node, self.free[node] - wanted)
            rest -= wanted
        run.borrowed = self.used(run.leaf) + run.need > self.entitled[run.leaf]
        if run.borrowed:
            self.borrowed.append(run)
        again = self.rules.restart_seconds if run.attempts else 0
        run.began, run.end, run.limit = now, now + run.left + again, run.limit + again
        run.first = now if run.first < 0 else run.first
        run.attempts += 1
        self.running.append(run)

    def release(self, run: Run) -> None:
        self.running.remove(run)
        if run.borrowed:
            self.borrowed.remove(run)
            run.borrowed = False
        for node, count in reversed(run.nodes):
            if node in self.free:
                self.move(node, self.free[node] + count)
        run.nodes = []

    def stop(self, run: Run, now: int) -> None:
        again = self.rules.restart_seconds if run.attempts > 1 else 0
        ran, step = now - run.began, self.rules.checkpoint_seconds
        kept = max(0, ran - again) // step * step if step else 0
        self.release(run)
        run.left, run.limit, run.lost = (
            run.left - kept,
            run.limit - again - kept,
            run.lost + (ran - kept) * run.need,
        )
        self.queues[run.leaf].insert(0, run)

    def reclaim(self, run: Run, now: int) -> bool:
        uses = self.uses()
        if not self.rules.reclaim or not self.leaves[run.leaf].preempts:
            return False
        if uses[run.leaf] + run.need > self.entitled[run.leaf]:
            return False
        would, chosen, top = dict(self.free), [], self.leaves[run.leaf].top
        for victim in reversed(self.borrowed):
            its = self.leaves[victim.leaf].top
            if victim.leaf == run.leaf or uses[victim.leaf] <= self.entitled[victim.leaf]:
                continue
            if its != top and self.top_of(uses, its) <= self.top_of(self.entitled, its):
                continue
            chosen.append(victim)
            uses[victim.leaf] -= victim.need
            for node, count in victim.nodes:
                would[node] += count
            if run.need < self.size:
                made = any(would[node] >= run.need for other in chosen for node, _ in other.nodes)
            else:
                made = sum(free == self.size for free in would.values()) * self.size >= run.need
            if made:
                for one in chosen:
                    self.stop(one, now)
                return True
        return False

    def order(self) -> list[int]:
        uses = self.uses()

        def ratio(use: int, entitled: int) -> float:
            return use / entitled if entitled else 1e18 + use

        def key(leaf: int) -> tuple[float, float, int]:
            top = self.leaves[leaf].top
            return (
                ratio(self.top_of(uses, top), self.top_of(self.entitled, top)),
                ratio(uses[leaf], self.entitled[leaf]),
                leaf,
            )

        return sorted((leaf for leaf in range(len(self.leaves)) if self.queues[leaf]), key=key)

    def schedule(self, now: int) -> None:
        while True:
            order = self.order()
            reserved = None
            for leaf in order:
                run = self.queues[leaf][0]
                within = self.used(leaf) + run.need <= self.entitled[leaf]
                if within or (self.leaves[leaf].borrows and self.rules.borrow):
                    reserved = run
                    break
            if reserved is None:
                return
            self.queues[reserved.leaf].pop(0)
            if self.may(reserved) or (self.reclaim(reserved, now) and self.may(reserved)):
                self.start(reserved, now)
                continue
            self.queues[reserved.leaf].insert(0, reserved)
            break
        if self.rules.depth and self.idle():
            self.backfill(order, reserved, now)

    def backfill(self, order: list[int], reserved: Run, now: int) -> None:
        shadow, extra = self.shadow(reserved, now)
        for leaf in order:
            looked, first = 0, self.queues[leaf][0] if self.queues[leaf] else reserved
            lends = self.leaves[leaf].borrows and self.rules.borrow
            if not lends and first is not reserved and self.used(leaf) + first.need > self.entitled[leaf]:
                continue  # served in strict order
            for run in list(self.queues[leaf]):
                if run is reserved:
                    continue
                if looked == self.rules.depth:
                    break
                looked += 1
                again = self.rules.restart_seconds if run.attempts else 0
                early = now + run.limit + again <= shadow
                if (early or run.need <= extra) and self.may(run):
                    self.queues[leaf].remove(run)
                    self.start(run, now)
                    extra -= 0 if early else run.need
                if not self.idle():
                    return

    def shadow(self, reserved: Run, now: int) -> tuple[float, float]:
        extra = self.idle() - reserved.need
        if extra >= 0:
            return now, extra
        minutes = sorted((-(-(run.began + run.limit) // 60), run.need) for run in self.running)
        free = self.idle()
        for place, (minute, need) in enumerate(minutes):
            free += need
            last = place + 1 == len(minutes) or minutes[place + 1][0] > minute
            if free >= reserved.need and last:
                return minute * 60, free - reserved.need
        return NEVER, NEVER


def simulate(
    workload: Workload, leaves: list[Leaf], changes: list[Change], rules: Rules, size: int
) -> list[Run]:
    """Every run as it ended."""
    columns = (workload.need, workload.leaf, workload.seconds, workload.limit)
    runs = [Run(n, *map(int, row)) for n, row in enumerate(zip(*columns, strict=True))]
    world = World(leaves, rules, size, [0] * len(leaves))
    world.stacks = [[] for _ in range(size + 1)]
    world.queues = [[] for _ in leaves]
    arrivals, coming = list(zip(map(int, workload.submit), runs, strict=True)), list(changes)
    in_service = 0
    while arrivals or world.running or any(world.queues):
        now = min(
            [at for at, _ in arrivals[:1]] + [change.at for change in coming[:1]]
            + [int(run.end) for run in world.running]
        )  # fmt: skip
        for run in sorted(world.running, key=lambda run: run.number):
            if run.end == now:
                world.release(run)
        while coming and coming[0].at == now:
            change = coming.pop(0)
            for node in range(in_service, change.nodes):
                world.move(node, size)
            for node in range(change.nodes, in_service):
                world.move(node, None)
                # The records of a node are a stack: who came to it last is stopped first.
                for run in [r for r in reversed(world.running) if any(there == node for there, _ in r.nodes)]:
                    world.stop(run, now)
            in_service, world.entitled = change.nodes, list(change.entitled)
        while arrivals and arrivals[0][0] == now:
            run = arrivals.pop(0)[1]
            world.queues[run.leaf].append(run)
        world.schedule(now)
    return runs
