"""schema.org's ``Dataset``, and the two forms that stand on it: Croissant 1.1 and RO-Crate 1.1.

Sources: Croissant 1.1 (docs.mlcommons.org/croissant), RO-Crate 1.1 (w3id.org/ro/crate/1.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from madang.assets.metadata.model import (
    UNDETERMINED,
    Agent,
    Description,
    FileTold,
    Funding,
    Place,
    Rights,
    Text,
    Variable,
)

_CROISSANT = "http://mlcommons.org/croissant/"
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
    "sc": "https://schema.org/",
    "cr": _CROISSANT,
    "rai": _CROISSANT + "RAI/",
    "dct": "http://purl.org/dc/terms/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {
    "number": "sc:Float",
    "integer": "sc:Integer",
    "text": "sc:Text",
    "time": "sc:DateTime",
    "flag": "sc:Boolean",
}
_TABLES = ("text/csv", "text/tab-separated-values", "application/vnd.apache.parquet")
_ENCODINGS: Mapping[str, Any] = {
    "application/vnd.apache.parquet": ["application/vnd.apache.parquet", "application/x-parquet"]
}
"""Media types that Croissant's own library knows by another name: told by both."""
_MOST_FILES = 500


Say = Callable[[str, Text], dict[str, Any]]
"""(member, text) -> the members that tell it in all its languages."""


def in_a_map(member: str, text: Text) -> dict[str, Any]:
    """By language, as Croissant 1.1 has names and descriptions."""
    told = dict(text.every("en"))
    return {member: told[UNDETERMINED] if [*told] == [UNDETERMINED] else told} if told else {}


def in_values(member: str, text: Text) -> dict[str, Any]:
    """As JSON-LD's values with a language each, which an RO-Crate's context lets stand; a string where nobody
    told the language."""
    told = [
        value if language == UNDETERMINED else {"@value": value, "@language": language}
        for language, value in text.every("en")
    ]
    return {member: told[0] if len(told) == 1 else told} if told else {}


def dataset(told: Description, say: Say) -> dict[str, Any]:
    """The members that any schema.org ``Dataset`` has, without what is empty."""
    value: dict[str, Any] = {
        **say("name", told.title),
        **say("description", told.description),
        "identifier": [one.value for one in told.identifiers],
        "creator": [_agent(one, say) for one in told.creators],
        "publisher": _agent(told.publisher, say) if told.publisher else None,
        "datePublished": next((one.value for one in told.dates if one.kind == "Issued"), None)
        or (str(told.year) if told.year else None),
        "dateModified": next((one.value for one in told.dates if one.kind == "Updated"), None),
        "keywords": [value for one in told.subjects for _, value in one.term.every()],
        "inLanguage": list(told.languages),
        "license": [_licence(one, say) for one in told.rights],
        "funding": [_grant(one, say) for one in told.funding],
        "spatialCoverage": [_place(one, say) for one in told.places],
        "temporalCoverage": [f"{one.begin or '..'}/{one.end or '..'}" for one in told.periods],
        "version": told.version,
        "isBasedOn": [one.identifier.value for one in told.relations if one.kind == "IsDerivedFrom"],
        "url": told.page,
    }
    return _told(value)


def _told(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if one not in (None, "", [], {})}


def _one(text: Text) -> str:
    return text.in_language("en") or text.in_language("ko")


def _agent(one: Agent, say: Say) -> dict[str, Any]:
    kind = "Organization" if one.kind == "organization" else "Person"
    known = next((i.value for i in one.identifiers if i.value.startswith("http")), "")
    bodies = [_told({"@type": "Organization", **say("name", body)}) for body in one.affiliations]
    return _told({"@type": kind, **say("name", one.name), "@id": known, "affiliation": bodies})


def _grant(one: Funding, say: Say) -> dict[str, Any]:
    funder = _told({"@type": "Organization", **say("name", one.funder)}) if one.funder else None
    return _told({"@type": "Grant", "identifier": one.award, **say("name", one.title), "funder": funder})


def _licence(one: Rights, say: Say) -> str | dict[str, Any]:
    """Its address or identifier alone, or what it is called there."""
    if not one.name or (not one.uri and one.spdx):
        return one.uri or one.spdx
    return _told({"@type": "CreativeWork", **say("name", one.name), "url": one.uri})


def _place(one: Place, say: Say) -> dict[str, Any]:
    value: dict[str, Any] = _told({"@type": "Place", **say("name", one.name)})
    if one.box:
        west, south, east, north = one.box
        value["geo"] = {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}
    return value


# Croissant


def to_croissant(told: Description, address: str) -> bytes:
    """Croissant 1.1: an object a file that has a SHA-256, a record set a table whose variables are known."""
    value = dataset(told, in_a_map)
    value["name"] = _plain_name(value.get("name", "data"))
    value.setdefault("description", value["name"])
    value.setdefault("url", address)
    value.setdefault("datePublished", "1970-01-01")
    value.setdefault("license", ["https://schema.org/license"])
    value.setdefault("creator", [{"@type": "Organization", "name": "unknown"}])
    files = [file for file in told.files if file.sha256][:_MOST_FILES]
    names = {file.name: f"file-{number}" for number, file in enumerate(files, 1)}
    tables = {file.name: names[file.name] for file in files if file.media_type in _TABLES}
    document = {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": f"{_CROISSANT}1.1",
        "citeAs": _citation(told),
        **value,
        "distribution": [_file_object(file, names[file.name]) for file in files],
        "recordSet": list(_record_sets(told.variables, tables)),
    }
    kept = {name: one for name, one in document.items() if one not in ("", [], None)}
    return json.dumps(kept, ensure_ascii=False, indent=2, allow_nan=False).encode()


def _plain_name(name: Any) -> Any:
    """A name (or one in several languages) as Croissant takes it: no sign but letters, digits and a few."""
    if isinstance(name, dict):
        return {language: _plain_name(one) for language, one in name.items()}
    return re.sub(r"[^\w \-.]+", "-", name).strip() or "data"


def _citation(told: Description) -> str:
    names = ", ".join(_one(one.name) for one in told.creators[:10])
    parts = (names, f"({told.year})" if told.year else "", _one(told.title), told.page)
    return " ".join(part for part in parts if part)


def _file_object(file: FileTold, key: str) -> dict[str, Any]:
    value = {
        "@type": "cr:FileObject",
        "@id": key,
        "name": file.name,
        **in_a_map("description", file.description or file.title),
        "contentUrl": file.url or file.name,
        "encodingFormat": _ENCODINGS.get(file.media_type, file.media_type) or "application/octet-stream",
        "sha256": file.sha256,
        "contentSize": "" if file.size_bytes is None else f"{file.size_bytes} B",
    }
    return _told(value)


def _record_sets(variables: tuple[Variable, ...], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    tables: dict[str, list[Variable]] = {}
    for one in variables:
        if one.file in names and one.kind in _TYPES:
            tables.setdefault(one.file, []).append(one)
    for file, columns in tables.items():
        key = f"records-{names[file]}"
        fields = []
        for number, one in enumerate(columns, 1):
            field = {
                "@type": "cr:Field",
                "@id": f"{key}/{number}",
                "name": _plain_name(one.name),
                "description": _says(one),
                "dataType": _TYPES[one.kind],
                "source": {"fileObject": {"@id": names[file]}, "extract": {"column": one.head or one.name}},
            }
            fields.append(field)
        yield {"@type": "cr:RecordSet", "@id": key, "name": key, "field": fields}


def _says(one: Variable) -> Any:
    """What a column means, in each language, with its unit."""
    unit = f" [{one.unit}]" if one.unit else ""
    told = {language: value + unit for language, value in one.title.every("en") if language != UNDETERMINED}
    return told or f"{_one(one.title) or one.name}{unit}"


# RO-Crate


def to_crate(told: Description, address: str) -> bytes:
    """The metadata document of an RO-Crate 1.1: a flat graph, what others name in entities of its own."""
    root = dataset(told, in_values)
    entities: dict[str, dict[str, Any]] = {}
    for name in ("creator", "publisher", "funding", "spatialCoverage"):
        if name in root:
            found = root[name] if isinstance(root[name], list) else [root[name]]
            links = [{"@id": _entity(entities, one, f"#{name}-{n}")} for n, one in enumerate(found, 1)]
            root[name] = links if isinstance(root[name], list) else links[0]
    licences = root.get("license") or ["no licence told"]
    root["license"] = [{"@id": _licence_entity(entities, one)} for one in licences]
    root.setdefault("datePublished", "1970-01-01")
    root.setdefault("description", root.get("name", "data"))
    root["identifier"] = root.get("identifier", [address])
    parts = []
    for file in told.files[:_MOST_FILES]:
        key = file.url or file.name.replace(" ", "%20")
        entities[key] = _crate_file(file, key)
        parts.append({"@id": key})
    variables = enumerate(told.variables[:_MOST_FILES], 1)
    measured = [{"@id": _measured(entities, one, number)} for number, one in variables]
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    body = {"@id": "./", "@type": "Dataset", **root, "hasPart": parts, "variableMeasured": measured}
    kept = {name: one for name, one in body.items() if one not in (None, "", [])}
    document = {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [descriptor, kept, *entities.values()],
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False).encode()


def _entity(entities: dict[str, dict[str, Any]], value: dict[str, Any], key: str) -> str:
    """Put an object into the graph by itself; gives its id."""
    value = dict(value)
    own: str = value.pop("@id", key)
    for name, one in list(value.items()):
        inner = one if isinstance(one, list) else [one]
        if all(isinstance(each, dict) and "@value" not in each for each in inner):
            keys = [_entity(entities, each, f"{key}-{name}-{n}") for n, each in enumerate(inner, 1)]
            links = [{"@id": one} for one in keys]
            value[name] = links if isinstance(one, list) else links[0]
    entities[own] = {"@id": own, **value}
    return own


def _licence_entity(entities: dict[str, dict[str, Any]], one: str | dict[str, Any]) -> str:
    work = {"@type": "CreativeWork", "name": one} if isinstance(one, str) else dict(one)
    address = str(work.pop("url", one if isinstance(one, str) else ""))
    key = address if address.startswith("http") else f"#licence-{len(entities) + 1}"
    entities[key] = {"@id": key, **work, "description": work["name"]}
    return key


def _crate_file(file: FileTold, key: str) -> dict[str, Any]:
    value = {
        "@id": key,
        "@type": "File",
        "name": file.name,
        **in_values("alternateName", file.title),
        **in_values("description", file.description),
        "contentUrl": file.url,
        "contentSize": "" if file.size_bytes is None else str(file.size_bytes),
        "encodingFormat": file.media_type,
        "sha256": file.sha256,
    }
    return _told(value)


def _measured(entities: dict[str, dict[str, Any]], one: Variable, number: int) -> str:
    key = f"#variable-{number}"
    value: dict[str, Any] = {"@id": key, "@type": "PropertyValue", "name": one.name}
    value |= in_values("description", one.title)
    for name, each in (
        ("unitText", one.unit), ("minValue", one.minimum),
        ("maxValue", one.maximum), ("propertyID", one.standard_name),
    ):  # fmt: skip
        if each not in (None, ""):
            value[name] = each
    entities[key] = value
    return key
