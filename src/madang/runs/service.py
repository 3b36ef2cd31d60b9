"""Submitting, cancelling and reading runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.allocations import service as allocations
from madang.allocations.model import awards
from madang.assets import lineage
from madang.assets import service as assets
from madang.assets.errors import OtherMission
from madang.assets.model import Version
from madang.kernel import clock, extension
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.canonical import canonical_digest
from madang.kernel.database import Row, Session
from madang.kernel.home import Home
from madang.kernel.ids import check_slug, new_id
from madang.kernel.paging import Slice, cut_each
from madang.missions import service as missions
from madang.runs import recipes
from madang.runs.errors import BadTimeLimit, NoInput, NoSuchRun, NotCancellable, TooManyCores
from madang.runs.launching import Launcher
from madang.runs.model import Run, inputs, runs
from madang.runs.recipes import Recipe

MOST_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Order:
    """What is asked for. cores and wall_seconds default to the recipe's (and to what the engine can give).

    may_borrow: the run may use what other shares leave idle; it is stopped, and begun again, when they want
    it back.
    """

    mission: str
    recipe: str
    inputs: Sequence[str]
    award_id: str
    output_asset: str
    parameters: Mapping[str, Any]
    cores: int | None = None
    wall_seconds: int | None = None
    may_borrow: bool = False


def submit(home: Home, actor: Principal, order: Order) -> Run:
    """Queue a run: check rights over every input's lineage, pin the inputs, hold the lease.

    Raises NotPermitted with the clause, NotAccepted, AwardTooSmall, BadParameters, TooManyCores.
    """
    recipe = recipes.find(order.recipe)
    check_slug(order.output_asset, "output name")
    launcher: Launcher = extension.engine("runs", home.values.run_engine)(home.values)
    cores = _cores(launcher, recipe, order.cores)
    seconds = recipe.wall_seconds if order.wall_seconds is None else order.wall_seconds
    if not 1 <= seconds <= MOST_SECONDS:
        raise BadTimeLimit(asked=seconds, most=MOST_SECONDS)
    if not order.inputs:
        raise NoInput(recipe=order.recipe)
    parameters = recipes.parse_parameters(recipe, order.parameters)
    with home.database.write() as session:
        owner = {"owner": actor.organization}
        authorize(session, Request(actor, "run.submit", "Mission", order.mission, owner))
        missions.see(session, actor, order.mission)
        pinned = [lineage.see(session, actor, name) for name in order.inputs]
        _require_mission(pinned, order.mission)
        grounds = {
            g for version in pinned for g in lineage.authorize_use(session, actor, recipe.action, version)
        }
        assets.require_kind(session, actor.organization, order.output_asset, recipe.produces)
        run_id = new_id("run")
        held = launcher.lease_seconds(seconds)
        allocations.lease(session, order.award_id, run_id, actor.organization, order.mission, cores, held)
        row = _new_row(home, actor, order, parameters, run_id, cores, seconds)
        session.insert(runs, row)
        ids = sorted({version.version_id for version in pinned})
        session.insert(inputs, *({"run_id": run_id, "version_id": i} for i in ids))
        session.record(
            "run.submitted",
            run_id,
            actor.as_fact(),
            award=order.award_id,
            cores=cores,
            grounds=sorted(grounds),
            inputs=[{"version": v.version_id, "manifest": v.manifest} for v in pinned],
            leased_resource_seconds=cores * held,
            mission=order.mission,
            parameters=canonical_digest(row["parameters"]),
            recipe=order.recipe,
        )
        return get(session, run_id)


def _cores(launcher: Launcher, recipe: Recipe, asked: int | None) -> int:
    most = launcher.most or allocations.MOST_COUNT
    cores = min(recipe.cores, most) if asked is None else asked
    if not 1 <= cores <= most:
        raise TooManyCores(asked=cores, most=most)
    return cores


def _new_row(
    home: Home,
    actor: Principal,
    order: Order,
    parameters: Mapping[str, Any],
    run_id: str,
    cores: int,
    seconds: int,
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "mission": order.mission,
        "organization": actor.organization,
        "submitted_by": actor.member,
        "recipe": order.recipe,
        "parameters": dict(parameters),
        "award_id": order.award_id,
        "cores": cores,
        "wall_seconds": seconds,
        "output_asset": order.output_asset,
        "state": "queued",
        "reason": "",
        "cancel_asked": False,
        "queued_at": clock.to_text(clock.now()),
        "engine": home.values.run_engine,
        "may_borrow": order.may_borrow or None,
    }


def _require_mission(pinned: Sequence[Version], mission: str) -> None:
    """Data agreed for one mission is not used in another, whatever its clauses allow there."""
    for version in pinned:
        if version.mission != mission:
            raise OtherMission(version=version.name, found=version.mission, mission=mission)


def cancel(session: Session, actor: Principal, run_id: str) -> Run:
    """Stop a run: a queued one at once, a running one by its supervisor."""
    run = see(session, actor, run_id)
    authorize(session, Request(actor, "run.cancel", "Run", run_id, {"owner": run.organization}))
    if not run.live:
        raise NotCancellable(run=run_id, state=run.state)
    if run.state == "queued":
        allocations.settle(session, run.award_id, run_id, 0)
        ended = clock.to_text(clock.now())
        session.update(
            runs, run_id, state="cancelled", reason="cancelled", ended_at=ended, used_resource_seconds=0
        )
    else:
        session.update(runs, run_id, cancel_asked=True)
    session.record("run.cancel-asked", run_id, actor.as_fact(), state=run.state)
    return get(session, run_id)


def get(session: Session, run_id: str) -> Run:
    """The run of that id, or NoSuchRun."""
    row = session.row(sa.select(runs).where(runs.c.run_id == run_id))
    if row is None:
        raise NoSuchRun(run=run_id)
    return _runs(session, [row])[0]


def _runs(session: Session, rows: Sequence[Row]) -> list[Run]:
    """Rows as runs, with their inputs."""
    pinned: dict[str, list[str]] = {row["run_id"]: [] for row in rows}
    query = sa.select(inputs).where(inputs.c.run_id.in_(list(pinned))).order_by(inputs.c.version_id)
    for row in session.rows(query):
        pinned[row["run_id"]].append(row["version_id"])
    return [Run(**row, inputs=tuple(pinned[row["run_id"]])) for row in rows]


def ahead_of(session: Session, run: Run) -> int:
    """How many runs of any site are queued or running before a queued one."""
    earlier = (runs.c.state == "queued") & (runs.c.queued_at < run.queued_at)
    where = earlier | runs.c.state.in_(("waiting", "running"))
    return int(session.scalar(sa.select(sa.func.count()).select_from(runs).where(where)))


def count_by_state(session: Session) -> dict[str, int]:
    """How many runs are in each state."""
    query = sa.select(runs.c.state, sa.func.count().label("runs")).group_by(runs.c.state)
    return {row["state"]: row["runs"] for row in session.rows(query.order_by(runs.c.state))}


def see(session: Session, actor: Principal, run_id: str) -> Run:
    """The run where the actor may know of it; else NoSuchRun."""
    run = get(session, run_id)
    if actor.organization != run.organization and not missions.takes_part(session, actor, run.mission):
        raise NoSuchRun(run=run_id)
    return run


@dataclass(frozen=True)
class Which:
    """Runs whose award is of one of these capacities, in one of these states; of one award, or with one name
    for what they make, where that is said."""

    capacities: Sequence[str]
    states: Sequence[str]
    award_id: str | None = None
    output: str | None = None


def on_capacities(session: Session, actor: Principal, which: Which, most: int) -> list[Run]:
    """At most so many of these runs, of those that the actor may know of; newest first."""
    of_these = sa.select(awards.c.award_id).where(awards.c.capacity_id.in_(list(which.capacities)))
    query = sa.select(runs).where(runs.c.award_id.in_(of_these), runs.c.state.in_(list(which.states)))
    if which.award_id is not None:
        query = query.where(runs.c.award_id == which.award_id)
    if which.output is not None:
        query = query.where(runs.c.output_asset == which.output)
    branches = missions.branches(session, actor, query, runs.c.mission, runs.c.organization)
    part = Slice(most)
    return _runs(session, session.rows(cut_each(branches, ("queued_at", "run_id"), part, falling=True)))


def used_by_member(session: Session, award_id: str) -> dict[str, int]:
    """member -> resource-seconds that its ended runs have used of an award."""
    used = sa.func.sum(runs.c.used_resource_seconds).label("used")
    query = sa.select(runs.c.submitted_by, used).where(runs.c.award_id == award_id)
    rows = session.rows(query.group_by(runs.c.submitted_by))
    return {row["submitted_by"]: int(row["used"] or 0) for row in rows}


def visible_to(
    session: Session, actor: Principal, mission: str | None = None, part: Slice | None = None
) -> list[Run]:
    """Runs the actor may know of, newest first."""
    query = sa.select(runs)
    if mission is not None:
        query = query.where(runs.c.mission == mission)
    branches = missions.branches(session, actor, query, runs.c.mission, runs.c.organization)
    return _runs(session, session.rows(cut_each(branches, ("queued_at", "run_id"), part, falling=True)))
