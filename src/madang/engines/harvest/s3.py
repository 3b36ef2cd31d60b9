"""The harvest engine ``s3``: what lies in a bucket that anyone may list.

ListObjectsV2 of Amazon's S3 API, unsigned. Only documents that describe data are fetched, each from below the
bucket's own address; a record is known by its key, or where a document holds several by what each says.
A folder of data without one is a record by its listing (listings.py). Every walk goes through all of it, so
that what is gone is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from madang.assets.harvest.errors import BadAnswer
from madang.assets.harvest.port import Found, Page, Walk, unknown_format, web_address
from madang.assets.metadata.documents import every_below, first, local, xml_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.reading import LARGEST
from madang.engines.harvest.listings import ENDINGS, Listings
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.outbound import NotFetched

ENGINE = Engine("s3", "harvest", "madang.engines.harvest.s3:Bucket")

_PART = "200"


class Bucket:
    """See the module's docstring."""

    options: Mapping[str, str] = {"prefix": "harvest.option.key-prefix", "format": "harvest.option.format"}

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """The address of a bucket: nothing is asked of it there."""
        if urlsplit(url).query:
            return Message("harvest.bucket-address")
        return unknown_format(options) or web_address(url)

    def pages(self, walk: Walk) -> Iterator[Page]:
        """Two hundred objects a part. The token is the bucket's own, with the folder that it is in."""
        above = walk.options.get("prefix", "").rpartition("/")[0]
        address = urlsplit(walk.url)
        place = above.strip("/") or address.path.strip("/") or (address.hostname or "").partition(".")[0]
        token, told = _left(walk.token)
        listings = Listings(place.rpartition("/")[2], told)
        while True:
            root = self._list(walk, token)
            objects = [_object(one) for one in every_below(root, "Contents")]
            found, failed = self._taken(walk, above, objects, listings)
            following = first(root, "NextContinuationToken") or None
            if following is not None and following == token:
                raise BadAnswer(url=walk.url, reason=Message("harvest.token-twice"))
            found += listings.ended(following is None)
            if following is None:
                yield Page(found, failed=failed)
                return
            token = following
            yield Page(found, json.dumps([token, listings.to_json()]), failed=failed)

    def _list(self, walk: Walk, token: str | None) -> Any:
        asked = {"list-type": "2", "max-keys": _PART}
        asked |= {"prefix": walk.options["prefix"]} if "prefix" in walk.options else {}
        asked |= {"continuation-token": token} if token else {}
        answer = walk.fetcher.get(walk.url, asked)
        try:
            root = xml_of(answer.body)
        except UnreadableRecord as error:
            raise BadAnswer(url=answer.url[:500], reason=error.facts["reason"]) from error
        if local(root) != "ListBucketResult":
            raise BadAnswer(url=answer.url[:500], reason=Message("harvest.not-a-bucket"))
        return root

    def _taken(
        self, walk: Walk, above: str, objects: Sequence[_Object], listings: Listings
    ) -> tuple[list[Found], list[tuple[str, Message]]]:
        """The documents among the objects of a part; the others are listed."""
        found: list[Found] = []
        failed: list[tuple[str, Message]] = []
        form = walk.options.get("format", "")
        for one in objects:
            path = one.key.removeprefix(f"{above}/" if above else "")
            if not path or path.endswith("/"):  # a folder's mark
                continue
            listings.file(path, one.size, one.changed)
            if not path.lower().endswith(ENDINGS):
                continue
            had = self._fetched(walk, one, form)
            if isinstance(had, Found):
                found.append(had)
            else:
                failed.append((one.key, had))
            listings.document(path, had.original if isinstance(had, Found) else None, form)
        return found, failed

    def _fetched(self, walk: Walk, one: _Object, form: str) -> Found | Message:
        """A document, or why it could not be had."""
        if one.size > LARGEST:
            return Message("harvest.large-object", size=one.size, most=LARGEST)
        try:
            answer = walk.fetcher.get(f"{walk.url.rstrip('/')}/{quote(one.key)}")
        except NotFetched as error:
            return Message("harvest.unread-object", detail=str(error.facts["reason"]))
        return Found(one.key, answer.body, form, address=answer.url)


def _left(token: str | None) -> tuple[str | None, dict[str, Any] | None]:
    """Where a walk was left; its beginning where that is not told (as older programs wrote it)."""
    try:
        told = json.loads(token or "")
        return (told[0], told[1]) if isinstance(told, list) else (None, None)
    except ValueError:
        return None, None


@dataclass(frozen=True)
class _Object:
    """An object in a listing: bytes, and when it was changed."""

    key: str
    size: int
    changed: str


def _object(told: Any) -> _Object:
    size = first(told, "Size")
    return _Object(
        first(told, "Key"),
        int(size) if size.isascii() and size.isdecimal() and len(size) < 19 else 0,
        first(told, "LastModified")[:40],
    )
