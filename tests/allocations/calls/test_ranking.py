"""The default policy and its explanations against a plain oracle; the optimum against every choice."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.allocations.calls import optimum
from madang.allocations.calls.deciding import mean_score
from madang.allocations.calls.explaining import Explainer, shifted
from madang.allocations.calls.ranking import Entry, Inputs, decide, objective
from madang.allocations.calls.telling import sentences

MONTHS = ("2026-01", "2026-02", "2026-03")
PLACES = (("north", "gpu"), ("south", "gpu"))


def entry(
    name: str, score: int | None, request: tuple[int, ...], minimum: int = 0, place: int = 0, at: str = "t"
) -> Entry:
    site, kind = PLACES[place]
    return Entry(name, site, kind, score, request, minimum or sum(request), at)


def inputs(supply: tuple[int, ...], *entries: Entry, minimum_score: int = 6000) -> Inputs:
    return Inputs("call", "industry", MONTHS, dict.fromkeys(PLACES, supply), minimum_score, entries)


@st.composite
def cases(draw: st.DrawFn) -> Inputs:
    entries = []
    for number in range(draw(st.integers(1, 7))):
        request = draw(st.tuples(*[st.integers(0, 9)] * 3).filter(any))
        least = draw(st.integers(1, sum(request)))
        score = draw(st.one_of(st.none(), st.sampled_from([5900, 6000, 6001, 7000, 7050, 10_000])))
        place, at = draw(st.integers(0, 1)), draw(st.sampled_from(["t1", "t2"]))
        entries.append(entry(f"app-{number}", score, request, least, place, at))
    return inputs(draw(st.tuples(*[st.integers(0, 15)] * 3)), *entries)


def oracle(given: Inputs) -> dict[str, tuple[int, ...]]:
    """Written as the rule reads: who comes first takes first, and who gets too little takes nothing."""
    left = {place: list(hours) for place, hours in given.supply.items()}
    granted = {one.application: (0, 0, 0) for one in given.entries}
    waiting = [one for one in given.entries if one.score is not None and one.score >= given.minimum_score]
    while waiting:
        first = waiting[0]
        for other in waiting[1:]:
            ahead = (
                other.score > first.score  # type: ignore[operator]
                or (other.score == first.score and sum(other.request) < sum(first.request))
                or (
                    (other.score, sum(other.request)) == (first.score, sum(first.request))
                    and (other.applied_at, other.application) < (first.applied_at, first.application)
                )
            )
            if ahead:
                first = other
        waiting.remove(first)
        there = left[first.place]
        take = tuple(min(there[m], first.request[m]) for m in range(3))
        if sum(take) >= first.minimum:
            granted[first.application] = take
            for m in range(3):
                there[m] -= take[m]
    return granted


def wins(given: Inputs, application: str) -> bool:
    return any(oracle(given)[application])


@given(cases())
def test_the_policy_is_the_rule(given: Inputs) -> None:
    outcome = decide(given)
    assert {one.entry.application: one.granted for one in outcome} == oracle(given)
    for place, supply in given.supply.items():
        used = [sum(one.granted[m] for one in outcome if one.entry.place == place) for m in range(3)]
        assert all(hours <= there for hours, there in zip(used, supply, strict=True))
    assert Inputs.of(given.document()) == replace(
        given, entries=tuple(sorted(given.entries, key=lambda one: one.application))
    )
    shuffled = replace(given, entries=tuple(reversed(given.entries)))
    assert shuffled.digest == given.digest
    assert decide(shuffled) == outcome


@settings(max_examples=150, deadline=None)
@given(cases())
def test_each_explanation_is_what_trying_everything_finds(given: Inputs) -> None:
    explainer = Explainer(given)
    for one in explainer.outcome:
        told, name = explainer.explain(one.entry.application), one.entry.application
        assert told.reason == one.reason
        assert all(
            "{" not in said.in_language(language) for said in sentences(told) for language in ("en", "ko")
        )
        if one.entry.score is None:
            continue
        tried = (s for s in range(given.minimum_score, 10_001) if s in NEAR or s == one.entry.score)
        best = next((s for s in tried if wins(given.changed(name, score=s), name)), None)
        if one.won:
            assert told.least_score is not None
            assert wins(given.changed(name, score=told.least_score), name)
            assert best is None or told.least_score <= best
            continue
        assert (told.winning_score is None) == (best is None)
        if told.winning_score is not None and best is not None:
            assert told.winning_score <= best
            assert wins(given.changed(name, score=told.winning_score), name)
            below = told.winning_score - 1
            assert below < given.minimum_score or not wins(given.changed(name, score=below), name)
        if one.reason == "no-room":
            smaller = range(one.entry.minimum - 1, 0, -1)
            least = next((m for m in smaller if wins(given.changed(name, minimum=m), name)), None)
            assert told.winning_minimum == least
            moves = sorted((k for k in range(-2, 3) if k), key=lambda k: (abs(k), k))
            moved = ((k, shifted(one.entry.request, k)) for k in moves)
            found = (
                k for k, request in moved if request and wins(given.changed(name, request=request), name)
            )
            assert told.winning_shift == next(found, None)


NEAR = {base + step for base in (6000, 6001, 7000, 7050, 10_000) for step in (-1, 0, 1)}
"""Every score at which a place in the order can change."""


@settings(max_examples=60, deadline=None)
@given(cases())
def test_the_optimum_is_the_best_of_all_choices(given: Inputs) -> None:
    """Each choice of who is granted, with the hours of each month given to the best scores first."""
    pytest.importorskip("scipy")
    found = optimum.solve(given)
    assert found is not None
    best = max(
        value
        for size in range(len(given.entries) + 1)
        for chosen in itertools.combinations(given.entries, size)
        if (value := _most(given, chosen)) is not None
    )
    assert found.bound == pytest.approx(found.value, rel=1e-5, abs=1e-3)
    assert found.value == pytest.approx(best, rel=1e-5, abs=1e-3)
    assert found.value >= objective(decide(given)) - 1e-3


def _most(given: Inputs, chosen: tuple[Entry, ...]) -> float | None:
    """The most score-weighted hours with exactly these granted; None where they do not fit."""
    from scipy.optimize import linprog

    if any(one.score is None or one.score < given.minimum_score for one in chosen):
        return None
    if not chosen:
        return 0.0
    cost = [-float(one.score or 0) for one in chosen for _ in MONTHS]
    above, limits = [], []
    for place, supply in given.supply.items():
        for month, there in enumerate(supply):
            above.append([float(one.place == place and m == month) for one in chosen for m in range(3)])
            limits.append(there)
    for number, one in enumerate(chosen):
        above.append([-float(number == n) for n in range(len(chosen)) for _ in MONTHS])
        limits.append(-one.minimum)
    bounds = [(0, hours) for one in chosen for hours in one.request]
    found = linprog(cost, A_ub=above, b_ub=limits, bounds=bounds)
    return -found.fun if found.status == 0 else None


def test_ties_are_broken_by_size_then_time_then_id() -> None:
    given = inputs(
        (5, 0, 0), entry("d", 7000, (3, 0, 0), at="t2"), entry("c", 7000, (3, 0, 0), at="t1"),
        entry("b", 7000, (3, 0, 0), at="t1"), entry("a", 7000, (4, 0, 0), at="t0"),
    )  # fmt: skip
    assert [one.entry.application for one in decide(given)] == ["b", "c", "d", "a"]


def test_an_explanation_says_which_month_and_who_instead() -> None:
    given = inputs(
        (10, 10, 10), entry("first", 9000, (8, 8, 0)), entry("loser", 8000, (0, 4, 2)),
        entry("below", 7000, (0, 2, 0)),
    )  # fmt: skip
    told = Explainer(given).explain("loser")
    assert (told.bound_month, told.asked, told.left) == ("2026-02", 4, 2)
    assert (told.instead, told.instead_rank) == ("below", 3)
    assert told.winning_score == 9000  # of equal scores the smaller request comes first
    assert told.winning_minimum == 4
    assert told.winning_shift is None
    assert Explainer(given.changed("loser", request=(4, 0, 2))).explain("loser").winning_shift is None


def test_scores_are_means_in_hundredths() -> None:
    assert mean_score([80, 81], 2) == 8050
    assert mean_score([80, 81, 81], 3) == 8067
    assert mean_score([1, 0, 0, 0, 0, 0, 0, 0], 1) == 13  # 12.5, halves up
    assert mean_score([80], 2) is None
