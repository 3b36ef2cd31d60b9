"""Unqualified Dublin Core as OAI-PMH carries it (``oai_dc``): fifteen elements, each any number of times."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import XML_LANGUAGE, Told, below, content, xml_of
from madang.assets.metadata.model import Agent, Date, Description, Relation, Subject

NAMESPACE = "http://www.openarchives.org/OAI/2.0/oai_dc/"


def read(data: bytes) -> list[Told]:
    """The record of an ``oai_dc:dc`` document."""
    return [read_xml(xml_of(data))]


def read_xml(root: Element) -> Told:
    """An ``oai_dc:dc`` element."""

    def pairs(name: str) -> list[tuple[str, str]]:
        found = ((one.get(XML_LANGUAGE, ""), content(one)) for one in below(root, name))
        return [(language, value) for language, value in found if value]

    def every(name: str) -> list[str]:
        return [words.line(value) for _, value in pairs(name)]

    def agents(name: str, role: str = "") -> tuple[Agent, ...]:
        return tuple(Agent(words.text([pair], short=True), role=role) for pair in pairs(name))

    identifiers = tuple(values.identifier(one) for one in every("identifier"))
    pages = [one.value for one in identifiers if one.scheme == "URL"]
    publishers = agents("publisher")
    dates = [value for one in every("date") if (value := values.date(one))]
    description = Description(
        title=words.text(pairs("title"), short=True),
        description=words.text(pairs("description"), join="\n\n"),
        kind=next(iter(every("type")), "") or "Other",
        identifiers=identifiers,
        creators=agents("creator"),
        contributors=agents("contributor", "Other"),
        publisher=publishers[0] if publishers else None,
        year=values.year(every("date")),
        dates=tuple(Date("Issued", value) for value in dates),
        subjects=tuple(Subject(words.text([pair], short=True)) for pair in pairs("subject")),
        languages=tuple(words.language_of(one) for one in every("language")),
        rights=tuple(
            values.rights(value, words.text([(tag, value)], short=True)) for tag, value in pairs("rights")
        ),
        formats=tuple(every("format")),
        relations=tuple(
            Relation(kind, values.identifier(one))
            for name, kind in (("relation", "References"), ("source", "IsDerivedFrom"))
            for one in every(name)
        ),
        page=pages[0] if pages else "",
    )
    return Told(identifiers[0].value if identifiers else "", description)
