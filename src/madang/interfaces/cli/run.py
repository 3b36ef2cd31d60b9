"""``madang run``: submit, follow, cancel, execute."""

from __future__ import annotations

import sys
import time
from typing import Any

from cyclopts import App

from madang.interfaces.cli import context
from madang.interfaces.operations import runs
from madang.kernel.errors import MadangError
from madang.sdk import documents

app = App(name="run", help="Submit, follow and execute runs.")


def _state(run: documents.Run) -> str:
    return context.text(f"runs.state.{run.state}")


@app.command
def submit(
    recipe: str,
    *inputs: str,
    mission: str,
    award: str,
    output: str,
    set: list[str] | None = None,  # noqa: A002
    cores: context.Whole | None = None,
    seconds: context.Whole | None = None,
    borrow: bool = False,
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
        Units of the award's kind to hold: cores, or GPUs.
    seconds
        Time limit; units x seconds is held of the award (with a scheduler, whole minutes and the end).
    borrow
        It may use what other shares leave idle; it is stopped, and begun again, when they want it back.
    follow
        Print its log until it ends.
    """
    new = documents.NewRun.model_construct(
        mission=mission, recipe=recipe, inputs=inputs, award=award, output=output,
        parameters=dict(context.pair("--set", text) for text in set or []), cores=cores, seconds=seconds,
        borrow=borrow,
    )  # fmt: skip
    run = context.call(runs.submit, new=new)
    print(run.run_id)
    if follow:
        _follow(run.run_id)


@app.command(name="list")
def list_(*, mission: str | None = None, json: context.Json = False) -> None:
    """List the runs you may know of, newest first.

    Example: madang run list --mission manipulation-10
    """
    columns = {
        "run": lambda one: one.run_id,
        "recipe": lambda one: one.recipe,
        "organization": lambda one: one.organization,
        "state": _state,
        "used s": lambda one: one.used_resource_seconds,
    }
    context.print_items(context.every(runs.list_, mission=mission), columns, json)


@app.command
def show(run: str, *, json: context.Json = False) -> None:
    """Show a run.

    Example: madang run show run-...
    """
    found = context.call(runs.show, run=run)
    why = context.said(found.why) if found.why else None
    context.print_document(found, json, state=_state(found), inputs=", ".join(found.inputs), why=why)


@app.command
def attempts(run: str, *, json: context.Json = False) -> None:
    """List how often a run was executed, and what was booked for each time.

    Example: madang run attempts run-...
    """
    columns: dict[str, Any] = {
        "number": lambda one: one.number,
        "engine": lambda one: one.engine,
        "job": lambda one: one.job or "-",
        "borrowed": lambda one: context.text("cli.borrowed") if one.borrowed else "-",
        "from": lambda one: one.started_at or "-",
        "to": lambda one: one.ended_at or "-",
        "reason": lambda one: one.reason or "-",
        "used s": lambda one: one.used_resource_seconds,
    }
    context.print_items(context.call(runs.attempts, run=run).items, columns, json)


@app.command
def log(run: str, *, follow: bool = False) -> None:
    """Print a run's log; with --follow until it ends.

    Example: madang run log run-... --follow
    """
    if follow:
        _follow(run)
        return
    sys.stdout.write(context.call(runs.log, run=run).decode("utf-8", "replace"))


def _follow(run_id: str) -> None:
    shown, begun, told = 0, time.monotonic(), False
    while True:
        run = context.call(runs.show, run=run_id)
        if run.state == "queued" and not told and time.monotonic() - begun > 3:
            print(context.text("cli.still-queued"), file=sys.stderr)
            told = True
        data = context.call(runs.log, run=run_id, offset=shown)
        sys.stdout.write(data.decode("utf-8", "replace"))
        sys.stdout.flush()
        shown += len(data)
        if not run.live:
            print(_state(run), context.said(run.why) if run.why else "")
            return
        time.sleep(0.3)


@app.command
def cancel(run: str) -> None:
    """Stop a run; what it has used stays booked, the rest of its lease returns.

    Example: madang run cancel run-...
    """
    print(_state(context.call(runs.cancel, run=run)))


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
    from madang.runs import service
    from madang.runs.model import Run
    from madang.runs.supervisor import Supervisor

    home = context.home()
    actor = context.actor(home)

    def tell(run: Run) -> None:
        with home.database.read() as session:
            now = service.get(session, run.run_id)
        print(f"{now.run_id} {now.recipe} {context.text(f'runs.state.{now.state}')}", flush=True)

    def trouble(error: MadangError) -> None:
        context.print_error(error)

    Supervisor(home, actor, name).work(until_idle=until_idle, tell=tell, trouble=trouble)


@app.command
def reconcile(*, site: str | None = None, json: context.Json = False) -> None:
    """Compare what was booked with the scheduler's own accounting (the site's operator).

    Exit code 1 where a job differs, or used an award without being a run of ours.

    Example: madang --token operator.token run reconcile

    Parameters
    ----------
    site
        The site (default: the setting `site`, or the only one that your organization operates).
    """
    from madang.runs.reconciling import reconcile as compare

    home = context.home()
    found = compare(home, context.actor(home), site)
    if json:
        context.print_json({**vars(found), "differences": [vars(one) for one in found.differences]})
    else:
        columns = {name: name for name in ("what", "award_id", "job", "name", "booked", "accounted")}
        if found.differences:
            context.print_rows([vars(one) for one in found.differences], columns, False)
        told = {name: getattr(found, name) for name in ("jobs", "booked", "accounted")}
        print(context.text("cli.reconciled", differences=len(found.differences), **told))
    if found.differences:
        sys.exit(1)


@app.command(name="recipes")
def recipes_(*, json: context.Json = False) -> None:
    """List installed recipes and their parameters.

    Example: madang run recipes
    """
    found = context.call(runs.recipes).items if context.server() else runs.installed_recipes()
    rows: list[dict[str, Any]] = []
    for recipe in found:
        for key, field in recipe.parameters.get("properties", {}).items():
            told = {"default": field.get("default"), "meaning": field.get("description")}
            rows.append({"recipe": recipe.name, "parameter": key, **told})
    columns = {"recipe": "recipe", "parameter": "parameter", "default": "default", "meaning": "meaning"}
    context.print_rows(rows, columns, json)
