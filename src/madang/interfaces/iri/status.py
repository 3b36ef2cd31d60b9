"""Resources, and what happened to them: events are the beginnings and ends of declared capacity.

Nobody declares incidents in Madang: there are none, and their filters are held to the specification all the
same.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from madang.interfaces.iri.asking import Instant, Listed, Named, Nothing, Text
from madang.interfaces.iri.declared import Asker, operation
from madang.interfaces.iri.supply import Resource, Supply, supply_of
from madang.kernel import clock
from madang.kernel.errors import BadValue, NotFound

Status = Literal["up", "down", "degraded", "unknown"]
_TYPES = ("website", "service", "compute", "system", "storage", "network", "unknown")
_UNITS = ("node_hours", "bytes", "inodes")
_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-Fa-f]{2})+"
_TYPE_URN = re.compile(rf"urn:doe-iri:[A-Za-z0-9][A-Za-z0-9-]{{0,31}}(?::{_PART})+", re.ASCII)
_UNIT_URN = re.compile(rf"urn:doe-iri:allocation(?::{_PART})+", re.ASCII)


class ResourcesAsked(Listed):
    """Which resources."""

    name: Named | None = None
    description: Named | None = None
    group: Named | None = None
    resource_type: Text | None = None
    current_status: Status | None = None
    capability: Annotated[list[Text], Field(min_length=1)] | None = None


class HappenedAsked(Listed):
    """Which events."""

    incident_id: Named | None = None
    resource_id: Named | None = None
    name: Named | None = None
    description: Named | None = None
    status: Status | None = None
    begin: Annotated[Instant | None, Field(alias="from")] = None
    time: Instant | None = None
    to: Instant | None = None


class IncidentsAsked(HappenedAsked):
    """Which incidents."""

    type: Literal["planned", "unplanned", "reservation"] | None = None
    resolution: Literal["unresolved", "cancelled", "completed", "extended", "pending"] | None = None


@operation("getResources", "GET", "/status/resources", public=True, query=ResourcesAsked)
def resources(asker: Asker, query: ResourcesAsked) -> list[Any]:
    """List the resources."""
    _check_words(asker, query)
    with asker.home.database.read() as session:
        supply = supply_of(session, asker)
    rows = [
        document(asker, one)
        for one in supply.resources.values()
        if query.name in (None, one.name)
        and (query.description is None or query.description.lower() in one.description.lower())
        and query.group in (None, one.site)
        and query.resource_type in (None, asker.word("resource", one.kind))
        and query.current_status in (None, one.status)
        and (query.capability is None or set(query.capability) & set(units_of(asker, one.storage)))
        and not query.knows(one.modified)
    ]
    return query.part(rows)


def _check_words(asker: Asker, query: ResourcesAsked) -> None:
    """BadValue where a type or a unit is none of the version's."""
    first = asker.version == 1
    kind = query.resource_type
    if kind is not None and not (kind in _TYPES if first else _TYPE_URN.fullmatch(kind)):
        known = ", ".join(_TYPES) if first else "a URN, like urn:doe-iri:resource:compute"
        raise BadValue(file="request (query)", key="resource_type", reason=f"One of: {known}.")
    for unit in query.capability or ():
        if not (unit in _UNITS if first else _UNIT_URN.fullmatch(unit)):
            known = ", ".join(_UNITS) if first else "a URN, like urn:doe-iri:allocation:compute:node-hours"
            raise BadValue(file="request (query)", key="capability", reason=f"One of: {known}.")


@operation("getResource", "GET", "/status/resources/{resource_id}", public=True, query=Nothing)
def resource(asker: Asker, resource_id: str, query: Nothing) -> dict[str, Any]:
    """Tell of a resource."""
    with asker.home.database.read() as session:
        return document(asker, supply_of(session, asker).resource(resource_id))


def units_of(asker: Asker, storage: bool) -> list[str]:
    """What a capability is counted in."""
    return [asker.word("unit", name) for name in (("bytes", "inodes") if storage else ("node_hours",))]


def document(asker: Asker, one: Resource) -> dict[str, Any]:
    """A resource in its form."""
    return {
        "id": one.identity,
        "name": one.name,
        "description": one.description,
        "last_modified": one.modified,
        "group": one.site,
        "current_status": one.status,
        "resource_type": asker.word("resource", one.kind),
        "supported_endpoints": ["filesystem" if one.storage else "compute"],
        "self_uri": asker.uri("status", "resources", one.identity),
        "site_uri": asker.uri("facility", "sites", one.site),
        "capability_uris": [asker.uri("account", "capabilities", one.capability)],
    }


@operation("getIncidents", "GET", "/status/incidents", public=True, query=IncidentsAsked)
def incidents(asker: Asker, query: IncidentsAsked) -> list[Any]:
    """List the incidents: none are declared."""
    return []


@operation("getIncident", "GET", "/status/incidents/{incident_id}", public=True, query=Nothing)
def incident(asker: Asker, incident_id: str, query: Nothing) -> dict[str, Any]:
    """Tell of an incident: none are declared."""
    raise NotFound()


@operation("getEventsByIncident", "GET", "/status/events", public=True, query=HappenedAsked)
def events(asker: Asker, query: HappenedAsked) -> list[Any]:
    """List what happened, oldest first."""
    with asker.home.database.read() as session:
        happened = _happened(asker, supply_of(session, asker))
    rows = [one for one in happened if _wanted(asker, one, query)]
    return query.part(rows)


def _wanted(asker: Asker, one: dict[str, Any], query: HappenedAsked) -> bool:
    described = query.description is None or query.description.lower() in one["description"].lower()
    resource_uri = asker.uri("status", "resources", query.resource_id or "")
    return (
        query.incident_id is None
        and (query.resource_id is None or one["resource_uri"] == resource_uri)
        and query.name in (None, one["name"])
        and described
        and query.status in (None, one["status"])
        and (query.begin or "") <= one["occurred_at"] <= (query.to or "9")
        and query.time in (None, one["occurred_at"])
        and not query.knows(one["last_modified"])
    )


@operation("getEventByIncident", "GET", "/status/events/{event_id}", public=True, query=Nothing)
def event(asker: Asker, event_id: str, query: Nothing) -> dict[str, Any]:
    """Tell of an event."""
    with asker.home.database.read() as session:
        happened = _happened(asker, supply_of(session, asker))
    found = next((one for one in happened if one["id"] == event_id), None)
    if found is None:
        raise NotFound()
    return found


def _happened(asker: Asker, supply: Supply) -> list[dict[str, Any]]:
    """The beginnings and ends of capacity that have come, in order."""
    now = clock.to_text(clock.now())
    found = []
    for one in supply.resources.values():
        for capacity in one.capacities:
            for word, status, instant in (
                ("begin", "up", capacity.starts_at),
                ("end", "down", capacity.ends_at),
            ):
                if instant <= now:
                    identity = f"{capacity.capacity_id}.{word}"
                    found.append(
                        {
                            "id": identity,
                            "name": f"{word} of supply",
                            "description": f"The supply of {one.name} {word}s.",
                            "last_modified": max(instant, one.modified),
                            "occurred_at": instant,
                            "status": status,
                            "self_uri": asker.uri("status", "events", identity),
                            "resource_uri": asker.uri("status", "resources", one.identity),
                            "incident_uri": None,
                        }
                    )
    return sorted(found, key=lambda row: (str(row["occurred_at"]), str(row["id"])))
