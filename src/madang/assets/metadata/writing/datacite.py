"""DataCite 4.7, as the JSON of its REST API and as XML.

Source: DataCite Metadata Schema 4.7. What must be there and is not known is told by its codes for that
(":unav", unavailable); a year, which has to be four digits, as 0000.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from madang.assets.metadata.model import (
    UNDETERMINED,
    Agent,
    Date,
    Description,
    Funding,
    Identifier,
    Rights,
    Text,
)

NAMESPACE = "http://datacite.org/schema/kernel-4"
VERSION = "http://datacite.org/schema/kernel-4"
UNAVAILABLE = ":unav"
NO_YEAR = "0000"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NAME_TYPES = {"organization": "Organizational", "person": "Personal"}
_WORDS = {
    "contributorType": """
        ContactPerson DataCollector DataCurator DataManager Distributor Editor HostingInstitution Producer
        ProjectLeader ProjectManager ProjectMember RegistrationAgency RegistrationAuthority RelatedPerson
        Researcher ResearchGroup RightsHolder Sponsor Supervisor Translator WorkPackageLeader Other
    """,
    "dateType": """
        Accepted Available Copyrighted Collected Coverage Created Issued Submitted Updated Valid Withdrawn
        Other
    """,
    "relatedIdentifierType": """
        ARK arXiv bibcode CSTR DOI EAN13 EISSN Handle IGSN ISBN ISSN ISTC LISSN LSID PMID PURL RAiD RRID
        SWHID UPC URL URN w3id
    """,
    "relationType": """
        IsCitedBy Cites IsCollectedBy Collects IsSupplementTo IsSupplementedBy IsContinuedBy Continues
        IsDescribedBy Describes HasMetadata IsMetadataFor HasVersion IsVersionOf IsNewVersionOf IsPartOf
        IsPreviousVersionOf IsPublishedIn HasPart IsReferencedBy References IsDocumentedBy Documents
        IsCompiledBy Compiles IsVariantFormOf IsOriginalFormOf IsIdenticalTo IsReviewedBy Reviews
        IsDerivedFrom IsSourceOf IsRequiredBy Requires IsObsoletedBy Obsoletes IsTranslationOf
        HasTranslation Other
    """,
    "resourceTypeGeneral": """
        Audiovisual Award Book BookChapter Collection ComputationalNotebook ConferencePaper
        ConferenceProceeding DataPaper Dataset Dissertation Event Image Instrument InteractiveResource
        Journal JournalArticle Model OutputManagementPlan PeerReview PhysicalObject Poster Preprint
        Presentation Project Report Service Software Sound Standard StudyRegistration Text Workflow Other
    """,
}
"""The words that an attribute may have."""
_KNOWN = {attribute: frozenset(words.split()) for attribute, words in _WORDS.items()}
_SIDES = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")


def texts(text: Text) -> Iterator[tuple[str | None, str]]:
    """(language, text) of each; no language where nobody told it."""
    for language, value in text.every():
        yield (None if language == UNDETERMINED else language), value


def _word(attribute: str, told: str, otherwise: str = "Other") -> str:
    """A word that the schema knows; older ones (StartDate, of kernel 2) and other catalogues' are Other."""
    return told if told in _KNOWN[attribute] else otherwise


def doi_of(told: Description) -> str:
    """The DOI of a description; empty where it has none."""
    return next((one.value for one in told.identifiers if one.scheme == "DOI"), "")


def others_of(told: Description) -> list[Identifier]:
    """Its identifiers beside the DOI."""
    return [one for one in told.identifiers if one.scheme != "DOI"]


def to_json(told: Description) -> bytes:
    """The attributes of DataCite's REST API."""
    return json.dumps(attributes(told), ensure_ascii=False, indent=2, allow_nan=False).encode()


def attributes(told: Description) -> dict[str, Any]:
    """The same as a JSON value, without what is empty."""
    value = {
        "doi": doi_of(told),
        "alternateIdentifiers": [
            {"alternateIdentifier": one.value, "alternateIdentifierType": one.scheme or "Other"}
            for one in others_of(told)
        ],
        "types": {
            "resourceTypeGeneral": _word("resourceTypeGeneral", told.kind or "Dataset"),
            "resourceType": told.layer,
        },
        "titles": [_in(language, {"title": value}) for language, value in texts(told.title)],
        "creators": [_agent(one) for one in told.creators] or [{"name": UNAVAILABLE}],
        "contributors": [
            {**_agent(one), "contributorType": _word("contributorType", one.role)}
            for one in told.contributors
        ],
        "publisher": _publisher(told.publisher),
        "publicationYear": told.year or NO_YEAR,
        "dates": [{"date": one.value, "dateType": _word("dateType", one.kind)} for one in _dates(told)],
        "subjects": [
            _in(language, {"subject": value, **({"subjectScheme": one.scheme} if one.scheme else {})})
            for one in told.subjects
            for language, value in texts(one.term)
        ],
        "descriptions": [
            _in(language, {"description": value, "descriptionType": "Abstract"})
            for language, value in texts(told.description)
        ],
        "language": told.languages[0] if told.languages else "",
        "rightsList": [each for one in told.rights for each in _rights(one)],
        "geoLocations": [_place(told, place) for place in range(len(told.places))],
        "sizes": list(told.sizes),
        "formats": list(told.formats),
        "version": told.version,
        "relatedIdentifiers": [
            {
                "relatedIdentifier": one.identifier.value,
                "relatedIdentifierType": _word("relatedIdentifierType", one.identifier.scheme, "URL"),
                "relationType": _word("relationType", one.kind),
            }
            for one in told.relations
        ],
        "fundingReferences": [_paid(one) for one in told.funding],
        "url": told.page,
        "schemaVersion": VERSION,
    }  # fmt: skip
    return {name: _each_once(one) for name, one in value.items() if one not in ("", [], {}, None)}


def _each_once(value: Any) -> Any:
    """A list without what it holds twice; the schema wants its lists so."""
    if not isinstance(value, list):
        return value
    return list({json.dumps(one, sort_keys=True): one for one in value}.values())


def _dates(told: Description) -> Iterator[Date]:
    """Its dates, and its periods where no date tells them."""
    yield from told.dates
    known = {one.value for one in told.dates}
    for period in told.periods:
        value = f"{period.begin}/{period.end}" if period.begin != period.end else period.begin
        if period.begin and period.end and value not in known:
            yield Date("Coverage", value)


def _in(language: str | None, value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "lang": language} if language else value


def _agent(one: Agent) -> dict[str, Any]:
    value: dict[str, Any] = {"name": one.name.in_language("en") or UNAVAILABLE}
    if one.kind in _NAME_TYPES:
        value["nameType"] = _NAME_TYPES[one.kind]
    value["lang"] = "en" if one.name.en else "ko" if one.name.ko else ""
    value["nameIdentifiers"] = [
        {"nameIdentifier": i.value, "nameIdentifierScheme": i.scheme or "Other"} for i in one.identifiers
    ]
    names = dict.fromkeys(body.in_language("en") for body in one.affiliations if body)
    value["affiliation"] = [{"name": name} for name in names]
    return {name: each for name, each in value.items() if each not in ([], "")}


def _publisher(one: Agent | None) -> dict[str, Any]:
    if one is None:
        return {"name": UNAVAILABLE}
    value: dict[str, Any] = {"name": one.name.in_language("en") or UNAVAILABLE}
    if one.identifiers:
        value["publisherIdentifier"] = one.identifiers[0].value
        value["publisherIdentifierScheme"] = one.identifiers[0].scheme or "Other"
    return value


def _paid(one: Funding) -> dict[str, Any]:
    value = {"funderName": one.funder.in_language("en") or UNAVAILABLE, "awardNumber": one.award}
    value["awardTitle"] = one.title.in_language("en")
    return {name: each for name, each in value.items() if each}


def _rights(one: Rights) -> Iterator[dict[str, Any]]:
    """One for each language of its name."""
    same = {"rightsUri": one.uri, "rightsIdentifier": one.spdx}
    same |= {"rightsIdentifierScheme": "SPDX"} if one.spdx else {}
    kept = {name: each for name, each in same.items() if each}
    for language, value in [*texts(one.name)] or [(None, one.spdx or one.uri)]:
        if value:
            yield _in(language, {"rights": value, **kept})


def _place(told: Description, number: int) -> dict[str, Any]:
    place = told.places[number]
    value: dict[str, Any] = {}
    if place.name:
        value["geoLocationPlace"] = place.name.in_language("en")
    if place.box is not None:
        west, south, east, north = place.box
        value["geoLocationBox"] = dict(zip(_SIDES, (west, east, south, north), strict=True))
    return value


# XML


def to_xml(told: Description) -> bytes:
    """A ``resource`` element with its declaration."""
    value = attributes(told)
    root = Element("resource", {"xmlns": NAMESPACE})
    doi = doi_of(told)
    identifier = SubElement(root, "identifier", {"identifierType": "DOI"})
    identifier.text = doi or ":tba"
    _people(root, "creators", "creator", value["creators"])
    titles = SubElement(root, "titles")
    for one in value.get("titles", [{"title": UNAVAILABLE}]):
        _child(titles, "title", one["title"], lang=one.get("lang"))
    publisher = value["publisher"]
    _child(
        root, "publisher", publisher["name"], publisherIdentifier=publisher.get("publisherIdentifier"),
        publisherIdentifierScheme=publisher.get("publisherIdentifierScheme"),
    )  # fmt: skip
    _child(root, "publicationYear", value["publicationYear"])
    types = value["types"]
    _child(root, "resourceType", types["resourceType"], resourceTypeGeneral=types["resourceTypeGeneral"])
    _listed(root, value, "subjects", "subject", "subject", ("subjectScheme",))
    _people(root, "contributors", "contributor", value.get("contributors", []))
    _listed(root, value, "dates", "date", "date", ("dateType",))
    if "language" in value:
        _child(root, "language", value["language"])
    _listed(root, value, "alternateIdentifiers", "alternateIdentifier", "alternateIdentifier",
            ("alternateIdentifierType",))  # fmt: skip
    _listed(root, value, "relatedIdentifiers", "relatedIdentifier", "relatedIdentifier",
            ("relatedIdentifierType", "relationType"))  # fmt: skip
    for group, name in (("sizes", "size"), ("formats", "format")):
        _listed(root, {group: [{"text": one} for one in value.get(group, [])]}, group, name, "text", ())
    if "version" in value:
        _child(root, "version", value["version"])
    _listed(root, value, "rightsList", "rights", "rights",
            ("rightsUri", "rightsIdentifier", "rightsIdentifierScheme"),
            renamed={"rightsUri": "rightsURI"})  # fmt: skip
    _listed(root, value, "descriptions", "description", "description", ("descriptionType",))
    _places(root, value.get("geoLocations", []))
    _funding(root, value.get("fundingReferences", []))
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _child(parent: Element, name: str, text: Any, *, lang: str | None = None, **attributes: Any) -> Element:
    told = {key: str(value) for key, value in attributes.items() if value}
    child = SubElement(parent, name, {**told, **({_LANGUAGE: lang} if lang else {})})
    child.text = _storable(str(text))
    return child


def _storable(text: str) -> str:
    """Without the control characters that XML 1.0 does not know."""
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n")


def _listed(
    root: Element,
    value: dict[str, Any],
    key: str,
    name: str,
    text: str,
    attributes: tuple[str, ...],
    *,
    renamed: dict[str, str] | None = None,
) -> None:
    found = value.get(key, [])
    if not found:
        return
    parent = SubElement(root, key)
    for one in found:
        told = {(renamed or {}).get(attribute, attribute): one.get(attribute) for attribute in attributes}
        _child(parent, name, one[text], lang=one.get("lang"), **told)


def _people(root: Element, group: str, name: str, people: list[dict[str, Any]]) -> None:
    if not people:
        return
    parent = SubElement(root, group)
    for one in people:
        role = {"contributorType": one["contributorType"]} if name == "contributor" else {}
        person = SubElement(parent, name, role)
        _child(person, f"{name}Name", one["name"], lang=one.get("lang"), nameType=one.get("nameType"))
        for known in one.get("nameIdentifiers", []):
            scheme = known["nameIdentifierScheme"]
            _child(person, "nameIdentifier", known["nameIdentifier"], nameIdentifierScheme=scheme)
        for body in one.get("affiliation", []):
            _child(person, "affiliation", body["name"])


def _places(root: Element, places: list[dict[str, Any]]) -> None:
    if not places:
        return
    parent = SubElement(root, "geoLocations")
    for one in places:
        place = SubElement(parent, "geoLocation")
        if "geoLocationPlace" in one:
            _child(place, "geoLocationPlace", one["geoLocationPlace"])
        if "geoLocationBox" in one:
            box = SubElement(place, "geoLocationBox")
            for side in _SIDES:
                _child(box, side, one["geoLocationBox"][side])


def _funding(root: Element, found: list[dict[str, Any]]) -> None:
    if not found:
        return
    parent = SubElement(root, "fundingReferences")
    for one in found:
        funding = SubElement(parent, "fundingReference")
        for name in ("funderName", "awardNumber", "awardTitle"):
            if name in one:
                _child(funding, name, one[name])
