"""SpatioTemporal Asset Catalogs: collections and items, 0.9 to 1.1 (stacspec.org)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import Told, object_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import (
    Agent,
    Date,
    Description,
    FileTold,
    Period,
    Place,
    Rights,
    Subject,
    Variable,
)
from madang.kernel.i18n import Message

_ROLES = {
    "producer": "Producer",
    "processor": "DataCollector",
    "host": "HostingInstitution",
    "licensor": "RightsHolder",
}


def read(data: bytes) -> list[Told]:
    """A collection, an item, or a catalogue that holds such."""
    document = object_of(data)
    if document.get("type") == "Feature":
        return [item(document)]
    if document.get("type") == "Collection" or "extent" in document:
        return [collection(document)]
    if document.get("type") == "Catalog":
        return [catalog(document)]
    raise UnreadableRecord(reason=Message("metadata.no-dataset"))


def catalog(told: Mapping[str, Any]) -> Told:
    """A catalogue: the repository, where none is above it; else a collection of what is below it."""
    identifier = values.string(told.get("id"))
    above = any(link.get("rel") == "parent" for link in values.objects(told.get("links")))
    description = Description(
        title=words.plain(values.string(told.get("title")) or identifier),
        description=words.text([("", one) for one in values.strings(told.get("description"))]),
        layer="collection" if above else "repository",
        kind="Collection",
        page=_landing(told),
    )
    return Told(identifier, description)


def collection(told: Mapping[str, Any]) -> Told:
    """A collection: the layer above its items."""
    identifier = values.string(told.get("id"))
    extent = next(values.objects(told.get("extent")), {})
    boxes = next(values.objects(extent.get("spatial")), {}).get("bbox")
    intervals = next(values.objects(extent.get("temporal")), {}).get("interval")
    description = Description(
        title=words.plain(values.string(told.get("title")) or identifier),
        description=words.text([("", one) for one in values.strings(told.get("description"))]),
        layer="collection",
        kind="Collection",
        contributors=_providers(told),
        publisher=_host(told),
        subjects=tuple(Subject(words.plain(one)) for one in values.strings(told.get("keywords"))),
        rights=_licence(told.get("license")),
        places=tuple(place for one in values.items(boxes) if (place := _box(one))),
        periods=tuple(
            period
            for one in values.items(intervals)
            if isinstance(one, list) and len(one) == 2 and (period := values.period(*one))
        ),
        files=_assets(told),
        variables=_variables(next(values.objects(told.get("summaries")), {}), told),
        page=_landing(told),
    )
    return Told(identifier, description)


def item(told: Mapping[str, Any]) -> Told:
    """An item: what was measured at one time in one place. Its identifier is unique in its collection."""
    own, parent = values.string(told.get("id")), values.string(told.get("collection"))
    properties = next(values.objects(told.get("properties")), {})
    begin = properties.get("start_datetime") or properties.get("datetime")
    period = values.period(begin, properties.get("end_datetime") or properties.get("datetime"))
    geometry = next(values.objects(told.get("geometry")), {})
    place = _box(told.get("bbox")) or values.around(geometry.get("coordinates"))
    created = values.date(properties.get("created"))
    description = Description(
        title=words.plain(values.string(properties.get("title")) or own),
        description=words.text([("", one) for one in values.strings(properties.get("description"))]),
        contributors=_providers(properties),
        publisher=_host(properties),
        year=values.year(created),
        dates=(Date("Created", created),) if created else (),
        subjects=tuple(Subject(words.plain(one)) for one in values.strings(properties.get("keywords"))),
        rights=_licence(properties.get("license")),
        places=(place,) if place else (),
        periods=(period,) if isinstance(period, Period) else (),
        files=_assets(told),
        variables=_variables(properties, told),
        page=_landing(told),
        part_of=parent,
    )
    return Told(f"{parent}/{own}" if parent else own, description)


def _box(value: Any) -> Place | None:
    """Four numbers, or six with heights."""
    if isinstance(value, list) and len(value) == 4:
        return values.box(value)
    if isinstance(value, list) and len(value) == 6:
        return values.box((value[0], value[1], value[3], value[4]))
    return None


def _providers(told: Mapping[str, Any]) -> tuple[Agent, ...]:
    found = []
    for one in values.objects(told.get("providers")):
        role = next((_ROLES[role] for role in values.strings(one.get("roles")) if role in _ROLES), "Other")
        found.append(Agent(words.plain(values.string(one.get("name"))), "organization", role))
    return tuple(agent for agent in found if agent.name)


def _host(told: Mapping[str, Any]) -> Agent | None:
    agents = _providers(told)
    return next((one for one in agents if one.role == "HostingInstitution"), agents[0] if agents else None)


def _licence(value: Any) -> tuple[Rights, ...]:
    told = values.string(value, 100)
    if told in ("", "proprietary", "various", "other"):
        return (Rights(name=words.plain(told)),) if told else ()
    return (Rights(name=words.plain(told), spdx=told),)


def _assets(told: Mapping[str, Any]) -> tuple[FileTold, ...]:
    assets = told.get("assets")
    found = []
    for name, one in list(assets.items())[: values.MOST] if isinstance(assets, dict) else ():
        if isinstance(one, dict):
            title = words.plain(values.string(one.get("title")))
            said = words.of_file(words.text([("", told) for told in values.strings(one.get("description"))]))
            media, size = values.string(one.get("type"), 200), values.whole(one.get("file:size"))
            place = values.string(one.get("href"), 2000)
            found.append(FileTold(words.line(name), title, said, place, media, size))
    return tuple(found)


def _variables(told: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[Variable, ...]:
    """Bands (`bands`, `eo:bands`) and the data cube extension's variables."""
    found = [
        Variable(
            values.string(one.get("name")),
            words.plain(values.string(one.get("common_name"))),
            "band",
            values.string(one.get("unit"), 100),
        )
        for name in ("bands", "eo:bands")
        for one in values.objects(told.get(name))
    ]
    cube = whole.get("cube:variables", told.get("cube:variables"))
    for name, one in list(cube.items())[: values.MOST] if isinstance(cube, dict) else ():
        if isinstance(one, dict):
            title = words.text([("", told) for told in values.strings(one.get("description"))])
            found.append(Variable(words.line(name), title, unit=values.string(one.get("unit"), 100)))
    return tuple(variable for variable in found if variable.name)


def _landing(told: Mapping[str, Any]) -> str:
    for relation in ("about", "via", "self"):
        for link in values.objects(told.get("links")):
            address = values.string(link.get("href"), 2000)
            if link.get("rel") == relation and address.startswith(("http://", "https://")):
                return address
    return ""
