"""What changes from one plan to another: GPU-hours by month and share, and the lines that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from madang.allocations.plans.apportionment import by_month
from madang.allocations.plans.model import PlanDocument


@dataclass(frozen=True)
class Shift:
    """A month and share whose hours differ; 0 where a plan has none there. assumed: any of them are."""

    month: str
    share: str
    before: int
    after: int
    assumed: bool

    @property
    def by(self) -> int:
        """GPU-hours more (or, negative, fewer)."""
        return self.after - self.before


def shifts(before: PlanDocument, after: PlanDocument) -> list[Shift]:
    """Every month and share where two sound plans differ, in order."""
    first, second = _table(before), _table(after)
    places = sorted(set(first) | set(second))
    found = []
    for place in places:
        (old, doubtful), (new, also) = first.get(place, (0, 0)), second.get(place, (0, 0))
        found.append(Shift(*place, old, new, bool(doubtful or also)))
    return [shift for shift in found if shift.by]


def _table(plan: PlanDocument) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (month.month, share.name): month.of_share(share.name)
        for month in by_month(plan)
        for share in plan.leaves()
    }


@dataclass(frozen=True)
class Edit:
    """A line of a plan's tables that was added, removed or changed. values: key -> (before, after)."""

    table: str
    name: str
    change: str
    values: tuple[tuple[str, str, str], ...] = ()


def edits(before: PlanDocument, after: PlanDocument) -> list[Edit]:
    """The lines that differ, table by table."""
    return [
        edit for table in ("plan", "kind", "site", "share", "capacity") for edit in _of(table, before, after)
    ]


def _of(table: str, before: PlanDocument, after: PlanDocument) -> Iterator[Edit]:
    first, second = _lines(table, before), _lines(table, after)
    for name in [*first, *(n for n in second if n not in first)]:
        if name not in second:
            yield Edit(table, name, "removed")
        elif name not in first:
            yield Edit(table, name, "added")
        elif first[name] != second[name]:
            old, new = first[name], second[name]
            values = tuple((key, old[key], new[key]) for key in old if old[key] != new[key])
            yield Edit(table, name, "changed", values)


def _lines(table: str, plan: PlanDocument) -> dict[str, dict[str, str]]:
    content = plan.model_dump(mode="json")[table]
    rows = [content] if isinstance(content, dict) else content
    named = {}
    for row in rows:
        name = row["name"] if "name" in row else f"{row['site']} {row['kind']} {row['starts']}"
        named[name] = {key: str(value) for key, value in row.items()}
    return named
