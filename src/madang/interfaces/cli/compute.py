"""``madang compute``: sites, capacity, shares, awards, books."""

from __future__ import annotations

import sys
from csv import DictWriter
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from cyclopts import App

from madang.allocations import books, service, statements
from madang.allocations.model import SHARES
from madang.interfaces.cli import context
from madang.kernel import clock
from madang.kernel.home import write_durably

app = App(name="compute", help="Sites, capacity, shares and awards.")


def _instant(text: datetime) -> datetime:
    return text if text.tzinfo else text.replace(tzinfo=UTC)


@app.command
def declare(site: str, *, kind: str, count: int, starts: datetime, ends: datetime) -> None:
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
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        made = service.declare(session, actor, site, kind, count, _instant(starts), _instant(ends))
    print(made.capacity_id)


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
    home = context.home()
    actor = context.actor(home)
    weights = {
        name: int(weight) if weight.isdecimal() else -1
        for name, _, weight in (s.partition("=") for s in shares)
    }
    with home.database.write() as session:
        parts = service.split(session, actor, capacity, weights or None)
    for share, amount in parts.items():
        print(f"{share:<20} {amount / 3600:12.2f} resource-hours")


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
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        print(service.award(session, actor, mission, to, capacity, share, hours).award_id)


@app.command(name="list")
def list_(*, json: context.Json = False) -> None:
    """List capacities and what is left of their shares (resource-hours).

    Example: madang compute list --json
    """
    home = context.home()
    context.actor(home)
    with home.database.read() as session:
        rows = []
        for capacity in service.every_capacity(session):
            row = dict(vars(capacity))
            for share, (allotted, left) in service.shares_of(session, capacity.capacity_id).items():
                row[share] = f"{left / 3600:.2f} / {allotted / 3600:.2f}"
            rows.append(row)
    columns = {
        "capacity_id": "capacity",
        "site": "site",
        "kind": "kind",
        "count": "count",
        "starts_at": "from",
    }
    columns |= {"ends_at": "to", **{share: f"{share} (left / allotted, h)" for share in SHARES}}
    context.print_rows(rows, columns, json)


@app.command
def awards(mission: str, *, json: context.Json = False) -> None:
    """List a mission's awards: awarded, leased, used and left (resource-hours).

    Example: madang compute awards manipulation-10
    """
    from madang.missions.errors import NoSuchMission
    from madang.missions.service import takes_part

    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        if not takes_part(session, actor, mission):
            raise NoSuchMission(name=mission)
        rows = []
        for held in service.awards_of(session, mission):
            balance = service.balance_of(session, held)
            hours = {name: round(value / 3600, 4) for name, value in vars(balance).items()}
            rows.append({**vars(held), **hours})
    columns = {"award_id": "award", "organization": "organization", "share": "share", "awarded": "awarded h"}
    context.print_rows(rows, columns | {"leased": "leased h", "used": "used h", "left": "left h"}, json)


@app.command
def statement(
    *, by: str = "organization,mission,share,month", csv: Path | None = None, json: context.Json = False
) -> None:
    """Show the books by organization, mission, share and month: awarded, leased, returned, used (seconds).

    A ministry's or an auditor's token sees everybody's lines, any other its organization's.

    Example: madang compute statement --by organization,month --csv statement.csv

    Parameters
    ----------
    by
        What to keep apart: any of organization, mission, share, month, with commas.
    csv
        Write the lines to this file too.
    """
    from madang.kernel.errors import BadValue

    wanted = [name.strip() for name in by.split(",") if name.strip()]
    unknown = sorted(set(wanted) - set(statements.KEYS))
    if unknown:
        raise BadValue(file="--by", key=unknown[0], reason=f"It is any of {', '.join(statements.KEYS)}.")
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        lines = statements.statement(session, actor, wanted)
    named = (*wanted, *statements.FIGURES)
    rows = [{name: getattr(line, name) for name in named} for line in lines]
    if csv is not None:
        write_durably(csv, _csv(rows, named))
    context.print_rows(rows, {name: name for name in named}, json)


def _csv(rows: list[dict[str, Any]], named: tuple[str, ...]) -> bytes:
    """Comma-separated, UTF-8 with a mark (spreadsheets in Korea expect it). No cell can be a formula:
    keys are names of ours, which begin with a letter or a digit."""
    text = StringIO()
    writer = DictWriter(text, named)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


@app.command(name="books")
def books_(*, json: context.Json = False) -> None:
    """Show every account's balance (a ministry's or auditor's token); exit code 4 where they do not balance.

    Example: madang compute books
    """
    from madang.kernel.authorizer import Request, authorize

    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        authorize(session, Request(actor, "ledger.read", "Books", "books", {"owner": actor.organization}))
        totals = books.trial_balance(session)
    rows = [{"account": account, "resource_seconds": total} for account, total in sorted(totals.items())]
    context.print_rows(rows, {"account": "account", "resource_seconds": "resource-seconds"}, json)
    if not books.balanced(totals):
        print(f"!! {clock.to_text(clock.now())}: the books do not balance", file=sys.stderr)
        sys.exit(4)
