"""The harvest engine ``folder``: what lies below a folder of this machine.

Documents that describe data are records, each known by its path or, where one holds several, by what each of
them says. A folder of data without one is a record by its listing (listings.py). Only folders that the
operator opened (setting ``harvest_folders``); links are not followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from madang.assets.harvest.errors import FolderMissing
from madang.assets.harvest.port import Found, Page, Walk, unknown_format
from madang.assets.metadata.reading import LARGEST
from madang.engines.harvest.listings import ENDINGS, Listings
from madang.kernel import clock
from madang.kernel.extension import Engine
from madang.kernel.i18n import Message

ENGINE = Engine("folder", "harvest", "madang.engines.harvest.folder:Folder")

_PART, _PART_BYTES = 200, 16 * 2**20


class Folder:
    """See the module's docstring."""

    options: Mapping[str, str] = {"format": "harvest.option.format"}

    def check(self, url: str, options: Mapping[str, str], folders: Sequence[Path]) -> Message | None:
        """An opened folder of this machine, by its whole path: who harvests it may stand elsewhere."""
        if (reason := unknown_format(options)) is not None:
            return reason
        if not Path(url).is_absolute():
            return Message("catalogue.folder-relative", folder=url)
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
            raise FolderMissing(folder=root.name, reason=reason)
        part, hidden = _Part(root, walk.options.get("format", "")), list[OSError]()
        for path in _files(root, hidden):
            part.take(path)
            if part.full:
                yield part.page()
        yield part.page(hidden)


class _Part:
    """What is collected for the next part."""

    def __init__(self, root: Path, form: str) -> None:
        self._root, self._form = root, form
        self._listings = Listings(_text(Path(root.name)))
        self._begin()

    def _begin(self) -> None:
        self._found: list[Found] = []
        self._failed: list[tuple[str, Message]] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether it is time to hand it over."""
        return len(self._found) + len(self._failed) >= _PART or self._bytes >= _PART_BYTES

    def take(self, path: Path) -> None:
        """A file: a document, or what is only listed."""
        name = _text(path.relative_to(self._root))
        may_describe = name.lower().endswith(ENDINGS)
        content = None
        try:
            told = path.lstat()
            if stat.S_ISREG(told.st_mode):
                self._listings.file(name, told.st_size, _when(told.st_mtime))
            if may_describe:
                content = _read(path)
                self._add(Found(name, content, self._form))
        except OSError as error:
            self._failed.append((name, _told(error)))
        if may_describe:
            self._listings.document(name, content, self._form)
        for one in self._listings.ended():
            self._add(one)

    def _add(self, one: Found) -> None:
        self._found.append(one)
        self._bytes += len(one.original)

    def page(self, hidden: Sequence[OSError] | None = None) -> Page:
        """Hand over. hidden: what could not be looked into; given at the end of all."""
        for one in self._listings.ended(hidden is not None):
            self._add(one)
        for error in hidden or ():
            where = os.path.relpath(str(error.filename or self._root), self._root)
            self._failed.append((_text(Path(where)), _told(error)))
        made = Page(self._found, failed=self._failed)
        self._begin()
        return made


def _text(path: Path) -> str:
    """A path as text."""
    return "/".join(map(_name, path.parts))


def _name(part: str) -> str:
    """A name as text: in UTF-8, else in CP949 as older systems here wrote it."""
    raw = os.fsencode(part)
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


def _when(seconds: float) -> str:
    """A file's time; empty where it is none of this era."""
    try:
        return clock.to_text(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return ""


def _told(error: OSError) -> Message:
    return Message("harvest.unreadable-file", detail=os.strerror(error.errno or 0))


def _files(root: Path, hidden: list[OSError]) -> Iterator[Path]:
    """The files below a folder; `hidden` gets what could not be looked into."""
    for folder, folders, names in os.walk(root, followlinks=False, onerror=hidden.append):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(22, "not a file")
        return file.read(LARGEST + 1)
