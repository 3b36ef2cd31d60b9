"""Runs and recipes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from madang.interfaces.operations.declared import (
    Caller,
    Cursor,
    Limit,
    Name,
    operation,
    page_of,
    told,
)
from madang.interfaces.operations.versions import Mission
from madang.kernel.paging import slice_of
from madang.runs import live, service
from madang.runs import recipes as installed
from madang.runs.attempts import of_run
from madang.runs.model import Run
from madang.sdk import documents

Offset = Annotated[
    int, Field(ge=0, le=2**40, description="Bytes of the log to leave out: those already read.")
]


def document(run: Run) -> documents.Run:
    """A run in its form."""
    facts: dict[str, Any] = {name: getattr(run, name) for name in documents.Run.model_fields if name != "why"}
    why = told(run.why) if run.why else None
    return documents.Run(**{**facts, "why": why, "parameters": dict(run.parameters)})


@operation("GET", "/runs", pages=True)
def list_(
    caller: Caller, mission: Mission = None, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Run]:
    """List the runs you may know of, newest first."""
    with caller.home.database.read() as session:
        rows = service.visible_to(session, caller.actor, mission, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row.queued_at, row.run_id), document)


@operation("POST", "/runs", status=201)
def submit(caller: Caller, new: documents.NewRun) -> documents.Run:
    """Queue a run; the site's supervisor executes it."""
    order = service.Order(
        new.mission, new.recipe, tuple(new.inputs), new.award, new.output, dict(new.parameters), new.cores,
        new.seconds, new.borrow,
    )  # fmt: skip
    return document(service.submit(caller.home, caller.actor, order))


@operation("GET", "/runs/{run}")
def show(caller: Caller, run: Name) -> documents.Run:
    """Show a run."""
    with caller.home.database.read() as session:
        return document(service.see(session, caller.actor, run))


@operation("GET", "/runs/{run}/attempts")
def attempts(caller: Caller, run: Name) -> documents.Page[documents.Attempt]:
    """List how often a run was executed, and what was booked for each time."""
    with caller.home.database.read() as session:
        found = service.see(session, caller.actor, run)
        rows = of_run(session, found.run_id)
    names = documents.Attempt.model_fields
    return documents.Page(items=[documents.Attempt(**{n: getattr(row, n) for n in names}) for row in rows])


@operation("GET", "/runs/{run}/log", media="text/plain")
def log(caller: Caller, run: Name, offset: Offset = 0) -> bytes:
    """Give what a run has printed so far (its last 4 MiB)."""
    with caller.home.database.read() as session:
        found = service.see(session, caller.actor, run)
    return live.log_of(caller.home, found)[offset:]


@operation("GET", "/runs/{run}/metrics")
def metrics(caller: Caller, run: Name) -> documents.Metrics:
    """Give the numbers that a run has reported (the latest 2,000 rows)."""
    with caller.home.database.read() as session:
        found = service.see(session, caller.actor, run)
    return documents.Metrics(rows=live.metrics_of(caller.home, found))


@operation("POST", "/runs/{run}/cancel")
def cancel(caller: Caller, run: Name) -> documents.Run:
    """Stop a run; what it has used stays booked, the rest of its lease returns."""
    with caller.home.database.write() as session:
        return document(service.cancel(session, caller.actor, run))


@operation("GET", "/recipes", public=True)
def recipes(caller: Caller) -> documents.Page[documents.Recipe]:
    """List the installed recipes and their parameters."""
    return documents.Page(items=installed_recipes())


def installed_recipes() -> list[documents.Recipe]:
    """The recipes of this installation; they need no home."""
    items = []
    for name in installed.every():
        recipe = installed.find(name)
        items.append(
            documents.Recipe(
                name=name,
                title=dict(recipe.title),
                action=recipe.action,
                produces=recipe.produces,
                cores=recipe.cores,
                wall_seconds=recipe.wall_seconds,
                parameters=recipe.parameters.model_json_schema(),
            )
        )
    return items
