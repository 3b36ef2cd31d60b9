"""Uploads: files that arrive in parts over a network, kept until a deposit takes them.

``HOME/uploads/<organization>/<id>.part`` holds the bytes that have arrived; what of them is durable is its
size after an fsync. Once whole they go into the content store, and ``<id>.json`` keeps their digest.
Whoever uploads is never told whether the store had them already.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from madang.assets import ingest, service
from madang.assets.errors import NoSuchUpload, TooLarge, UploadBusy, UploadOffset, UploadUnfinished
from madang.assets.model import Version
from madang.assets.store import Blob, ContentStore, Manifest, open_store
from madang.kernel import clock
from madang.kernel.authorizer import Principal, Request, authorize
from madang.kernel.home import Home, full_disk_told, sync_folder, write_durably
from madang.kernel.ids import new_id

KEPT = timedelta(days=7)
_ID = re.compile(r"upl-[0-9a-z]{20}")


@dataclass(frozen=True)
class Upload:
    """An upload. offset: how many of `length` bytes are here; digest: once all are."""

    upload_id: str
    length: int
    offset: int
    expires_at: str
    digest: str | None


def create(home: Home, actor: Principal, length: int) -> Upload:
    """Begin an upload of `length` bytes; TooLarge above the setting `upload_file_bytes`."""
    with home.database.read() as session:
        owner = {"owner": actor.organization}
        authorize(session, Request(actor, "asset.deposit", "Asset", "upload", owner))
    if not 0 <= length <= home.values.upload_file_bytes:
        raise TooLarge(what="upload", limit=f"{home.values.upload_file_bytes} bytes")
    folder = _folder(home, actor)
    _sweep(folder)
    made = Upload(new_id("upl"), length, 0, clock.to_text(clock.now() + KEPT), None)
    (folder / f"{made.upload_id}.part").touch(0o600)
    _write(folder, made)
    return finish(home, actor, made.upload_id)


def see(home: Home, actor: Principal, upload_id: str) -> Upload:
    """An upload of the actor's organization; NoSuchUpload otherwise."""
    folder = _folder(home, actor)
    if not _ID.fullmatch(upload_id):
        raise NoSuchUpload(upload=upload_id)
    try:
        made = Upload(**json.loads((folder / f"{upload_id}.json").read_text("utf-8")))
        if made.expires_at < clock.to_text(clock.now()):
            raise NoSuchUpload(upload=upload_id)
        if made.digest is not None:
            return made
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
    if present.digest is not None or present.offset != offset:
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


def finish(home: Home, actor: Principal, upload_id: str) -> Upload:
    """Put an upload into the store if it is whole; returns how it stands. A process that was killed in
    between has left a whole part: whoever asks next finishes it."""
    present = see(home, actor, upload_id)
    if present.digest is not None or present.offset != present.length:
        return present
    folder = _folder(home, actor)
    try:
        with (folder / f"{upload_id}.part").open("rb") as part:
            fcntl.flock(part, fcntl.LOCK_EX)
            present = see(home, actor, upload_id)
            return present if present.digest is not None else _finished(home, folder, present, part)
    except FileNotFoundError:
        return see(home, actor, upload_id)  # another has finished it


def _finished(home: Home, folder: Path, present: Upload, part: BinaryIO) -> Upload:
    blob = open_store(home).put(part)
    made = replace(present, offset=present.length, digest=blob.digest)
    _write(folder, made)
    Path(part.name).unlink(missing_ok=True)
    return made


def discard(home: Home, actor: Principal, upload_id: str) -> None:
    """Forget an upload."""
    _remove(_folder(home, actor), see(home, actor, upload_id).upload_id)


def deposit(
    home: Home,
    actor: Principal,
    files: Sequence[tuple[str, str]],
    asset: str,
    agreement: str,
    format_name: str | None = None,
) -> Version:
    """Deposit (path, upload) pairs as the next version of the data set `asset`; see ``service.deposit``."""
    found = {upload_id: finish(home, actor, upload_id) for _, upload_id in files}
    for upload in found.values():
        if upload.digest is None:
            raise UploadUnfinished(upload=upload.upload_id, offset=upload.offset, length=upload.length)

    def gather(store: ContentStore) -> tuple[Manifest, Blob]:
        told = ((path, found[upload_id]) for path, upload_id in files)
        return ingest.store_listed(store, [(path, Blob(str(up.digest), up.length)) for path, up in told])

    version = service.deposit_gathered(home, actor, gather, asset, agreement, format_name)
    for upload_id in found:
        _remove(_folder(home, actor), upload_id)
    return version


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
