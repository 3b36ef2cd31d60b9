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

ENDINGS = (".json", ".jsonld", ".xml", ".ttl", ".rdf", ".yaml", ".yml")
"""Of documents that may describe data."""


@dataclass
class _Folder:
    """name: of the folder, empty for what lies beside the folders."""

    name: str
    count: int = 0
    bytes: int = 0
    changed: str = ""
    described: bool = False
    files: list[dict[str, Any]] = field(default_factory=list)


class Listings:
    """The folders of a source as a walk meets them. place: what they are all below, as it is shown."""

    def __init__(self, place: str, told: dict[str, Any] | None = None) -> None:
        self._place = place
        self._loose = _Folder(**told["loose"]) if told else _Folder("")
        self._open = _Folder(**told["open"]) if told else self._loose
        self._ended: list[_Folder] = []

    def to_json(self) -> dict[str, Any]:
        """Where the walk stands, for another to go on with: what :meth:`__init__` takes."""
        return {"loose": asdict(self._loose), "open": asdict(self._open)}

    def file(self, path: str, size: int, changed: str) -> None:
        """There is a file: bytes, and when it was changed (W3CDTF). Hidden ones (".x") are no data."""
        folder, own = self._folder(path)
        if any(part.startswith(".") for part in path.split("/")):
            return
        folder.count += 1
        folder.bytes += size
        folder.changed = max(folder.changed, changed)
        if len(folder.files) < listing.MOST_FILES:
            folder.files.append({"name": own, "bytes": size})

    def document(self, path: str, content: bytes | None, form: str) -> None:
        """One of the files may describe data. content: None where it could not be had."""
        folder, _ = self._folder(path)
        folder.described = folder.described or content is None or bool(form) or _describes(content)

    def ended(self, everything: bool = False) -> Iterator[Found]:
        """The folders walked through since this was asked last. everything: the walk is at its end."""
        if everything:
            self._ended += [self._loose] if self._open is self._loose else [self._open, self._loose]
        for one in self._ended:
            if one.count and not one.described:
                told = {"folder": one.name or self._place, "count": one.count, "bytes": one.bytes}
                told |= {"changed": one.changed, "files": one.files}
                original = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
                yield Found(f"{one.name or '.'}/", original, listing.FORMAT)
        self._ended = []

    def _folder(self, path: str) -> tuple[_Folder, str]:
        name, inside, rest = path.partition("/")
        if not inside:
            return self._loose, path
        if self._open.name != name:
            if self._open is not self._loose and self._open.name:
                self._ended.append(self._open)
            self._open = _Folder(name)
        return self._open, rest


def _describes(content: bytes) -> bool:
    try:
        return bool(reading.recognize(content))
    except UnreadableRecord:
        return False
