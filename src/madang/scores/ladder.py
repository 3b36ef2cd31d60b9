"""The Ladder: what a scoreboard may show while the same sealed items answer again and again.

Every answer tells its asker a little about the items; enough answers tell all. The Ladder shows a new
value only where the new submission is better than the organization's best so far by more than chance
would give to the luckiest of all the tries it has. Everything else gets the same answer: not better.

Source: A. Blum and M. Hardt, "The Ladder: a reliable leaderboard for machine learning competitions",
arXiv 1502.04585, algorithm 3 (parameter-free: a step is the paired standard error). Theirs asks for one
standard error; here it is as many as a union bound over the budget of tries asks for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from madang.scores.statistics import Interval, wilson


@dataclass(frozen=True)
class Ladder:
    """The rule of one scoreboard. tries: submissions an organization has in all."""

    tries: int
    confidence: float = 0.95

    @property
    def errors_asked(self) -> float:
        """How many standard errors better a submission must be to be shown."""
        return NormalDist().inv_cdf(1 - (1 - self.confidence) / max(1, self.tries))

    def better(self, new: Sequence[float], best: Sequence[float]) -> bool:
        """Whether `new` is better than `best`, item by item in the same order, values in [0, 1]."""
        n = len(new)
        if n == 0 or n != len(best):
            raise ValueError("both submissions must be judged on the same items")
        differences = [a - b for a, b in zip(new, best, strict=True)]
        mean = math.fsum(differences) / n
        variance = math.fsum((d - mean) ** 2 for d in differences) / max(1, n - 1)
        # One item alone never decides, however equal the others are.
        error = max(math.sqrt(variance / n), 1 / n)
        return mean > self.errors_asked * error

    def shown(self, values: Sequence[float]) -> Interval:
        """The value a board shows, with an interval that holds for all the tries together."""
        simultaneous = 1 - (1 - self.confidence) / max(1, self.tries)
        return wilson(math.fsum(values), len(values), simultaneous)
