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
from madang.engines.harvest.slices import members
from madang.kernel.errors import MadangError
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.outbound import NotFetched

ENGINE = Engine("stac", "harvest", "madang.engines.harvest.stac:Stac")

_PART, _PART_BYTES = 100, 16 * 2**20
_KINDS = ("Catalog", "Collection", "FeatureCollection")
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
        part = _Part()
        with_items = walk.options.get("items", "yes") != "no"
        while waiting:
            url = waiting.popleft()
            try:
                body = walk.fetcher.get(url).body
                document = object_of(body)
            except MadangError as error:
                if url == walk.url:
                    raise _useless(url, error) from error
                part.failed.append((url, _reason(error)))
                continue
            if url == walk.url and document.get("type") not in _KINDS and "stac_version" not in document:
                raise BadAnswer(url=url, reason=Message("harvest.not-stac"))
            part.add(_described(body, document) + (_root(url, body, document) if url == walk.url else []))
            for link in _links(url, document, with_items):
                if link not in known:
                    known.add(link)
                    waiting.append(link)
            if len(known) > _MOST_DOCUMENTS:
                raise BadAnswer(url=walk.url, reason=Message("harvest.too-many", most=_MOST_DOCUMENTS))
            if part.full:
                yield part.page()
                part = _Part()
        yield part.page()


class _Part:
    """What was found since the last part, of so many records or bytes at most."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.failed: list[tuple[str, Message]] = []
        self._bytes = 0

    def add(self, found: list[Found]) -> None:
        self.found += found
        self._bytes += sum(len(one.original) for one in found)

    @property
    def full(self) -> bool:
        return len(self.found) + len(self.failed) >= _PART or self._bytes >= _PART_BYTES

    def page(self) -> Page:
        return Page(self.found, failed=self.failed)


def _root(url: str, body: bytes, document: Mapping[str, object]) -> list[Found]:
    """The catalogue itself, where it is more than a collection and tells what it is."""
    tells = document.get("type") == "Catalog" and (document.get("title") or document.get("description"))
    return [Found(url, body, "stac")] if tells else []


def _described(body: bytes, document: Mapping[str, object]) -> list[Found]:
    """A collection or an item, or the items of a list as an API gives them."""
    if document.get("type") == "FeatureCollection":
        try:
            return [Found("", one, "stac") for one in members(body, "features")]
        except ValueError:
            return []
    described = document.get("type") in ("Feature", "Collection") or "extent" in document
    return [Found("", body, "stac")] if described else []


def _links(url: str, document: Mapping[str, object], with_items: bool) -> Iterator[str]:
    """Addresses below a document, of its own host only: a catalogue may name the whole world."""
    wanted = ("child", "item", "items", "next") if with_items else ("child", "next")
    for link in values.every_object(document.get("links", [])):
        href = link.get("href")
        if link.get("rel") in wanted and isinstance(href, str):
            try:
                address = urljoin(url, href).partition("#")[0]
                own = urlsplit(address).netloc == urlsplit(url).netloc
                address.encode()
            except ValueError:
                continue
            if own:
                yield address


def _useless(url: str, error: MadangError) -> MadangError:
    """What it means that the root itself cannot be had."""
    return error if isinstance(error, NotFetched) else BadAnswer(url=url, reason=Message("harvest.not-stac"))


def _reason(error: MadangError) -> Message:
    reason = error.facts.get("reason")
    return reason if isinstance(reason, Message) else Message("harvest.not-stac")
