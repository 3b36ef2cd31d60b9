"""``madang compute``: a module for each subject; this one puts them together."""

from __future__ import annotations

from cyclopts import App

from madang.interfaces.cli.compute import calls, plan, planner, quota, supply

app = App(name="compute", help="Sites, capacity, shares, calls and awards.")
for _module in (supply, calls, planner):
    for _name in _module.app:
        if not _name.startswith("-"):
            app.command(_module.app[_name], name=_name)
app.command(plan.app)
app.command(quota.app)
