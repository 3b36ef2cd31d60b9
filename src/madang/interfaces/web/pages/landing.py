"""Where DOIs lead: what the owner told to everybody, and nothing else."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.assets.identifiers import service
from madang.interfaces.web.viewer import Looking, render

router = APIRouter()


@router.get("/doi/{prefix}/{suffix}")
def doi(prefix: str, suffix: str, viewer: Looking) -> Response:
    """What a DOI that was told to the world stands for; also when the version was taken back."""
    with viewer.home.database.read() as session:
        found, version = service.behind(session, f"{prefix}/{suffix}")
    return render(viewer, "landing.html", doi=found, version=version, told_of=found.description)
