"""A plan month by month: GPU-hours apportioned to its shares by largest remainder.

Each month is apportioned by itself, never as the difference of two others (that is where the Alabama
paradox comes from); below a share, its part is apportioned again among the shares it consists of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from madang.allocations.books import largest_remainder
from madang.allocations.plans.model import CapacityDocument, PlanDocument

HOURS_A_DAY = 24


@dataclass(frozen=True)
class Cell:
    """What one capacity line gives in one month.

    count: in force. hours: raw resource-hours (GPU-hours, core-hours), whole. factor: in force when the
    line's part of the month begins. shares: leaf share -> raw hours; they sum to `hours`.
    """

    month: str
    site: str
    kind: str
    count: int
    hours: int
    factor: Decimal
    factor_version: int
    assumed: bool
    shares: Mapping[str, int]

    @property
    def normalised_hours(self) -> Fraction:
        """Normalised hours, exact."""
        return self.hours * Fraction(self.factor)


def months(starts: date, ends: date) -> Iterator[tuple[date, date]]:
    """(first day, first day of the next) of each month that meets the period."""
    first = starts.replace(day=1)
    while first < ends:
        following = (first + timedelta(days=31)).replace(day=1)
        yield first, following
        first = following


def month_name(first: date) -> str:
    """``2026-03``."""
    return f"{first.year:04d}-{first.month:02d}"


def apportion(plan: PlanDocument, total: int, tops: Sequence[str] = ()) -> dict[str, int]:
    """leaf share -> its part of `total`, nested; the parts sum to it. `tops`: only among these top shares."""

    def within(parent: str, amount: int) -> Iterator[tuple[str, int]]:
        children = [one for one in plan.children_of(parent) if parent or not tops or one.name in tops]
        if not children:
            yield parent, amount
            return
        weights = _weights({one.name: one.percent for one in children})
        for name, part in largest_remainder(amount, weights).items():
            yield from within(name, part)

    return dict(within("", total))


def _weights(percents: Mapping[str, Decimal]) -> dict[str, int]:
    """The percentages as whole numbers in the same proportion."""
    exact = {name: Fraction(percent) for name, percent in percents.items()}
    scale = math.lcm(*(one.denominator for one in exact.values()))
    return {name: int(one * scale) for name, one in exact.items()}


def cells(plan: PlanDocument) -> list[Cell]:
    """Every line of a sound plan in every month it meets, in the order of months and lines."""
    return [
        _cell(plan, line, max(first, line.starts), min(following, line.ends))
        for first, following in months(plan.plan.starts, plan.plan.ends)
        for line in plan.capacity
        if line.starts < following and line.ends > first
    ]


def _cell(plan: PlanDocument, line: CapacityDocument, first: date, end: date) -> Cell:
    hours = line.count * HOURS_A_DAY * (end - first).days
    factor = plan.factor_of(line.kind, first)
    assert factor is not None, "a sound plan has a factor for each kind"
    return Cell(
        month_name(first), line.site, line.kind, line.count, hours, factor.value, factor.version,
        line.assumed, apportion(plan, hours, line.only),
    )  # fmt: skip


@dataclass(frozen=True)
class Month:
    """A month of a plan in all. parts: (site, leaf share) -> (GPU-hours, of which assumed)."""

    month: str
    count: int
    hours: int
    assumed_hours: int
    normalised_hours: Fraction
    parts: Mapping[tuple[str, str], tuple[int, int]]

    def of_share(self, share: str) -> tuple[int, int]:
        """(GPU-hours, of which assumed) of a share or of all its parts, over all sites."""
        inside = [
            hours for (_, leaf), hours in self.parts.items() if leaf == share or leaf.startswith(f"{share}/")
        ]
        return sum(whole for whole, _ in inside), sum(assumed for _, assumed in inside)

    def of_site(self, site: str) -> int:
        """GPU-hours of a site."""
        return sum(whole for (where, _), (whole, _) in self.parts.items() if where == site)


def by_month(plan: PlanDocument) -> list[Month]:
    """Each month of a sound plan. count: the most in force at each site and of each kind, added up."""
    found: dict[str, list[Cell]] = {
        month_name(first): [] for first, _ in months(plan.plan.starts, plan.plan.ends)
    }
    for cell in cells(plan):
        found[cell.month].append(cell)
    return [_month(name, within) for name, within in found.items()]


def _month(name: str, within: Sequence[Cell]) -> Month:
    most: dict[tuple[str, str], int] = {}
    parts: dict[tuple[str, str], tuple[int, int]] = {}
    for cell in within:
        place = cell.site, cell.kind
        most[place] = max(most.get(place, 0), cell.count)
        for share, hours in cell.shares.items():
            whole, assumed = parts.get((cell.site, share), (0, 0))
            parts[cell.site, share] = whole + hours, assumed + (hours if cell.assumed else 0)
    return Month(
        name,
        sum(most.values()),
        sum(cell.hours for cell in within),
        sum(cell.hours for cell in within if cell.assumed),
        sum((cell.normalised_hours for cell in within), Fraction(0)),
        parts,
    )
