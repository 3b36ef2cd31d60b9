"""The facility and its sites."""

from __future__ import annotations

from typing import Any

from madang.interfaces.iri.asking import Listed, Named, Since
from madang.interfaces.iri.declared import Asker, NotModified, operation
from madang.interfaces.iri.supply import Site, Supply, supply_of


class SitesAsked(Listed):
    """Which sites."""

    name: Named | None = None
    short_name: Named | None = None


@operation("getFacility", "GET", "/facility", public=True, query=Since)
def facility(asker: Asker, query: Since) -> dict[str, Any] | NotModified:
    """Tell of the programme."""
    with asker.home.database.read() as session:
        supply = supply_of(session, asker)
    if query.knows(supply.modified):
        return NotModified()
    return {
        "id": f"urn:madang:{asker.home.values.log_name}",
        "name": "Madang",
        "short_name": "Madang",
        "description": "One programme's supply of computing, its missions and their awards.",
        "last_modified": supply.modified,
        "organization_name": supply.operator,
        "support_uri": None,
        "self_uri": asker.uri("facility"),
        "site_uris": [asker.uri("facility", "sites", name) for name in supply.sites],
    }


@operation("getSites", "GET", "/facility/sites", public=True, query=SitesAsked)
def sites(asker: Asker, query: SitesAsked) -> list[Any]:
    """List the sites."""
    with asker.home.database.read() as session:
        supply = supply_of(session, asker)
    rows = [
        _site(asker, supply, one)
        for one in supply.sites.values()
        if query.name in (None, one.name)
        and query.short_name in (None, one.name)
        and not query.knows(one.modified)
    ]
    return query.part(rows)


@operation("getSite", "GET", "/facility/sites/{site_id}", public=True, query=Since)
def site(asker: Asker, site_id: str, query: Since) -> dict[str, Any] | NotModified:
    """Tell of a site."""
    with asker.home.database.read() as session:
        supply = supply_of(session, asker)
    found = supply.site(site_id)
    return NotModified() if query.knows(found.modified) else _site(asker, supply, found)


def _site(asker: Asker, supply: Supply, one: Site) -> dict[str, Any]:
    resources = [each.identity for each in supply.resources.values() if each.site == one.name]
    return {
        "id": one.name,
        "name": one.name,
        "short_name": one.name,
        "description": None,
        "last_modified": one.modified,
        "operating_organization": one.operator,
        "self_uri": asker.uri("facility", "sites", one.name),
        "resource_uris": [asker.uri("status", "resources", name) for name in resources],
    }
