"""``madang asset``: a module for each subject; this one puts them together."""

from __future__ import annotations

from cyclopts import App

from madang.interfaces.cli import context
from madang.interfaces.cli.asset import history, versions

app = App(name="asset", help="Deposit, check, pool, read and withdraw versions.")
context.put_together(app, versions.app, history.app)
