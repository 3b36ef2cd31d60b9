"""The harvest engine ``stac``: a SpatioTemporal Asset Catalogue, static or by an API's links.

Catalogues are followed by their ``child`` and ``item`` links, collections and items are records. A walk that
was cut off begins anew: a catalogue has no order that would last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from madang.assets.harvest.errors import BadAnswer
from madang.assets.harvest.port import Found, Page, Walk, web_address
from madang.assets.metadata import values
from madang.assets.metadata.documents import object_of
from madang.kernel.errors import MadangError
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.outbound import NotFetched

ENGINE = Engine("stac", "harvest", "madang.engines.harvest.stac:Stac")

_PART = 100
_MOST_DOCUMENTS = 1_000_000


class Stac:
    """See the module's docstring."""

    options: Mapping[str, str] = {"items": "harvest.option.items"}

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """An address of the web."""
        return web_address(url)

    def pages(self, walk: Walk) -> Iterator[Page]:
        """Breadth first from the root; a document that cannot be had is told and passed over."""
        waiting: deque[str] = deque([walk.url])
        known = {walk.url}
        found: list[Found] = []
        failed: list[tuple[str, Message]] = []
        with_items = walk.options.get("items", "yes") != "no"
        while waiting:
            url = waiting.popleft()
            try:
                body = walk.fetcher.get(url).body
                document = object_of(body)
            except MadangError as error:
                if url == walk.url:
                    raise _useless(url, error) from error
                failed.append((url, _reason(error)))
                continue
            kind = document.get("type")
            if url == walk.url and kind not in ("Catalog", "Collection") and "stac_version" not in document:
                raise BadAnswer(url=url, reason=Message("harvest.not-stac"))
            if kind == "Feature" or kind == "Collection" or "extent" in document:
                found.append(Found("", body, "stac"))
            for link in _links(url, document, with_items):
                if link not in known and len(known) < _MOST_DOCUMENTS:
                    known.add(link)
                    waiting.append(link)
            if len(found) + len(failed) >= _PART:
                yield Page(found, None, failed=failed)
                found, failed = [], []
        yield Page(found, None, failed=failed)


def _links(url: str, document: Mapping[str, object], with_items: bool) -> Iterator[str]:
    """Addresses below a document, of its own host only: a catalogue may name the whole world."""
    wanted = ("child", "item", "items", "next") if with_items else ("child", "next")
    for link in values.objects(document.get("links")):
        if link.get("rel") in wanted and isinstance(link.get("href"), str):
            address = urljoin(url, link["href"]).partition("#")[0]
            if urlsplit(address).netloc == urlsplit(url).netloc:
                yield address


def _useless(url: str, error: MadangError) -> MadangError:
    """What it means that the root itself cannot be had."""
    return error if isinstance(error, NotFetched) else BadAnswer(url=url, reason=Message("harvest.not-stac"))


def _reason(error: MadangError) -> Message:
    reason = error.facts.get("reason")
    return reason if isinstance(reason, Message) else Message("harvest.not-stac")
