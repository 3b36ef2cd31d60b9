"""What is installed: packs with their parts, engines."""

from __future__ import annotations

from fastapi import APIRouter, Response

from madang.interfaces.web.viewer import Looking, render
from madang.kernel import extension

router = APIRouter()
PORTS = ("records", "content", "runs", "isolation", "harvest", "search")


@router.get("/packs")
def packs(viewer: Looking) -> Response:
    """The packs of this installation, their checks, recipes and scorers; the engines of each port."""
    engines = {port: sorted(extension.engines(port)) for port in PORTS}
    return render(viewer, "packs.html", packs=extension.packs().values(), engines=engines)
