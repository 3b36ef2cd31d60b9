"""``madang compute``: a module for each subject; this one puts them together."""

from __future__ import annotations

from cyclopts import App

from madang.interfaces.cli import context
from madang.interfaces.cli.compute import calls, plan, planner, quota, supply

app = App(name="compute", help="Sites, capacity, shares, calls and awards.")
context.put_together(app, supply.app, calls.app, planner.app)
app.command(plan.app)
app.command(quota.app)
