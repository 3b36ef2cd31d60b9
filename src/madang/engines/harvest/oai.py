"""The harvest engine ``oai-pmh``: the Protocol for Metadata Harvesting 2.0 (openarchives.org).

Records are taken byte for byte from the answer they came in. A resumption token that the repository no longer
knows begins the list anew, once: what comes twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import tostring  # writes; what parses is defusedxml
from xml.parsers import expat

from madang.assets.harvest.errors import BadAnswer
from madang.assets.harvest.port import Found, Page, Walk, web_address
from madang.assets.metadata.documents import below, content, every_below, first, local, xml_of
from madang.assets.metadata.errors import UnreadableRecord
from madang.kernel import clock
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message

ENGINE = Engine("oai-pmh", "harvest", "madang.engines.harvest.oai:Oai")

_PREFIXES = ("oai_datacite", "datacite", "oai_dc")
"""Formats in the order in which they are asked for where the source names none."""
_LATE = timedelta(hours=1)
_NOT_AN_ERROR = ("noRecordsMatch",)


class Oai:
    """See the module's docstring."""

    options: Mapping[str, str] = {"set": "harvest.option.set", "prefix": "harvest.option.prefix"}

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """An address of the web."""
        return web_address(url)

    def pages(self, walk: Walk) -> Iterator[Page]:
        """ListRecords, from the token or from the beginning."""
        token, again = walk.token, False
        prefix = walk.options.get("prefix") or ""
        begun: str | None = None
        while True:
            if token is None:
                prefix = prefix or self._prefix(walk)
                asked = {"verb": "ListRecords", "metadataPrefix": prefix}
                asked |= {"set": walk.options["set"]} if "set" in walk.options else {}
                asked |= {"from": walk.since} if walk.since else {}
            else:
                asked = {"verb": "ListRecords", "resumptionToken": token}
            answer = walk.fetcher.get(walk.url, asked)
            root = _root(answer.url, answer.body)
            code = _error(root, answer.url)
            if code == "badResumptionToken" and token is not None and not again:
                token, again = None, True
                continue
            if code is not None and (code not in _NOT_AN_ERROR or token is not None):
                reason = Message("harvest.oai-error", code=code, detail=first(root, "error")[:300])
                raise BadAnswer(url=walk.url, reason=reason)
            found = _found(answer.body, root, prefix)
            if begun is None and not token:
                told = walk.fetcher.get(walk.url, {"verb": "Identify"})
                about = _root(told.url, told.body)
                begun = _since(about, root)
                found = [*_repository(walk.url, told.body, about), *found]
            following = first(root, "ListRecords", "resumptionToken") or None
            if following is not None and following == token:
                raise BadAnswer(url=walk.url, reason=Message("harvest.token-twice"))
            yield Page(found, following, begun)
            if following is None:
                return
            token = following

    def _prefix(self, walk: Walk) -> str:
        answer = walk.fetcher.get(walk.url, {"verb": "ListMetadataFormats"})
        root = _root(answer.url, answer.body)
        offered = {
            content(one) for one in below(root, "ListMetadataFormats", "metadataFormat", "metadataPrefix")
        }
        return next((one for one in _PREFIXES if one in offered), "oai_dc")


def _root(url: str, body: bytes) -> Any:
    try:
        root = xml_of(body)
    except UnreadableRecord as error:
        raise BadAnswer(url=url[:500], reason=error.facts["reason"]) from error
    if local(root) != "OAI-PMH":
        raise BadAnswer(url=url[:500], reason=Message("harvest.not-oai"))
    return root


def _since(identify: Any, root: Any) -> str | None:
    """From when on the next walk may ask only for what changed: where the repository tells deletions for
    ever, the earlier of its time and ours, less an hour for what it publishes late."""
    if first(identify, "Identify", "deletedRecord") != "persistent":
        return None
    here = clock.now()
    try:
        there = clock.from_text(first(root, "responseDate")).astimezone(UTC)
    except ValueError:
        there = here
    seconds = first(identify, "Identify", "granularity").endswith("Z")
    return (min(here, there) - _LATE).strftime("%Y-%m-%dT%H:%M:%SZ" if seconds else "%Y-%m-%d")


def _repository(url: str, body: bytes, root: Any) -> list[Found]:
    """What the repository says of itself, where it tells its name."""
    identify = next(below(root, "Identify"), None)
    if identify is None or not first(identify, "repositoryName"):
        return []
    return [Found(url, _slices(body, "Identify", 2)[0], "oai-identify", readable=tostring(identify))]


def _error(root: Any, url: str) -> str | None:
    """The code of the answer's error; several are told as the first that is one."""
    codes = [one.get("code", "-") for one in below(root, "error")]
    return next((code for code in codes if code not in _NOT_AN_ERROR), codes[0] if codes else None)


def _found(body: bytes, root: Any, prefix: str) -> list[Found]:
    found = []
    slices = iter(_slices(body, "record", 3))
    for record in every_below(root, "ListRecords", "record"):
        original = next(slices)
        header = next(below(record, "header"), None)
        if header is None or not first(header, "identifier"):
            continue
        identifier = first(header, "identifier")
        deleted = header.get("status") == "deleted"
        inner = next((one for holder in below(record, "metadata") for one in holder), None)
        if deleted or inner is None:
            found.append(Found(identifier, original, _format(prefix), deleted))
            continue
        # DataCite's own repositories wrap the record.
        inner = next((one for one in inner.iter() if local(one) == "resource"), inner)
        form = _format(inner.tag) or _format(prefix)
        found.append(Found(identifier, original, form, readable=tostring(inner)))
    return found


def _format(told: str) -> str:
    """The format of a record by the namespace of what its metadata holds, or by its prefix."""
    return "oai_dc" if "oai_dc" in told else "datacite" if "datacite" in told.lower() else ""


def _slices(body: bytes, wanted: str, level: int) -> list[bytes]:
    """The bytes of each element of that name at that depth, by the parser's own count."""
    parser = expat.ParserCreate(namespace_separator=" ")
    begins: list[int] = []
    ranges: list[bytes] = []
    depth = 0

    def start(name: str, _: Any) -> None:
        nonlocal depth
        depth += 1
        if depth == level and name.rpartition(" ")[2] == wanted:
            begins.append(parser.CurrentByteIndex)

    def end(name: str) -> None:
        nonlocal depth
        if depth == level and name.rpartition(" ")[2] == wanted:
            close = body.find(b">", parser.CurrentByteIndex) + 1
            ranges.append(body[begins.pop() : close])
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(body, True)
    return ranges
