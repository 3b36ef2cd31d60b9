"""DCAT-AP 3 in Turtle.

Source: W3C DCAT 3; DCAT-AP 3.0 (SEMIC). Its own SHACL shapes were not at hand: shaped on, unverified.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from madang.assets.metadata.model import UNDETERMINED, Agent, Description, Rights, Text

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

_VCARD = "http://www.w3.org/2006/vcard/ns#"
_LAYERS = {"repository": "Catalog", "collection": "DatasetSeries"}
_RELATIONS = {"IsDerivedFrom": "source", "IsVersionOf": "isVersionOf", "IsReferencedBy": "isReferencedBy"}


def to_turtle(told: Description, address: str) -> bytes:
    """A ``dcat:Dataset`` at `address` (a catalogue or a series is one too), with a distribution a file."""
    from rdflib import Graph, Literal, URIRef
    from rdflib.namespace import DCAT, DCTERMS, RDF, XSD

    graph = Graph()
    about = URIRef(_safe(address))
    graph.add((about, RDF.type, DCAT.Dataset))
    if told.layer in _LAYERS:
        graph.add((about, RDF.type, URIRef(f"{DCAT}{_LAYERS[told.layer]}")))
    for name, text in ((DCTERMS.title, told.title), (DCTERMS.description, told.description)):
        for literal in _literals(text):
            graph.add((about, name, literal))
    for one in told.identifiers:
        graph.add((about, DCTERMS.identifier, Literal(one.value)))
    for subject in told.subjects:
        for literal in _literals(subject.term):
            graph.add((about, DCAT.keyword, literal))
    for name, agents in (
        (DCTERMS.creator, told.creators),
        (DCTERMS.publisher, (told.publisher,) if told.publisher else ()),
    ):
        for agent in agents:
            graph.add((about, name, _agent(graph, agent)))
    for contact in told.contributors:
        if contact.role == "ContactPerson":
            graph.add((about, DCAT.contactPoint, _contact(graph, contact)))
    for date in told.dates:
        when = {"Issued": DCTERMS.issued, "Updated": DCTERMS.modified}.get(date.kind)
        if when is not None:
            form = XSD.date if len(date.value) == 10 else XSD.dateTime if len(date.value) > 10 else None
            graph.add((about, when, Literal(date.value, datatype=form)))
    if told.version:
        graph.add((about, URIRef(f"{DCAT}version"), Literal(told.version)))
    for relation in told.relations:
        if relation.kind in _RELATIONS:
            target = relation.identifier.value
            node: Any = URIRef(_safe(target)) if ":" in target else Literal(target)
            graph.add((about, DCTERMS[_RELATIONS[relation.kind]], node))
    for language in told.languages:
        graph.add((about, DCTERMS.language, Literal(language)))
    _extent(graph, about, told)
    _distributions(graph, about, told)
    if ":" in told.page:
        graph.add((about, DCAT.landingPage, URIRef(_safe(told.page))))
    return graph.serialize(format="turtle").encode()


def _safe(address: str) -> str:
    """An address without the signs that no IRI has."""
    return "".join(sign if sign > " " and sign not in '<>"{}|\\^`' else "_" for sign in address)


def _literals(text: Text) -> Iterator[Any]:
    from rdflib import Literal

    for language, value in text.every():
        yield Literal(value, lang=None if language == UNDETERMINED else language)


def _agent(graph: Graph, agent: Agent) -> Node:
    from rdflib import BNode, URIRef
    from rdflib.namespace import FOAF, RDF

    known = next((one.value for one in agent.identifiers if one.value.startswith("http")), "")
    node: Node = URIRef(_safe(known)) if known else BNode()
    graph.add((node, RDF.type, FOAF.Organization if agent.kind == "organization" else FOAF.Agent))
    for literal in _literals(agent.name):
        graph.add((node, FOAF.name, literal))
    return node


def _contact(graph: Graph, agent: Agent) -> Node:
    from rdflib import BNode, URIRef
    from rdflib.namespace import RDF

    node = BNode()
    graph.add((node, RDF.type, URIRef(f"{_VCARD}Kind")))
    for literal in _literals(agent.name):
        graph.add((node, URIRef(f"{_VCARD}fn"), literal))
    return node


def _extent(graph: Graph, about: Node, told: Description) -> None:
    from rdflib import BNode, Literal, URIRef
    from rdflib.namespace import DCAT, DCTERMS, RDF, RDFS

    wkt = URIRef("http://www.opengis.net/ont/geosparql#wktLiteral")
    for place in told.places:
        node = BNode()
        graph.add((about, DCTERMS.spatial, node))
        graph.add((node, RDF.type, DCTERMS.Location))
        for literal in _literals(place.name):
            graph.add((node, RDFS.label, literal))
        if place.box:
            west, south, east, north = place.box
            east += 360 if west > east else 0  # over the 180th meridian longitudes go on
            ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
            corners = ", ".join(f"{x} {y}" for x, y in ring)
            graph.add((node, DCAT.bbox, Literal(f"POLYGON(({corners}))", datatype=wkt)))
    for period in told.periods:
        node = BNode()
        graph.add((about, DCTERMS.temporal, node))
        graph.add((node, RDF.type, DCTERMS.PeriodOfTime))
        for name, value in ((DCAT.startDate, period.begin), (DCAT.endDate, period.end)):
            if value:
                graph.add((node, name, Literal(value)))


def _licence(graph: Graph, one: Rights) -> Node:
    """A licence document at its address, called by its names."""
    from rdflib import BNode, URIRef
    from rdflib.namespace import DCTERMS, RDF

    address = one.uri or (f"https://spdx.org/licenses/{one.spdx}" if one.spdx else "")
    node: Node = URIRef(_safe(address)) if address.startswith("http") else BNode()
    graph.add((node, RDF.type, DCTERMS.LicenseDocument))
    for literal in _literals(one.name):
        graph.add((node, DCTERMS.title, literal))
    return node


def _distributions(graph: Graph, about: Node, told: Description) -> None:
    from rdflib import BNode, Literal, URIRef
    from rdflib.namespace import DCAT, DCTERMS, RDF, XSD

    rights = [_licence(graph, one) for one in told.rights]
    for file in told.files:
        node: Node = BNode()
        graph.add((about, DCAT.distribution, node))
        graph.add((node, RDF.type, DCAT.Distribution))
        for literal in _literals(file.title or Text(other={UNDETERMINED: file.name})):
            graph.add((node, DCTERMS.title, literal))
        for literal in _literals(file.description):
            graph.add((node, DCTERMS.description, literal))
        if ":" in file.url:
            graph.add((node, DCAT.accessURL, URIRef(_safe(file.url))))
            graph.add((node, DCAT.downloadURL, URIRef(_safe(file.url))))
        if file.media_type:
            graph.add((node, DCAT.mediaType, Literal(file.media_type)))
        if file.size_bytes is not None:
            graph.add((node, DCAT.byteSize, Literal(file.size_bytes, datatype=XSD.nonNegativeInteger)))
        for right in rights:
            graph.add((node, DCTERMS.license, right))
    for right in () if told.files else rights:
        graph.add((about, DCTERMS.license, right))
