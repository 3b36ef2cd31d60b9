"""Intervals: known values, and how often they miss."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.scores.statistics import ConfidenceSequence, items_needed, sequence, wilson


@pytest.mark.parametrize(
    ("successes", "n", "lower", "upper"),
    [(9, 10, 0.5958, 0.9821), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (186, 200, 0.8860, 0.9578)],
)
def test_wilson_has_its_published_values(successes: int, n: int, lower: float, upper: float) -> None:
    interval = wilson(successes, n)
    assert (interval.lower, interval.upper) == pytest.approx((lower, upper), abs=5e-4)


def test_nothing_seen_says_nothing() -> None:
    assert (wilson(0, 0).lower, wilson(0, 0).upper) == (0.0, 1.0)
    assert (sequence([]).lower, sequence([]).upper) == (0.0, 1.0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8, 0.95])
def test_the_sequence_misses_at_most_as_often_as_it_says_at_any_time(rate: float) -> None:
    chance = random.Random(20261122)
    missed = 0
    for _ in range(300):
        running = ConfidenceSequence(0.95)
        for _ in range(300):
            interval = running.add(1.0 if chance.random() < rate else 0.0)
            if not interval.lower <= rate <= interval.upper:
                missed += 1
                break
    assert missed <= 15


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_the_sequence_narrows_and_stays_within_bounds(values: list[float]) -> None:
    running = ConfidenceSequence()
    last = running.interval
    for value in values:
        interval = running.add(value)
        assert last.lower <= interval.lower
        assert interval.upper <= last.upper
        assert 0 <= interval.mean <= 1
        last = interval
    assert last.n == len(values)
    assert last.mean == pytest.approx(sum(values) / len(values))


def test_values_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="0, 1"):
        ConfidenceSequence().add(1.5)


def test_items_needed_is_where_the_lower_bound_clears_the_target() -> None:
    needed = items_needed(0.9, 0.8)
    assert needed is not None
    assert items_needed(0.95, 0.8) < needed  # type: ignore[operator]
    assert items_needed(0.8, 0.8) is None
    assert items_needed(0.5, 0.8) is None
    assert items_needed(0.81, 0.8, most=50) is None
