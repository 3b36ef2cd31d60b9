"""DCAT 1 to 3 and its application profiles, as Turtle, RDF/XML and JSON-LD.

Source: W3C DCAT 3 and DCAT-AP 3.0. JSON-LD whose context stands elsewhere is read by the names of its keys:
nothing is fetched.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import blake3

from madang.assets.metadata import schema_org, values, words
from madang.assets.metadata.documents import Told, json_of, xml_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import (
    Agent,
    Date,
    Description,
    FileTold,
    Period,
    Place,
    Relation,
    Rights,
    Subject,
    Text,
)
from madang.kernel.i18n import Message

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

DCAT = "http://www.w3.org/ns/dcat#"
_TERMS, _ELEMENTS = "http://purl.org/dc/terms/", "http://purl.org/dc/elements/1.1/"
_FOAF, _VCARD = "http://xmlns.com/foaf/0.1/", "http://www.w3.org/2006/vcard/ns#"
_SCHEMA, _LOCN, _SKOS = (
    "http://schema.org/",
    "http://www.w3.org/ns/locn#",
    "http://www.w3.org/2004/02/skos/core#",
)
_SPDX = "http://spdx.org/rdf/terms#"
_RELATIONS = (
    (_TERMS + "source", "IsDerivedFrom"),
    (_TERMS + "isVersionOf", "IsVersionOf"),
    (_TERMS + "isReferencedBy", "IsReferencedBy"),
    (DCAT + "inSeries", "IsPartOf"),
)
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_MOST_SAID = 50
_NOWHERE = "https://record.invalid/"
"""What relative names are put below where a document's address is not known, and taken away from again."""
_PAIR = re.compile(r"(-?\d+(?:\.\d+)?)\s+(-?\d+(?:\.\d+)?)")


def read(data: bytes, base: str = "") -> list[Told]:
    """Every data set of a catalogue, and the catalogue itself after them where it tells its title;
    UnreadableRecord where it holds no data set.

    base: the document's address, for names that are relative to it; without one they stay relative.
    """
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        document = json_of(data)
        if not _has_own_context(document):
            return _by_keys(document)
        graph = _graph(data, "json-ld", base)
    elif start == b"<" and _looks_like_xml(data):
        xml_of(data)  # refuses document types before the RDF parser sees them
        graph = _graph(data, "xml", base)
    else:
        graph = _graph(data, "turtle", base)
    datasets = _nodes(graph, "Dataset", "DatasetSeries")
    found = [_told(graph, node) for node in datasets]
    if not found:
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    around = [_told(graph, node) for node in _nodes(graph, "Catalog") if node not in datasets]
    return [*found, *(one for one in around if one.description.title)]


def _looks_like_xml(data: bytes) -> bool:
    head = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:300]
    return head.startswith((b"<?xml", b"<rdf:RDF", b"<!--")) or b"rdf-syntax-ns#" in head


def _graph(data: bytes, form: str, base: str) -> Graph:
    import rdflib

    graph = rdflib.Graph()
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)  # it prints each literal that is not its type
    try:
        graph.parse(data=data, format=form, publicID=base or _NOWHERE)
    except Exception as error:
        # rdflib's parsers raise whatever the input made them stumble over.
        detail = " ".join(str(error).split())[:300] if str(error) else type(error).__name__
        raise UnreadableRecord(reason=Message("metadata.malformed", detail=detail)) from error
    return graph


def _has_own_context(document: Any) -> bool:
    """Whether every context stands in the document, or none is needed since its keys are whole addresses: an
    address of a context would be fetched by the parser."""
    waiting, seen = [document], 0
    inline = False
    while waiting and seen < 200_000:
        one = waiting.pop()
        seen += 1
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            for context in values.items(one.get("@context")):
                if not isinstance(context, dict) or "@import" in context or _fetches(context):
                    return False
                inline = True
            inline = inline or any("://" in key for key in one)
            waiting.extend(one.values())
    return inline and not waiting


def _fetches(context: dict[str, Any]) -> bool:
    return any(isinstance(term, dict) and "@context" in term for term in context.values())


def _order(graph: Graph, node: Node, depth: int = 2) -> str:
    """What nodes are ordered by: a blank one by what it says, since its name is another each time."""
    if not _blank(node) or not depth:
        return "" if _blank(node) else str(node)[:1000]
    said = islice(graph.predicate_objects(node), _MOST_SAID)
    return " ".join(sorted(f"{name} {_order(graph, one, depth - 1)}" for name, one in said))


class _Node:
    """A node of a graph with its properties by full name."""

    def __init__(self, graph: Graph, node: Node) -> None:
        self._graph, self.node = graph, node

    def every(self, *names: str) -> Iterator[Any]:
        """Objects of the given properties, in a fixed order."""
        from rdflib import URIRef

        for name in names:
            found = self._graph.objects(self.node, URIRef(name))
            yield from sorted(found, key=lambda one: _order(self._graph, one))[: values.MOST]

    def nodes(self, *names: str) -> Iterator[_Node]:
        return (_Node(self._graph, one) for one in self.every(*names))

    def string(self, *names: str, longest: int = 2000) -> str:
        told = (str(one).removeprefix(_NOWHERE) for one in self.every(*names))
        return next((words.line(one, longest) for one in told if one.strip()), "")

    def text(self, *names: str, short: bool = False, join: str = "") -> Text:
        from rdflib import Literal

        literals = [one for one in self.every(*names) if isinstance(one, Literal)]
        return words.text([(one.language or "", str(one)) for one in literals], short=short, join=join)

    def label(self) -> Text:
        """What a node is called: itself where it is a text."""
        from rdflib import Literal

        if isinstance(self.node, Literal):
            return words.text([(self.node.language or "", str(self.node))], short=True)
        names = (
            f"{_FOAF}name",
            f"{_VCARD}fn",
            f"{_SKOS}prefLabel",
            f"{_TERMS}title",
            _SCHEMA + "name",
            "http://www.w3.org/2000/01/rdf-schema#label",
        )
        return self.text(*names, short=True)

    @property
    def address(self) -> str:
        """Its URI, where it has one."""
        from rdflib import URIRef

        return str(self.node).removeprefix(_NOWHERE) if isinstance(self.node, URIRef) else ""


def _nodes(graph: Graph, *names: str) -> list[Node]:
    """What is of one of DCAT's types, in a fixed order."""
    from rdflib import URIRef

    kinds = [URIRef(DCAT + name) for name in names]
    found = {node for kind in kinds for node in graph.subjects(URIRef(_RDF_TYPE), kind)}
    return sorted(found, key=lambda node: _order(graph, node))


def _told(graph: Graph, node: Node) -> Told:
    one = _Node(graph, node)
    publisher = next((made for told in one.nodes(_TERMS + "publisher") if (made := _agent(told))), None)
    issued, modified = one.string(_TERMS + "issued"), one.string(_TERMS + "modified")
    identifiers = [
        values.identifier(str(told))
        for told in one.every(_TERMS + "identifier", "http://www.w3.org/ns/adms#identifier")
        if not _blank(told)
    ]
    if one.address and one.address not in {known.value for known in identifiers}:
        identifiers.append(values.identifier(one.address))
    contacts = [
        made
        for told in one.nodes(DCAT + "contactPoint", "http://www.w3.org/ns/adms#contactPoint")
        if (made := _agent(told, "ContactPerson"))
    ]
    layer = _layer(one)
    description = Description(
        layer=layer,
        kind="Dataset" if layer == "dataset" else "Collection",
        title=one.text(_TERMS + "title", _ELEMENTS + "title", short=True),
        description=one.text(_TERMS + "description", _ELEMENTS + "description", join="\n\n"),
        identifiers=tuple(dict.fromkeys(identifiers)),
        creators=tuple(made for told in one.nodes(_TERMS + "creator") if (made := _agent(told))),
        contributors=tuple(contacts),
        publisher=publisher,
        year=values.year(issued),
        dates=tuple(
            Date(kind, value)
            for kind, told in (("Issued", issued), ("Updated", modified))
            if (value := values.date(told))
        ),
        subjects=tuple(
            subject
            for told in one.nodes(DCAT + "keyword", _TERMS + "subject", DCAT + "theme")
            if (subject := _subject(told))
        ),
        languages=tuple(
            dict.fromkeys(
                words.language_of(str(told).rpartition("/")[2]) for told in one.every(_TERMS + "language")
            )
        ),
        rights=values.rights_once(_rights(one)),
        places=tuple(place for told in one.nodes(_TERMS + "spatial") if (place := _place(told))),
        periods=tuple(period for told in one.nodes(_TERMS + "temporal") if (period := _period(told))),
        version=one.string(DCAT + "version", "http://www.w3.org/2002/07/owl#versionInfo", longest=100),
        relations=tuple(
            Relation(kind, values.identifier(str(told)))
            for name, kind in _RELATIONS
            for told in one.every(name)
            if not _blank(told)
        ),
        files=tuple(file for told in one.nodes(DCAT + "distribution") if (file := _file(told))),
        page=_page(one),
    )
    own = one.address or (identifiers[0].value if identifiers else "")
    said = blake3.blake3(_order(graph, node).encode("utf-8", "replace")).hexdigest(length=16)
    return Told(own or f"blank:{said}", description)


def _layer(one: _Node) -> str:
    kinds = {str(kind).removeprefix(DCAT) for kind in one.every(_RDF_TYPE)}
    return "repository" if "Catalog" in kinds else "collection" if "DatasetSeries" in kinds else "dataset"


def _period(one: _Node) -> Period | None:
    begin = one.string(DCAT + "startDate", _SCHEMA + "startDate")
    return values.period(begin, one.string(DCAT + "endDate", _SCHEMA + "endDate"))


def _page(one: _Node) -> str:
    found = (str(told) for told in one.every(DCAT + "landingPage", _FOAF + "page", _FOAF + "homepage"))
    return next((told for told in found if told.startswith("http")), "")


def _blank(node: Any) -> bool:
    from rdflib import BNode

    return isinstance(node, BNode)


def _agent(one: _Node, role: str = "") -> Agent | None:
    name = one.label()
    if not name and one.address:
        name = words.plain(one.address)
    known = (values.identifier(one.address),) if one.address else ()
    return Agent(name, "", role, known) if name else None


def _subject(one: _Node) -> Subject | None:
    name = one.label()
    if name:
        return Subject(name)
    told = one.address.rstrip("/").rpartition("/")[2].rpartition("#")[2]
    return Subject(words.plain(told), one.address) if told else None


def _rights(one: _Node) -> Iterator[Rights]:
    """Of the data set, else of its distributions."""
    for name in (_TERMS + "license", _TERMS + "rights", _TERMS + "accessRights"):
        for told in one.nodes(name):
            label = told.label()
            if told.address or label:
                yield values.rights(told.address, label)
    if not any(True for _ in one.every(_TERMS + "license")):
        for file in one.nodes(DCAT + "distribution"):
            for told in file.nodes(_TERMS + "license"):
                if told.address or told.label():
                    yield values.rights(told.address, told.label())


def _place(one: _Node) -> Place | None:
    name = one.label()
    for told in one.every(DCAT + "bbox", _LOCN + "geometry", DCAT + "centroid"):
        place = _shape(str(told), name)
        if place:
            return place
    if not name and one.address:
        name = words.plain(one.address)
    return Place(name) if name else None


def _shape(told: str, name: Text) -> Place | None:
    """The box of a geometry in GeoJSON or in well-known text."""
    if told.lstrip().startswith("{"):
        try:
            shape = json.loads(told)
        except (ValueError, RecursionError):
            return None
        return values.around(shape.get("coordinates") if isinstance(shape, dict) else None, name)
    pairs = [[float(x), float(y)] for x, y in _PAIR.findall(told[:200_000])]
    return values.around(pairs, name)


def _file(one: _Node) -> FileTold | None:
    address = one.string(DCAT + "downloadURL") or one.string(DCAT + "accessURL")
    title = one.label()
    name = title.in_language("en") or address.rpartition("/")[2]
    kinds = [
        told.address or told.label().in_language("en")
        for told in one.nodes(DCAT + "mediaType", _TERMS + "format")
    ]
    media = next((kind.rpartition("media-types/")[2] or kind for kind in kinds if kind), "")
    digests = [told.string(_SPDX + "checksumValue") for told in one.nodes(_SPDX + "checksum")]
    digest = next((told for told in digests if len(told) == 64), "")
    size = values.whole(one.string(DCAT + "byteSize"))
    several = title if len(list(title.every())) > 1 else Text()
    said = words.of_file(one.text(_TERMS + "description", _ELEMENTS + "description", join="\n\n"))
    return FileTold(name, several, said, address, media[:200], size, digest) if name or address else None


# JSON without a context of its own: Project Open Data's data.json and its kin


def _by_keys(document: Any) -> list[Told]:
    listed = document.get("dataset", document.get("dcat:dataset")) if isinstance(document, dict) else document
    found = [_by_key(one) for one in values.every_object(listed)]
    if not found:
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    around = _by_key(document) if isinstance(document, dict) else None
    if around is None or not around.description.title:
        return found
    return [
        *found,
        replace(around, description=replace(around.description, layer="repository", kind="Collection")),
    ]


def _by_key(told: Mapping[str, Any]) -> Told:
    """A data set whose keys are DCAT's, with or without a prefix."""
    plain = {key.rpartition(":")[2] if not key.startswith("@") else key: value for key, value in told.items()}
    as_schema = {
        "@type": "Dataset",
        "@id": plain.get("@id"),
        "name": plain.get("title"),
        "description": plain.get("description"),
        "identifier": plain.get("identifier"),
        "keywords": plain.get("keyword"),
        "license": plain.get("license"),
        "publisher": plain.get("publisher"),
        "datePublished": plain.get("issued"),
        "dateModified": plain.get("modified"),
        "inLanguage": plain.get("language"),
        "temporalCoverage": plain.get("temporal"),
        "url": plain.get("landingPage"),
        "distribution": [
            {
                "name": one.get("title") or one.get("downloadURL") or one.get("accessURL"),
                "description": one.get("description"),
                "contentUrl": one.get("downloadURL") or one.get("accessURL"),
                "encodingFormat": one.get("mediaType") or one.get("format"),
                "contentSize": one.get("byteSize"),
            }
            for one in values.objects(plain.get("distribution"))
        ],
    }
    return schema_org.told_of(as_schema, {})
