"""Missions: the list, and one mission."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from madang.agreements import service as agreements
from madang.assets import lineage
from madang.interfaces.web import charts
from madang.interfaces.web.pages import history
from madang.interfaces.web.viewer import Looking, Viewer, render
from madang.missions import service as missions
from madang.missions.model import Mission
from madang.organizations import service as organizations
from madang.organizations.model import Organization
from madang.programme import progress
from madang.programme.progress import Progress
from madang.runs import live
from madang.scores.model import Score, Standing
from madang.scores.statistics import Interval, wilson

router = APIRouter()
_LOG_LINES = 8


@dataclass(frozen=True)
class Card:
    """A mission in the list; progress only for participants."""

    mission: Mission
    progress: Progress | None


@dataclass(frozen=True)
class Stage:
    """One field of the flow strip."""

    name: str
    count: int
    detail: str
    link: str


@router.get("/missions")
def index(viewer: Looking) -> Response:
    """Every mission the viewer may know of."""
    with viewer.home.database.read() as session:
        cards = []
        for mission in missions.visible_to(session, viewer.actor):
            inside = missions.takes_part(session, viewer.actor, mission.name)
            cards.append(Card(mission, progress.of(session, viewer.actor, mission) if inside else None))
        withdrawn = history.told_to(session, viewer)
    return render(viewer, "missions.html", cards=cards, withdrawn=withdrawn)


@router.get("/missions/{name}")
def show(name: str, viewer: Looking) -> Response:
    """One mission: an outsider sees its charter, a participant its progress."""
    with viewer.home.database.read() as session:
        mission = missions.see(session, viewer.actor, name)
        if not missions.takes_part(session, viewer.actor, name):
            return render(viewer, "mission_public.html", mission=mission)
        told = progress.of(session, viewer.actor, mission)
        bodies = organizations.by_name(session)
        clauses = agreements.clauses_of(session, told.agreement.name)
        sources = {v.version_id: lineage.parents_of(session, v.version_id) for v in told.models}
    live_run = next(iter(told.runs), None)
    metrics = live.metrics_of(viewer.home, live_run) if live_run else []
    log = live.log_of(viewer.home, live_run).decode("utf-8", "replace") if live_run else ""
    return render(
        viewer,
        "mission.html",
        mission=mission,
        progress=told,
        strip=strip(viewer, told),
        current=told.stage,
        bodies=bodies,
        colours=colours(bodies),
        notices=progress.attention(told),
        needed=progress.needed(told),
        chart=_score_chart(viewer, told, bodies),
        tasks=_tasks(told),
        guardrails={
            rail.metric: rail.title_ko if viewer.language == "ko" else rail.title_en
            for rail in mission.document.guardrail
        },
        clauses=clauses,
        sources=sources,
        run=live_run,
        loss=charts.loss(metrics, viewer.text("web.run.loss"), viewer.text("web.run.steps")),
        log="\n".join(log.splitlines()[-_LOG_LINES:]),
    )


def colours(bodies: dict[str, Organization]) -> dict[str, int]:
    """One colour per organization across the product: by the order of registration."""
    order = sorted(bodies.values(), key=lambda body: (body.registered_at, body.name))
    return {body.name: place for place, body in enumerate(order)}


def strip(viewer: Viewer, told: Progress) -> list[Stage]:
    """The flow strip of a mission."""
    name = told.mission.name
    versions = f"/versions?mission={name}"
    episodes = sum(sum(states.values()) for states in told.pooled_by_owner.values())
    decided = sum(version.state != "received" for version in told.deposits)
    sources = max((int(pool.facts.get("sources", 0)) for pool in told.pools), default=0)
    running = sum(run.state == "running" for run in told.runs)
    bad = len(told.quarantined)

    def detail(message: str, **values: object) -> str:
        return viewer.text(f"web.flow.{message}", **values)

    score = detail("no-score")
    if told.headline is not None:
        target = f"{100 * told.mission.objective.target:.0f}"
        score = detail("best", value=f"{100 * told.headline.value:.1f}", target=target)
    return [
        Stage("deposit", episodes, detail("versions", n=len(told.deposits)), versions),
        Stage(
            "check",
            len(told.accepted),
            detail("checked", of=decided, bad=bad),
            f"{versions}&state=quarantined" if bad else versions,
        ),
        Stage(
            "pool",
            len(told.pools),
            detail("sources", n=sources),
            f"/versions/{told.pools[0].name}" if told.pools else versions,
        ),
        Stage("run", len(told.runs), detail("running", n=running), f"/runs?mission={name}"),
        Stage("model", len(told.models), detail("made"), f"{versions}&kind=model"),
        Stage("score", len(told.scored) or len(told.board), score, f"/missions/{name}#scores"),
    ]


def _score_chart(viewer: Viewer, told: Progress, bodies: dict[str, Organization]) -> str:
    objective = told.mission.objective
    by_organization = colours(bodies)
    shown: list[tuple[Score | Standing, str]] = [
        (scored.score, scored.submission.organization) for scored in told.scored
    ] or [(standing, standing.organization) for standing, _ in told.board]
    marks = [
        charts.Mark(
            one.value,
            one.lower,
            one.upper,
            by_organization[organization],
            bodies[organization].title(viewer.language),
        )
        for one, organization in shown
    ]
    label = viewer.text("web.objective.target", target=f"{100 * objective.target:.0f}")
    return charts.scores(marks, objective.target, label, viewer.text("web.objective.chart"))


def _tasks(told: Progress) -> list[tuple[str, Interval]]:
    if told.best is None:
        return []
    return [(name, wilson(successes, n)) for name, (successes, n) in told.best.score.groups.items()]
