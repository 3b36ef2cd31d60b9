"""Which format a record is in, and reading it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from madang.assets.metadata import (
    card,
    ckan,
    datacite,
    dcat,
    dublin_core,
    listing,
    registry,
    repository,
    schema_org,
    stac,
)
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
    "card": card.read,
    listing.FORMAT: listing.read,
    "oai-identify": repository.read_identify,
    "ckan-status": repository.read_status,
}
"""Readers by the name of their format."""


MANY = ("dcat",)
"""Formats of which a document holds as many records as it likes."""


def read(data: bytes, form: str = "") -> list[Told]:
    """The descriptions of a document, of the format `form` or of the one its content looks like.

    Raises UnreadableRecord where it cannot be read, UntitledRecord where one of them has no title.
    """
    found = told_in(data, form)
    for told in found:
        require_title(told)
    return found


def told_in(data: bytes, form: str = "", base: str = "") -> list[Told]:
    """The same, with those that have no title: each is good or bad by itself. base: the document's."""
    if len(data) > LARGEST:
        raise UnreadableRecord(reason=Message("metadata.too-large", limit=LARGEST))
    form = form or recognize(data)
    found = dcat.read(data, base) if form == "dcat" else FORMATS[form](data)
    if not found:
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    return found


def require_title(told: Told) -> None:
    """UntitledRecord where a description has no title."""
    if not told.description.title:
        raise UntitledRecord(identifier=told.identifier or "-")


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

_SIGNS: tuple[tuple[str, re.Pattern[bytes], bool], ...] = (
    ("card", re.compile(re.escape(card.MARK.encode())), True),
    ("datacite", re.compile(rb"datacite\.org/schema/kernel-"), False),
    ("oai_dc", re.compile(rb"openarchives\.org/OAI/2\.0/oai_dc"), False),
    ("dcat", re.compile(rb"w3\.org/ns/dcat#"), True),
    ("open-data-registry", re.compile(rb"^(Name|Description):", re.MULTILINE), False),
)
"""Signs of other documents; True: anywhere in it, otherwise near its beginning."""


def recognize(data: bytes) -> str:
    """The name of the format of a document; UnreadableRecord where none fits."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    name = next((name for name, sign in _JSON_SIGNS if sign.search(text)), None)
    if not text.startswith((b"{", b"[")):
        head = text[:4000]
        name = next((name for name, sign, within in _SIGNS if sign.search(text if within else head)), None)
    if name is None:
        raise UnreadableRecord(reason=Message("metadata.unknown-format", known=", ".join(FORMATS)))
    return name
