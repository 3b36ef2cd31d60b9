"""The programme's supply as sites and resources of a facility: read afresh for each request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from madang.allocations import service as allocations
from madang.allocations.model import Capacity
from madang.interfaces.iri.declared import Asker
from madang.interfaces.iri.errors import NotThere
from madang.kernel import clock
from madang.kernel.database import Session
from madang.organizations import service as organizations
from madang.runs.supervisor import at_work

AREA, AREA_CAPABILITY = "~area", "~area"
"""The storage resource, and its capability. No name of a site or of a kind begins so."""
_HERE = "~here"


@dataclass(frozen=True)
class Site:
    """A site. operator: title of the organization."""

    name: str
    operator: str
    modified: str


@dataclass(frozen=True)
class Resource:
    """A kind of capacity at a site, or the area. status: up, down, degraded."""

    identity: str
    site: str
    kind: str
    name: str
    description: str
    modified: str
    status: str
    capability: str
    capacities: Sequence[Capacity] = ()

    @property
    def storage(self) -> bool:
        """Whether it is the area."""
        return self.kind == "storage"


@dataclass(frozen=True)
class Supply:
    """Sites and resources by their ids, and when the facility changed last."""

    sites: dict[str, Site]
    resources: dict[str, Resource]
    operator: str
    founded: str
    modified: str

    def site(self, identity: str) -> Site:
        """A site; NotThere."""
        if identity not in self.sites:
            raise NotThere(name=identity, where="/facility/sites")
        return self.sites[identity]

    def resource(self, identity: str) -> Resource:
        """A resource; NotThere."""
        if identity not in self.resources:
            raise NotThere(name=identity, where="/status/resources")
        return self.resources[identity]

    def compute(self, identity: str) -> Resource:
        """A resource that executes jobs; NotThere."""
        found = self.resource(identity)
        if found.storage:
            raise NotThere(name=identity, where="/compute/resources")
        return found

    def capabilities(self) -> dict[str, str]:
        """id -> when it changed last: a capability for each kind, and the area's."""
        found = {AREA_CAPABILITY: self.founded}
        for one in self.resources.values():
            if not one.storage:
                found[one.capability] = max(one.modified, found.get(one.capability, ""))
        return found


def supply_of(session: Session, asker: Asker) -> Supply:
    """What there is at this instant."""
    bodies = organizations.by_name(session)
    founded = min((body.registered_at for body in bodies.values()), default="")
    declared = allocations.declared_at(session)
    groups: dict[tuple[str, str], list[Capacity]] = {}
    for one in allocations.every_capacity(session):
        groups.setdefault((one.site, one.kind), []).append(one)
    idle = not at_work(asker.home)
    sites: dict[str, Site] = {}
    resources: dict[str, Resource] = {}
    for (site, kind), capacities in sorted(groups.items()):
        modified = max(declared[one.capacity_id] for one in capacities)
        operator = str(allocations.operator(session, site))
        known = sites.get(site)
        latest = max(modified, known.modified) if known else modified
        sites[site] = Site(site, bodies[operator].title_en, latest)
        identity = f"{site}.{kind}"
        resources[identity] = Resource(
            identity, site, "compute", f"{kind} at {site}",
            f"{kind} of the site {site}, supplied to the programme and split into its shares",
            modified, _status(asker, site, capacities, idle), kind, tuple(capacities),
        )  # fmt: skip
    ministry = next((body.title_en for body in bodies.values() if body.kind == "ministry"), "")
    here = asker.home.values.site if asker.home.values.site in sites else _HERE
    if here == _HERE:
        sites[here] = Site(here, ministry, founded)
    resources[AREA] = Resource(
        AREA, here, "storage", "Members' areas", "A folder for each member, for the time between two steps",
        founded, "up", AREA_CAPABILITY,
    )  # fmt: skip
    return Supply(
        sites, resources, ministry, founded, max((one.modified for one in sites.values()), default=founded)
    )


def _status(asker: Asker, site: str, capacities: Sequence[Capacity], idle: bool) -> str:
    """down outside the declared periods; degraded where this home executes for the site and nobody works."""
    now = clock.to_text(clock.now())
    if not any(one.starts_at <= now < one.ends_at for one in capacities):
        return "down"
    ours = asker.home.values.site in ("", site)
    return "degraded" if ours and idle else "up"
