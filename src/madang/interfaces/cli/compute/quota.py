"""``madang compute quota``: limits on the site's scheduler that follow from awards."""

from __future__ import annotations

import sys
from typing import Any

from cyclopts import App

from madang.allocations.errors import QuotaDrift
from madang.allocations.quotas import service
from madang.allocations.quotas.model import Drift
from madang.interfaces.cli import context
from madang.kernel.errors import ExtraMissing

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


@app.command
def render(
    *, engine: str = "kueue", site: str | None = None, run: str | None = None, json: context.Json = False
) -> None:
    """Print quotas, or a run's job, as manifests for an orchestrator (extra `kueue`): rendered, not run.

    Example: madang --token operator.token compute quota render > quotas.yaml

    Parameters
    ----------
    engine
        Which orchestrator: kueue.
    site
        The site (default: the setting `site`, or the only one that your organization operates).
    run
        Print this run's job instead.
    """
    from madang.runs import manifests

    home = context.home()
    actor = context.actor(home)
    if run is not None:
        made = [manifests.of_run(home, actor, engine, run)]
    else:
        made = list(manifests.of_quotas(home, actor, engine, site))
    if json:
        context.print_json({"apiVersion": "v1", "kind": "List", "items": made})
        return
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ExtraMissing(module=error.name, extra="kueue") from error
    print(yaml.safe_dump_all(made, sort_keys=False, allow_unicode=True), end="")


def _tell(drift: Any, json: bool) -> None:
    found: list[Drift] = list(drift)
    columns = {name: name for name in ("where", "limit", "wanted", "found")}
    if found or json:
        context.print_rows([vars(one) for one in found], columns, json)
    if found:
        context.print_error(QuotaDrift(count=len(found), first=found[0].told))
        sys.exit(1)
    if not json:
        print(context.text("cli.quota-holds"))
