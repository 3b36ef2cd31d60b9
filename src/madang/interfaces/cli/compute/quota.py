"""``madang compute quota``: limits on the site's scheduler that follow from awards."""

from __future__ import annotations

import sys
from typing import Any

from cyclopts import App

from madang.allocations.errors import QuotaDrift
from madang.allocations.quotas import service
from madang.allocations.quotas.model import Drift
from madang.interfaces.cli import context

app = App(name="quota", help="Limits on the site's scheduler that follow from awards.")


@app.command
def show(*, site: str | None = None, json: context.Json = False) -> None:
    """Show what the scheduler is to enforce now: shares in units, open awards in resource-seconds.

    Example: madang --token operator.token compute quota show

    Parameters
    ----------
    site
        The site (default: the setting `site`, or the only one that your organization operates).
    """
    home = context.home()
    wanted = service.see(home, context.actor(home), site)
    rows: list[dict[str, Any]] = [
        {"what": "share", "name": one.share, "kind": one.kind, "amount": one.count,
         "rules": _rules(lends=one.lends, borrows=one.borrows, preempts=one.preempts)}
        for one in wanted.shares
    ]  # fmt: skip
    rows += [
        {"what": "award", "name": one.award_id, "kind": one.kind, "amount": one.resource_seconds,
         "rules": one.share if one.open else "closed"}
        for one in wanted.awards
    ]  # fmt: skip
    context.print_rows(rows, {name: name for name in ("what", "name", "kind", "amount", "rules")}, json)


def _rules(**rules: bool) -> str:
    return " ".join(name for name, holds in rules.items() if holds)


@app.command
def apply(*, site: str | None = None, json: context.Json = False) -> None:
    """Write the limits to the scheduler, then read back what is in force; exit code 1 where that differs.

    A supervisor (`madang run work`) does the same every half minute, where `quota_engine` is set.

    Example: madang --token operator.token compute quota apply

    Parameters
    ----------
    site
        The site (default: the setting `site`, or the only one that your organization operates).
    """
    home = context.home()
    changes, drift = service.apply(home, context.actor(home), site)
    if not json:
        print(context.text("cli.quota-changes", changes=changes))
    _tell(drift, json)


@app.command
def check(*, site: str | None = None, json: context.Json = False) -> None:
    """Compare the limits in force on the scheduler with what follows from awards; exit code 1 on drift.

    Example: madang --token operator.token compute quota check

    Parameters
    ----------
    site
        The site (default: the setting `site`, or the only one that your organization operates).
    """
    home = context.home()
    _tell(service.check(home, context.actor(home), site)[1], json)


def _tell(drift: Any, json: bool) -> None:
    found: list[Drift] = list(drift)
    columns = {name: name for name in ("where", "limit", "wanted", "found")}
    if found or json:
        context.print_rows([vars(one) for one in found], columns, json)
    if found:
        context.print_error(QuotaDrift(count=len(found), first=str(found[0])))
        sys.exit(1)
    if not json:
        print(context.text("cli.quota-holds"))
