"""Capabilities, projects (missions) and their allocations (awards), in hours of one unit of a kind."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from madang.allocations import service as allocations
from madang.allocations.errors import NoSuchAward
from madang.allocations.model import Award
from madang.interfaces.iri.asking import Listed, Named, Nothing, Offset, Since
from madang.interfaces.iri.declared import Asker, NotModified, operation
from madang.interfaces.iri.status import units_of
from madang.interfaces.iri.supply import AREA_CAPABILITY, supply_of
from madang.kernel.database import Session
from madang.kernel.errors import NotFound
from madang.missions import service as missions
from madang.missions.errors import NoSuchMission
from madang.missions.model import Mission
from madang.organizations import service as organizations
from madang.runs import service as runs

_PROJECT = "/account/projects/{project_id}"
_ALLOCATION = f"{_PROJECT}/project_allocations/{{project_allocation_id}}"
_USER = f"{_ALLOCATION}/user_allocations/{{user_allocation_id}}"


class CapabilitiesAsked(Listed):
    """Which capabilities."""

    name: Named | None = None
    offset: Annotated[Offset, Field(le=1000)] = 0


@operation("getCapabilities", "GET", "/account/capabilities", public=True, query=CapabilitiesAsked)
def capabilities(asker: Asker, query: CapabilitiesAsked) -> list[Any]:
    """List what is allocated: each kind of capacity, and the areas."""
    with asker.home.database.read() as session:
        found = supply_of(session, asker).capabilities()
    rows = [
        _capability(asker, name, modified)
        for name, modified in sorted(found.items())
        if query.name in (None, name) and not query.knows(modified)
    ]
    return query.part(rows)


@operation("getCapability", "GET", "/account/capabilities/{capability_id}", public=True, query=Since)
def capability(asker: Asker, capability_id: str, query: Since) -> dict[str, Any] | NotModified:
    """Tell of a capability."""
    with asker.home.database.read() as session:
        found = supply_of(session, asker).capabilities()
    if capability_id not in found:
        raise NotFound()
    if query.knows(found[capability_id]):
        return NotModified()
    return _capability(asker, capability_id, found[capability_id])


def _capability(asker: Asker, name: str, modified: str) -> dict[str, Any]:
    storage = name == AREA_CAPABILITY
    return {
        "id": name,
        "name": name,
        "description": "A member's own area" if storage else f"Hours of one unit of {name}",
        "last_modified": modified,
        "units": units_of(asker, storage),
        "self_uri": asker.uri("account", "capabilities", name),
    }


@operation("getProjects", "GET", "/account/projects", query=Nothing)
def projects(asker: Asker, query: Nothing) -> list[Any]:
    """List the missions that the asker takes part in."""
    with asker.home.database.read() as session:
        return [_project(session, asker, one) for one in missions.taken_part_in(session, asker.actor)]


@operation("getProject", "GET", _PROJECT, query=Nothing)
def project(asker: Asker, project_id: str, query: Nothing) -> dict[str, Any]:
    """Tell of a mission that the asker takes part in."""
    with asker.home.database.read() as session:
        return _project(session, asker, _mission(session, asker, project_id))


def _mission(session: Session, asker: Asker, name: str) -> Mission:
    if not missions.takes_part(session, asker.actor, name):
        raise NoSuchMission(name=name)
    return missions.get(session, name)


def _project(session: Session, asker: Asker, one: Mission) -> dict[str, Any]:
    """A mission; of its people, those of the asker's own organization."""
    members = organizations.members_of(session, asker.actor, asker.actor.organization)
    return {
        "id": one.name,
        "name": one.title("en"),
        "description": one.summary("en") or one.objective.title_en,
        "user_ids": [member.member_id for member in members],
        "last_modified": one.opened_at,
        "self_uri": asker.uri("account", "projects", one.name),
    }


@operation("getProjectAllocationsByProject", "GET", f"{_PROJECT}/project_allocations", query=Nothing)
def project_allocations(asker: Asker, project_id: str, query: Nothing) -> list[Any]:
    """List a mission's awards."""
    with asker.home.database.read() as session:
        mission = _mission(session, asker, project_id)
        return [_allocation(session, asker, one) for one in allocations.awards_of(session, mission.name)]


@operation("getProjectAllocationByProject", "GET", _ALLOCATION, query=Nothing)
def project_allocation(
    asker: Asker, project_id: str, project_allocation_id: str, query: Nothing
) -> dict[str, Any]:
    """Tell of an award of a mission."""
    with asker.home.database.read() as session:
        return _allocation(session, asker, _award(session, asker, project_id, project_allocation_id))


def _award(session: Session, asker: Asker, mission: str, award_id: str) -> Award:
    found = allocations.see_award(session, asker.actor, award_id)
    if found.mission != _mission(session, asker, mission).name:
        raise NoSuchAward(award=award_id)
    return found


def _allocation(session: Session, asker: Asker, one: Award) -> dict[str, Any]:
    balance = allocations.balance_of(session, one)
    kind = allocations.get_capacity(session, one.capacity_id).kind
    return {
        "id": one.award_id,
        "organization": one.organization,
        "share": one.share,
        "entries": [_entry(asker, one.resource_seconds, balance.used + balance.lost)],
        "project_uri": asker.uri("account", "projects", one.mission),
        "capability_uri": asker.uri("account", "capabilities", kind),
    }


def _entry(asker: Asker, awarded: int, used: int) -> dict[str, Any]:
    unit = asker.word("unit", "node_hours")
    return {"allocation": awarded / 3600, "usage": used / 3600, "unit": unit}


@operation("getUserAllocationsByProjectAllocation", "GET", f"{_ALLOCATION}/user_allocations", query=Nothing)
def user_allocations(asker: Asker, project_id: str, project_allocation_id: str, query: Nothing) -> list[Any]:
    """List who may use an award: the people of the organization that has it, each up to all of it."""
    with asker.home.database.read() as session:
        award = _award(session, asker, project_id, project_allocation_id)
        used = runs.used_by_member(session, award.award_id)
        return [
            _user_allocation(asker, award, member.member_id, used.get(member.member_id, 0))
            for member in organizations.members_of(session, asker.actor, award.organization)
        ]


@operation("getUserAllocationByProjectAllocation", "GET", _USER, query=Nothing)
def user_allocation(
    asker: Asker, project_id: str, project_allocation_id: str, user_allocation_id: str, query: Nothing
) -> dict[str, Any]:
    """Tell what a member may use, and has used, of an award."""
    found = user_allocations(asker, project_id, project_allocation_id, query)
    one: dict[str, Any] | None = next((row for row in found if row["id"] == user_allocation_id), None)
    if one is None:
        raise NotFound()
    return one


def _user_allocation(asker: Asker, award: Award, member: str, used: int) -> dict[str, Any]:
    parts = ("account", "projects", award.mission, "project_allocations", award.award_id)
    return {
        "id": f"{award.award_id}.{member}",
        "user_id": member,
        "entries": [_entry(asker, award.resource_seconds, used)],
        "project_allocation_uri": asker.uri(*parts),
    }
