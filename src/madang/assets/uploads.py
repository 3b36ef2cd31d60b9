"""Uploads: files that arrive in parts over a network, kept until a deposit takes them.

``HOME/uploads/<organization>/<id>.part`` holds the bytes that have arrived; what of them is durable is its
size after an fsync. An upload may be a bundle: many small files, one behind the other, each of which a
deposit names by where it begins and how long it is.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from madang.assets import ingest, service
from madang.assets.content.drafts import Source
from madang.assets.content.model import Stored
from madang.assets.errors import (
    NoSuchUpload,
    OutsideUpload,
    PartsOverlap,
    TooLarge,
    UploadBusy,
    UploadOffset,
    UploadUnfinished,
)
from madang.assets.model import Version
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.home import Home, full_disk_told, sync_folder, write_durably
from madang.kernel.ids import new_id

KEPT = timedelta(days=7)
_ID = re.compile(r"upl-[0-9a-z]{20}")


@dataclass(frozen=True)
class Upload:
    """An upload. offset: how many of `length` bytes are here."""

    upload_id: str
    length: int
    offset: int
    expires_at: str

    @property
    def whole(self) -> bool:
        """Whether all bytes are here."""
        return self.offset == self.length


def create(home: Home, actor: Principal, length: int) -> Upload:
    """Begin an upload of `length` bytes; TooLarge above the setting `upload_file_bytes`."""
    with home.database.read() as session:
        owner = {"owner": actor.organization}
        authorize(session, Request(actor, "asset.deposit", "Asset", "upload", owner))
    if not 0 <= length <= home.values.upload_file_bytes:
        raise TooLarge(what="upload", limit=f"{home.values.upload_file_bytes} bytes")
    folder = _folder(home, actor)
    _sweep(folder)
    made = Upload(new_id("upl"), length, 0, clock.to_text(clock.now() + KEPT))
    (folder / f"{made.upload_id}.part").touch(0o600)
    _write(folder, made)
    return made


def see(home: Home, actor: Principal, upload_id: str) -> Upload:
    """An upload of the actor's organization; NoSuchUpload otherwise."""
    folder = _folder(home, actor)
    if not _ID.fullmatch(upload_id):
        raise NoSuchUpload(upload=upload_id)
    try:
        made = Upload(**json.loads((folder / f"{upload_id}.json").read_text("utf-8")))
        if made.expires_at < clock.to_text(clock.now()):
            raise NoSuchUpload(upload=upload_id)
        return replace(made, offset=(folder / f"{upload_id}.part").stat().st_size)
    except FileNotFoundError as error:
        raise NoSuchUpload(upload=upload_id) from error


class Writer:
    """Appends to an upload."""

    def __init__(self, upload: Upload, file: BinaryIO) -> None:
        self._file = file
        self._left = upload.length - upload.offset

    def write(self, chunk: bytes) -> None:
        """Append a chunk; TooLarge, writing none of it, beyond the length that was announced."""
        if len(chunk) > self._left:
            raise TooLarge(what="upload", limit="the length it was announced with")
        view = memoryview(chunk)
        with full_disk_told(Path(self._file.name)):
            while view:
                view = view[self._file.write(view) :]
        self._left -= len(chunk)


@contextmanager
def appending(home: Home, actor: Principal, upload_id: str, offset: int) -> Iterator[Writer]:
    """Append to an upload from `offset` on. What was written before an error or a broken line stays.

    Raises UploadOffset where `offset` is not where the upload stands, UploadBusy where another writes.
    """
    folder = _folder(home, actor)
    present = see(home, actor, upload_id)
    if present.whole or present.offset != offset:
        raise UploadOffset(upload=upload_id, given=offset, offset=present.offset)
    with (folder / f"{upload_id}.part").open("r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UploadBusy(upload=upload_id) from error
        here = file.seek(0, os.SEEK_END)
        if here != offset:
            raise UploadOffset(upload=upload_id, given=offset, offset=here)
        try:
            yield Writer(present, file)
        finally:
            with full_disk_told(Path(file.name)):
                os.fsync(file.fileno())


def discard(home: Home, actor: Principal, upload_id: str) -> None:
    """Forget an upload."""
    _remove(_folder(home, actor), see(home, actor, upload_id).upload_id)


@dataclass(frozen=True)
class Part:
    """A file of a deposit: its path, and the upload that holds its bytes, from `start` on; length: its size,
    or None for all the rest."""

    path: str
    upload: str
    start: int = 0
    length: int | None = None

    def size(self, held: int) -> int:
        """Its bytes, of an upload that holds so many."""
        return held - self.start if self.length is None else self.length


def deposit(
    home: Home,
    actor: Principal,
    files: Sequence[Part],
    asset: str,
    agreement: str,
    format_name: str | None = None,
) -> Version:
    """Deposit uploaded files as the next version of the data set `asset`; see ``service.deposit``.

    Raises NoSuchUpload, UploadUnfinished, and OutsideUpload where a file would reach beyond its upload.
    """
    found = {upload_id: see(home, actor, upload_id) for upload_id in {one.upload for one in files}}
    for upload in found.values():
        if not upload.whole:
            raise UploadUnfinished(upload=upload.upload_id, offset=upload.offset, length=upload.length)
    folder = _folder(home, actor)
    for one in files:
        _require_within(one, found[one.upload].length)
    _require_apart(files, found)

    def gather(journal: Path) -> Stored:
        paths = [one.path for one in files]
        return ingest.store_listed(home, paths, _sources(folder, files, found), journal=journal)

    version = service.deposit_gathered(home, actor, gather, asset, agreement, format_name)
    for upload_id in found:
        _remove(folder, upload_id)
    return version


def _require_within(one: Part, held: int) -> None:
    length = one.size(held)
    if one.start < 0 or length < 0 or one.start + length > held:
        raise OutsideUpload(path=one.path, upload=one.upload, length=held)


def _require_apart(files: Sequence[Part], found: Mapping[str, Upload]) -> None:
    """No byte of an upload is in two files: a deposit is never larger than what was sent for it."""
    ends: dict[str, int] = {}
    for one in sorted(files, key=lambda one: (one.upload, one.start)):
        length = one.size(found[one.upload].length)
        if length and one.start < ends.get(one.upload, 0):
            raise PartsOverlap(path=one.path, upload=one.upload)
        ends[one.upload] = max(ends.get(one.upload, 0), one.start + length)


def _sources(folder: Path, files: Sequence[Part], found: Mapping[str, Upload]) -> Iterator[Source]:
    """The files, each of an upload that is open until one of another is asked for."""
    for upload_id, parts in groupby(files, key=lambda one: one.upload):
        try:
            file = os.open(folder / f"{upload_id}.part", os.O_RDONLY)
        except FileNotFoundError as error:
            raise NoSuchUpload(upload=upload_id) from error
        try:
            for one in parts:
                length = one.size(found[upload_id].length)
                yield Source(one.path, length, (upload_id, one.start, length), file, one.start, False)
        finally:
            os.close(file)


def _folder(home: Home, actor: Principal) -> Path:
    folder = home.path / "uploads" / (actor.organization or "-")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write(folder: Path, upload: Upload) -> None:
    write_durably(folder / f"{upload.upload_id}.json", json.dumps(vars(upload)).encode(), 0o600)


def _remove(folder: Path, upload_id: str) -> None:
    for ending in ("part", "json"):
        (folder / f"{upload_id}.{ending}").unlink(missing_ok=True)
    sync_folder(folder)


def _sweep(folder: Path) -> None:
    """Forget every organization's uploads that nobody finished in time, and what a killed process left of
    one; looked for once an hour."""
    mark = folder.parent / "swept"
    now = clock.now().timestamp()
    if mark.exists() and now - mark.stat().st_mtime < 3600:
        return
    mark.touch()
    os.utime(mark, (now, now))
    for file in folder.parent.glob("*/*upl-*"):
        if file.stat().st_mtime < now - KEPT.total_seconds():
            file.unlink(missing_ok=True)
