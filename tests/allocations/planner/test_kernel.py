"""The compiled simulation against the plain one, and what must hold of any simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.allocations.errors import NeverStarts
from madang.allocations.planner.simulation import Change, Leaf, Rules, Workload, simulate, whole_nodes
from tests.allocations.planner import oracle


def workload(rows: list[tuple[int, int, int, int, int]], size: int) -> Workload:
    """Rows of (submit, need, seconds, limit beyond that, share)."""
    table = np.array(sorted(rows, key=lambda row: row[0]), np.int64).reshape(-1, 5)
    submit, need, seconds, beyond, leaf = table.T
    return Workload(submit, whole_nodes(need, size), seconds, seconds + beyond, leaf)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Workload, list[Leaf], list[Change], Rules, int]:
    size = draw(st.sampled_from([1, 2, 4]))
    flags = st.tuples(st.booleans(), st.booleans(), st.booleans())
    tops = draw(st.sampled_from([(0, 1, 2), (0, 0, 1), (0, 0, 0)]))
    leaves = [Leaf(str(n), top, *draw(flags)) for n, top in enumerate(tops)]
    changes, at = [], 0
    for _ in range(draw(st.integers(1, 3))):
        nodes = draw(st.integers(2, 5))
        first = draw(st.integers(0, nodes * size))
        second = draw(st.integers(0, nodes * size - first))
        changes.append(Change(at, nodes, (first, second, nodes * size - first - second), 0))
        at += draw(st.integers(1, 600))
    last = changes[-1]
    rows = draw(st.lists(st.tuples(
        st.integers(0, 500), st.integers(1, 3 * size), st.integers(1, 400), st.integers(0, 200),
        st.integers(0, 2),
    ), min_size=1, max_size=25))  # fmt: skip
    kept = [row for row in rows if _possible(row, leaves, last, size)]
    rules = Rules(
        draw(st.sampled_from([0, 1, 2, 100])), draw(st.sampled_from([0, 7, 60])),
        draw(st.sampled_from([0, 11])), draw(st.booleans()), draw(st.booleans()),
    )  # fmt: skip
    return workload(kept or [(0, 1, 1, 0, 0)], size), leaves, changes, rules, size


def _possible(row: tuple[int, ...], leaves: list[Leaf], last: Change, size: int) -> bool:
    need = -(-row[1] // size) * size if row[1] > size else row[1]
    return need <= last.nodes * size


@settings(max_examples=400, deadline=None)
@given(worlds())
def test_it_starts_every_run_when_the_plain_one_does(
    world: tuple[Workload, list[Leaf], list[Change], Rules, int],
) -> None:
    given_load, leaves, changes, rules, size = world
    try:
        found = simulate(given_load, leaves, changes, rules, size)
    except NeverStarts:
        with pytest.raises(ValueError, match="empty"):
            oracle.simulate(given_load, leaves, changes, rules, size)
        return
    told = oracle.simulate(given_load, leaves, changes, rules, size)
    assert found.start.tolist() == [run.first for run in told]
    assert found.end.tolist() == [run.end for run in told]
    assert found.attempts.tolist() == [run.attempts for run in told]
    assert found.lost.tolist() == [run.lost for run in told]


def synthetic(runs: int, gpus: int, seed: int) -> Workload:
    random = np.random.default_rng(seed)
    need = random.choice([1, 2, 4, 8, 16, 64], runs, p=[0.5, 0.15, 0.1, 0.15, 0.07, 0.03])
    seconds = random.lognormal(7, 1.5, runs).astype(np.int64) + 30
    limit = (seconds * random.uniform(1, 3, runs)).astype(np.int64) + 60
    span = (need * seconds).sum() / gpus / 0.95
    submit = np.sort(random.uniform(0, span, runs)).astype(np.int64)
    return Workload(submit, need, seconds, limit, random.choice(3, runs, p=[0.5, 0.3, 0.2]))


LEAVES = [Leaf("a", 0), Leaf("b", 1), Leaf("c", 2)]
MACHINE = [Change(0, 64, (256, 154, 102), 0)]


@pytest.mark.parametrize(
    "rules", [Rules(depth=0), Rules(), Rules(mtbf_hours=300.0), Rules(reclaim=False), Rules(borrow=False)]
)
def test_nothing_is_lost_or_used_twice(rules: Rules) -> None:
    load = synthetic(4000, 512, 3)
    found = simulate(load, LEAVES, MACHINE, rules)
    useful = int((load.need * load.seconds).sum())
    again = int(((found.attempts - 1) * load.need).sum()) * rules.restart_seconds
    lost = int(found.lost.sum())
    used = int(found.sums["used"].sum())
    # A restart that was itself cut off counts as lost, and only then.
    assert useful + lost <= used <= useful + lost + again
    assert lost == int((found.sums["lost_preempted"] + found.sums["lost_failed"]).sum())
    assert (found.start >= load.submit).all() and (found.end >= found.start + load.seconds).all()
    assert _most_in_use(load, found) <= 512 or (found.attempts > 1).any()
    assert used <= int(found.available.sum())
    if not rules.borrow:
        assert found.lent.sum() == found.sums["preempted"].sum() == 0


def _most_in_use(load: Workload, found: object) -> int:
    starts, ends = np.asarray(found.start), np.asarray(found.end)  # type: ignore[attr-defined]
    moves = sorted([(int(t), 1, int(n)) for t, n in zip(starts, load.need, strict=True)]
                   + [(int(t), 0, -int(n)) for t, n in zip(ends, load.need, strict=True)])  # fmt: skip
    in_use = most = 0
    for _, _, gpus in moves:
        in_use += gpus
        most = max(most, in_use)
    return most


def test_a_blocked_run_of_one_node_is_not_delayed_beyond_its_shadow() -> None:
    """EASY's promise: the first that cannot start does so when the limits of the others give it room."""
    rows = [(0, 4, 1000, 0, 0), (1, 8, 100, 0, 0), (2, 4, 5000, 0, 0), (3, 4, 900, 0, 0)]
    load = workload(rows, 8)
    found = simulate(load, [Leaf("a", 0)], [Change(0, 1, (8,), 0)], Rules(depth=10), 8)
    assert found.start.tolist() == [0, 1000, 1100, 3]


def test_borrowed_gpus_are_given_back_and_the_work_is_kept_up_to_the_checkpoint() -> None:
    leaves = [Leaf("owner", 0), Leaf("guest", 1)]
    rows = [(0, 8, 10_000, 0, 1), (0, 8, 10_000, 0, 1), (5000, 8, 100, 0, 0)]
    rules = Rules(checkpoint_seconds=3600, restart_seconds=300)
    found = simulate(workload(rows, 8), leaves, [Change(0, 2, (8, 8), 0)], rules)
    assert found.start.tolist() == [0, 0, 5000]
    assert found.attempts.tolist() == [1, 2, 1]
    assert found.lost.tolist() == [0, (5000 - 3600) * 8, 0]
    assert found.end.tolist() == [10_000, 5100 + 300 + 6400, 5100]
    assert found.lent[0, 1] == 5000 * 8 + (10_000 - 5100) * 8
    kept = simulate(workload(rows, 8), leaves, [Change(0, 2, (8, 8), 0)], Rules(reclaim=False))
    assert kept.start.tolist() == [0, 0, 10_000]


def test_a_node_fails_as_often_whatever_the_machine_grows_to() -> None:
    load = workload([(0, 1, 5_000_000, 0, 0)], 1)
    rules = Rules(mtbf_hours=500.0, checkpoint_seconds=1, restart_seconds=0, repair_hours=0.0)

    def failures(changes: list[Change]) -> float:
        runs = [simulate(load, [Leaf("a", 0)], changes, rules, 1, seed) for seed in range(20)]
        return sum(int(run.sums["failed"].sum()) for run in runs) / 20

    steady = failures([Change(0, 2, (2,), 0)])
    growing = failures([Change(0, 2, (2,), 0), Change(6_000_000, 40, (40,), 0)])
    assert 1.2 < steady < 5.0 and 1.2 < growing < 5.0  # one node for 5e6 s: 2.8 expected


def test_a_run_that_nothing_makes_room_for_is_named() -> None:
    load = workload([(0, 16, 1, 0, 0)], 8)
    with pytest.raises(NeverStarts, match="16"):
        simulate(load, [Leaf("a", 0)], [Change(0, 1, (8,), 0)], Rules(), 8)


def test_the_same_seed_gives_the_same_failures() -> None:
    load = synthetic(2000, 512, 5)
    rules = Rules(mtbf_hours=200.0)
    first, again, other = (simulate(load, LEAVES, MACHINE, rules, seed=seed) for seed in (1, 1, 2))
    assert first.end.tolist() == again.end.tolist()
    assert first.end.tolist() != other.end.tolist()
    assert first.sums["failed"].sum() > 0
