"""Runs: the list, one run, and its live log and metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from madang.allocations import service as allocations
from madang.assets import lineage
from madang.assets.model import Version
from madang.interfaces.web import charts
from madang.interfaces.web.viewer import PART, Looking, Viewer, render
from madang.kernel.paging import parted, slice_of
from madang.organizations import service as organizations
from madang.runs import attempts, live, service
from madang.runs.model import Run

router = APIRouter()
_TICK_SECONDS = 0.5
_SHOWN_LOG = 64 * 1024


@router.get("/runs")
def index(viewer: Looking, mission: str | None = None, cursor: str | None = None) -> Response:
    """The runs the viewer may know of."""
    with viewer.home.database.read() as session:
        found = service.visible_to(session, viewer.actor, mission, slice_of(PART, cursor))
        bodies = organizations.by_name(session) if found else {}
    shown, following = parted(found, PART, lambda row: (row.queued_at, row.run_id))
    here = urlencode({"mission": mission} if mission else {})
    return render(viewer, "runs.html", runs=shown, bodies=bodies, following=following, path=f"/runs?{here}&")


@router.get("/runs/{run_id}")
def show(run_id: str, viewer: Looking) -> Response:
    """One run: state, inputs and output, usage, metrics, log."""
    with viewer.home.database.read() as session:
        run = service.see(session, viewer.actor, run_id)
        inputs = [lineage.get(session, version_id) for version_id in run.inputs]
        award = allocations.get_award(session, run.award_id)
        balance = allocations.balance_of(session, award)
        body = organizations.get(session, run.organization)
        outputs: list[Version] = [
            child
            for version in inputs[:1]
            for child in lineage.children_of(session, version.version_id)
            if child.made_by == run_id
        ]
        tried = attempts.of_run(session, run_id)
        held = allocations.held_for(session, run_id)
    log, chart = _log(viewer, run), _chart(viewer, run)
    return render(
        viewer,
        "run.html",
        run=run,
        inputs=inputs,
        outputs=outputs,
        award=award,
        balance=balance,
        body=body,
        log=log,
        chart=chart,
        attempts=tried,
        held=held,
    )


@router.get("/runs/{run_id}/events")
async def events(run_id: str, request: Request, viewer: Looking) -> StreamingResponse:
    """Server-sent events: "log" with the whole shown log, "chart" with the SVG, "end" when it ended."""
    await run_in_threadpool(_see, viewer, run_id)
    return StreamingResponse(_stream(run_id, request, viewer), media_type="text/event-stream")


def _see(viewer: Viewer, run_id: str) -> Run:
    with viewer.home.database.read() as session:
        return service.see(session, viewer.actor, run_id)


def _now(viewer: Viewer, run_id: str) -> tuple[Run, str, str]:
    run = _see(viewer, run_id)
    return run, _log(viewer, run), _chart(viewer, run)


async def _stream(run_id: str, request: Request, viewer: Viewer) -> AsyncIterator[str]:
    last: tuple[str, str] = ("", "")
    while not await request.is_disconnected():
        run, *told = await run_in_threadpool(_now, viewer, run_id)
        for name, value, before in zip(("log", "chart"), told, last, strict=True):
            if value != before:
                yield f"event: {name}\ndata: {json.dumps(value)}\n\n"
        last = (told[0], told[1])
        if not run.live:
            yield "event: end\ndata: {}\n\n"
            return
        await asyncio.sleep(_TICK_SECONDS)


def _log(viewer: Viewer, run: Run) -> str:
    return live.log_of(viewer.home, run)[-_SHOWN_LOG:].decode("utf-8", "replace")


def _chart(viewer: Viewer, run: Run) -> str:
    rows = live.metrics_of(viewer.home, run)
    return charts.loss(rows, viewer.text("web.run.loss"), viewer.text("web.run.steps"))
