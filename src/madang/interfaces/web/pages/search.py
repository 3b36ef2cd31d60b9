"""Search, and what is installed: packs with their parts, engines."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.interfaces.web.viewer import Looking, render
from madang.kernel import extension
from madang.programme import search as found

router = APIRouter()
_LONGEST = 200
PORTS = ("records", "content", "runs", "isolation")


@router.get("/search")
def index(viewer: Looking, q: str = "") -> Response:
    """What the viewer may know of by a part of its name or title."""
    words = q[:_LONGEST].replace("\0", "")
    with viewer.home.database.read() as session:
        hits = found.search(session, viewer.actor, words)
    return render(viewer, "search.html", words=words, hits=hits)


@router.get("/packs")
def packs(viewer: Looking) -> Response:
    """The packs of this installation, their checks, recipes and scorers; the engines of each port."""
    engines = {port: sorted(extension.engines(port)) for port in PORTS}
    return render(viewer, "packs.html", packs=extension.packs().values(), engines=engines)
