"""Why an application got what it got: computed from the inputs, and verified by deciding anew.

For one that got nothing: the month that bound it, the first application below it that was granted hours of
that month, and the smallest changes that would have won, each by itself: a higher score, fewer hours, or
the same hours some months earlier or later. For one that was granted: how far its score could fall.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from madang.allocations.calls.ranking import Entry, Hours, Inputs, Ranked, decide, offered
from madang.kernel.errors import Defect

BEST_SCORE = 10_000


@dataclass(frozen=True)
class Explanation:
    """One application's outcome in its facts; None and 0 where a fact does not apply.

    bound_month, asked, left: the month with the largest shortfall, what was asked and left there (GPU-hours).
    instead: the first application below that was granted hours of that month. winning_score: the smallest
    score (hundredths) with which it would have been granted something; winning_minimum: the largest minimum;
    winning_shift: months later (negative: earlier). least_score: with which what it was granted would still
    have been granted in full or part. Each was verified by deciding anew with that one change.
    """

    application: str
    share: str
    reason: str
    rank: int
    ranked: int
    score: int | None
    granted: int
    requested: int
    bound_month: str | None = None
    asked: int = 0
    left: int = 0
    instead: str | None = None
    instead_rank: int = 0
    winning_score: int | None = None
    winning_minimum: int | None = None
    winning_shift: int | None = None
    least_score: int | None = None


class Unverified(Defect):
    """A change that was said to win and does not, or one smaller that wins: a defect."""


class Explainer:
    """Explains a decision's applications one by one, from one reading of its inputs."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._outcome = decide(inputs)
        self._of = {one.entry.application: one for one in self._outcome}
        self._ranked = sum(1 for one in self._outcome if one.rank)

    @property
    def outcome(self) -> Sequence[Ranked]:
        """The decision."""
        return self._outcome

    def explain(self, application: str) -> Explanation:
        """The explanation of one application. KeyError where there is none of that id."""
        found = self._of[application]
        entry = found.entry
        told = Explanation(
            application, self._inputs.share, found.reason, found.rank, self._ranked, entry.score,
            sum(found.granted), sum(entry.request),
        )  # fmt: skip
        if found.reason == "too-few-reviews":
            return told
        if found.reason in ("part", "no-room"):
            told = self._with_bound(told, found)
        if found.won:
            return replace(told, least_score=self._least_score(entry))
        return replace(
            told,
            winning_score=self._least_score(entry),
            winning_minimum=self._winning_minimum(found),
            winning_shift=self._winning_shift(found),
        )

    def _with_bound(self, told: Explanation, found: Ranked) -> Explanation:
        entry = found.entry
        short = [asked - left for asked, left in zip(entry.request, found.left, strict=True)]
        if max(short) <= 0:
            return told
        month = short.index(max(short))
        below = (
            one
            for one in self._outcome
            if one.rank > found.rank and one.entry.place == entry.place and one.granted[month]
        )
        instead = next(below, None)
        return replace(
            told,
            bound_month=self._inputs.months[month],
            asked=entry.request[month],
            left=found.left[month],
            instead=instead.entry.application if instead else None,
            instead_rank=instead.rank if instead else 0,
        )

    def _least_score(self, entry: Entry) -> int | None:
        """The smallest score that wins: monotone, since what is left only shrinks down the order."""
        least = self._first(self._rivals(entry), entry, self._inputs.minimum_score)
        if least is not None:
            self._verify(entry, least, "score")
        return least

    def _rivals(self, entry: Entry) -> tuple[list[tuple[int, int, str, str]], list[Hours]]:
        """The order keys of the others at its place, and what is left before each and after the last."""
        found = self._of[entry.application]
        outcome: Sequence[Ranked] = self._outcome
        if found.won:
            others = tuple(one for one in self._inputs.entries if one.place == entry.place and one != entry)
            outcome = decide(replace(self._inputs, entries=others))
        there = [one for one in outcome if one.rank and one.entry.place == entry.place and one.entry != entry]
        hours = [one.left for one in there]
        last = there[-1] if there else None
        after = (
            tuple(left - got for left, got in zip(last.left, last.granted, strict=True))
            if last
            else self._inputs.hours_at(entry.place)
        )
        return [one.entry.order for one in there], [*hours, after]

    def _first(
        self, rivals: tuple[list[tuple[int, int, str, str]], list[Hours]], entry: Entry, low: int
    ) -> int | None:
        """The smallest score from `low` on with which the entry is granted something."""
        orders, left = rivals

        def wins(score: int) -> bool:
            return any(offered(entry, left[bisect_left(orders, replace(entry, score=score).order)]))

        return smallest(wins, low, BEST_SCORE)

    def _winning_minimum(self, found: Ranked) -> int | None:
        """What there was at its turn: had it been content with that, it would have been granted it."""
        entry = found.entry
        there = sum(map(min, entry.request, found.left))
        if found.reason != "no-room" or there == 0:
            return None
        self._verify(entry, there, "minimum")
        return there

    def _winning_shift(self, found: Ranked) -> int | None:
        if found.reason != "no-room":
            return None
        entry = found.entry
        for months in sorted(range(1 - len(entry.request), len(entry.request)), key=lambda k: (abs(k), k)):
            moved = shifted(entry.request, months)
            if months and moved and any(offered(replace(entry, request=moved), found.left)):
                self._require(entry, True, request=moved)
                return months
        return None

    def _verify(self, entry: Entry, value: int, what: str) -> None:
        """Decide anew with the change, and with one a step smaller: the first wins, the second does not."""
        self._require(entry, True, **{what: value})
        smaller = value - 1 if what == "score" else value + 1
        if what == "minimum" or smaller >= self._inputs.minimum_score:
            self._require(entry, False, **{what: smaller})

    def _require(self, entry: Entry, wins: bool, **change: object) -> None:
        here = tuple(one for one in self._inputs.entries if one.place == entry.place)
        anew = decide(replace(self._inputs, entries=here).changed(entry.application, **change))
        if next(one for one in anew if one.entry.application == entry.application).won is not wins:
            raise Unverified(application=entry.application, change=str(change))


def smallest(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest whole number from `low` to `high` for which a monotone statement holds."""
    if low > high or not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def shifted(request: Hours, months: int) -> Hours | None:
    """The request some months later (negative: earlier); None where it would leave the call's period."""
    count = len(request)
    asked = [place for place, hours in enumerate(request) if hours]
    if asked[0] + months < 0 or asked[-1] + months >= count:
        return None
    return tuple(request[place - months] if 0 <= place - months < count else 0 for place in range(count))
