"""The harvest engine ``s3``: documents that describe data, in a bucket that anyone may list.

ListObjectsV2 of Amazon's S3 API, unsigned. Only documents are fetched, by the endings that the engine
``folder`` knows, each from below the bucket's own address; a record is known by its key, or where a document
holds several by what each says. Every walk goes through all of it, so that what is gone is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from madang.assets.harvest.errors import BadAnswer
from madang.assets.harvest.port import Found, Page, Walk, web_address
from madang.assets.metadata.documents import every_below, first, local, xml_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.assets.metadata.reading import LARGEST
from madang.engines.harvest.folder import ENDINGS
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
        return Message("harvest.bucket-address") if urlsplit(url).query else web_address(url)

    def pages(self, walk: Walk) -> Iterator[Page]:
        """Two hundred objects a part; the token is the bucket's own."""
        token = walk.token
        while True:
            root = self._list(walk, token)
            told = [_object(one) for one in every_below(root, "Contents")]
            documents = [one for one in told if one[0].lower().endswith(ENDINGS)]
            found, failed = self._fetched(walk, documents)
            following = first(root, "NextContinuationToken") or None
            if following is not None and following == token:
                raise BadAnswer(url=walk.url, reason=Message("harvest.token-twice"))
            yield Page(found, following, failed=failed)
            if following is None:
                return
            token = following

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

    def _fetched(
        self, walk: Walk, documents: Sequence[tuple[str, int]]
    ) -> tuple[list[Found], list[tuple[str, Message]]]:
        found: list[Found] = []
        failed: list[tuple[str, Message]] = []
        for key, size in documents:
            if size > LARGEST:
                failed.append((key, Message("harvest.large-object", size=size, most=LARGEST)))
                continue
            try:
                answer = walk.fetcher.get(f"{walk.url.rstrip('/')}/{quote(key)}")
            except NotFetched as error:
                failed.append((key, Message("harvest.unread-object", detail=str(error.facts["reason"]))))
                continue
            form = walk.options.get("format", "")
            found.append(Found(key, answer.body, form, address=answer.url))
        return found, failed


def _object(told: Any) -> tuple[str, int]:
    """(key, bytes) of an object in a listing."""
    size = first(told, "Size")
    return first(told, "Key"), int(size) if size.isascii() and size.isdecimal() else 0
