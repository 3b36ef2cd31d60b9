"""Storage (version 2): where the asker's files are, and by which protocols they are reached."""

from __future__ import annotations

from typing import Any, Literal

from madang.interfaces.iri.asking import Asked, Text
from madang.interfaces.iri.declared import Asker, operation
from madang.interfaces.iri.supply import supply_of


class LocationsAsked(Asked):
    """Which places."""

    logicalpath: (
        Literal["home", "scratch", "project", "campaign", "archive", "shared", "temporary"] | None
    ) = None
    project: Text | None = None
    allocation: Text | None = None
    intent: Literal["read", "write", "staging", "long-term-storage"] | None = None


class EndpointsAsked(Asked):
    """Which endpoints."""

    protocol: Literal["globus", "xrootd", "s3"] | None = None
    endpoint_id: Text | None = None


@operation(
    "getStorageLocations", "GET", "/storage/locations/{resource_id}", versions=(2,), query=LocationsAsked
)
def locations(asker: Asker, resource_id: str, query: LocationsAsked) -> list[Any]:
    """Tell where the asker's files are: an area is a member's, of no project, and not an archive; a job does
    not see it."""
    with asker.home.database.read() as session:
        resource = supply_of(session, asker).resource(resource_id)
    wanted = (
        resource.storage
        and query.logicalpath in (None, "home")
        and query.project is None
        and query.allocation is None
        and query.intent != "long-term-storage"
    )
    if not wanted:
        return []
    return [
        {
            "logical_name": "home",
            "path": "/",
            "filesystem": "madang-area",
            "performance_tier": None,
            "purge_policy_days": None,
            "shared": False,
            "access": {"read": True, "write": True, "execute": True},
        }
    ]


@operation(
    "getStorageAccessEndpoints", "GET", "/storage/access-endpoints/{resource_id}", versions=(2,),
    query=EndpointsAsked,
)  # fmt: skip
def endpoints(asker: Asker, resource_id: str, query: EndpointsAsked) -> list[Any]:
    """Tell the endpoints of other protocols: there are none."""
    with asker.home.database.read() as session:
        supply_of(session, asker).resource(resource_id)
    return []
