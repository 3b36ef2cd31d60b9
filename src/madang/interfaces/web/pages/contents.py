"""What is in a version's files: variables for all who know of it, values for those who may download it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from madang.assets import lineage
from madang.assets.describing import exporting, meaning
from madang.assets.describing import service as describing
from madang.assets.errors import ContentDestroyed, NotAccepted
from madang.assets.metadata.model import Description
from madang.assets.model import Version
from madang.assets.probing import service
from madang.assets.probing.model import Probed, Report
from madang.interfaces.web import charts, map_chart
from madang.interfaces.web.viewer import Looking, Viewer, kept
from madang.kernel.errors import NotFound, NotPermitted

router = APIRouter()
_SHOWN_REPORTS = 6
_SHOWN_SPREADS = 6


def shown(viewer: Viewer, version: Version) -> dict[str, Any]:
    """What ``contents.html`` shows of a version that the viewer may know of."""
    with viewer.home.database.read() as session:
        found = service.probed(session, version.version_id)
        written = describing.written(session, version)
        quantities = service.quantities_of(session, version.version_id)
    reports = _reports(viewer, version) if found else None
    said = written.description if written else Description()
    meant = meaning.of_variables([one.variable for one in quantities], said.variables)
    means = [one.title.in_language(viewer.language) for one in meant]
    title = viewer.text("web.card.map", title=version.name)
    box = found.box if found else None
    return {
        "probed": found,
        "said": written.description if written else None,
        "forms": exporting.MEDIA,
        "quantities": quantities,
        "means": means if any(means) else None,
        "meant_files": meaning.of_files(said.files),
        "reports": _first(reports) if reports is not None else None,
        "spread": lambda one: charts.histogram(
            one.statistics.bins, viewer.text("web.contents.spread", name=one.variable.name)
        ),
        "map": map_chart.world([(box[0], box[1], box[2], box[3])], title) if box else None,
    }


def _reports(viewer: Viewer, version: Version) -> list[Report] | None:
    """The reports, or None where the viewer may not see values."""
    try:
        return service.reports(viewer.home, viewer.actor, version.version_id)
    except (NotPermitted, NotAccepted, ContentDestroyed):
        return None


def _first(reports: Sequence[Report]) -> list[tuple[int, Report, list[Probed]]]:
    """(place, report, variables whose values are drawn): one file of each format, then the others."""
    formats: set[str] = set()
    first: list[tuple[int, Report, list[Probed]]] = []
    rest: list[tuple[int, Report, list[Probed]]] = []
    for place, report in enumerate(reports):
        drawn = [one for one in report.variables if len(one.statistics.bins) > 1][:_SHOWN_SPREADS]
        (rest if report.format in formats else first).append((place, report, drawn))
        formats.add(report.format)
    return [*first, *rest][:_SHOWN_REPORTS]


@router.get("/descriptions/{form}/{thing:path}")
def export(form: str, thing: str, viewer: Looking) -> Response:
    """A version or record in a form that other catalogues read, or as a data card, to keep."""
    content = exporting.export(viewer.home, viewer.actor, thing, form, viewer.language)
    return kept(content.decode(), form, exporting.MEDIA[form])


@router.get("/ark:/{naan}/{name}")
def ark(naan: str, name: str, viewer: Looking) -> Response:
    """Where the ARK of a version leads: to its page."""
    if naan != viewer.home.values.ark_naan:
        raise NotFound(name=f"ark:/{naan}/{name}"[:200])
    with viewer.home.database.read() as session:
        found = lineage.see(session, viewer.actor, f"ver-{name}")
    return RedirectResponse(f"/versions/{found.name}", 302)


@router.get("/versions/{owner}/{asset_and_number}/pictures/{place}")
def picture(owner: str, asset_and_number: str, place: int, viewer: Looking) -> Response:
    """The preview of a file that holds a picture, for those who may download the version."""
    reports = service.reports(viewer.home, viewer.actor, f"{owner}/{asset_and_number}")
    found = reports[place].preview.picture if 0 <= place < len(reports) else ""
    if not found:
        raise NotFound(name=str(place))
    return Response(base64.b64decode(found), media_type="image/png")
