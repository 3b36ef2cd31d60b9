"""What a plan must satisfy beyond its form. Every problem is an error of the family, in three parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from madang.allocations.errors import (
    KindWithoutFactor,
    NamedTwice,
    OutsidePlan,
    PeriodsOverlap,
    SharesDoNotSum,
    UnknownInPlan,
)
from madang.allocations.plans.model import CapacityDocument, PlanDocument
from madang.kernel.errors import UserError

MOST_YEARS = 20
"""How long a plan may be."""


def problems(plan: PlanDocument) -> list[UserError]:
    """Everything that is wrong with a plan: an empty list where it may be adopted."""
    return [*_named_twice(plan), *_periods(plan), *_shares(plan), *_capacities(plan), *_overlaps(plan)]


def require_sound(plan: PlanDocument) -> None:
    """Raise the first problem of a plan."""
    for problem in problems(plan):
        raise problem


def _named_twice(plan: PlanDocument) -> Iterator[UserError]:
    for table, names in (
        ("kind", [one.name for one in plan.kind]),
        ("site", [one.name for one in plan.site]),
        ("share", [one.name for one in plan.share]),
        *((f"kind {kind.name}, factor", [str(one.version) for one in kind.factor]) for kind in plan.kind),
    ):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield NamedTwice(table=table, name=name)


def _periods(plan: PlanDocument) -> Iterator[UserError]:
    header = plan.plan
    whole = header.starts.day == header.ends.day == 1 and header.starts < header.ends
    if not whole or header.ends.year - header.starts.year > MOST_YEARS:
        yield OutsidePlan(what="plan", starts=header.starts, ends=header.ends, low="-", high="-")
    for kind in plan.kind:
        for one in kind.factor:
            if one.starts.day != 1:
                what = f"{kind.name}, factor {one.version}"
                yield OutsidePlan(what=what, starts=one.starts, ends="-", low="-", high="-")
    for line in plan.capacity:
        if not header.starts <= line.starts < line.ends <= header.ends:
            yield OutsidePlan(
                what=f"{line.site} {line.kind}", starts=line.starts, ends=line.ends,
                low=header.starts, high=header.ends,
            )  # fmt: skip


def _shares(plan: PlanDocument) -> Iterator[UserError]:
    names = {share.name for share in plan.share}
    for parent in dict.fromkeys(share.parent for share in plan.share):
        if parent and parent not in names:
            yield UnknownInPlan(table="share", name=parent, known=", ".join(sorted(names)))
        percents = [share.percent for share in plan.children_of(parent)]
        if sum(percents) != Decimal(100):
            told = " + ".join(str(one) for one in percents)
            yield SharesDoNotSum(parent=parent or "-", percents=told, total=sum(percents))


def _capacities(plan: PlanDocument) -> Iterator[UserError]:
    known = {
        "site": {one.name for one in plan.site},
        "kind": {one.name for one in plan.kind},
        "share": {one.name for one in plan.children_of("")},
    }
    for line in plan.capacity:
        for table, names in (("site", (line.site,)), ("kind", (line.kind,)), ("share", line.only)):
            for name in names:
                if name not in known[table]:
                    yield UnknownInPlan(table=table, name=name, known=", ".join(sorted(known[table])))
        if line.kind in known["kind"] and plan.factor_of(line.kind, line.starts) is None:
            yield KindWithoutFactor(kind=line.kind, day=line.starts)


def _overlaps(plan: PlanDocument) -> Iterator[UserError]:
    places: dict[tuple[str, str], list[CapacityDocument]] = {}
    for line in plan.capacity:
        places.setdefault((line.site, line.kind), []).append(line)
    for (site, kind), lines in places.items():
        for first, second in pairwise(sorted(lines, key=lambda line: (line.starts, line.ends))):
            if second.starts < first.ends:
                yield PeriodsOverlap(site=site, kind=kind, first=first.starts, second=second.starts)
