"""What a repository says of itself: the layer above its collections and data sets.

OAI-PMH's ``Identify`` and CKAN's ``status_show``. A DCAT catalogue stands in the document of its data sets
(dcat.py), a STAC catalogue is one of its documents (stac.py).
"""

from __future__ import annotations

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import Told, below, content, first, local, object_of, xml_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import REPOSITORY, Description, Identifier, Text
from madang.kernel.i18n import Message


def read_identify(data: bytes) -> list[Told]:
    """An ``Identify`` element (OAI-PMH 2.0). Its administrator's address stays where it is."""
    root = xml_of(data)
    if local(root) != "Identify":
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    said = [
        ("", content(one))
        for holder in below(root, "description")
        for one in holder.iter()
        if local(one) == "description" and one is not holder
    ]
    name = first(root, "description", "oai-identifier", "repositoryIdentifier")
    return [_told(words.plain(first(root, "repositoryName")), words.text(said), first(root, "baseURL"), name)]


def read_status(data: bytes) -> list[Told]:
    """A portal as CKAN's ``status_show`` tells it."""
    told = next(values.objects(object_of(data).get("result")), {})
    said = words.text([("", one) for one in values.strings(told.get("site_description"))])
    return [
        _told(words.plain(values.string(told.get("site_title"))), said, values.string(told.get("site_url")))
    ]


def _told(title: Text, said: Text, page: str, name: str = "") -> Told:
    identifiers = (Identifier("Other", name),) if name else ()
    web = page if page.startswith(("http://", "https://")) else ""
    return Told(page, Description(title, said, REPOSITORY, "Collection", identifiers, page=web))
