"""Intervals: Wilson's for one look at a proportion, a confidence sequence for looking after every item."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Interval:
    """lower <= mean <= upper over n items, all within [0, 1]."""

    mean: float
    lower: float
    upper: float
    n: int


def wilson(successes: float, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a proportion. Source: E. B. Wilson, JASA 22 (1927), 209-212."""
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # Rounding may leave the ends a hair beside p where p is 0 or 1.
    return Interval(p, max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half)), n)


class ConfidenceSequence:
    """Empirical-Bernstein confidence sequence for the mean of values in [0, 1].

    Valid at every n at once, so evaluation may stop whenever it has decided. Source: Waudby-Smith and
    Ramdas, "Estimating means of bounded random variables by betting", arXiv 2010.09686, theorem 2 and
    equations (14) and (15) (predictable plug-in), with bounds running as intersections.
    """

    def __init__(self, confidence: float = 0.95, *, cap: float = 0.5) -> None:
        self._log = math.log(2 / (1 - confidence))
        self._cap = cap
        self._n = 0
        self._sum = 0.0
        self._squares = 0.25  # running sum for the plug-in variance, with its prior of 1/4
        self._weights = 0.0
        self._weighted = 0.0
        self._penalty = 0.0
        self._lower = 0.0
        self._upper = 1.0

    def add(self, value: float) -> Interval:
        """Take one more value and return the interval."""
        if not 0 <= value <= 1:
            raise ValueError("values lie in [0, 1]")
        estimate = (0.5 + self._sum) / (self._n + 1)
        variance = self._squares / (self._n + 1)
        step = self._n + 1
        weight = min(math.sqrt(2 * self._log / (variance * step * math.log(1 + step))), self._cap)
        psi = (-math.log(1 - weight) - weight) / 4
        self._weights += weight
        self._weighted += weight * value
        self._penalty += 4 * (value - estimate) ** 2 * psi
        self._n += 1
        self._sum += value
        self._squares += (value - (0.5 + self._sum) / (self._n + 1)) ** 2
        centre = self._weighted / self._weights
        radius = (self._log + self._penalty) / self._weights
        self._lower = max(self._lower, centre - radius)
        self._upper = min(self._upper, centre + radius)
        return self.interval

    @property
    def interval(self) -> Interval:
        """The interval now."""
        mean = self._sum / self._n if self._n else 0.0
        return Interval(mean, max(0.0, self._lower), min(1.0, self._upper), self._n)


def sequence(values: Iterable[float], confidence: float = 0.95) -> Interval:
    """The confidence sequence after all `values`, in order."""
    running = ConfidenceSequence(confidence)
    for value in values:
        running.add(value)
    return running.interval


def items_needed(mean: float, target: float, confidence: float = 0.95, most: int = 100_000) -> int | None:
    """How many items a confidence sequence would need to clear `target` if successes kept coming at `mean`.

    Successes are spread evenly (the most regular sequence of that rate); None where `mean` is not above
    the target or `most` would not do.
    """
    if mean <= target:
        return None
    running = ConfidenceSequence(confidence)
    owed = 0.0
    for n in range(1, most + 1):
        owed += mean
        value = 1.0 if owed >= 0.5 else 0.0
        owed -= value
        if running.add(value).lower >= target:
            return n
    return None
