"""``madang asset``: a module for each subject; this one puts them together."""

from __future__ import annotations

from cyclopts import App

from madang.interfaces.cli.asset import history, versions

app = App(name="asset", help="Deposit, check, pool, read and withdraw versions.")
for _module in (versions, history):
    for _name in _module.app:
        if not _name.startswith("-"):
            app.command(_module.app[_name], name=_name)
