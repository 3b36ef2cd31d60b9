"""A package as CKAN's action API gives it (``package_show``, ``package_search``).

Fields of ckanext-dcat's and ckanext-fluent's schemas are taken where they are: translated texts as
``title_translated``, boxes and periods from ``extras`` or from the package itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import Told, json_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import (
    Agent,
    Date,
    Description,
    FileTold,
    Place,
    Rights,
    Subject,
    Text,
)
from madang.kernel.i18n import Message

_BOX = ("bbox-west-long", "bbox-south-lat", "bbox-east-long", "bbox-north-lat")


def read(data: bytes) -> list[Told]:
    """A package, bare or as the answer of ``package_show``."""
    document = json_of(data)
    if isinstance(document, dict) and isinstance(document.get("result"), dict):
        document = document["result"]
    if not isinstance(document, dict) or "name" not in document or "title" not in document:
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    return [told_of(document)]


def told_of(package: Mapping[str, Any]) -> Told:
    """A package."""
    extras = {
        values.string(one.get("key")): one.get("value") for one in values.objects(package.get("extras"))
    }

    def field(*names: str) -> Any:
        return next((told for name in names for told in (package.get(name), extras.get(name)) if told), None)

    identifier = values.string(package.get("id")) or values.string(package.get("name"))
    known = [
        values.identifier(told)
        for told in (*values.strings(field("doi", "identifier", "guid")), values.string(field("uri")))
        if told
    ]
    issued, modified = field("issued", "metadata_created"), field("modified", "metadata_modified")
    organization = next(values.objects(package.get("organization")), {})
    publisher = _agents(field("publisher")) or _agents(organization.get("title"))
    licence = values.rights(
        values.string(package.get("license_url")), words.plain(values.string(package.get("license_title")))
    )
    if not (licence.name or licence.uri):
        licence = Rights(name=words.plain(values.string(package.get("license_id"))))
    period = values.period(field("temporal_start", "temporal-extent-begin"), field("temporal_end"))
    periods = [
        values.period(one.get("start"), one.get("end")) for one in values.objects(field("temporal_coverage"))
    ]
    places = _places(field("spatial", "spatial_coverage"), [extras.get(side) for side in _BOX])
    description = Description(
        title=_translated(package, "title"),
        description=_translated(package, "notes"),
        identifiers=tuple(dict.fromkeys(known)),
        creators=_agents(field("creator")) or _agents(package.get("author")),
        contributors=tuple(Agent(one.name, one.kind, "ContactPerson") for one in _agents(field("contact"))),
        publisher=publisher[0] if publisher else None,
        year=values.year(issued),
        dates=tuple(
            Date(kind, value)
            for kind, told in (("Issued", issued), ("Updated", modified))
            if (value := values.date(told))
        ),
        subjects=_tags(package),
        languages=tuple(words.language_of(one) for one in values.strings(field("language"))),
        rights=(licence,) if licence.name or licence.uri else (),
        places=places,
        periods=tuple(one for one in (period, *periods) if one),
        formats=tuple(
            dict.fromkeys(
                told
                for one in values.objects(package.get("resources"))
                if (told := values.string(one.get("format"), 100))
            )
        ),
        version=values.string(package.get("version"), 100),
        files=tuple(_file(one) for one in values.objects(package.get("resources"))),
        page=values.string(package.get("url"), 2000),
    )
    return Told(identifier, description)


def _translated(package: Mapping[str, Any], name: str) -> Text:
    """ckanext-fluent's translations of a text, or the text itself."""
    told = package.get(f"{name}_translated")
    given = package.get(name)
    if isinstance(given, dict):  # some portals keep the translations in the field itself
        told, given = given, None
    pairs = (
        [(str(tag), one) for tag, one in told.items() if isinstance(one, str)]
        if isinstance(told, dict)
        else []
    )
    if not pairs and isinstance(given, str):
        pairs = [("", given)]
    return words.text(pairs, short=name in ("title", "name"))


def _tags(package: Mapping[str, Any]) -> tuple[Subject, ...]:
    translated = package.get("tags_translated")
    if isinstance(translated, dict):
        pairs = [(str(tag), one) for tag, told in translated.items() for one in values.strings(told)]
        return tuple(Subject(words.text([pair], short=True)) for pair in pairs)
    tags = [
        values.string(one.get("display_name")) or values.string(one.get("name"))
        if isinstance(one, dict)
        else values.string(one)
        for one in values.items(package.get("tags"))
    ]
    groups = [
        values.string(one.get("title")) or values.string(one.get("name"))
        for one in values.objects(package.get("groups"))
    ]
    return tuple(Subject(words.plain(one)) for one in (*tags, *groups) if one)


def _agents(value: Any) -> tuple[Agent, ...]:
    found = []
    for one in values.items(value):
        name = values.string(one.get("name") if isinstance(one, dict) else one)
        if name:
            found.append(Agent(words.plain(name)))
    return tuple(found)


def _places(spatial: Any, sides: list[Any]) -> tuple[Place, ...]:
    """GeoJSON (as text or as an object), ckanext-dcat's coverage, or the four extras of INSPIRE."""
    found = [values.box(sides)] if all(side is not None for side in sides) else []
    for one in values.items(spatial):
        told = one
        if isinstance(one, str):
            try:
                told = json.loads(one)
            except (ValueError, RecursionError):
                found.append(Place(words.plain(one)))
                continue
        if not isinstance(told, dict):
            continue
        name = words.plain(values.string(told.get("text")))
        shape = told.get("bbox") or told.get("geom") or told
        if isinstance(shape, str):
            try:
                shape = json.loads(shape)
            except (ValueError, RecursionError):
                shape = {}
        found.append(values.around(shape.get("coordinates") if isinstance(shape, dict) else None, name))
    return tuple(place for place in found if place and (place.name or place.box))


def _file(one: Mapping[str, Any]) -> FileTold:
    media = values.string(one.get("mimetype"), 200) or values.string(one.get("format"), 200)
    address = values.string(one.get("url"), 2000)
    name = values.string(one.get("name")) or address.rpartition("/")[2]
    title = _translated(one, "name") if isinstance(one.get("name_translated"), dict) else Text()
    digest = values.string(one.get("hash"), 64)
    size = values.whole(one.get("size"))
    said = words.of_file(_translated(one, "description"))
    return FileTold(name, title, said, address, media, size, digest if len(digest) == 64 else "")
