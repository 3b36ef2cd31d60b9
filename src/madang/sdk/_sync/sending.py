# Made by scripts/make_sdk.py. Change the operation (or the coroutines) and run that instead.
"""Folders up, in parts that need not be sent twice."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from madang.sdk import documents
from madang.sdk.errors import ApiError, NotFound, Unsafe
from madang.sdk.progress import AT_A_TIME, PART_BYTES, SMALL_BYTES, Progress, Told, cache
from madang.sdk.together import together

if TYPE_CHECKING:
    from madang.sdk._sync.client import Client

_Changed = tuple[int, int, int]
_MOST_FILES = 150_000
"""Files of a deposit: their list is one request."""
_PART = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}


def deposit(
    client: Client, folder: Path, asset: str, agreement: str, format_: str | None, progress: Progress
) -> documents.Version:
    """Send every file of a folder, small ones in bundles, then make a version of them."""
    files = list(_regular_files(folder))
    if len(files) > _MOST_FILES:
        what = f"{folder} holds {len(files):,} files."
        raise Unsafe(
            what, f"One deposit takes {_MOST_FILES:,}.", "Pack some together, or make several data sets."
        )
    bundles = list(_bundles(files))
    client.agreements.show(agreement)  # better refused now than after the last byte
    kept = _Kept(client.url, folder, asset)
    told = Told(progress, sum(bundle.size for bundle in bundles))
    jobs = [functools.partial(_sent, client, kept, bundle, told) for bundle in bundles]
    uploads = together(jobs, AT_A_TIME, told.stop)
    listed = [one for bundle, upload in zip(bundles, uploads, strict=True) for one in bundle.listed(upload)]
    made = client.versions.deposit(asset, agreement=agreement, files=listed, format=format_)
    kept.forget()
    return made


class _Bundle:
    """Files that are sent as one upload, as they were when they were listed: (path, file, size, changed).

    changed: what tells that a file is another: its place on the disk and the times of its last changes, of
    which a program may set one.
    """

    def __init__(self, files: Sequence[tuple[str, Path, int, _Changed]]) -> None:
        self._files = files
        self.size = sum(size for _, _, size, _ in files)
        self.name = ", ".join(str(file) for _, file, _, _ in files[:1])
        told = json.dumps([[path, size, changed] for path, _, size, changed in files])
        self.key = hashlib.sha256(told.encode()).hexdigest()

    def read(self, offset: int) -> bytes:
        """A part from `offset` on; Unsafe where a file changed meanwhile."""
        pieces, left = [], min(PART_BYTES, self.size - offset)
        for _, file, size, changed in self._files:
            if offset < size and left:
                with file.open("rb") as source:
                    source.seek(offset)
                    piece = source.read(min(left, size - offset))
                now = file.stat()
                if (now.st_size, _changed(now)) != (size, changed):
                    raise Unsafe(
                        f"{file} changed while it was sent.", "It is not what it was.", "Deposit again."
                    )
                pieces.append(piece)
                left -= len(piece)
            offset = max(0, offset - size)
        return b"".join(pieces)

    def listed(self, upload: str) -> Iterator[documents.UploadedFile]:
        """Each file, and where it is in the upload."""
        start = 0
        for path, _, size, _ in self._files:
            yield documents.UploadedFile(path=path, upload=upload, start=start, length=size)
            start += size


def _changed(now: os.stat_result) -> _Changed:
    return now.st_ino, now.st_mtime_ns, now.st_ctime_ns


def _bundles(files: Iterable[tuple[str, Path]]) -> Iterator[_Bundle]:
    """Small files together up to the size of a part, each other file alone."""
    small: list[tuple[str, Path, int, _Changed]] = []
    held = 0
    for path, file in files:
        now = file.stat()
        one = (path, file, now.st_size, _changed(now))
        if now.st_size > SMALL_BYTES:
            yield _Bundle([one])
            continue
        if held + now.st_size > PART_BYTES:
            yield _Bundle(small)
            small, held = [], 0
        small.append(one)
        held += now.st_size
    if small:
        yield _Bundle(small)


def _regular_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(path below the folder, file) in a fixed order; Unsafe for a link, device or the like."""
    if not folder.is_dir() or folder.is_symlink():
        raise FileNotFoundError(folder)
    for root, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        for name in (*folders, *sorted(names)):
            file = Path(root, name)
            if file.is_symlink() or not (file.is_dir() or file.is_file()):
                raise Unsafe(
                    f"{file} cannot be sent.", "It is a link or a device.", "Take it out, or copy the file."
                )
            if name in names:
                yield file.relative_to(folder).as_posix(), file


def _refuse(error: OSError) -> None:
    raise error


def _sent(client: Client, kept: _Kept, bundle: _Bundle, told: Told) -> str:
    """A finished upload: gone on with where one was begun, else new."""
    begun = kept.find(bundle.key)
    offset = _stands_at(client, begun) if begun else None
    if begun is None or offset is None:
        headers = {**_PART, "Upload-Length": str(bundle.size)}
        answer = client.send("POST", "/uploads", content=bundle.read(0), headers=headers)
        made = documents.Upload.model_validate_json(answer.content)
        kept.keep(bundle.key, made.upload_id)
        begun, offset = made.upload_id, made.offset
    told.add(offset)
    failed = 0
    while offset < bundle.size:
        stands = _part_sent(client, begun, bundle, offset, failed)
        failed = 0 if stands > offset else failed + 1
        told.add(stands - offset)
        offset = stands
    return begun


def _part_sent(client: Client, upload: str, bundle: _Bundle, offset: int, failed: int) -> int:
    """Send a part; returns where the upload stands: where the line broke, the server knows."""
    part = bundle.read(offset)
    where = {**_PART, "Upload-Offset": str(offset)}
    try:
        answer = client.send("PATCH", f"/uploads/{upload}", content=part, headers=where)
        return int(answer.headers["Upload-Offset"])
    except ApiError as error:
        moved = error.code in ("upload-offset", "upload-busy") or error.status in (0, 502, 503, 504)
        if not moved or failed >= client.retries:
            raise
    client.rest(failed)
    stands = _stands_at(client, upload)
    if stands is None:
        what = f"{bundle.name} was not sent."
        raise Unsafe(what, "The server has forgotten the upload.", "Deposit again.")
    return stands


def _stands_at(client: Client, upload: str) -> int | None:
    """How many bytes of an upload have arrived; None where it is gone."""
    try:
        answer = client.send("HEAD", f"/uploads/{upload}")
    except NotFound:
        return None
    return int(answer.headers["Upload-Offset"])


class _Kept:
    """Which uploads a deposit has begun, kept in the user's cache until the version is made: a line each, the
    bundle's key and the upload."""

    def __init__(self, url: str, folder: Path, asset: str) -> None:
        name = hashlib.sha256(f"{url}\n{folder.resolve()}\n{asset}".encode()).hexdigest()[:32]
        self._file = cache() / f"deposit-{name}.jsonl"
        self._begun: dict[str, str] = {}
        self._alone = Lock()
        if self._file.is_file():
            for line in self._file.read_text("utf-8").splitlines():
                key, _, upload = line.partition(" ")
                self._begun[key] = upload

    def find(self, key: str) -> str | None:
        """The upload begun for a bundle of that key."""
        return self._begun.get(key) or None

    def keep(self, key: str, upload: str) -> None:
        """Remember the upload of a bundle."""
        with self._alone:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as kept:
                kept.write(f"{key} {upload}\n")

    def forget(self) -> None:
        """The deposit is made."""
        self._file.unlink(missing_ok=True)
