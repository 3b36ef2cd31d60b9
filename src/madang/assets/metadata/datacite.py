"""DataCite's metadata, kernel 2.2 to 4.7, as XML and as its REST API's JSON.

Source: DataCite Metadata Schema 4.7 (schema.datacite.org), property by property. Where a kernel names a
property otherwise (`date` before 4, `creatorName` in XML and `name` in JSON), both are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import (
    XML_LANGUAGE,
    Told,
    below,
    content,
    first,
    json_of,
    xml_of,
)
from madang.assets.metadata.model import (
    LAYERS,
    Agent,
    Date,
    Description,
    Funding,
    Identifier,
    Period,
    Place,
    Relation,
    Rights,
    Subject,
    Text,
)

NAMESPACE = "http://datacite.org/schema/kernel-"


def read(data: bytes) -> list[Told]:
    """The records of a DataCite document: XML, an attributes object, or the API's ``{"data": ...}``."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return [read_xml(xml_of(data))]
    return [read_json(one) for one in _attributes(json_of(data))]


def _attributes(document: Any) -> Iterator[Mapping[str, Any]]:
    inner = document.get("data", document) if isinstance(document, dict) else document
    for one in values.every_object(inner):
        attributes = one.get("attributes")
        yield attributes if isinstance(attributes, dict) else one


# XML


def read_xml(root: Element) -> Told:
    """A ``resource`` element, of any kernel."""
    identifier = next((one for one in below(root, "identifier") if content(one)), None)
    told = _xml_identifier(identifier, "identifierType") if identifier is not None else None
    others = [
        _xml_identifier(one, "alternateIdentifierType")
        for one in below(root, "alternateIdentifiers", "alternateIdentifier")
    ]
    kind = next(below(root, "resourceType"), None)
    dates = [
        Date(one.get("dateType", ""), values.date(content(one)))
        for one in below(root, "dates", "date")
        if values.date(content(one))
    ]
    general = (kind.get("resourceTypeGeneral") if kind is not None else "") or "Dataset"
    description = Description(
        layer=_layer(general, content(kind) if kind is not None else ""),
        title=_title(_xml_titles(root)),
        description=words.text(
            [(one.get(XML_LANGUAGE, ""), content(one)) for one in below(root, "descriptions", "description")],
            join="\n\n",
        ),
        kind=general,
        identifiers=tuple(one for one in (told, *others) if one and one.value),
        creators=tuple(_xml_agent(one, "creatorName") for one in below(root, "creators", "creator")),
        contributors=tuple(
            _xml_agent(one, "contributorName") for one in below(root, "contributors", "contributor")
        ),
        publisher=_xml_publisher(root),
        year=values.year(first(root, "publicationYear")),
        dates=tuple(dates),
        subjects=tuple(
            Subject(_short(one.get(XML_LANGUAGE, ""), content(one)), one.get("subjectScheme", ""))
            for one in below(root, "subjects", "subject")
            if content(one)
        ),
        languages=tuple(words.language_of(one) for one in [first(root, "language")] if one),
        rights=values.rights_once(
            _xml_rights(one) for one in [*below(root, "rightsList", "rights"), *below(root, "rights")]
        ),
        places=tuple(
            place for one in below(root, "geoLocations", "geoLocation") if (place := _xml_place(one))
        ),
        periods=_collected(dates),
        sizes=tuple(words.line(content(one)) for one in below(root, "sizes", "size") if content(one)),
        formats=tuple(words.line(content(one)) for one in below(root, "formats", "format") if content(one)),
        version=words.line(first(root, "version"), 100),
        relations=tuple(
            Relation(
                one.get("relationType", ""),
                values.identifier(content(one), one.get("relatedIdentifierType", "")),
            )
            for one in below(root, "relatedIdentifiers", "relatedIdentifier")
            if content(one)
        ),
        funding=tuple(_xml_funding(one) for one in below(root, "fundingReferences", "fundingReference")),
    )
    return Told(told.value if told else "", description)


def _xml_titles(root: Element) -> list[tuple[str, str, str]]:
    found = below(root, "titles", "title")
    return [(one.get(XML_LANGUAGE, ""), one.get("titleType", ""), content(one)) for one in found]


def _xml_funding(element: Element) -> Funding:
    name, award, title = (first(element, name) for name in ("funderName", "awardNumber", "awardTitle"))
    return Funding(words.plain(name), words.line(award), words.plain(title))


def _title(titles: list[tuple[str, str, str]]) -> Text:
    """Of (language, titleType, title): plain titles first, then translated ones, then the others."""
    order = {"": 0, "TranslatedTitle": 1}
    ordered = sorted(titles, key=lambda one: order.get(one[1], 2))
    return words.text([(language, title) for language, _, title in ordered], short=True)


def _short(language: str, value: str) -> Text:
    return words.text([(language, value)], short=True)


def _xml_identifier(element: Element, attribute: str) -> Identifier:
    return values.identifier(content(element), element.get(attribute, ""))


def _xml_agent(element: Element, name: str) -> Agent:
    named = next(below(element, name), None)
    given = f"{first(element, 'familyName')}, {first(element, 'givenName')}".strip(", ")
    told = content(named) or given
    kind = (named.get("nameType") if named is not None else "") or ""
    return Agent(
        _short(named.get(XML_LANGUAGE, "") if named is not None else "", told),
        _agent_kind(kind),
        element.get("contributorType", ""),
        tuple(
            _xml_identifier(one, "nameIdentifierScheme")
            for one in below(element, "nameIdentifier")
            if content(one)
        ),
        tuple(words.plain(content(one)) for one in below(element, "affiliation") if content(one)),
    )


def _agent_kind(name_type: str) -> str:
    return {"Personal": "person", "Organizational": "organization"}.get(name_type, "")


def _xml_publisher(root: Element) -> Agent | None:
    element = next(below(root, "publisher"), None)
    if element is None or not content(element):
        return None
    scheme, known = element.get("publisherIdentifierScheme", ""), element.get("publisherIdentifier", "")
    identifiers = (values.identifier(known, scheme),) if known else ()
    return Agent(
        _short(element.get(XML_LANGUAGE, ""), content(element)), "organization", identifiers=identifiers
    )


def _xml_rights(element: Element) -> Rights:
    known = element.get("rightsIdentifier", "")
    called = _short(element.get(XML_LANGUAGE, ""), content(element))
    told = values.rights(element.get("rightsURI", ""), called)
    spdx = known if element.get("rightsIdentifierScheme", "").upper() == "SPDX" else told.spdx
    return Rights(told.name, told.uri, words.line(spdx, 100))


_SIDES = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")


def _xml_place(element: Element) -> Place | None:
    name = words.plain(first(element, "geoLocationPlace"))
    for found in below(element, "geoLocationBox"):
        sides = [first(found, side) for side in _SIDES]
        if not any(sides):  # kernels before 4.0: "south west north east"
            old = content(found).split()
            sides = [old[1], old[0], old[3], old[2]] if len(old) == 4 else sides
        place = values.box(sides, name)
        if place:
            return place
    for found in below(element, "geoLocationPoint"):
        pair = [first(found, "pointLongitude"), first(found, "pointLatitude")]
        if not any(pair):
            pair = content(found).split()[1::-1]
        place = values.box((*pair, *pair), name) if len(pair) == 2 else None
        if place:
            return place
    points = [
        [values.number(first(one, "pointLongitude")), values.number(first(one, "pointLatitude"))]
        for one in below(element, "geoLocationPolygon", "polygonPoint")
    ]
    return values.around(points, name) or (Place(name) if name else None)


def _collected(dates: list[Date]) -> tuple[Period, ...]:
    wanted = ("Collected", "Coverage", "Valid")
    halves = [one.value.partition("/") for one in dates if one.kind in wanted]
    return tuple(Period(begin, end if slash else begin) for begin, slash, end in halves)


# JSON


def _layer(general: str, told: str) -> str:
    """The layer of a resource: as our own writer tells it, else by its general type."""
    if told in LAYERS:
        return told
    return "collection" if general == "Collection" else "dataset"


def read_json(told: Mapping[str, Any]) -> Told:
    """The attributes of a DOI as DataCite's REST API gives them."""
    identifiers = _json_identifiers(told)
    types = next(values.objects(told.get("types")), {})
    dates = [
        Date(values.string(one.get("dateType")), values.date(one.get("date")))
        for one in values.objects(told.get("dates"))
        if values.date(one.get("date"))
    ]
    general = values.string(types.get("resourceTypeGeneral")) or "Dataset"
    description = Description(
        layer=_layer(general, values.string(types.get("resourceType"))),
        title=_title(_json_titles(told)),
        description=words.text(
            [
                (values.string(one.get("lang")), next(values.strings(one.get("description")), ""))
                for one in values.objects(told.get("descriptions"))
            ],
            join="\n\n",
        ),
        kind=general,
        identifiers=identifiers,
        creators=tuple(_json_agent(one) for one in values.objects(told.get("creators"))),
        contributors=tuple(_json_agent(one) for one in values.objects(told.get("contributors"))),
        publisher=_json_publisher(told.get("publisher")),
        year=values.year(told.get("publicationYear")),
        dates=tuple(dates),
        subjects=tuple(
            Subject(
                _short(values.string(one.get("lang")), values.string(one.get("subject"))),
                values.string(one.get("subjectScheme")),
            )
            for one in values.objects(told.get("subjects"))
            if values.string(one.get("subject"))
        ),
        languages=tuple(words.language_of(one) for one in values.strings(told.get("language"))),
        rights=values.rights_once(_json_rights(one) for one in values.objects(told.get("rightsList"))),
        places=tuple(
            place for one in values.objects(told.get("geoLocations")) if (place := _json_place(one))
        ),
        periods=_collected(dates),
        sizes=tuple(words.line(one) for one in values.strings(told.get("sizes"))),
        formats=tuple(words.line(one) for one in values.strings(told.get("formats"))),
        version=values.string(told.get("version"), 100),
        relations=tuple(
            Relation(values.string(one.get("relationType")), _json_identifier(one, "relatedIdentifier"))
            for one in values.objects(told.get("relatedIdentifiers"))
            if values.string(one.get("relatedIdentifier"))
        ),
        funding=tuple(_json_funding(one) for one in values.objects(told.get("fundingReferences"))),
        page=values.string(told.get("url"), 2000),
    )
    return Told(identifiers[0].value if identifiers else "", description)


def _json_titles(told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            values.string(one.get("lang")),
            values.string(one.get("titleType")),
            values.string(one.get("title"), 2000),
        )
        for one in values.objects(told.get("titles"))
    ]


def _json_identifiers(told: Mapping[str, Any]) -> tuple[Identifier, ...]:
    """The DOI first, then the others."""
    doi = values.string(told.get("doi"))
    others = [
        _json_identifier(one, name)
        for listed, name in (("identifiers", "identifier"), ("alternateIdentifiers", "alternateIdentifier"))
        for one in values.objects(told.get(listed))
        if values.string(one.get(name))
    ]
    return tuple(dict.fromkeys([*([values.identifier(doi, "DOI")] if doi else []), *others]))


def _json_identifier(told: Mapping[str, Any], name: str) -> Identifier:
    return values.identifier(values.string(told.get(name)), values.string(told.get(f"{name}Type")))


def _json_funding(told: Mapping[str, Any]) -> Funding:
    name, award, title = (values.string(told.get(one)) for one in ("funderName", "awardNumber", "awardTitle"))
    return Funding(words.plain(name), award, words.plain(title))


def _json_agent(told: Mapping[str, Any]) -> Agent:
    given = f"{values.string(told.get('familyName'))}, {values.string(told.get('givenName'))}".strip(", ")
    identifiers = tuple(
        values.identifier(
            values.string(one.get("nameIdentifier")), values.string(one.get("nameIdentifierScheme"))
        )
        for one in values.objects(told.get("nameIdentifiers"))
        if values.string(one.get("nameIdentifier"))
    )
    affiliations = tuple(
        words.plain(name)
        for one in values.items(told.get("affiliation"))
        if (name := values.string(one.get("name") if isinstance(one, dict) else one))
    )
    called = _short(values.string(told.get("lang")), values.string(told.get("name")) or given)
    kind, role = values.string(told.get("nameType")), values.string(told.get("contributorType"))
    return Agent(called, _agent_kind(kind), role, identifiers, affiliations)


def _json_publisher(told: Any) -> Agent | None:
    if not isinstance(told, dict):
        alone = values.string(told)
        return Agent(words.plain(alone), "organization") if alone else None
    name = values.string(told.get("name"))
    known = values.string(told.get("publisherIdentifier"))
    identifiers = (
        (values.identifier(known, values.string(told.get("publisherIdentifierScheme"))),) if known else ()
    )
    language = values.string(told.get("lang"))
    return Agent(_short(language, name), "organization", identifiers=identifiers) if name else None


def _json_rights(told: Mapping[str, Any]) -> Rights:
    called = _short(values.string(told.get("lang")), values.string(told.get("rights")))
    made = values.rights(values.string(told.get("rightsUri")), called)
    known = values.string(told.get("rightsIdentifier"), 100)
    scheme = values.string(told.get("rightsIdentifierScheme")).upper()
    return Rights(
        made.name or words.plain(known), made.uri, known if scheme == "SPDX" and known else made.spdx
    )


def _json_place(told: Mapping[str, Any]) -> Place | None:
    name = words.plain(values.string(told.get("geoLocationPlace")))
    for one in values.objects(told.get("geoLocationBox")):
        place = values.box([one.get(side) for side in _SIDES], name)
        if place:
            return place
    for one in values.objects(told.get("geoLocationPoint")):
        pair = [one.get("pointLongitude"), one.get("pointLatitude")]
        place = values.box((*pair, *pair), name)
        if place:
            return place
    points = [
        [values.number(point.get("pointLongitude")), values.number(point.get("pointLatitude"))]
        for one in values.items(told.get("geoLocationPolygon"))
        for part in values.items(one)
        for point in values.objects(part.get("polygonPoint", part) if isinstance(part, dict) else None)
    ]
    return values.around(points, name) or (Place(name) if name else None)
