"""``madang compute``: capacity, shares, awards, books."""

from __future__ import annotations

import math
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from cyclopts import App

from madang.allocations import statements
from madang.interfaces import tables
from madang.interfaces.cli import context
from madang.interfaces.operations import compute
from madang.interfaces.operations import metrics as figures
from madang.kernel import clock
from madang.kernel.errors import BadValue
from madang.kernel.home import write_durably
from madang.sdk import documents

app = App(name="compute", help="Sites, capacity, shares and awards.")


@app.command
def declare(site: str, *, kind: str, count: context.Whole, starts: datetime, ends: datetime) -> None:
    """Declare capacity (the site's operator).

    Example: madang compute declare center-b --kind cpu-core --count 2 --starts 2026-11-01 --ends 2027-11-01

    Parameters
    ----------
    site
        The site's name; declaring first makes it your organization's.
    kind
        What is counted: cpu-core, gpu-h200, ...
    count
        How many.
    starts
        First day or instant (UTC).
    ends
        First instant after the period (UTC).
    """
    new = documents.NewCapacity.model_construct(site=site, kind=kind, count=count, starts=starts, ends=ends)
    print(context.call(compute.declare, new=new).capacity_id)


@app.command
def split(capacity: str, *shares: str) -> None:
    """Split a capacity into shares; 50/30/20 unless told otherwise (a ministry's officer).

    Example: madang compute split cap-... national-projects=50 industry=30 academia-research=20

    Parameters
    ----------
    capacity
        The capacity's id.
    shares
        share=weight of each share.
    """
    weights = {
        name: int(weight) if weight.isdecimal() else -1
        for name, _, weight in (s.partition("=") for s in shares)
    }
    new = documents.NewSplit.model_construct(shares=weights or None)
    for part in context.call(compute.split, capacity=capacity, new=new).shares:
        print(f"{part.share:<20} {part.allotted / 3600:12.2f} resource-hours")


@app.command
def award(mission: str, *, to: str, capacity: str, share: str, hours: float) -> None:
    """Award resource-hours to an organization of a mission (a ministry's officer).

    Example: madang compute award manipulation-10 --to institute-a --capacity cap-...
    --share national-projects --hours 1

    Parameters
    ----------
    mission
        The mission.
    to
        The organization.
    capacity
        The capacity's id.
    share
        national-projects, industry or academia-research.
    hours
        Resource-hours: core-hours of a CPU capacity.
    """
    if not math.isfinite(hours):
        raise BadValue(file="--hours", key=str(hours), reason="It is a number.")
    new = documents.NewAward.model_construct(
        mission=mission, organization=to, capacity=capacity, share=share, resource_hours=hours
    )
    print(context.call(compute.award, new=new).award_id)


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List capacities and what is left of their shares (resource-hours).

    Example: madang compute list --json
    """

    def shares(capacity: documents.Capacity) -> str:
        told = (f"{one.share} {one.left / 3600:.2f} / {one.allotted / 3600:.2f}" for one in capacity.shares)
        return ", ".join(told)

    columns: dict[str, Any] = {
        "capacity": lambda one: one.capacity_id,
        "site": lambda one: one.site,
        "kind": lambda one: one.kind,
        "count": lambda one: one.count,
        "from": lambda one: one.starts_at,
        "to": lambda one: one.ends_at,
        "shares (left / allotted, h)": shares,
    }
    context.print_items(context.every(compute.list_), columns, json)


@app.command
def awards(mission: str, *, json: context.Json = False) -> None:
    """List a mission's awards: awarded, leased, used and left (resource-hours).

    Example: madang compute awards manipulation-10
    """

    def hours(figure: str) -> Any:
        return lambda one: round(getattr(one, figure) / 3600, 4)

    columns: dict[str, Any] = {
        "award": lambda one: one.award_id,
        "organization": lambda one: one.organization,
        "share": lambda one: one.share,
        **{f"{figure} h": hours(figure) for figure in ("awarded", "leased", "used", "lost", "left")},
    }
    context.print_items(context.every(compute.awards, mission=mission), columns, json)


@app.command
def statement(
    *,
    by: str = "organization,mission,share,site,month",
    csv: Path | None = None,
    xlsx: Path | None = None,
    json: context.Json = False,
) -> None:
    """Show the books by organization, mission, share, site and month: awarded, leased, returned, used, lost.

    In resource-seconds; lost is what runs had used that failed or were preempted.

    A ministry's or an auditor's token sees everybody's lines, any other its organization's.

    Example: madang compute statement --by organization,month --csv statement.csv

    Parameters
    ----------
    by
        What to keep apart: any of organization, mission, share, site, month, with commas.
    csv
        Write the lines to this file too.
    xlsx
        Write them as a workbook (extra `xlsx`).
    """
    found = context.call(compute.statement, by=by)
    named = (*found.by, *statements.FIGURES)
    rows = [{name: getattr(line, name) for name in named} for line in found.lines]
    heads = statements.heads(named)
    if csv is not None:
        write_durably(csv, tables.csv(rows, heads))
    if xlsx is not None:
        write_durably(xlsx, tables.workbook(rows, heads, "statement"))
    context.print_rows(rows, heads, json)


@app.command
def alerts(*, json: context.Json = False) -> None:
    """List awards that run dry, stay unspent or lie idle, and shares over their line.

    Example: madang compute alerts
    """
    columns: dict[str, Any] = {
        "kind": lambda one: one.kind,
        "organization": lambda one: one.organization or "-",
        "": lambda one: one.ko if context.language() == "ko" else one.en,
    }
    context.print_items(context.call(compute.alerts).items, columns, json)


@app.command
def metrics() -> None:
    """Print shares, awards and runs as metrics for Prometheus (a ministry's or an auditor's token).

    Example: madang compute metrics
    """
    print(context.call(figures.show), end="")


@app.command(name="books")
def books_(*, json: context.Json = False) -> None:
    """Show every account's balance (a ministry's or auditor's token); exit code 4 where they do not balance.

    Example: madang compute books
    """
    found = context.call(compute.books)
    columns = {"account": lambda one: one.account, "resource-seconds": lambda one: one.resource_seconds}
    context.print_items(found.accounts, columns, json)
    if not found.balanced:
        print(f"!! {clock.to_text(clock.now())}: the books do not balance", file=sys.stderr)
        sys.exit(4)
