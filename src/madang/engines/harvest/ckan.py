"""The harvest engine ``ckan``: every data set of a CKAN portal, by its action API, version 3.

``package_search`` in the order of ids, a hundred at a time. All of it each time: the API tells nothing of
deletions. Where the portal changes while it is walked through, a package may slip from one part into another
that is past; such a walk takes in what it met and says that it was not whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from madang.assets.harvest.errors import BadAnswer
from madang.assets.harvest.port import Found, Page, Walk, web_address
from madang.assets.metadata import values
from madang.assets.metadata.documents import json_of, object_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.engines.harvest.slices import members
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message
from madang.kernel.outbound import NotFetched

ENGINE = Engine("ckan", "harvest", "madang.engines.harvest.ckan:Ckan")

_ROWS = 100
_NOT_TOLD = (400, 401, 403, 404, 405)
"""Answers of a portal that does not tell of itself."""


class Ckan:
    """See the module's docstring."""

    options: Mapping[str, str] = {"query": "harvest.option.query"}

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """An address of the web: the portal's, or its API's."""
        return web_address(url)

    def pages(self, walk: Walk) -> Iterator[Page]:
        """A hundred packages a part; the token is how many came before."""
        before, _, told = (walk.token or "0|").partition("|")
        start, first = int(before), int(told) if told else None
        base = walk.url.rstrip("/").removesuffix("/api/3/action").removesuffix("/api/3")
        while True:
            asked = {"rows": str(_ROWS), "start": str(start), "sort": "id asc"}
            asked |= {"fq": walk.options["query"]} if "query" in walk.options else {}
            answer = walk.fetcher.get(f"{base}/api/3/action/package_search", asked)
            found, count = _found(answer.url, answer.body)
            first = count if first is None else first
            about, silent = _portal(walk, base) if not start else ([], [])
            start += len(found)
            if not found and start < count:
                raise BadAnswer(url=answer.url[:500], reason=Message("harvest.ended-early"))
            following = f"{start}|{first}" if start < count else None
            moved = count != first
            if moved and following is None:
                silent.append((walk.url, Message("harvest.moved")))
            yield Page([*about, *found], following, failed=silent, whole=not moved)
            if following is None:
                return


def _portal(walk: Walk, base: str) -> tuple[list[Found], list[tuple[str, Message]]]:
    """What the portal says of itself, where it does; or that it could not be had this time."""
    address = f"{base}/api/3/action/status_show"
    try:
        answer = walk.fetcher.get(address)
        title = object_of(answer.body)["result"]["site_title"]
    except NotFetched as error:
        told = error.facts["reason"]
        reason = told if isinstance(told, Message) else Message("harvest.not-ckan")
        return [], [] if reason.values.get("status") in _NOT_TOLD else [(address, reason)]
    except (UnreadableRecord, KeyError, TypeError):
        return [], []
    return [Found(base, answer.body, "ckan-status")] if title else [], []


def _found(url: str, body: bytes) -> tuple[list[Found], int]:
    try:
        document = json_of(body)
        result = document["result"]
        count = values.whole(result["count"])
        originals = members(body, "result", "results")
        names = [str(one.get("id") or one.get("name") or "") for one in result["results"]]
    except (UnreadableRecord, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadAnswer(url=url[:500], reason=Message("harvest.not-ckan")) from error
    told = zip(names, originals, strict=True)
    if count is None:
        raise BadAnswer(url=url[:500], reason=Message("harvest.not-ckan"))
    return [Found(name, original, "ckan") for name, original in told], count
