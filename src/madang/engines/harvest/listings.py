"""What nobody described: a folder's own listing stands in for its description.

Data lie in folders directly below a source; what lies beside these folders counts as one more. A folder that
holds a document that describes data says itself what it holds. Of any other the listing is taken: the names,
sizes and times of its files. Paths come in order, a folder's all together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from madang.assets.harvest.port import Found
from madang.assets.metadata import listing, reading
from madang.assets.metadata.errors import UnreadableRecord
from madang.kernel.i18n import Message

ENDINGS = (".json", ".jsonld", ".xml", ".ttl", ".rdf", ".yaml", ".yml")
"""Of documents that may describe data."""

_MOST_NAMES_BYTES = 2**16
"""Of a folder's listing, which stands in the place of a walk too."""
_MOST_BYTES = 2**53 - 1
_LOOKED_INTO = 2**20
"""A document up to this size is read to see whether it describes data; a larger one is known by its signs."""


@dataclass
class _Folder:
    """name: of the folder, empty for what lies beside the folders. torn: a description in it cannot be read.
    data: files that describe nothing."""

    name: str
    count: int = 0
    bytes: int = 0
    changed: str = ""
    described: bool = False
    torn: bool = False
    data: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)
    names_bytes: int = 0

    def add(self, name: str, size: int, changed: str) -> None:
        self.count += 1
        self.data += not name.lower().endswith(ENDINGS)
        self.bytes = min(self.bytes + size, _MOST_BYTES)
        self.changed = max(self.changed, changed)
        self.names_bytes += len(name.encode("utf-8", "replace"))
        if len(self.files) < listing.MOST_FILES and self.names_bytes <= _MOST_NAMES_BYTES:
            self.files.append({"name": name, "bytes": min(size, _MOST_BYTES)})

    def found(self, place: str) -> Found | None:
        """The folder as a record; None where there is nothing to tell, or somebody told."""
        if self.described or not self.count or (self.torn and not self.data):
            return None
        told = {"folder": self.name or place, "count": self.count, "bytes": self.bytes}
        told |= {"changed": self.changed, "files": self.files}
        original = json.dumps(told, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        return Found(f"{self.name or '.'}/", original, listing.FORMAT)


class Listings:
    """The folders of a source as a walk meets them. place: what they are all below, as it is shown."""

    def __init__(self, place: str, told: dict[str, Any] | None = None) -> None:
        self._place = place
        self._loose = _Folder(**told["loose"]) if told else _Folder("")
        self._open = _Folder(**told["open"]) if told and told["open"] else None
        self._ended: list[Found] = []

    def to_json(self) -> dict[str, Any]:
        """Where the walk stands, for another to go on with: what :meth:`__init__` takes."""
        return {"loose": asdict(self._loose), "open": asdict(self._open) if self._open else None}

    def file(self, path: str, size: int, changed: str) -> None:
        """There is a file: bytes, and when it was changed (W3CDTF). Hidden ones (".x") are no data."""
        folder, own = self._folder(path)
        if not _hidden(path):
            folder.add(own, size, changed)

    def document(self, path: str, content: bytes | None, form: str) -> None:
        """One of the files may describe data. content: None where it could not be had."""
        folder, _ = self._folder(path)
        if folder.described or _hidden(path):
            return
        try:
            folder.described = content is None or _describes(content, form)
        except UnreadableRecord as error:
            reason = error.facts["reason"]
            folder.torn |= isinstance(reason, Message) and reason.message == "metadata.malformed"

    def ended(self, everything: bool = False) -> Iterator[Found]:
        """The folders walked through since this was asked last. everything: the walk is at its end."""
        if everything:
            self._end(self._open)
            self._end(self._loose)
        yield from self._ended
        self._ended = []

    def _end(self, folder: _Folder | None) -> None:
        found = folder.found(self._place) if folder else None
        if found:
            self._ended.append(found)

    def _folder(self, path: str) -> tuple[_Folder, str]:
        name, inside, rest = path.partition("/")
        if not (name and inside):
            return self._loose, path
        if self._open is None or self._open.name != name:
            self._end(self._open)
            self._open = _Folder(name)
        return self._open, rest


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _describes(content: bytes, form: str) -> bool:
    """Whether a document holds a description with a title; UnreadableRecord."""
    if len(content) > _LOOKED_INTO:
        return bool(form or reading.recognize(content))
    return any(one.description.title for one in reading.told_in(content, form))
