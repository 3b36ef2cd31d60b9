"""Missions, their scoreboards and the opening of their benchmarks."""

from __future__ import annotations

from dataclasses import asdict

from madang.assets import lineage
from madang.assets.content import blobs
from madang.interfaces.operations.declared import (
    Caller,
    Cursor,
    Limit,
    Name,
    operation,
    page_of,
    told,
)
from madang.kernel.paging import slice_of
from madang.missions import service
from madang.missions.model import Mission, MissionDocument
from madang.programme import progress
from madang.scores import opening as openings
from madang.scores import service as scores
from madang.scores.model import Opening
from madang.sdk import documents


def _facts(mission: Mission) -> dict[str, object]:
    header, objective = mission.header, mission.objective
    told = {name: getattr(header, name) for name in ("title_en", "title_ko", "deadline", "lead", "evaluator")}
    told |= {name: getattr(objective, name) for name in ("metric", "target", "n", "confidence")}
    titles = {"objective_en": objective.title_en, "objective_ko": objective.title_ko}
    own = {"name": mission.name, "digest": mission.digest, "opened_at": mission.opened_at}
    return {**own, **told, **titles, "visibility": header.visibility}


def document(mission: Mission) -> documents.Mission:
    """A mission in its form."""
    return documents.Mission.model_validate(_facts(mission))


def _progress(found: progress.Progress) -> documents.Progress:
    best = found.headline
    headline = (
        None
        if best is None
        else documents.Headline.model_validate({**asdict(best), "version": best.version.name})
    )
    attention = [
        documents.Notice(severity=n.severity, title=told(n.title), detail=told(n.detail), link=n.link)
        for n in progress.attention(found)
    ]
    return documents.Progress(
        stage=found.stage,
        reached=found.reached,
        deposits=len(found.deposits),
        accepted=len(found.accepted),
        quarantined=len(found.quarantined),
        pools=len(found.pools),
        runs=len(found.runs),
        models=len(found.models),
        scores=len(found.scored),
        best=headline,
        attention=attention,
    )


@operation("GET", "/missions", public=True, pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Mission]:
    """List the missions you may know of, newest first."""
    with caller.home.database.read() as session:
        rows = service.visible_to(session, caller.actor, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row.opened_at, row.name), document)


@operation("POST", "/missions", status=201)
def open_(caller: Caller, charter: MissionDocument) -> documents.Mission:
    """Open a mission from its charter (a researcher of the lead)."""
    with caller.home.database.write() as session:
        return document(service.open_mission(session, caller.actor, charter))


@operation("GET", "/missions/{name}", public=True)
def show(caller: Caller, name: Name) -> documents.MissionWhole:
    """Show a mission: its charter, and for those who take part its progress."""
    with caller.home.database.read() as session:
        mission = service.see(session, caller.actor, name)
        inside = service.takes_part(session, caller.actor, name)
        found = _progress(progress.of(session, caller.actor, mission)) if inside else None
    charter = mission.document.model_dump(mode="json")
    return documents.MissionWhole.model_validate({**_facts(mission), "charter": charter, "progress": found})


@operation("GET", "/missions/{name}/board")
def board(caller: Caller, name: Name) -> documents.Page[documents.Standing]:
    """Show the scoreboard: each organization's best on the feedback half, as the Ladder shows it."""
    with caller.home.database.read() as session:
        service.require_part(session, caller.actor, name)
        rows = [
            documents.Standing(
                **{key: value for key, value in asdict(row).items() if key != "version_id"},
                version=lineage.get(session, row.version_id).name,
            )
            for row in scores.board(session, service.get(session, name))
        ]
    return documents.Page(items=rows)


def opening_document(told: Opening) -> documents.Opening:
    """An opening in its form: organizations, not people."""
    names = ("mission", "asked_for", "asked_at", "confirmed_for", "confirmed_at", "published_at")
    return documents.Opening(**{name: getattr(told, name) for name in names})


@operation("POST", "/missions/{name}/opening", status=201)
def open_benchmark(caller: Caller, name: Name) -> documents.Opening:
    """Open the final half: one person asks, another of another organization confirms. Once."""
    with caller.home.database.write() as session:
        return opening_document(openings.approve(session, caller.actor, name))


@operation("GET", "/missions/{name}/benchmark", public=True, media="application/json")
def published(caller: Caller, name: Name) -> bytes:
    """Give an opened benchmark: items, salts, and every item's judgement."""
    with caller.home.database.read() as session:
        digest = openings.published(session, caller.actor, name)
    return blobs.read(caller.home, digest)
