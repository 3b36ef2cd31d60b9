"""The harvest engine ``document``: an address whose document describes data sets, in any format read here.

A DCAT catalogue as Turtle, RDF/XML or JSON-LD, a Croissant or schema.org document, DataCite JSON or XML. A
catalogue in parts is followed by the ``next`` of its Hydra collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urljoin

from madang.assets.harvest.errors import BadAnswer
from madang.assets.harvest.port import Found, Page, Walk, unknown_format, web_address
from madang.assets.metadata import reading
from madang.assets.metadata.errors import UnreadableRecord
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message

ENGINE = Engine("document", "harvest", "madang.engines.harvest.document:Document")

_MOST_PARTS = 10_000
_NEXT = (
    re.compile(rb"hydra/core#next(?:Page)?>?\s+<([^>\s]{1,2000})>"),
    re.compile(rb'hydra:next(?:Page)?\s+(?:rdf:resource=")?[<"]?([^>"\s]{1,2000})[>"]'),
    re.compile(rb'"(?:hydra:)?next(?:Page)?"\s*:\s*(?:\{\s*"@id"\s*:\s*)?"([^"]{1,2000})"'),
)


class Document:
    """See the module's docstring."""

    options: Mapping[str, str] = {"format": "harvest.option.format"}

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """An address of the web, and a format that is read."""
        return unknown_format(options) or web_address(url)

    def pages(self, walk: Walk) -> Iterator[Page]:
        """A document a part; the token is the address of the next."""
        url: str | None = walk.token or walk.url
        seen: set[str] = set()
        while url is not None:
            seen.add(url)
            if len(seen) > _MOST_PARTS:
                raise BadAnswer(url=walk.url, reason=Message("harvest.too-many", most=_MOST_PARTS))
            answer = walk.fetcher.get(url)
            form = walk.options.get("format", "")
            try:
                form = form or reading.recognize(answer.body)
            except UnreadableRecord as error:
                raise BadAnswer(url=answer.url[:500], reason=error.facts["reason"]) from error
            following = _next(answer.body, answer.url) if form == "dcat" else None
            following = None if following in seen else following
            yield Page([Found("", answer.body, form, address=answer.url)], following)
            url = following


def _next(body: bytes, base: str) -> str | None:
    for form in _NEXT:
        found = form.search(body)
        if found:
            try:
                return str(urljoin(base, found.group(1).decode("utf-8", "replace")))
            except ValueError:
                return None
    return None
