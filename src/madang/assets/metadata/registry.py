"""A data set of an open-data registry in YAML, as the Registry of Open Data on AWS keeps them."""

from __future__ import annotations

import re

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import Told, yaml_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.model import Agent, Description, FileTold, Subject
from madang.kernel.i18n import Message

_LINK = re.compile(r"\[([^\]]{1,500})\]\(([^)\s]{0,500})\)")


def read(data: bytes) -> list[Told]:
    """The registry names a data set by its file; the document itself holds no identifier."""
    document = yaml_of(data)
    if not isinstance(document.get("Name"), str) or not isinstance(document.get("Description"), str):
        raise UnreadableRecord(reason=Message("metadata.no-dataset"))
    manager = _without_links(values.string(document.get("ManagedBy")))
    pages = [one for one in values.strings(document.get("Documentation")) if one.startswith("http")]
    licence = _without_links(values.string(document.get("License"), 500))
    files = [
        FileTold(
            values.string(one.get("Description"), 300) or values.string(one.get("ARN")),
            url=values.string(one.get("ARN")),
        )
        for one in values.objects(document.get("Resources"))
    ]
    description = Description(
        title=words.text([("en", document["Name"])], short=True),
        description=words.text([("en", _without_links(document["Description"]))]),
        publisher=Agent(words.plain(manager), "organization") if manager else None,
        subjects=tuple(
            Subject(words.text([("en", one)], short=True)) for one in values.strings(document.get("Tags"))
        ),
        languages=("en",),
        rights=(values.rights(licence),) if licence else (),
        files=tuple(file for file in files if file.name),
        page=values.string(pages, 2000),
    )
    return [Told("", description)]


def _without_links(text: str) -> str:
    """Markdown's links as the words that they stand under."""
    return _LINK.sub(r"\1", text[: 4 * words.LONGEST])
