"""A folder of data that nobody described, as its listing: what it is called, and which files it holds.

A JSON object of our own: `folder`, `count` and `bytes` of all its files, `changed` (of the newest, W3CDTF)
and `files`, the first of them, each with `name` and `bytes`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

from madang.assets.metadata import values, words
from madang.assets.metadata.documents import Told, object_of
from madang.assets.metadata.model import Date, Description, FileTold, Text

FORMAT = "listing"
MOST_FILES = 500
"""Files of a folder that are listed; all are counted."""

_MOST_FORMATS = 20
_LONGEST_ENDING = 12


def read(data: bytes) -> list[Told]:
    """The folder's name is its title; nobody said more of it."""
    told = object_of(data)
    files = [
        FileTold(_name(one.get("name")), size_bytes=values.whole(one.get("bytes")))
        for one in values.objects(told.get("files"))
    ]
    changed, count, size = (
        values.date(told.get("changed")),
        *map(values.whole, (told.get("count"), told.get("bytes"))),
    )
    description = Description(
        title=_title(told.get("folder")),
        dates=(Date("Updated", changed),) if changed else (),
        sizes=tuple(f"{number} {unit}" for number, unit in ((count, "files"), (size, "bytes")) if number),
        formats=_formats(files),
        files=tuple(file for file in files if file.name),
    )
    return [Told("", description)]


def _title(folder: Any) -> Text:
    """A folder's name as it is."""
    return words.text([("", folder)], short=True, as_typed=True) if isinstance(folder, str) else Text()


def _name(told: Any) -> str:
    return words.typed(told, 1000) if isinstance(told, str) else ""


def _formats(files: list[FileTold]) -> tuple[str, ...]:
    """The endings of the files, the most frequent first."""
    endings = Counter(PurePosixPath(file.name).suffix.lstrip(".").lower() for file in files)
    known = [(one, n) for one, n in endings.items() if 0 < len(one) <= _LONGEST_ENDING]
    return tuple(one for one, _ in sorted(known, key=lambda pair: (-pair[1], pair[0]))[:_MOST_FORMATS])
