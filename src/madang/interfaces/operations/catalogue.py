"""The catalogue: sources, harvests, records, and finding data in it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from madang.assets.catalogue import service
from madang.assets.catalogue.model import Record, Source
from madang.assets.harvest import port, running
from madang.assets.metadata.model import Text as TextOfMany
from madang.assets.search import service as finding
from madang.assets.search.port import FACETS
from madang.interfaces.operations.declared import (
    Caller,
    Cursor,
    Limit,
    Name,
    operation,
    page_of,
)
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.errors import BadValue
from madang.kernel.paging import Slice, slice_of
from madang.sdk import documents

Words = Annotated[
    str, Field(max_length=400, pattern=r"^[^\x00]*$", description="What is sought, in Korean or English.")
]
Facets = Annotated[
    str,
    Field(
        max_length=2000,
        pattern=r"^[^\x00]*$",
        description=f"JSON: facet -> values of which one must fit. Facets: {', '.join(FACETS)}.",
        examples=['{"format": ["CSV"]}'],
    ),
]
May = Annotated[
    Literal["pool", "train", "evaluate", "query", "download"] | None,
    Field(description="Only versions with which you may do this."),
]
Year = Annotated[int | None, Field(ge=-9999, le=9999)]
Few = Annotated[int, Field(ge=1, le=100, description="How many at most.")]
Offset = Annotated[int, Field(ge=0, le=10_000, description="How many to pass over.")]
_SAID = 300


def source_document(session: Session, actor: Principal, source: Source) -> documents.Source:
    """A source with its records counted and its last harvest."""
    last = service.harvests_of(session, source.name, Slice(1))
    harvest = documents.Harvest.model_validate(last[0], from_attributes=True) if last else None
    told = {**vars(source), "url": service.address_for(actor, source)}
    return documents.Source(**told, records=service.shown(session, source), last=harvest)


def record_document(record: Record) -> documents.Record:
    """A record in its form."""
    kept = {name: getattr(record, name) for name in documents.Record.model_fields if name != "description"}
    return documents.Record(**kept, description=dict(record.document))


@operation("GET", "/sources", pages=True)
def list_(caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> documents.Page[documents.Source]:
    """List the sources whose records you may know of, by name."""
    with caller.home.database.read() as session:
        rows = service.visible_to(session, caller.actor, slice_of(limit, cursor))
        return page_of(
            rows, limit, lambda row: (row.name,), lambda row: source_document(session, caller.actor, row)
        )


@operation("POST", "/sources", status=201)
def add(caller: Caller, new: documents.NewSource) -> documents.Source:
    """Add a source of your organization (its steward); `madang harvest run` then walks through it."""
    port.check(new.name, new.kind, new.url, new.options, running.folders(caller.home))
    with caller.home.database.write() as session:
        made = service.add(session, caller.actor, new.name, new.kind, new.url, new.options, new.mission)
        return source_document(session, caller.actor, made)


@operation("POST", "/sources/{source}/address")
def change(caller: Caller, source: Name, new: documents.NewAddress) -> documents.Source:
    """Say where a source is by now (its owner's steward); the next harvest walks through all of it."""
    with caller.home.database.read() as session:
        kind = service.see(session, caller.actor, source).kind
    port.check(source, kind, new.url, new.options, running.folders(caller.home))
    with caller.home.database.write() as session:
        made = service.change(session, caller.actor, source, new.url, new.options)
        return source_document(session, caller.actor, made)


@operation("POST", "/sources/{source}/end")
def end(caller: Caller, source: Name) -> documents.Source:
    """End a source (its owner's steward): its records are found no more, until `change` takes it up."""
    with caller.home.database.write() as session:
        made = service.end(session, caller.actor, source)
        return source_document(session, caller.actor, made)


@operation("GET", "/sources/{source}/harvests", pages=True)
def harvests(
    caller: Caller, source: Name, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Harvest]:
    """List the harvests of a source, newest first."""
    with caller.home.database.read() as session:
        service.see(session, caller.actor, source)
        rows = service.harvests_of(session, source, slice_of(limit, cursor))
    return page_of(
        rows,
        limit,
        lambda row: (row.harvest_id,),
        lambda row: documents.Harvest.model_validate(row, from_attributes=True),
    )


@operation("GET", "/sources/{source}/records", pages=True)
def records(
    caller: Caller, source: Name, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.Record]:
    """List the records of a source that are there."""
    with caller.home.database.read() as session:
        rows = service.records_of(session, caller.actor, source, slice_of(limit, cursor))
    return page_of(rows, limit, lambda row: (row.record_id,), record_document)


@operation("GET", "/sources/{source}")
def show_source(caller: Caller, source: Name) -> documents.Source:
    """Show a source, how many records of it are there, and its last harvest."""
    with caller.home.database.read() as session:
        return source_document(session, caller.actor, service.see(session, caller.actor, source))


@operation("GET", "/harvests/{harvest}/problems", pages=True)
def problems(
    caller: Caller, harvest: Name, limit: Limit = 100, cursor: Cursor = None
) -> documents.Page[documents.HarvestProblem]:
    """List what a harvest could not read, and why."""
    with caller.home.database.read() as session:
        service.see_harvest(session, caller.actor, harvest)
        rows = service.problems_of(session, harvest, slice_of(limit, cursor))
    return page_of(
        rows,
        limit,
        lambda row: (row[0],),
        lambda row: documents.HarvestProblem(
            number=row[0], remote_id=row[1].remote_id, what=documents.Told(**row[1].what)
        ),
    )


@operation("GET", "/records/{record}/original", media="application/octet-stream")
def original(caller: Caller, record: Name) -> bytes:
    """Give a record as its source gave it, byte for byte."""
    with caller.home.database.read() as session:
        found = service.record(session, caller.actor, record)
    return service.original(caller.home, found)


@operation("GET", "/records/{record}")
def show_record(caller: Caller, record: Name) -> documents.Record:
    """Show a record: what its source says of some data."""
    with caller.home.database.read() as session:
        return record_document(service.record(session, caller.actor, record))


@operation("GET", "/data")
def find(
    caller: Caller,
    q: Words = "",
    facets: Facets = "{}",
    from_year: Year = None,
    to_year: Year = None,
    may: May = None,
    limit: Few = 20,
    offset: Offset = 0,
) -> documents.Answer:
    """Find data in the catalogue and among the versions that you may know of, in Korean or English."""
    asked = finding.Asked(q, _facets(facets), (from_year, to_year), may, limit, offset)
    answer = finding.search(caller.home, caller.actor, asked)
    return documents.Answer(
        count=answer.count,
        found=[found_document(one) for one in answer.found],
        facets={
            name: [documents.FacetCount(value=value, count=count) for value, count in counts]
            for name, counts in answer.facets.items()
        },
    )


def _facets(text: str) -> dict[str, list[str]]:
    try:
        told: Any = json.loads(text)
        good = isinstance(told, dict) and all(
            isinstance(values, list) and len(values) <= 50 and all(_is_text(one) for one in (name, *values))
            for name, values in told.items()
        )
    except (ValueError, RecursionError):
        good = False
    if not good:
        raise BadValue(file="request", key="facets", reason="It is not a JSON object of lists of texts.")
    return {str(name): list(values) for name, values in told.items()}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= 500


def found_document(one: finding.Found) -> documents.Found:
    """What was found, in its form."""
    what, told = one.what, one.told
    if isinstance(what, Record):
        title, says = _told(told.title), _told(told.description, _SAID)
        return documents.Found(
            kind="record", id=what.record_id, name=what.remote_id, title=title, says=says, source=what.source,
            owner=None, year=told.year, state=what.state, page=f"/records/{what.record_id}",
        )  # fmt: skip
    facts = ", ".join(f"{name} {value}" for name, value in what.facts.items())
    return documents.Found.model_validate(
        {
            "kind": what.kind, "id": what.version_id, "name": what.name,
            "title": _told(told.title or TextOfMany(en=what.name)),
            "says": _told(told.description or TextOfMany(en=facts), _SAID),
            "source": None, "owner": what.owner, "year": told.year, "state": what.state,
            "page": f"/versions/{what.name}",
        }
    )  # fmt: skip


def _told(text: TextOfMany, longest: int = 2000) -> documents.Told:
    return documents.Told(en=text.in_language("en")[:longest], ko=text.in_language("ko")[:longest])
