"""Finding data, the card of a record, and where the records come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import Source
from madang.assets.describing import exporting
from madang.assets.search import service as finding
from madang.assets.search.port import FACETS
from madang.interfaces.operations.catalogue import found_document
from madang.interfaces.web import map_chart
from madang.interfaces.web.viewer import PART, Looking, Viewer, kept, render
from madang.kernel.database import Session
from madang.kernel.errors import BadValue, NotSignedIn
from madang.kernel.paging import Slice, parted, slice_of
from madang.organizations import service as organizations
from madang.programme import search as names

router = APIRouter()
_LONGEST = 400
_SHOWN = 20
_SHOWN_VALUES = 8
CHOICES = ("kind", "source", "format", "licence", "language", "mission", "owner", "layer", "state")


@router.get("/search")
def index(request: Request, viewer: Looking, q: str = "", may: str | None = None, page: int = 1) -> Response:
    """Records and versions that fit, with what they may be narrowed by; above them what is called so."""
    words = q[:_LONGEST].replace("\0", "")
    years = {name: told[:8] for name in ("from", "to") if (told := request.query_params.get(name))}
    chosen = {
        name: request.query_params.getlist(name)[:50] for name in FACETS if name in request.query_params
    }
    with viewer.home.database.read() as session:
        named = (
            names.search(session, viewer.actor, words[:200])
            if words and page == 1 and not (chosen or years)
            else []
        )
    page = min(max(1, page), finding.DEEPEST // _SHOWN)
    between = (_year(years.get("from")), _year(years.get("to")))
    asked = finding.Asked(words, chosen, between, may or None, _SHOWN, (page - 1) * _SHOWN)
    answer = finding.search(viewer.home, viewer.actor, asked)
    found = [found_document(one) for one in answer.found]
    shown = {one.name for one in found}
    pairs = [("q", words), *([("may", may)] if may else [])]
    pairs += years.items()
    pairs += [(name, value) for name, values in chosen.items() for value in values]
    return render(
        viewer,
        "search.html",
        words=words,
        hits=[hit for hit in named if hit.name not in shown],
        answer=answer,
        found=found,
        choices=_choices(answer.facets, chosen),
        may=may or "",
        years=years,
        page=page,
        pages=-(-min(answer.count, finding.DEEPEST) // _SHOWN),
        query=urlencode(pairs),
    )


def _year(told: str | None) -> int | None:
    """A year as it was typed; BadValue where it is none."""
    if told is None:
        return None
    if not (told.isascii() and told.isdecimal() and len(told) <= 4):
        raise BadValue(file="/search", key="from, to", reason="It is not a year.")
    return int(told)


def _choices(
    counted: Mapping[str, Sequence[tuple[str, int]]], chosen: Mapping[str, Sequence[str]]
) -> dict[str, list[tuple[str, int, bool]]]:
    """facet -> (value, count, whether it is chosen), those with something to choose."""
    choices = {}
    for name in CHOICES:
        taken = set(chosen.get(name, ()))
        values = list(counted.get(name, ()))[:_SHOWN_VALUES]
        values += [(value, 0) for value in sorted(taken - {value for value, _ in values})]
        if len(values) > 1 or taken:
            choices[name] = [(value, count, value in taken) for value, count in values]
    return choices


@router.get("/records/{record}")
def record(record: str, viewer: Looking) -> Response:
    """The card of a record: what its source says of some data."""
    _require_member(viewer)
    with viewer.home.database.read() as session:
        found = catalogue.record(session, viewer.actor, record)
        source = catalogue.get(session, found.source)
        bodies = organizations.by_name(session)
    told = found.description
    boxes = [place.box for place in told.places if place.box]
    title = told.title.in_language(viewer.language)
    drawn = map_chart.world(boxes[:200], viewer.text("web.card.map", title=title)) if boxes else None
    return render(
        viewer,
        "record.html",
        record=found,
        source=source,
        bodies=bodies,
        told_of=told,
        title=title,
        map=drawn,
        forms=exporting.MEDIA,
    )


@router.get("/records/{record}/original")
def original(record: str, viewer: Looking) -> Response:
    """The record byte for byte, to keep: never shown, since a stranger wrote it."""
    _require_member(viewer)
    with viewer.home.database.read() as session:
        found = catalogue.record(session, viewer.actor, record)
    answer = kept("", f"{found.record_id}.{found.format}.txt")
    answer.body = catalogue.original(viewer.home, found)
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer


@router.get("/sources")
def sources(viewer: Looking, cursor: str | None = None) -> Response:
    """Where records come from, how many there are, and how the last harvest went."""
    _require_member(viewer)
    with viewer.home.database.read() as session:
        found = catalogue.visible_to(session, viewer.actor, slice_of(PART, cursor))
        shown, following = parted(found, PART, lambda row: (row.name,))
        listed = [_listed(session, one) for one in shown]
        bodies = organizations.by_name(session)
    return render(
        viewer, "sources.html", sources=listed, bodies=bodies, following=following, path="/sources?"
    )


def _listed(session: Session, source: Source) -> dict[str, Any]:
    last = catalogue.harvests_of(session, source.name, Slice(1))
    return {
        "source": source,
        "records": catalogue.shown(session, source),
        "last": last[0] if last else None,
    }


@router.get("/sources/{source}")
def show_source(source: str, viewer: Looking) -> Response:
    """One source: its harvests, and what the last of them could not read."""
    _require_member(viewer)
    with viewer.home.database.read() as session:
        found = catalogue.see(session, viewer.actor, source)
        harvests = catalogue.harvests_of(session, source, Slice(20))
        problems = catalogue.problems_of(session, harvests[0].harvest_id, Slice(PART)) if harvests else []
        count = catalogue.shown(session, found)
        bodies = organizations.by_name(session)
    return render(
        viewer,
        "source.html",
        source=found,
        address=catalogue.address_for(viewer.actor, found),
        harvests=harvests,
        problems=[problem for _, problem in problems],
        records=count,
        bodies=bodies,
    )


def _require_member(viewer: Viewer) -> None:
    if not viewer.signed_in:
        raise NotSignedIn()
