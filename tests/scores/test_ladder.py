"""The Ladder against simulated attackers: what 2,000 tries gain, and what label probing recovers."""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import mean

import pytest

from madang.scores.ladder import Ladder

TRIES, ITEMS, SEEDS = 2_000, 400, 6
Answers = list[int]


class Board:
    """A scoreboard over secret binary labels; `raw` shows every score as it is."""

    def __init__(self, chance: random.Random, *, raw: bool) -> None:
        self.labels = [chance.getrandbits(1) for _ in range(ITEMS)]
        self._raw = raw
        self._ladder = Ladder(TRIES)
        self._best: list[float] | None = None
        self.shown = 0.0

    def submit(self, answers: Answers) -> float:
        """What the board shows after this submission."""
        values = [float(a == b) for a, b in zip(answers, self.labels, strict=True)]
        if self._raw:
            self.shown = mean(values)
        elif self._best is None or self._ladder.better(values, self._best):
            self._best, self.shown = values, self._ladder.shown(values).mean
        return self.shown


def boosting(board: Board, chance: random.Random) -> tuple[float, Answers]:
    """Submit noise, keep what the board likes better than the first, and let the kept ones vote.

    The attack of Blum and Hardt (arXiv 1502.04585, section 4).
    """
    first = board.submit([chance.getrandbits(1) for _ in range(ITEMS)])
    votes = [0] * ITEMS
    for _ in range(TRIES - 2):
        answers = [chance.getrandbits(1) for _ in range(ITEMS)]
        sign = 1 if board.submit(answers) > first else -1
        votes = [v + sign * (2 * a - 1) for v, a in zip(votes, answers, strict=True)]
    final = [int(vote > 0) for vote in votes]
    return board.submit(final) - first, final


def hill_climbing(board: Board, chance: random.Random) -> tuple[float, Answers]:
    """Change a few answers at a time and keep the change where the board goes up."""
    best = [chance.getrandbits(1) for _ in range(ITEMS)]
    first = shown = board.submit(best)
    for _ in range(TRIES - 1):
        changed = list(best)
        for place in chance.sample(range(ITEMS), 8):
            changed[place] ^= 1
        told = board.submit(changed)
        if told > shown:
            best, shown = changed, told
    return shown - first, best


def probing(board: Board, chance: random.Random) -> tuple[float, Answers]:
    """Turn one label after another and read it off the board."""
    base = [chance.getrandbits(1) for _ in range(ITEMS)]
    first = before = board.submit(base)
    found = list(base)
    for place in range(ITEMS):
        turned = list(base)
        turned[place] ^= 1
        told = board.submit(turned)
        if told > before:
            found[place] ^= 1
        if not board._raw:
            before = told
    return board.submit(found) - first, found


@pytest.mark.parametrize("attack", [boosting, hill_climbing, probing])
def test_attackers_gain_nothing_and_would_without_the_ladder(
    attack: Callable[[Board, random.Random], tuple[float, Answers]],
) -> None:
    gains, recovered, raw_gains = [], [], []
    for seed in range(SEEDS):
        board = Board(random.Random(seed), raw=False)
        gain, found = attack(board, random.Random(1000 + seed))
        gains.append(gain)
        recovered.append(mean(float(a == b) for a, b in zip(found, board.labels, strict=True)))
        raw_gains.append(attack(Board(random.Random(seed), raw=True), random.Random(1000 + seed))[0])
    assert max(gains) < 0.03, gains
    assert mean(raw_gains) > 0.15, raw_gains  # the attack is a real one
    assert abs(mean(recovered) - 0.5) < 0.03, recovered  # as good as guessing


def test_a_real_improvement_is_shown() -> None:
    chance = random.Random(5)
    ladder = Ladder(20)
    worse = [float(chance.random() < 0.6) for _ in range(ITEMS)]
    better = [max(value, float(chance.random() < 0.4)) for value in worse]
    assert ladder.better(better, worse)
    assert not ladder.better(worse, better)
    assert not ladder.better(worse, worse)
    one_more = list(worse)
    one_more[one_more.index(0.0)] = 1.0
    assert not ladder.better(one_more, worse)


def test_more_tries_ask_for_more_and_widen_the_interval() -> None:
    few, many = Ladder(1), Ladder(2_000)
    assert few.errors_asked < many.errors_asked
    values = [1.0] * 80 + [0.0] * 20
    assert many.shown(values).lower < few.shown(values).lower < 0.8
    with pytest.raises(ValueError, match="same items"):
        few.better([1.0], [1.0, 0.0])
