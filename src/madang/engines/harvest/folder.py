"""The harvest engine ``folder``: documents that describe data, below a folder of this machine.

Only folders that the operator opened (setting ``harvest_folders``). Links are not followed. A record is known
by its path, or, where a document holds several, by what each of them says.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from madang.assets.harvest.errors import BadAnswer
from madang.assets.harvest.port import Found, Page, Walk
from madang.assets.metadata.reading import LARGEST
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message

ENGINE = Engine("folder", "harvest", "madang.engines.harvest.folder:Folder")

ENDINGS = (".json", ".jsonld", ".xml", ".ttl", ".rdf", ".yaml", ".yml")
_PART, _PART_BYTES = 200, 16 * 2**20


class Folder:
    """See the module's docstring."""

    options: Mapping[str, str] = {"format": "harvest.option.format"}

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """An opened folder of this machine."""
        place = Path(url).resolve()
        if any(place.is_relative_to(folder) for folder in folders):
            return None
        opened = ", ".join(str(folder) for folder in folders) or "-"
        return Message("catalogue.folder-closed", folder=url, open=opened)

    def pages(self, walk: Walk) -> Iterator[Page]:
        """Two hundred documents a part, by path. Begins anew where it was cut off: it is all here."""
        reason = self.check(walk.url, walk.options, walk.folders)
        root = Path(walk.url).resolve()
        if reason is None and not root.is_dir():
            reason = Message("harvest.no-folder")
        if reason is not None:  # every member may read what is told of a harvest: no path stands in it
            raise BadAnswer(url=root.name, reason=reason)
        found: list[Found] = []
        failed: list[tuple[str, Message]] = []
        hidden: list[OSError] = []
        size = 0
        for path in _documents(root, hidden):
            name = path.relative_to(root).as_posix()
            try:
                found.append(Found(name, _read(path), walk.options.get("format", "")))
                size += len(found[-1].original)
            except OSError as error:
                failed.append((name, _told(error)))
            if len(found) + len(failed) >= _PART or size >= _PART_BYTES:
                yield Page(found, failed=failed)
                found, failed, size = [], [], 0
        failed += [(os.path.relpath(str(error.filename or root), root), _told(error)) for error in hidden]
        yield Page(found, failed=failed)


def _told(error: OSError) -> Message:
    return Message("harvest.unreadable-file", detail=os.strerror(error.errno or 0))


def _documents(root: Path, hidden: list[OSError]) -> Iterator[Path]:
    """The documents below a folder; `hidden` gets what could not be looked into."""
    for folder, folders, names in os.walk(root, followlinks=False, onerror=hidden.append):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(ENDINGS))


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(22, "not a file")
        return file.read(LARGEST + 1)
