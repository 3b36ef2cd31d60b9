"""Statements: the books by organization, mission, share, site and month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from madang.allocations import statements
from madang.allocations.statements import FIGURES, KEYS, Line
from madang.interfaces import tables
from madang.interfaces.web.viewer import Looking, render
from madang.organizations import service as organizations
from madang.organizations.service import oversees, require_signed_in

router = APIRouter()

By = Annotated[list[str] | None, Query(max_length=len(KEYS))]
"""What to keep apart; everything where nothing is chosen. Words that are no key are passed over."""


@router.get("/statement")
def show(viewer: Looking, by: By = None) -> Response:
    """The books as far as the viewer may see them."""
    keys, lines = _lines(viewer, by)
    with viewer.home.database.read() as session:
        bodies = organizations.by_name(session)
    return render(
        viewer,
        "statement.html",
        keys=KEYS,
        by=keys,
        figures=FIGURES,
        lines=[vars(line) for line in lines],
        totals={figure: sum(getattr(line, figure) for line in lines) for figure in FIGURES},
        query="&".join(f"by={key}" for key in keys),
        bodies=bodies,
        everybody=oversees(viewer.actor),
    )


@router.get("/statement.csv")
def csv(viewer: Looking, by: By = None) -> Response:
    """The same lines as a file, in resource-seconds."""
    keys, lines = _lines(viewer, by)
    named = (*keys, *FIGURES)
    made = tables.csv(
        [{name: getattr(line, name) for name in named} for line in lines], statements.heads(named)
    )
    headers = {"Content-Disposition": 'attachment; filename="statement.csv"'}
    return Response(made, media_type="text/csv; charset=utf-8", headers=headers)


def _lines(viewer: Looking, by: Sequence[str] | None) -> tuple[list[str], list[Line]]:
    require_signed_in(viewer.actor)
    keys = [key for key in KEYS if by is None or key in by] or list(KEYS)
    with viewer.home.database.read() as session:
        return keys, statements.statement(session, viewer.actor, keys)
