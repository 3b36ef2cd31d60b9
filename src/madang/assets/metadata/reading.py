"""Which format a record is in, and reading it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from madang.assets.metadata import ckan, datacite, dcat, dublin_core, registry, schema_org, stac
from madang.assets.metadata.documents import Told
from madang.assets.metadata.errors import UnreadableRecord, UntitledRecord
from madang.kernel.i18n import Message, register_catalogue

register_catalogue("madang.assets.metadata")

LARGEST = 64 * 2**20
"""Bytes of a document that is read."""

FORMATS: Mapping[str, Callable[[bytes], list[Told]]] = {
    "datacite": datacite.read,
    "oai_dc": dublin_core.read,
    "dcat": dcat.read,
    "ckan": ckan.read,
    "stac": stac.read,
    "croissant": schema_org.read,
    "ro-crate": schema_org.read_crate,
    "open-data-registry": registry.read,
}
"""Readers by the name of their format."""


def read(data: bytes, form: str = "") -> list[Told]:
    """The descriptions of a document, of the format `form` or of the one its content looks like.

    Raises UnreadableRecord where it cannot be read, UntitledRecord where one of them has no title.
    """
    if len(data) > LARGEST:
        raise UnreadableRecord(reason=Message("metadata.too-large", limit=LARGEST))
    found = FORMATS[form or recognize(data)](data)
    for told in found:
        if not told.description.title:
            raise UntitledRecord(identifier=told.identifier or "-")
    return found


_JSON_SIGNS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("ro-crate", re.compile(rb"w3id\.org/ro/crate|ro-crate-metadata\.json")),
    ("croissant", re.compile(rb"mlcommons\.org/croissant|ml-commons\.org/croissant")),
    ("stac", re.compile(rb'"stac_version"\s*:')),
    ("dcat", re.compile(rb'www\.w3\.org/ns/dcat#|"dcat:|project-open-data')),
    ("datacite", re.compile(rb'"(titles|doi)"\s*:')),
    ("croissant", re.compile(rb'schema\.org/?"')),
    ("ckan", re.compile(rb'"(notes|resources|extras)"\s*:')),
    ("dcat", re.compile(rb'"dataset"\s*:\s*\[')),
)


def recognize(data: bytes) -> str:
    """The name of the format of a document; UnreadableRecord where none fits."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    head = text[:4000]
    if text.startswith((b"{", b"[")):
        found = (name for name, sign in _JSON_SIGNS if sign.search(text))
    elif b"datacite.org/schema/kernel-" in head:
        found = iter(["datacite"])
    elif b"openarchives.org/OAI/2.0/oai_dc" in head or b"purl.org/dc/elements/1.1/" in head and b"rdf" not in head:
        found = iter(["oai_dc"])
    elif b"w3.org/ns/dcat#" in text[:100_000]:
        found = iter(["dcat"])
    elif re.search(rb"^(Name|Description):", head, re.MULTILINE):
        found = iter(["open-data-registry"])
    else:
        found = iter(())
    name = next(found, None)
    if name is None:
        raise UnreadableRecord(reason=Message("metadata.unknown-format", known=", ".join(FORMATS)))
    return name
