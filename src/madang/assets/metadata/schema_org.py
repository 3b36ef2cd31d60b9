"""schema.org's ``Dataset`` in JSON-LD, and the two formats that stand on it: Croissant and RO-Crate.

Sources: Croissant 1.0 and 1.1 (docs.mlcommons.org/croissant), RO-Crate 1.0 to 1.2 (w3id.org/ro/crate).
Read by the names of their keys, with or without a prefix; no context is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import Told, object_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import (
    Agent,
    Date,
    Description,
    FileTold,
    Funding,
    Period,
    Place,
    Relation,
    Rights,
    Subject,
    Text,
    Variable,
)
from madang.kernel.i18n import Message

CROISSANT = "mlcommons.org/croissant/"
RO_CRATE = "w3id.org/ro/crate"
_TYPES = {
    "Text": "text",
    "Integer": "integer",
    "Float": "number",
    "Number": "number",
    "Boolean": "boolean",
    "Date": "date",
    "DateTime": "date",
    "ImageObject": "image",
    "AudioObject": "audio",
}

Object = Mapping[str, Any]
Whole = Callable[[Any], list[Any]]
"""A value as a list, with what stands elsewhere in the document in the place of links to it."""


def read(data: bytes) -> list[Told]:
    """The data set of a schema.org or Croissant document."""
    document = object_of(data)
    if not is_a(document, "Dataset"):
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    return [told_of(document, {})]


def read_crate(data: bytes) -> list[Told]:
    """The root data set of an RO-Crate's metadata document, with what it names looked up in its graph."""
    graph = list(values.every_object(object_of(data).get("@graph")))
    known = {str(one["@id"]): one for one in graph if "@id" in one}
    descriptor = next(
        (
            one
            for one in graph
            if str(one.get("@id", "")).endswith(("ro-crate-metadata.json", "ro-crate-metadata.jsonld"))
            and one.get("about")
        ),
        {},
    )
    root = known.get(values.string(_id(descriptor.get("about")))) or known.get("./")
    if root is None or not is_a(root, "Dataset"):
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    return [told_of(root, known)]


def is_a(told: Object, kind: str) -> bool:
    """Whether an object is of a type, however its context shortens it."""
    names = (
        one.rpartition("/")[2].rpartition(":")[2].rpartition("#")[2]
        for one in values.strings(told.get("@type"))
    )
    return kind in names


def told_of(told: Object, known: Mapping[str, Object]) -> Told:
    """A ``Dataset``; `known` are the objects that it may name by ``@id``."""

    def whole(value: Any) -> list[Any]:
        return [known.get(_id(one), one) if isinstance(one, dict) else one for one in values.items(value)]

    identifiers = [
        values.identifier(value) for one in whole(told.get("identifier")) if (value := _value(one))
    ]
    page = values.string(told.get("url"), 2000) or values.string(told.get("sameAs"), 2000)
    own = values.string(told.get("@id"), 2000)
    if own.startswith(("http://", "https://")):
        identifiers.append(values.identifier(own))
    files = [
        file
        for one in [*whole(told.get("distribution")), *whole(told.get("hasPart"))]
        if isinstance(one, dict) and (file := _file(one))
    ]
    issued, modified = values.date(told.get("datePublished")), values.date(told.get("dateModified"))
    publishers = [agent for one in whole(told.get("publisher")) if (agent := _agent(one, whole))]
    description = Description(
        title=_named(told) or _text(told.get("headline"), short=True),
        description=_text(told.get("description")),
        identifiers=tuple(dict.fromkeys(identifiers)),
        creators=tuple(
            agent
            for name in ("creator", "author")
            for one in whole(told.get(name))
            if (agent := _agent(one, whole))
        ),
        publisher=publishers[0] if publishers else None,
        year=values.year(told.get("datePublished")),
        dates=tuple(
            Date(kind, value) for kind, value in (("Issued", issued), ("Updated", modified)) if value
        ),
        subjects=tuple(_subjects(told.get("keywords"), whole)),
        languages=tuple(words.language_of(one) for one in values.strings(told.get("inLanguage"))),
        rights=values.rights_once(right for one in whole(told.get("license")) if (right := _rights(one))),
        funding=tuple(made for one in whole(told.get("funding")) if (made := _funding(one, whole))),
        places=tuple(place for one in whole(told.get("spatialCoverage")) if (place := _place(one, known))),
        periods=tuple(
            period for one in values.strings(told.get("temporalCoverage")) if (period := _period(one))
        ),
        version=values.string(told.get("version"), 100),
        relations=tuple(
            Relation(kind, values.identifier(value))
            for name, kind in (
                ("isBasedOn", "IsDerivedFrom"),
                ("citation", "IsCitedBy"),
                ("isPartOf", "IsPartOf"),
            )
            for one in whole(told.get(name))
            if (value := _value(one))
        ),
        files=tuple(files),
        variables=(*_measured(told, whole), *_fields(told)),
        page=page,
    )
    name = identifiers[0].value if identifiers else page
    return Told(name, description)


def _id(value: Any) -> str:
    return str(value.get("@id", "")) if isinstance(value, dict) else ""


def _value(one: Any) -> str:
    """An identifier told as a string, a PropertyValue or a reference."""
    if not isinstance(one, dict):
        return values.string(one, 2000)
    return next(
        (told for key in ("value", "url", "@id", "name") if (told := values.string(one.get(key), 2000))), ""
    )


def _text(value: Any, *, short: bool = False) -> Text:
    """A string, ``{"ko": ..., "en": ...}``, or ``{"@language": ..., "@value": ...}`` and lists of these."""
    pairs: list[tuple[str, str]] = []
    for one in values.items(value):
        if isinstance(one, str):
            pairs.append(("", one))
        elif isinstance(one, dict) and isinstance(one.get("@value"), str):
            pairs.append((str(one.get("@language", "")), one["@value"]))
        elif isinstance(one, dict):
            pairs += [(str(tag), told) for tag, told in one.items() if isinstance(told, str)]
    return words.text(pairs, short=short)


def _agent(one: Any, whole: Whole) -> Agent | None:
    if not isinstance(one, dict):
        told = values.string(one)
        return Agent(words.plain(told)) if told else None
    name = _named(one) or words.plain(values.string(one.get("@id")))
    if not name:
        return None
    kind = "person" if is_a(one, "Person") else "organization" if is_a(one, "Organization") else ""
    own = _id(one)
    identifiers = (values.identifier(own, "ORCID" if "orcid.org" in own else ""),) if "://" in own else ()
    places = tuple(place for told in whole(one.get("affiliation")) if (place := _affiliation(told)))
    return Agent(name, kind, identifiers=identifiers, affiliations=places)


def _affiliation(one: Any) -> Text:
    """By name: an address alone tells a reader nothing."""
    told = _named(one) if isinstance(one, dict) else words.plain(values.string(one))
    return Text() if any(":" in value for _, value in told.every()) else told


def _named(one: Object) -> Text:
    """A name, and what the thing is called otherwise where that is in another language."""
    name = _text(one.get("name"), short=True)
    return words.joined(name, _text(one.get("alternateName"), short=True)) if name else name


def _funding(one: Any, whole: Whole) -> Funding | None:
    """A Grant with its funder."""
    if not isinstance(one, dict):
        return None
    funder = next((_named(body) for body in whole(one.get("funder")) if isinstance(body, dict)), Text())
    made = Funding(funder, values.string(one.get("identifier"), 200), _named(one))
    return made if made != Funding() else None


def _subjects(value: Any, whole: Whole) -> list[Subject]:
    """Keywords one by one; in one text, commas stand between them."""
    told = []
    for one in whole(value.split(",") if isinstance(value, str) else value):
        if isinstance(one, dict):
            told.append(Subject(_text(one.get("name"), short=True)))
        elif isinstance(one, str):
            told.append(Subject(words.plain(one)))
    return [subject for subject in told if subject.term][: values.MOST]


def _rights(one: Any) -> Rights | None:
    if isinstance(one, dict):
        address = values.string(one.get("url")) or _id(one)
        made = values.rights(address, _named(one))
    else:
        made = values.rights(values.string(one))
    return made if made.name or made.uri else None


def _place(one: Any, known: Mapping[str, Object]) -> Place | None:
    """A Place, its GeoShape's box ("south west north east") or its GeoCoordinates."""
    if not isinstance(one, dict):
        name = words.plain(values.string(one))
        return Place(name) if name else None
    name = _text(one.get("name"), short=True)
    for geo in values.objects(one.get("geo")):
        shape = known.get(_id(geo), geo)
        sides = values.string(shape.get("box")).replace(",", " ").split()
        if len(sides) == 4:
            place = values.box((sides[1], sides[0], sides[3], sides[2]), name)
        else:
            point = (shape.get("longitude"), shape.get("latitude"))
            place = values.box((*point, *point), name)
        if place:
            return place
    return Place(name) if name else None


def _period(value: str) -> Period | None:
    """ISO 8601, with ".." for an open end."""
    begin, slash, end = words.line(value, 100).partition("/")
    return values.period("" if begin == ".." else begin, ("" if end == ".." else end) if slash else begin)


def _file(one: Object) -> FileTold | None:
    told = values.string(one.get("contentUrl"), 2000) or values.string(one.get("url"), 2000)
    own = _id(one)
    title = _named(one)
    name = title.in_language("en") or own
    if not name or own.endswith("/") or is_a(one, "Dataset"):
        return None
    size, _, unit = values.string(one.get("contentSize")).partition(" ")
    media = values.string(one.get("encodingFormat"), 200)
    bytes_ = values.whole(size) if unit in ("", "B") else None
    several = title if len(list(title.every())) > 1 else Text()
    said, digest = words.of_file(_text(one.get("description"))), values.string(one.get("sha256"), 64)
    return FileTold(name, several, said, told, media, bytes_, digest)


def _measured(told: Object, whole: Whole) -> tuple[Variable, ...]:
    """``variableMeasured``: names, or PropertyValues with unit and range."""
    found = []
    for one in whole(told.get("variableMeasured")):
        if isinstance(one, dict):
            name = _text(one.get("name"), short=True)
            unit = values.string(one.get("unitText"), 100) or values.string(one.get("unitCode"), 100)
            low, high = values.number(one.get("minValue")), values.number(one.get("maxValue"))
            title = _text(one.get("description"))
            found.append(Variable(name.in_language("en"), title, unit=unit, minimum=low, maximum=high))
        else:
            found.append(Variable(values.string(one, 200)))
    return tuple(variable for variable in found if variable.name)


def _fields(told: Object) -> tuple[Variable, ...]:
    """The fields of Croissant's record sets."""
    found = []
    for records in values.objects(told.get("recordSet", told.get("cr:recordSet"))):
        for one in values.objects(records.get("field", records.get("cr:field"))):
            name = _text(one.get("name"), short=True).in_language("en") or _id(one)
            kinds = (
                kind.rpartition(":")[2].rpartition("/")[2] for kind in values.strings(one.get("dataType"))
            )
            kind = next((_TYPES[kind] for kind in kinds if kind in _TYPES), "")
            found.append(Variable(name.rpartition("/")[2] or name, _text(one.get("description")), kind))
    return tuple(variable for variable in found if variable.name)[: values.MOST]
