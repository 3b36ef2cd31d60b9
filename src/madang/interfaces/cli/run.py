"""``madang run``: submit, follow, cancel, execute."""

from __future__ import annotations

import sys
import time
from typing import Any

from cyclopts import App

from madang.interfaces.cli import context
from madang.kernel.errors import BadValue
from madang.runs import live, recipes, service
from madang.runs.model import Run
from madang.runs.supervisor import Supervisor

app = App(name="run", help="Submit, follow and execute runs.")


def _row(run: Run) -> dict[str, Any]:
    return {**vars(run), "state": context.text(f"runs.state.{run.state}"), "inputs": list(run.inputs)}


@app.command
def submit(
    recipe: str,
    *inputs: str,
    mission: str,
    award: str,
    output: str,
    set: list[str] | None = None,  # noqa: A002
    cores: int | None = None,
    seconds: int | None = None,
    follow: bool = False,
) -> None:
    """Queue a run; a supervisor (`madang run work`) executes it.

    Example: madang run submit physical/behaviour-cloning institute-a/pool@1 --mission manipulation-10
    --award awd-... --output policy --set steps=3000 --follow

    Parameters
    ----------
    recipe
        pack/name of the recipe.
    inputs
        Versions it works on.
    mission
        The mission.
    award
        The award that pays.
    output
        Name of the asset it makes a version of.
    set
        key=value of a parameter; may be repeated.
    cores
        Cores to hold.
    seconds
        Time limit; cores x seconds is held of the award.
    follow
        Print its log until it ends.
    """
    home = context.home()
    actor = context.actor(home)
    parameters = dict(_pair(text) for text in set or [])
    order = service.Order(mission, recipe, inputs, award, output, parameters, cores, seconds)
    run = service.submit(home, actor, order)
    print(run.run_id)
    if follow:
        _follow(run.run_id)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise BadValue(file="--set", key=text, reason="It is written key=value.")
    return key, value


@app.command(name="list")
def list_(*, mission: str | None = None, json: context.Json = False) -> None:
    """List the runs you may know of, newest first.

    Example: madang run list --mission manipulation-10
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        rows = [_row(run) for run in service.visible_to(session, actor, mission)]
    columns = {"run_id": "run", "recipe": "recipe", "organization": "organization", "state": "state"}
    context.print_rows(rows, columns | {"used_resource_seconds": "used s"}, json)


@app.command
def show(run: str, *, json: context.Json = False) -> None:
    """Show a run.

    Example: madang run show run-...
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        found = service.see(session, actor, run)
    facts = _row(found)
    if found.reason:
        facts["why"] = context.text(f"runs.reason.{found.reason.partition(':')[0]}")
    context.print_facts(facts, json)


@app.command
def log(run: str, *, follow: bool = False) -> None:
    """Print a run's log; with --follow until it ends.

    Example: madang run log run-... --follow
    """
    if follow:
        _follow(run)
        return
    home = context.home()
    actor = context.actor(home)
    with home.database.read() as session:
        found = service.see(session, actor, run)
    sys.stdout.write(live.log_of(home, found).decode("utf-8", "replace"))


def _follow(run_id: str) -> None:
    home = context.home()
    actor = context.actor(home)
    shown, begun, told = 0, time.monotonic(), False
    while True:
        with home.database.read() as session:
            run = service.see(session, actor, run_id)
        if run.state == "queued" and not told and time.monotonic() - begun > 3:
            print(context.text("cli.still-queued"), file=sys.stderr)
            told = True
        data = live.log_of(home, run)
        sys.stdout.write(data[shown:].decode("utf-8", "replace"))
        sys.stdout.flush()
        shown = len(data)
        if not run.live:
            print(
                context.text(f"runs.state.{run.state}"),
                context.text(f"runs.reason.{run.reason.partition(':')[0]}"),
            )
            return
        time.sleep(0.3)


@app.command
def cancel(run: str) -> None:
    """Stop a run; what it has used stays booked, the rest of its lease returns.

    Example: madang run cancel run-...
    """
    home = context.home()
    actor = context.actor(home)
    with home.database.write() as session:
        print(context.text(f"runs.state.{service.cancel(session, actor, run).state}"))


@app.command
def work(*, until_idle: bool = False, name: str | None = None) -> None:
    """Execute queued runs (the site's operator) until Ctrl-C. Killed, the next one takes over.

    Example: madang --token center.token run work

    Parameters
    ----------
    until_idle
        End when no run is queued or running.
    name
        This supervisor's name where several share the database (default: the machine's name).
    """
    home = context.home()
    actor = context.actor(home)

    def tell(run: Run) -> None:
        with home.database.read() as session:
            now = service.get(session, run.run_id)
        print(f"{now.run_id} {now.recipe} {context.text(f'runs.state.{now.state}')}", flush=True)

    Supervisor(home, actor, name).work(until_idle=until_idle, tell=tell)


@app.command(name="recipes")
def recipes_(*, json: context.Json = False) -> None:
    """List installed recipes and their parameters.

    Example: madang run recipes
    """
    rows = []
    for name in recipes.every():
        recipe = recipes.find(name)
        for key, field in recipe.parameters.model_fields.items():
            rows.append(
                {"recipe": name, "parameter": key, "default": field.default, "meaning": field.description}
            )
    columns = {"recipe": "recipe", "parameter": "parameter", "default": "default", "meaning": "meaning"}
    context.print_rows(rows, columns, json)
